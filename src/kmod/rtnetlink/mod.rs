//! Interfaces of modules over AF_NETLINK (`net/core/rtnetlink.c`): RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK and RTM_DELLINK.
//!
//! A socket of NETLINK_ROUTE stays the kernel's. What is sent on it is looked at, and requests about interfaces of modules are
//! replaced by NLMSG_NOOP, which the kernel acknowledges: so the descriptor becomes readable when an answer is there, whatever the
//! program waits with. What is received is looked at while an answer is due: it stands in the place of the acknowledgement. To a
//! dump of all interfaces those of modules are added, before its end.
//!
//! | file | what |
//! |---|---|
//! | [`message`](self::message) | messages and attributes, and how they are written |
//! | [`request`] | what is asked, and what comes of it |
//! | [`link`] | an interface as a message |
//! | [`due`] | the answers that are due |
//! | [`exchange`] | what is sent and received |
//!
//! # Safety
//! Ops get what the header says. The program's memory is copied.

mod due;
mod exchange;
mod link;
mod message;
mod request;

use crate::{counts, netdevice, original, slot, table};
use core::ffi::{c_int, c_uint, c_void};
use libc::{sockaddr, socklen_t};
use sockshim_module::{NO_OPS, ProtoOps, Socket};
use sockshim_sys as sys;

static OPS: ProtoOps = ProtoOps {
    family: libc::AF_NETLINK,
    bind: Some(bind),
    connect: Some(connect),
    getname: Some(getname),
    setsockopt: Some(setsockopt),
    getsockopt: Some(getsockopt),
    sendmsg: Some(exchange::sendmsg),
    recvmsg: Some(exchange::recvmsg),
    ..NO_OPS
};

/// A socket of AF_NETLINK was made. If there are interfaces of modules, it is one that can be asked about them.
pub fn made(fd: c_int, ty: c_int, protocol: c_int) {
    if protocol != libc::NETLINK_ROUTE || !netdevice::has_own() {
        return;
    }
    let Ok(cookie) = sys::getsockopt_cookie(fd) else { return };
    let family = libc::AF_NETLINK;
    let mut sock =
        Socket { fd, family, ty, protocol, flags: 0, ops: &OPS, sk: core::ptr::null_mut(), cookie };
    let Some(index) = slot::alloc(&sock) else { return };
    counts::get(family);
    sock.sk = slot::socket(index, fd).sk;
    slot::update(index, &sock);
    table::install(fd, index);
}

/// Whether it is such a socket, which is the kernel's.
pub fn is_one(sock: &Socket) -> bool {
    core::ptr::eq(sock.ops, &raw const OPS)
}

/// libc's answer, or -errno.
fn answered(ret: c_int) -> c_int {
    if ret < 0 { -sys::errno() } else { ret }
}

unsafe extern "C" fn bind(sock: &mut Socket, addr: *const sockaddr, len: c_int) -> c_int {
    // SAFETY: a copy.
    answered(unsafe { original::bind(sock.fd, addr, len as socklen_t) })
}

unsafe extern "C" fn connect(sock: &mut Socket, addr: *const sockaddr, len: c_int) -> c_int {
    // SAFETY: a copy.
    answered(unsafe { original::connect(sock.fd, addr, len as socklen_t) })
}

unsafe extern "C" fn getname(sock: &mut Socket, addr: *mut sockaddr, peer: c_int) -> c_int {
    let mut len = size_of::<libc::sockaddr_storage>() as socklen_t;
    // SAFETY: room for any address.
    let ret = unsafe {
        match peer {
            0 => original::getsockname(sock.fd, addr, &raw mut len),
            _ => original::getpeername(sock.fd, addr, &raw mut len),
        }
    };
    if ret < 0 { -sys::errno() } else { len as c_int }
}

unsafe extern "C" fn setsockopt(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: c_uint,
) -> c_int {
    // SAFETY: a copy, or NULL, which the kernel refuses.
    answered(unsafe { original::setsockopt(sock.fd, level, name, value, len) })
}

unsafe extern "C" fn getsockopt(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut c_int,
) -> c_int {
    // SAFETY: room for as many bytes.
    answered(unsafe { original::getsockopt(sock.fd, level, name, value, len.cast()) })
}
