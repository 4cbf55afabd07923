//! CAN_BCM (`net/can/bcm.c`): the broadcast manager. All of its state is in the engine.
//!
//! # Safety
//! The functions of `struct proto_ops` get what the header says.

use crate::caught::caught;
use crate::kernel;
use crate::pair::{self, Wait, option};
use crate::protocols::CAN_BCM;
use core::ffi::c_int;
use core::slice;
use libc::{iovec, msghdr, sockaddr, ssize_t};
use sockshim_can_bus::pair::{HEAD, Op, Request};
use sockshim_module::{NO_OPS, ProtoOps, SOCK_CUSTOM_SOCKOPT, Socket};

static BCM_OPS: ProtoOps = ProtoOps {
    family: libc::AF_CAN,
    connect: Some(connect),
    setsockopt: Some(option::set),
    getsockopt: Some(option::get),
    ioctl: Some(option::ioctl),
    sendmsg: Some(send),
    recvmsg: Some(receive),
    ..NO_OPS
};

/// `bcm_init`.
pub fn create(sock: &mut Socket, flags: c_int) -> Result<(), c_int> {
    pair::create(sock, flags, CAN_BCM)?;
    kernel::sock_save(sock, &[CAN_BCM as u32], &[]).inspect_err(|_| pair::abandon(sock))?;
    restore(sock, &[]);
    Ok(())
}

/// A socket that another program has made.
pub fn restore(sock: &mut Socket, state: &[u32]) -> Option<()> {
    let _ = state;
    sock.ops = &BCM_OPS;
    sock.flags |= SOCK_CUSTOM_SOCKOPT;
    Some(())
}

unsafe extern "C" fn connect(sock: &mut Socket, addr: *const sockaddr, len: c_int) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let name = unsafe { slice::from_raw_parts(addr.cast::<u8>(), len.max(0) as usize) };
        pair::ask(sock, &Request::new(Op::Connect).to(name), &[], &mut []) as c_int
    })
}

unsafe extern "C-unwind" fn send(sock: &mut Socket, msg: *mut msghdr, len: usize, flags: c_int) -> ssize_t {
    let _ = flags;
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    let mut request = Request { size: len as u64, ..Request::new(Op::Send) };
    if !msg.msg_name.is_null() {
        // SAFETY: the host has copied as many bytes.
        request =
            request.to(unsafe { slice::from_raw_parts(msg.msg_name.cast::<u8>(), msg.msg_namelen as usize) });
    }
    let mut head: [u8; HEAD] = request.bytes();
    // SAFETY: the host leaves an element before the first one.
    let parts = unsafe {
        let first = msg.msg_iov.sub(1);
        first.write(iovec { iov_base: head.as_mut_ptr().cast(), iov_len: HEAD });
        slice::from_raw_parts_mut(first, msg.msg_iovlen + 1)
    };
    pair::exchange(sock.fd, parts, 0, pair::part(&mut []), Wait::Short)
}

unsafe extern "C-unwind" fn receive(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    // SAFETY: the same.
    let ret = unsafe { pair::message::receive(sock, msg, flags & !libc::MSG_TRUNC) };
    // `bcm_recvmsg` does not tell that the buffer was short.
    msg.msg_flags &= !libc::MSG_TRUNC;
    ret.min(len as ssize_t)
}
