//! Names and connections.
//!
//! # Safety
//! Ops are those of a loaded module, called as the header describes them; addresses are copied first.

use crate::answer::{answer, failure};
use crate::message::{STORAGE, address_to_user};
use crate::user;
use core::ffi::c_int;
use libc::{sockaddr, socklen_t};
use sockshim_module::{ProtoOps, Socket};

#[repr(align(8))]
struct Name([u8; STORAGE]);

/// `move_addr_to_kernel`.
fn address(addr: *const sockaddr, addrlen: socklen_t) -> Result<Name, c_int> {
    let len = usize::try_from(addrlen as c_int).ok().filter(|len| *len <= STORAGE).ok_or(libc::EINVAL)?;
    let mut name = Name([0; STORAGE]);
    user::read(&mut name.0[..len], addr.cast())?;
    Ok(name)
}

fn ops(sock: &Socket) -> &'static ProtoOps {
    // SAFETY: a socket in a slot has the ops of a loaded module.
    unsafe { &*sock.ops }
}

pub unsafe fn bind(sock: &mut Socket, addr: *const sockaddr, addrlen: socklen_t) -> c_int {
    let name = match address(addr, addrlen) {
        Ok(name) => name,
        Err(errno) => return failure(errno),
    };
    let Some(bind) = ops(sock).bind else { return failure(libc::EOPNOTSUPP) };
    // SAFETY: a copy.
    answer(unsafe { bind(sock, name.0.as_ptr().cast(), addrlen as c_int) } as isize) as c_int
}

pub unsafe fn connect(sock: &mut Socket, addr: *const sockaddr, addrlen: socklen_t) -> c_int {
    let name = match address(addr, addrlen) {
        Ok(name) => name,
        Err(errno) => return failure(errno),
    };
    let Some(connect) = ops(sock).connect else { return failure(libc::EOPNOTSUPP) };
    // SAFETY: a copy.
    answer(unsafe { connect(sock, name.0.as_ptr().cast(), addrlen as c_int) } as isize) as c_int
}

pub unsafe fn listen(sock: &mut Socket, backlog: c_int) -> c_int {
    let Some(listen) = ops(sock).listen else { return failure(libc::EOPNOTSUPP) };
    // SAFETY: numbers.
    answer(unsafe { listen(sock, backlog) } as isize) as c_int
}

pub unsafe fn shutdown(sock: &mut Socket, how: c_int) -> c_int {
    let Some(shutdown) = ops(sock).shutdown else { return failure(libc::EOPNOTSUPP) };
    // SAFETY: numbers.
    answer(unsafe { shutdown(sock, how) } as isize) as c_int
}

fn getname(sock: &mut Socket, addr: *mut sockaddr, addrlen: *mut socklen_t, peer: c_int) -> c_int {
    let Some(getname) = ops(sock).getname else { return failure(libc::EOPNOTSUPP) };
    let mut name = Name([0; STORAGE]);
    // SAFETY: room for the longest address.
    let ret = unsafe { getname(sock, name.0.as_mut_ptr().cast(), peer) };
    if ret < 0 {
        return failure(-ret);
    }
    match address_to_user(&name.0[..(ret as usize).min(STORAGE)], addr, addrlen) {
        Ok(()) => 0,
        Err(errno) => failure(errno),
    }
}

pub unsafe fn getsockname(sock: &mut Socket, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int {
    getname(sock, addr, addrlen, 0)
}

pub unsafe fn getpeername(sock: &mut Socket, addr: *mut sockaddr, addrlen: *mut socklen_t) -> c_int {
    getname(sock, addr, addrlen, 1)
}
