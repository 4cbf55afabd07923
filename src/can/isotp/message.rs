//! PDUs that are sent and received.
//!
//! The engine leaves a PDU unread while it is on its way, and one fills the program's end: so the kernel makes the next call wait,
//! or refuses it, and says that the socket cannot be written to.
//!
//! # Safety
//! The frames of these functions hold plain data only: a thread that waits may be cancelled.

use super::state;
use crate::caught::caught_part;
use crate::pair::{self, Wait, gone};
use crate::{device, kernel};
use core::ffi::c_int;
use core::slice;
use libc::{iovec, msghdr, ssize_t};
use sockshim_can_bus::pair::PDU;
use sockshim_can_proto::isotp::CAN_ISOTP_WAIT_TX_DONE;
use sockshim_module::Socket;

/// What stands before a PDU, cut to the length that is missing.
static PADDING: [u8; PDU] = {
    let mut padding = [0; PDU];
    padding[PDU - 1] = 1;
    padding
};

/// What recvmsg knows, MSG_CMSG_COMPAT among it.
const RECEIVE_FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_TRUNC | libc::MSG_PEEK | libc::MSG_CMSG_CLOEXEC;

pub unsafe extern "C-unwind" fn send(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: what the header promises.
    let msg = unsafe { &mut *msg };
    let waits = match caught_part(|| prepare(sock, len)) {
        Ok(waits) => waits,
        Err(errno) => return -(errno as ssize_t),
    };
    let padding = &PADDING[len..];
    // SAFETY: the host leaves an element before the first one.
    let parts = unsafe {
        let first = msg.msg_iov.sub(1);
        first.write(iovec { iov_base: padding.as_ptr() as *mut _, iov_len: padding.len() });
        slice::from_raw_parts_mut(first, msg.msg_iovlen + 1)
    };
    let flags = flags & libc::MSG_DONTWAIT;
    let ret = if waits {
        pair::exchange(sock.fd, parts, flags, pair::part(&mut []), Wait::Long)
    } else {
        (msg.msg_name, msg.msg_namelen) = (core::ptr::null_mut(), 0);
        (msg.msg_control, msg.msg_controllen) = (core::ptr::null_mut(), 0);
        (msg.msg_iov, msg.msg_iovlen) = (parts.as_mut_ptr(), parts.len());
        // SAFETY: a whole message; the kernel checks the program's memory.
        gone(unsafe { kernel::sendmsg(sock.fd, msg, flags | libc::MSG_NOSIGNAL) })
    };
    if ret < 0 { ret } else { len as ssize_t }
}

/// The checks of `isotp_sendmsg`; whether the call waits until the PDU has been sent.
fn prepare(sock: &Socket, len: usize) -> Result<bool, c_int> {
    let state = state(sock)?;
    if !state.bound {
        return Err(libc::EADDRNOTAVAIL);
    }
    state.options.check_pdu(len)?;
    let interface = device::bus().and_then(|bus| bus.by_index(state.address.ifindex)).ok_or(libc::ENXIO)?;
    if !interface.up {
        return Err(libc::ENETDOWN);
    }
    Ok(state.options.has(CAN_ISOTP_WAIT_TX_DONE))
}

pub unsafe extern "C-unwind" fn receive(
    sock: &mut Socket,
    msg: *mut msghdr,
    len: usize,
    flags: c_int,
) -> ssize_t {
    let _ = len;
    if flags & !RECEIVE_FLAGS != 0 {
        return -(libc::EINVAL as ssize_t);
    }
    match state(sock) {
        Ok(state) if state.bound => {}
        _ => return -(libc::EADDRNOTAVAIL as ssize_t),
    }
    // SAFETY: what the header promises.
    unsafe { pair::message::receive(sock, &mut *msg, flags) }
}
