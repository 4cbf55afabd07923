//! Frames that are sent and received.
//!
//! # Safety
//! The frames of these functions hold plain data only: a thread that waits may be cancelled. What a message's parts point to is
//! the program's, and copied by the host's help.

use super::{Address, RAW_MIN_NAMELEN, drops, errqueue, ifindex_of, raw_sk};
use crate::caught::caught_part;
use crate::{device, kernel};
use core::ffi::c_int;
use core::sync::atomic::Ordering;
use libc::{iovec, msghdr, ssize_t};
use sockshim_can_bus::wire::{FD, HEADER, Header, NOTICE, XL};
use sockshim_can_proto::frame::{CANFD_FDF, CANXL_MAX_MTU};
use sockshim_can_proto::raw::is_size;
use sockshim_module::Socket;

const SEND_FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
/// MSG_TRUNC is not one of them: raw sockets answer what they have copied.
const RECEIVE_FLAGS: c_int =
    libc::MSG_DONTWAIT | libc::MSG_PEEK | libc::MSG_WAITALL | libc::MSG_CMSG_CLOEXEC | libc::MSG_NOSIGNAL;

/// A datagram: the header and the frame.
struct Datagram([u8; HEADER + CANXL_MAX_MTU]);

pub unsafe extern "C-unwind" fn send(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    let mut datagram = Datagram([0; HEADER + CANXL_MAX_MTU]);
    match caught_part(|| prepare(sock, msg, len, &mut datagram)) {
        Ok(true) => {}
        // On an interface without hardware nobody else is there to get it.
        Ok(false) => return len as ssize_t,
        Err(errno) => return -(errno as ssize_t),
    }
    let Some(bus) = device::bus() else { return -(libc::ENXIO as ssize_t) };
    let mut to = bus.address();
    let mut part = iovec { iov_base: datagram.0.as_mut_ptr().cast(), iov_len: HEADER + len };
    msg.msg_name = (&raw mut to).cast();
    msg.msg_namelen = size_of_val(&to) as u32;
    msg.msg_iov = &raw mut part;
    msg.msg_iovlen = 1;
    // SAFETY: a whole message; the kernel checks the program's control messages.
    match unsafe { kernel::sendmsg(sock.fd, msg, flags & SEND_FLAGS) } {
        ret if ret < 0 => ret,
        _ => len as ssize_t,
    }
}

/// `raw_sendmsg` up to `can_send`: makes the datagram. Whether anybody is to get it.
fn prepare(sock: &Socket, msg: &msghdr, len: usize, datagram: &mut Datagram) -> Result<bool, c_int> {
    if !is_size(len) {
        return Err(libc::EINVAL);
    }
    let sk = raw_sk(sock);
    let ifindex = if msg.msg_name.is_null() {
        sk.ifindex.load(Ordering::Relaxed)
    } else {
        // SAFETY: the host has copied as many bytes.
        unsafe { ifindex_of(msg.msg_name.cast(), msg.msg_namelen as usize) }?
    };
    let bus = device::bus().ok_or(libc::ENXIO)?;
    let Some(interface) = bus.by_index(ifindex) else {
        // An interface of the kernel's, which takes no frames.
        return Err(if device::is_real(ifindex) { libc::EPERM } else { libc::ENXIO });
    };
    let frame = &mut datagram.0[HEADER..HEADER + len];
    gather(msg, frame)?;
    let mut sent = sk.kinds().check(frame, interface.mtu)?;
    if !interface.up {
        return Err(libc::ENETDOWN);
    }
    if sent.fd {
        frame[5] |= CANFD_FDF;
    }
    if sent.xl {
        sent.id = sk.vcid().sent(sent.id);
        frame[..4].copy_from_slice(&sent.id.to_ne_bytes());
    }
    let kind = if sent.fd { FD } else { 0 } | if sent.xl { XL } else { 0 };
    let header = Header { token: bus.token(), sender: sock.cookie, ifindex, id: sent.id, kind };
    datagram.0[..HEADER].copy_from_slice(&header.bytes());
    Ok(sk.loops_back())
}

/// `memcpy_from_msg`.
fn gather(msg: &msghdr, frame: &mut [u8]) -> Result<(), c_int> {
    let mut at = 0;
    for index in 0..msg.msg_iovlen {
        // SAFETY: the host has copied the parts.
        let part = unsafe { &*msg.msg_iov.add(index) };
        let end = (at + part.iov_len).min(frame.len());
        kernel::copy_from_user(&mut frame[at..end], part.iov_base.cast())?;
        at = end;
    }
    Ok(())
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
    if flags & libc::MSG_ERRQUEUE != 0 {
        // SAFETY: what the header promises.
        return unsafe { errqueue::receive(sock, msg, flags & (RECEIVE_FLAGS | libc::MSG_ERRQUEUE)) };
    }
    let errno = raw_sk(sock).take_error();
    if errno != 0 {
        return -(errno as ssize_t);
    }
    let counts_drops = raw_sk(sock).drops.is_wanted();
    if counts_drops {
        drops::look(sock);
    }
    let mut header = [0u8; HEADER];
    let (parts, count, control, room) = (msg.msg_iov, msg.msg_iovlen, msg.msg_control, msg.msg_controllen);
    loop {
        let mut into = *msg;
        (into.msg_name, into.msg_namelen) = (core::ptr::null_mut(), 0);
        (into.msg_control, into.msg_controllen) = (control, room);
        // SAFETY: the host leaves an element before the first one.
        into.msg_iov = unsafe { parts.sub(1) };
        into.msg_iovlen = count + 1;
        // SAFETY: the same.
        unsafe { into.msg_iov.write(iovec { iov_base: header.as_mut_ptr().cast(), iov_len: HEADER }) };
        // SAFETY: a whole message; the kernel checks the program's memory.
        let ret = unsafe { kernel::recvmsg(sock.fd, &mut into, flags & RECEIVE_FLAGS) };
        if ret < 0 {
            return ret;
        }
        let head = Header::of_bytes(&header);
        if ret < HEADER as ssize_t || head.kind & NOTICE != 0 {
            if flags & libc::MSG_PEEK != 0 {
                drop_first(sock.fd);
            }
            if ret >= HEADER as ssize_t {
                return -(head.id as ssize_t);
            }
            continue;
        }
        msg.msg_flags = into.msg_flags | libc::MSG_DONTROUTE;
        if head.sender == sock.cookie {
            msg.msg_flags |= libc::MSG_CONFIRM;
        }
        if counts_drops {
            // SAFETY: the kernel has just filled it in.
            unsafe { drops::correct(sock, &mut into) };
        }
        msg.msg_controllen = into.msg_controllen;
        if !msg.msg_name.is_null() {
            let from = Address { family: libc::AF_CAN as u16, padding: 0, ifindex: head.ifindex };
            // SAFETY: the host has room for any address there.
            unsafe { msg.msg_name.cast::<Address>().write_unaligned(from) };
            msg.msg_namelen = RAW_MIN_NAMELEN as u32;
        }
        return ret - HEADER as ssize_t;
    }
}

/// Takes a datagram away that was only looked at.
#[cold]
fn drop_first(fd: c_int) {
    // SAFETY: all zeros are an empty message.
    let mut none: msghdr = unsafe { core::mem::zeroed() };
    // SAFETY: a whole message.
    unsafe { kernel::recvmsg(fd, &mut none, libc::MSG_DONTWAIT) };
}
