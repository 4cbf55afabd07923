//! The error queue, in which stamps of sent frames arrive (`sock_recv_errqueue`). What stands in it here is UDP's.
//!
//! # Safety
//! Control messages are read and changed where the kernel has just written them.

use crate::kernel;
use core::ffi::c_int;
use core::ptr;
use libc::{cmsghdr, iovec, msghdr, ssize_t};
use sockshim_can_bus::wire::HEADER;
use sockshim_module::Socket;

const SOL_CAN_RAW: c_int = 101;
const SCM_CAN_RAW_ERRQUEUE: c_int = 1;
/// What stands before the frame: the headers of Ethernet, IP and UDP, and the bus's.
const BEFORE: usize = 14 + 20 + 8 + HEADER;
/// `struct sock_extended_err`. UDP adds an address behind it.
const EXTENDED_ERR: usize = 16;

/// recvmsg(2) with MSG_ERRQUEUE.
///
/// # Safety
/// The message must be as the host gives it.
pub unsafe fn receive(sock: &Socket, msg: &mut msghdr, flags: c_int) -> ssize_t {
    let mut before = [0u8; BEFORE];
    let mut into = *msg;
    (into.msg_name, into.msg_namelen) = (ptr::null_mut(), 0);
    // SAFETY: the host leaves an element before the first one.
    unsafe {
        into.msg_iov = msg.msg_iov.sub(1);
        into.msg_iov.write(iovec { iov_base: before.as_mut_ptr().cast(), iov_len: BEFORE });
    }
    into.msg_iovlen += 1;
    // SAFETY: a whole message; the kernel checks the program's memory.
    let ret = unsafe { kernel::recvmsg(sock.fd, &mut into, flags) };
    if ret < 0 {
        return ret;
    }
    // SAFETY: the kernel has just written them.
    unsafe { translate(&mut into) };
    (msg.msg_flags, msg.msg_controllen) = (into.msg_flags, into.msg_controllen);
    // SOF_TIMESTAMPING_OPT_TSONLY: there is nothing but the stamp.
    (ret - BEFORE as ssize_t).max(0)
}

/// Makes IP's report one of CAN_RAW. It is the last control message.
unsafe fn translate(msg: &mut msghdr) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(msg);
        while !message.is_null() {
            let header: &mut cmsghdr = &mut *message;
            if header.cmsg_level == libc::IPPROTO_IP && header.cmsg_type == libc::IP_RECVERR {
                (header.cmsg_level, header.cmsg_type) = (SOL_CAN_RAW, SCM_CAN_RAW_ERRQUEUE);
                let shorter = (libc::CMSG_LEN(EXTENDED_ERR as u32) as usize).min(header.cmsg_len);
                msg.msg_controllen -= header.cmsg_len - shorter;
                header.cmsg_len = shorter;
                return;
            }
            message = libc::CMSG_NXTHDR(msg, message);
        }
    }
}
