//! CAN_J1939 (`net/can/j1939/socket.c`). All of its state is in the engine, so that every process that has the socket sees the same.
//!
//! # Safety
//! The functions of `struct proto_ops` get what the header says.

mod message;

use crate::caught::caught;
use crate::kernel;
use crate::pair::{self, option};
use crate::protocols::CAN_J1939;
use core::ffi::{c_int, c_uint, c_void};
use core::slice;
use libc::sockaddr;
use sockshim_can_bus::pair::{Op, PRIVILEGED, Request};
use sockshim_can_proto::j1939::uapi::SOL_CAN_J1939;
use sockshim_module::{ENOIOCTLCMD, NO_OPS, OPTION, ProtoOps, SOCK_CUSTOM_SOCKOPT, Socket};
use sockshim_sys as sys;

static J1939_OPS: ProtoOps = ProtoOps {
    family: libc::AF_CAN,
    bind: Some(bind),
    connect: Some(connect),
    getname: Some(getname),
    setsockopt: Some(set),
    getsockopt: Some(get),
    ioctl: Some(option::ioctl),
    sendmsg: Some(message::send),
    recvmsg: Some(message::receive),
    ..NO_OPS
};

/// `J1939_MIN_NAMELEN`.
const J1939_MIN_NAMELEN: usize = 24;

/// `j1939_sk_init`.
pub fn create(sock: &mut Socket, flags: c_int) -> Result<(), c_int> {
    pair::create(sock, flags, CAN_J1939)?;
    // Unlike the others, this one keeps its number (`j1939_sk_init`).
    sock.protocol = CAN_J1939;
    kernel::sock_save(sock, &[CAN_J1939 as u32], &[]).inspect_err(|_| pair::abandon(sock))?;
    // `j1939_sk_init`: neither has an effect, but both can be read.
    let _ = sys::setsockopt(sock.fd, libc::SOL_SOCKET, libc::SO_PRIORITY, &1i32.to_ne_bytes());
    let _ = sys::setsockopt(sock.fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, &1i32.to_ne_bytes());
    restore(sock, &[]);
    Ok(())
}

/// A socket that another program has made.
pub fn restore(sock: &mut Socket, state: &[u32]) -> Option<()> {
    let _ = state;
    sock.ops = &J1939_OPS;
    sock.flags |= SOCK_CUSTOM_SOCKOPT;
    Some(())
}

/// # Safety
/// `addr` must be readable for `len` bytes.
unsafe fn name_it(sock: &Socket, op: Op, addr: *const sockaddr, len: c_int) -> c_int {
    // SAFETY: the caller's promise.
    let name = unsafe { slice::from_raw_parts(addr.cast::<u8>(), len.max(0) as usize) };
    pair::ask(sock, &Request::new(op).to(name), &[], &mut []) as c_int
}

unsafe extern "C" fn bind(sock: &mut Socket, addr: *const sockaddr, len: c_int) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        unsafe { name_it(sock, Op::Bind, addr, len) }
    })
}

unsafe extern "C" fn connect(sock: &mut Socket, addr: *const sockaddr, len: c_int) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        unsafe { name_it(sock, Op::Connect, addr, len) }
    })
}

unsafe extern "C" fn getname(sock: &mut Socket, addr: *mut sockaddr, peer: c_int) -> c_int {
    caught(|| {
        let op = if peer != 0 { Op::Getpeername } else { Op::Getsockname };
        let mut name = [0u8; J1939_MIN_NAMELEN];
        let ret = pair::ask(sock, &Request::new(op), &[], &mut name);
        if ret < 0 {
            return ret as c_int;
        }
        // SAFETY: room for any address.
        unsafe { addr.cast::<u8>().copy_from(name.as_ptr(), name.len()) };
        name.len() as c_int
    })
}

unsafe extern "C" fn set(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: c_uint,
) -> c_int {
    caught(|| {
        let len = len as usize;
        let of_protocol = matches!(name, libc::SO_BROADCAST | libc::SO_PRIORITY | libc::SO_TIMESTAMPING);
        match level {
            libc::SOL_SOCKET if !of_protocol || len < size_of::<c_int>() => {
                return -ENOIOCTLCMD;
            }
            libc::SOL_SOCKET | SOL_CAN_J1939 => {}
            _ => return -libc::EINVAL,
        }
        if len > OPTION {
            // More filters than the host copies.
            return -libc::ENOMEM;
        }
        if value.is_null() {
            return -without_memory(level, name, len);
        }
        // SAFETY: a copy of as many bytes.
        let value = unsafe { slice::from_raw_parts(value.cast::<u8>(), len) };
        let flags = if is_privileged() { PRIVILEGED } else { 0 };
        let request = Request { a: level, b: name, flags, ..Request::new(Op::Setsockopt) };
        match pair::ask(sock, &request, value, &mut []) as c_int {
            // The descriptor keeps it, too.
            ret if ret >= 0 && level == libc::SOL_SOCKET => -ENOIOCTLCMD,
            ret => ret,
        }
    })
}

/// The errno of an option whose value cannot be read: the name and the length are checked before.
fn without_memory(level: c_int, name: c_int, len: usize) -> c_int {
    const FILTER: c_int = 1;
    const ERRQUEUE: c_int = 4;
    match name {
        _ if level == libc::SOL_SOCKET => libc::EFAULT,
        FILTER if !len.is_multiple_of(32) => libc::EINVAL,
        FILTER..=ERRQUEUE if name != FILTER && len != size_of::<c_int>() => libc::EINVAL,
        FILTER..=ERRQUEUE => libc::EFAULT,
        _ => libc::ENOPROTOOPT,
    }
}

/// CAP_NET_ADMIN.
fn is_privileged() -> bool {
    const CAP_NET_ADMIN: u32 = 12;
    sys::capabilities()[0] & 1 << CAP_NET_ADMIN != 0
}

unsafe extern "C" fn get(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut c_int,
) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let len = unsafe { &mut *len };
        if level == libc::SOL_SOCKET {
            // SAFETY: the same.
            return unsafe { option::get_of_descriptor(sock, name, value, len) };
        }
        if level != SOL_CAN_J1939 {
            return -libc::EINVAL;
        }
        let mut number = [0u8; 4];
        let request =
            Request { a: level, b: name, size: i64::from(*len) as u64, ..Request::new(Op::Getsockopt) };
        let ret = pair::ask(sock, &request, &[], &mut number);
        if ret < 0 {
            return ret as c_int;
        }
        // SAFETY: the same.
        unsafe { option::put(&number, value, len) };
        0
    })
}
