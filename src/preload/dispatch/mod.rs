//! From raw arguments to the socket layer's functions, one file per kind of call.
//!
//! | file | calls |
//! |---|---|
//! | [`create`] | socket, socketpair, accept |
//! | [`name`] | bind, listen, connect, getsockname, getpeername, shutdown |
//! | [`option`] | setsockopt, getsockopt, ioctl |
//! | [`data`] | everything that sends or receives |
//! | [`ready`] | poll, select, epoll |
//! | [`fd`] | close, dup, fcntl |
//! | [`process`] | fork, exec, spawn, exit, syscall, namespaces, sandboxes |
//!
//! A dispatch function runs before libc's and has the whole [`Ticket`]; its counterpart runs after libc's.

pub mod create;
pub mod data;
pub mod fd;
pub mod name;
pub mod option;
pub mod process;
pub mod ready;

use crate::call::Ticket;
use crate::{process as own, sys};
use libc::c_int;
use sockshim_core::fdtable::{FDS, Handle};
use sockshim_core::net::ops::{Socket, SocketState};
use sockshim_core::net::path::Func;
use sockshim_core::net::sock::{Bound, TcpState};
use sockshim_core::net::socket::{Lookup, socket_of};
use sockshim_core::net::state;

/// Asks the kernel what `fd` is, and remembers the answer. In a sandbox nothing is asked.
pub fn adopt(fd: c_int) -> (Lookup, Option<Handle>) {
    if own::is_sandboxed() {
        return (Lookup::Unknown, None);
    }
    let family = match sys::getsockopt_int(fd, libc::SO_DOMAIN) {
        Ok(family) => family,
        Err(libc::ENOTSOCK) => {
            FDS.set_not_socket(fd);
            return (Lookup::NotSocket, None);
        }
        Err(libc::EBADF) => {
            FDS.forget(fd);
            return (Lookup::BadFd, None);
        }
        Err(_) => return (Lookup::Unknown, None),
    };
    let ty = sys::getsockopt_int(fd, libc::SO_TYPE).unwrap_or(0);
    let protocol = sys::getsockopt_int(fd, libc::SO_PROTOCOL).unwrap_or(0);
    let mut socket = socket_of(family, ty, protocol);
    socket.sk.bound = Bound::Unknown;
    let has_connections = ty == libc::SOCK_STREAM || ty == libc::SOCK_SEQPACKET;
    if sys::getsockopt_int(fd, libc::SO_ACCEPTCONN) == Ok(1) {
        socket.sk.state = TcpState::Listen;
    } else if sys::has_peer(fd) {
        socket.sk.state = TcpState::Established;
        if has_connections {
            socket.state = SocketState::Connected;
        }
    } else if has_connections {
        // It may be connecting, or have been shut down.
        socket.state = SocketState::Unknown;
    }
    let handle = remember(fd, &socket);
    (Lookup::Socket(socket), handle)
}

/// Makes a socket known under `fd`, with the kernel's name for it.
pub fn remember(fd: c_int, socket: &Socket) -> Option<Handle> {
    let cookie = if own::is_sandboxed() { 0 } else { sys::getsockopt_cookie(fd).unwrap_or(0) };
    FDS.install(fd, &state::unobserved(socket), cookie)
}

impl Ticket {
    /// The start of a call that takes any descriptor: it is of interest only when `fd` is a socket.
    pub fn only_sockets(&mut self, fd: c_int, careful: bool) -> bool {
        self.wanted = matches!(self.lookup(fd, careful), Lookup::Socket(_));
        self.wanted
    }

    /// Names the member of the ops that is responsible.
    pub fn handler(&mut self, member: impl Fn(&'static sockshim_core::net::ops::ProtoOps) -> Func) {
        self.event.handler = self.event.ops.map(member);
    }
}
