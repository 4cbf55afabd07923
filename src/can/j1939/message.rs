//! Messages that are sent and received, and the error queue.
//!
//! # Safety
//! The frames of these functions hold plain data only: a thread that waits may be cancelled. What a message's parts point to is
//! the program's, and copied by the kernel's or the host's help.

use crate::kernel;
use crate::pair::message::{Control, take_error};
use crate::pair::{self, Wait};
use core::ffi::c_int;
use core::slice;
use libc::{iovec, msghdr, ssize_t};
use sockshim_can_bus::pair::{DONTWAIT, HEAD, MOST, Op, ReportHead, Request};
use sockshim_can_proto::j1939::Sock;
use sockshim_can_proto::j1939::uapi::{SCM_J1939_ERRQUEUE, SOL_CAN_J1939};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// The data of the error queue has at most so many bytes.
const ATTRIBUTES: usize = 64;
/// `SCM_TIMESTAMPING_OPT_STATS`.
const SCM_TIMESTAMPING_OPT_STATS: c_int = 54;

/// `j1939_sk_sendmsg`. What is longer than a message of the pair goes in pieces.
pub unsafe extern "C-unwind" fn send(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    let errno = take_error(sock);
    if errno != 0 {
        return -(errno as ssize_t);
    }
    let waits = flags & libc::MSG_DONTWAIT == 0 && !sys::is_nonblocking(sock.fd);
    let mut request = Request { flags: if waits { 0 } else { DONTWAIT }, ..Request::new(Op::Send) };
    if !msg.msg_name.is_null() {
        // SAFETY: the host has copied as many bytes.
        let name = unsafe { slice::from_raw_parts(msg.msg_name.cast::<u8>(), msg.msg_namelen as usize) };
        // An address of no length is one, and too short.
        request = request.to(if name.is_empty() { &[0] } else { name });
    }
    let mut done = 0;
    loop {
        request.size = (len - done) as u64;
        let mut head = request.bytes();
        // SAFETY: the host leaves an element before the first one.
        let ret = unsafe { send_piece(sock, msg, &mut head) };
        if ret < 0 {
            return if done > 0 { done as ssize_t } else { ret };
        }
        done += ret as usize;
        if done >= len || ret == 0 {
            return done as ssize_t;
        }
        // SAFETY: so much of the parts has gone.
        unsafe { skip(msg, ret as usize) };
    }
}

/// Sends as much of the parts as goes in one piece; how much was taken.
///
/// # Safety
/// There is an element before the first part.
unsafe fn send_piece(sock: &Socket, msg: &msghdr, head: &mut [u8; HEAD]) -> ssize_t {
    // SAFETY: the caller's promise.
    let parts = unsafe {
        let first = msg.msg_iov.sub(1);
        first.write(iovec { iov_base: head.as_mut_ptr().cast(), iov_len: HEAD });
        slice::from_raw_parts_mut(first, msg.msg_iovlen + 1)
    };
    let mut left = MOST;
    let mut count = 1;
    while count < parts.len() && parts[count].iov_len <= left {
        left -= parts[count].iov_len;
        count += 1;
    }
    let none = pair::part(&mut []);
    if count == parts.len() {
        return pair::exchange(sock.fd, parts, 0, none, Wait::Long);
    }
    // The part in which the piece ends is cut for this call.
    let whole = parts[count].iov_len;
    parts[count].iov_len = left;
    let ret = pair::exchange(sock.fd, &mut parts[..=count], 0, none, Wait::Long);
    parts[count].iov_len = whole;
    ret
}

/// Leaves out the first bytes of the parts.
///
/// # Safety
/// There are as many.
unsafe fn skip(msg: &mut msghdr, mut len: usize) {
    while msg.msg_iovlen > 0 {
        // SAFETY: one of the parts that the host has copied.
        let part = unsafe { &mut *msg.msg_iov };
        if part.iov_len > len {
            part.iov_base = part.iov_base.wrapping_byte_add(len);
            part.iov_len -= len;
            return;
        }
        len -= part.iov_len;
        // SAFETY: the caller's promise.
        msg.msg_iov = unsafe { msg.msg_iov.add(1) };
        msg.msg_iovlen -= 1;
    }
}

pub unsafe extern "C-unwind" fn receive(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    let _ = len;
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    if let Err(errno) = Sock::check_recv(flags) {
        return -(errno as ssize_t);
    }
    if flags & libc::MSG_ERRQUEUE != 0 {
        return receive_report(sock, msg);
    }
    // SAFETY: the same.
    unsafe { pair::message::receive(sock, msg, flags) }
}

/// `sock_recv_errqueue`.
fn receive_report(sock: &Socket, msg: &mut msghdr) -> ssize_t {
    let mut bytes = [0u8; ReportHead::LEN + ATTRIBUTES];
    let ret = pair::ask(sock, &Request::new(Op::Errqueue), &[], &mut bytes);
    if ret < 0 {
        return ret;
    }
    let Some((head, data)) = bytes.split_first_chunk() else { return -(libc::EAGAIN as ssize_t) };
    let head = ReportHead::of_bytes(head);
    let data = &data[..(ret as usize).min(ATTRIBUTES)];
    let copied = match scatter(msg, data) {
        Ok(copied) => copied,
        Err(errno) => return -(errno as ssize_t),
    };
    msg.msg_flags = libc::MSG_ERRQUEUE | if copied < data.len() { libc::MSG_TRUNC } else { 0 };
    msg.msg_namelen = 0;
    let mut control = Control::new(msg, 0);
    if head.stamp != 0 {
        // `struct scm_timestamping`: the first of three is that of software.
        let mut stamps = [0; 48];
        stamps[..8].copy_from_slice(&(head.stamp / 1_000_000_000).to_ne_bytes());
        stamps[8..16].copy_from_slice(&(head.stamp % 1_000_000_000).to_ne_bytes());
        control.put(libc::SOL_SOCKET, libc::SCM_TIMESTAMPING, &stamps);
        control.put(libc::SOL_SOCKET, SCM_TIMESTAMPING_OPT_STATS, data);
    }
    control.put(SOL_CAN_J1939, SCM_J1939_ERRQUEUE, &head.error);
    control.end();
    copied as ssize_t
}

/// `memcpy_to_msg`; how much there was room for.
fn scatter(msg: &msghdr, data: &[u8]) -> Result<usize, c_int> {
    let mut at = 0usize;
    for index in 0..msg.msg_iovlen {
        // SAFETY: the host has copied the parts.
        let part = unsafe { &*msg.msg_iov.add(index) };
        let end = data.len().min(at.saturating_add(part.iov_len));
        kernel::copy_to_user(part.iov_base.cast(), &data[at..end])?;
        at = end;
    }
    Ok(at)
}
