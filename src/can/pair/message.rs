//! What the program receives: the engine's messages without their heads, and its errors.
//!
//! # Safety
//! The frames of these functions hold plain data only: a thread that waits may be cancelled. What a message's parts point to is
//! the program's, and copied by the host's help.

use super::{Wait, exchange, gone, pair_sk};
use crate::kernel;
use core::ffi::{c_int, c_long};
use core::mem::zeroed;
use core::sync::atomic::Ordering;
use libc::{iovec, msghdr, ssize_t};
use sockshim_can_bus::pair::{DEST_ADDR, DEST_NAME, HEAD, MOST, Message, Op, PRIO, Request};
use sockshim_can_proto::j1939::uapi::{
    SCM_J1939_DEST_ADDR, SCM_J1939_DEST_NAME, SCM_J1939_PRIO, SOL_CAN_J1939,
};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// What the descriptor may see of the program's flags.
const FLAGS: c_int =
    libc::MSG_DONTWAIT | libc::MSG_PEEK | libc::MSG_TRUNC | libc::MSG_WAITALL | libc::MSG_CMSG_CLOEXEC;

/// The length of what was received, with MSG_TRUNC that of the whole message; or -errno.
///
/// # Safety
/// `msg` is what the host has passed: there is room for a part before the first one, and for any address.
pub unsafe fn receive(sock: &Socket, msg: &mut msghdr, flags: c_int) -> ssize_t {
    let mut head = [0u8; HEAD];
    let mut into = *msg;
    (into.msg_name, into.msg_namelen) = (core::ptr::null_mut(), 0);
    // SAFETY: the caller's promise.
    unsafe {
        into.msg_iov = msg.msg_iov.sub(1);
        into.msg_iov.write(iovec { iov_base: head.as_mut_ptr().cast(), iov_len: HEAD });
    }
    into.msg_iovlen = msg.msg_iovlen + 1;
    // SAFETY: a whole message; the kernel checks the program's memory.
    let ret = unsafe { kernel::recvmsg(sock.fd, &mut into, flags & FLAGS) };
    if ret < 0 {
        return gone(ret);
    }
    if ret < HEAD as ssize_t {
        return -(libc::ENETDOWN as ssize_t);
    }
    let head = Message::of_bytes(&head);
    if head.errno != 0 {
        if flags & libc::MSG_PEEK != 0 {
            take_error(sock);
        }
        return -(head.errno as ssize_t);
    }
    msg.msg_flags = into.msg_flags | head.msg_flags;
    pair_sk(sock).stamp.store(head.stamp, Ordering::Relaxed);
    let used = msg.msg_controllen.min(into.msg_controllen);
    append(msg, used, &head);
    if !msg.msg_name.is_null() {
        // SAFETY: room for any address.
        unsafe { msg.msg_name.cast::<u8>().copy_from(head.name.as_ptr(), head.name_len) };
        msg.msg_namelen = head.name_len as u32;
    }
    if head.far.1 != 0 { fetch(sock, msg, head.far) } else { ret - HEAD as ssize_t }
}

/// Gets a message that is too long to come in one piece, as far as there is room for it.
fn fetch(sock: &Socket, msg: &mut msghdr, (number, len): (u32, u32)) -> ssize_t {
    // SAFETY: the host has copied the parts.
    let parts = unsafe { core::slice::from_raw_parts(msg.msg_iov, msg.msg_iovlen) };
    let (mut at, len) = (0, len as usize);
    let ask = |at: usize, piece: iovec| {
        let (size, b) = (at as u64, piece.iov_len as c_int);
        let mut request = Request { a: number as c_int, b, size, ..Request::new(Op::Fetch) }.bytes();
        exchange(sock.fd, &mut [super::part(&mut request)], 0, piece, Wait::Short)
    };
    for part in parts {
        let mut filled = 0;
        while filled < part.iov_len && at < len {
            let piece = iovec {
                iov_base: part.iov_base.wrapping_byte_add(filled),
                iov_len: (part.iov_len - filled).min(len - at).min(MOST),
            };
            match ask(at, piece) {
                ret if ret <= 0 => return if ret < 0 { ret } else { -(libc::ENETDOWN as ssize_t) },
                ret => (at, filled) = (at + ret as usize, filled + ret as usize),
            }
        }
    }
    ask(at, iovec { iov_base: core::ptr::null_mut(), iov_len: 0 });
    if at < len {
        msg.msg_flags |= libc::MSG_TRUNC;
    }
    at as ssize_t
}

/// J1939's control messages, behind those of the kernel.
fn append(msg: &mut msghdr, used: usize, head: &Message) {
    let mut control = Control::new(msg, used);
    let level = SOL_CAN_J1939;
    if head.cmsgs & DEST_ADDR != 0 {
        control.put(level, SCM_J1939_DEST_ADDR, &[head.dest_addr]);
    }
    if head.cmsgs & DEST_NAME != 0 {
        control.put(level, SCM_J1939_DEST_NAME, &head.dest_name.to_ne_bytes());
    }
    if head.cmsgs & PRIO != 0 {
        control.put(level, SCM_J1939_PRIO, &[head.prio]);
    }
    control.end();
}

/// The program's buffer for control messages.
pub struct Control<'a> {
    msg: &'a mut msghdr,
    at: usize,
}

impl<'a> Control<'a> {
    /// A buffer of which so much is used.
    pub fn new(msg: &'a mut msghdr, used: usize) -> Control<'a> {
        Control { msg, at: used }
    }

    /// `put_cmsg`, of at most 64 bytes.
    pub fn put(&mut self, level: c_int, ty: c_int, data: &[u8]) {
        const HDR: usize = size_of::<libc::cmsghdr>();
        let (len, room) = (HDR + data.len(), self.msg.msg_controllen);
        if self.msg.msg_control.is_null() || room.saturating_sub(self.at) < len {
            self.msg.msg_flags |= libc::MSG_CTRUNC;
            return;
        }
        let mut bytes = [0u8; HDR + 64];
        bytes[..8].copy_from_slice(&len.to_ne_bytes());
        bytes[8..12].copy_from_slice(&level.to_ne_bytes());
        bytes[12..16].copy_from_slice(&ty.to_ne_bytes());
        bytes[HDR..len].copy_from_slice(data);
        let to = self.msg.msg_control.cast::<u8>().wrapping_add(self.at);
        if kernel::copy_to_user(to, &bytes[..len]).is_ok() {
            self.at = room.min(self.at + len.next_multiple_of(8));
        }
    }

    /// That was all.
    pub fn end(self) {
        self.msg.msg_controllen = self.at;
    }
}

/// Takes the next message away if it is an error: which one, or 0.
pub fn take_error(sock: &Socket) -> c_int {
    let mut bytes = [0u8; HEAD];
    let mut next = |flags: c_int| {
        let mut part = super::part(&mut bytes);
        // SAFETY: all zeros are an empty message.
        let mut msg: msghdr = unsafe { zeroed() };
        (msg.msg_iov, msg.msg_iovlen) = (&raw mut part, 1);
        let flags = flags | libc::MSG_DONTWAIT;
        let args = [sock.fd.into(), &raw mut msg as c_long, flags.into(), 0, 0, 0];
        // SAFETY: a whole message.
        let ret = unsafe { sys::syscall(libc::SYS_recvmsg, args) };
        if ret >= HEAD as c_long { Message::of_bytes(&bytes).errno } else { 0 }
    };
    if next(libc::MSG_PEEK) == 0 { 0 } else { next(0) }
}
