//! bind(2), connect(2), listen(2), getsockname(2), getpeername(2), shutdown(2), and the release of a socket.

use super::{Copied, Lookup, handler, move_addr_to_kernel, settled, sockfd_lookup_light};
use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ops::{AddressFn, Cx, Op, Socket};
use crate::net::path::Finding;
use crate::net::security::{
    security_socket_bind, security_socket_connect, security_socket_getpeername, security_socket_getsockname,
    security_socket_listen, security_socket_shutdown,
};
use crate::verdict::{Predicted, Reason, Verdict};
use libc::c_int;

/// bind(2): descriptor, address, LSM, ops.
pub fn sys_bind(cx: &mut Cx, lookup: Lookup, addr: Copied<&SockAddr>) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        if addr.is_none() {
            return at_unknown_address(cx, security_socket_bind, &ops.bind, sock);
        }
        let addr = move_addr_to_kernel(cx, addr)?;
        security_socket_bind(cx, sock, addr)?;
        Ok(at_address(cx, &ops.bind, sock, addr))
    })())
}

/// connect(2). Unlike bind(2), it copies the address before it checks that the descriptor is a socket.
pub fn sys_connect(cx: &mut Cx, lookup: Lookup, addr: Copied<&SockAddr>) -> Verdict {
    settled((|| {
        if matches!(lookup, Lookup::BadFd) {
            sockfd_lookup_light(cx, lookup)?;
        }
        if addr.is_none() {
            let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
            return at_unknown_address(cx, security_socket_connect, &ops.connect, sock);
        }
        let addr = move_addr_to_kernel(cx, addr)?;
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        security_socket_connect(cx, sock, addr)?;
        Ok(at_address(cx, &ops.connect, sock, addr))
    })())
}

/// Calls bind or connect with the program's address, or with the one that a decision has put in its place.
#[inline(always)]
fn at_address(cx: &mut Cx, op: &Op<AddressFn>, sock: &Socket, addr: &SockAddr) -> Verdict {
    if cx.instead.address().is_some() {
        return at_other_address(cx, op, sock);
    }
    handler!(cx, op, sock, addr)
}

#[cold]
#[inline(never)]
fn at_other_address(cx: &mut Cx, op: &Op<AddressFn>, sock: &Socket) -> Verdict {
    let addr = cx.instead.address().copied().unwrap_or(SockAddr::EMPTY);
    handler!(cx, op, sock, &addr)
}

/// The program's address cannot be looked at, as in a sandbox. Whoever decides at the hook is asked about an empty address; a
/// decision that needs no other one holds.
#[cold]
#[inline(never)]
fn at_unknown_address(
    cx: &mut Cx,
    hook: fn(&mut Cx, &Socket, &SockAddr) -> Result<(), Verdict>,
    op: &Op<AddressFn>,
    sock: &Socket,
) -> Result<Verdict, Verdict> {
    hook(cx, sock, &SockAddr::EMPTY)?;
    if cx.instead.address().is_some() { Ok(at_other_address(cx, op, sock)) } else { Ok(Verdict::ask()) }
}

/// listen(2): the backlog is limited to `net.core.somaxconn`, compared as unsigned.
pub fn sys_listen(cx: &mut Cx, lookup: Lookup, backlog: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        if let Some(most) = cx.net.facts.somaxconn()
            && backlog as u32 > most.value as u32
        {
            cx.fact(func!(__sys_listen), &"net.core.somaxconn", Some(most));
        }
        security_socket_listen(cx, sock, backlog)?;
        Ok(handler!(cx, ops.listen, sock, backlog))
    })())
}

/// Where an address is written back: the value of `*addrlen`, and whether the buffer is writable.
#[derive(Clone, Copy)]
pub struct AddrOut {
    /// The buffer's length as the program gave it.
    pub len: Copied<c_int>,
    /// Whether the buffer is writable.
    pub buffer: Copied<()>,
}

/// `move_addr_to_user`: it comes after the handler, so the handler's errors come before EFAULT.
fn move_addr_to_user(cx: &mut Cx, out: AddrOut) -> Verdict {
    let errno = match (out.len, out.buffer) {
        (None, _) => return Verdict::ask(),
        (Some(Err(errno)), _) => errno,
        (Some(Ok(..=-1)), _) => Errno::EINVAL,
        (Some(Ok(1..)), Some(Err(errno))) => errno,
        _ => return Verdict::ok(),
    };
    cx.path.step(func!(move_addr_to_user), Finding::Errno(errno));
    Verdict::errno(errno, Reason::BadAddress)
}

/// getsockname(2) (`peer` 0) and getpeername(2) (`peer` 1).
pub fn sys_getname(cx: &mut Cx, lookup: Lookup, peer: c_int, out: AddrOut) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        match peer {
            0 => security_socket_getsockname(cx, sock)?,
            _ => security_socket_getpeername(cx, sock)?,
        }
        let verdict = handler!(cx, ops.getname, sock, peer);
        Ok(if verdict.predicted == Predicted::Ok { move_addr_to_user(cx, out) } else { verdict })
    })())
}

/// shutdown(2): the handler checks `how`, if there is a handler.
pub fn sys_shutdown(cx: &mut Cx, lookup: Lookup, how: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        security_socket_shutdown(cx, sock, how)?;
        Ok(handler!(cx, ops.shutdown, sock, how))
    })())
}

/// `__sock_release`: the last reference to the open file is gone, and the ops release the socket.
pub fn sock_release(cx: &mut Cx, lookup: Lookup) -> Verdict {
    cx.path.step(func!(__sock_release), Finding::Passed);
    let Lookup::Socket(sock @ Socket { ops: Some(ops), .. }) = lookup else { return Verdict::ask() };
    handler!(cx, ops.release, sock)
}
