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
use sockshim_core::fdtable::{Entry, FDS, Handle, Seen};
use sockshim_core::net::ops::{Socket, SocketState};
use sockshim_core::net::path::Func;
use sockshim_core::net::sock::{Bound, TcpState};
use sockshim_core::net::socket::{Lookup, socket_of};
use sockshim_core::net::state;

/// Asks the kernel what `fd` is, and remembers the answer. In a sandbox nothing is asked.
#[inline]
pub fn adopt(fd: c_int) -> (Lookup, Option<Handle>) {
    if own::is_sandboxed() {
        return (Lookup::Unknown, None);
    }
    let seen = FDS.seen(fd);
    match sys::getsockopt_cookie(fd) {
        Ok(_) => adopt_socket(fd, seen),
        Err(libc::ENOTSOCK) => {
            let stored = seen.entry() != Entry::NotSocket && FDS.set_not_socket_if(fd, seen);
            if stored && sys::has_threads() {
                // Another thread may have closed it, and have looked at the table for the last time.
                settle_other(fd);
            }
            (Lookup::NotSocket, None)
        }
        Err(libc::EBADF) => {
            FDS.forget_if(fd, seen);
            (Lookup::BadFd, None)
        }
        Err(_) => (Lookup::Unknown, None),
    }
}

#[inline(never)]
fn adopt_socket(fd: c_int, seen: Seen) -> (Lookup, Option<Handle>) {
    let Ok(family) = sys::getsockopt_int(fd, libc::SO_DOMAIN) else { return (Lookup::Unknown, None) };
    let ty = sys::getsockopt_int(fd, libc::SO_TYPE).unwrap_or(0);
    let protocol = sys::getsockopt_int(fd, libc::SO_PROTOCOL).unwrap_or(0);
    let mut socket = socket_of(family, ty, protocol);
    let Ok(cookie) = name_of(fd, socket.sk.protocol) else { return (Lookup::Unknown, None) };
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
    let handle = FDS.adopt(fd, seen, &state::unobserved(&socket), cookie, own::pid());
    if sys::has_threads() {
        let current = is_still(fd, &socket, cookie);
        if handle.is_none() || !current {
            FDS.doubt(fd);
        }
        if !current {
            // The answers are about two sockets, or about one that is gone.
            return (Lookup::Unknown, None);
        }
    }
    // What is known of the socket by another descriptor is more than it says itself.
    let socket = handle.and_then(|handle| FDS.read(handle)).map_or(socket, |(socket, _)| socket);
    (Lookup::Socket(socket), handle)
}

/// Makes a socket known that libc has just made under `fd`, with the kernel's name for it.
///
/// Another thread may have ended it by now, and a third may have been given the number. So the kernel is asked again
/// once the socket is in the table: whoever ends it from then on finds it there ([`settle`] looks after the end). And
/// the name may be that third thread's socket's, unless the table has known nothing under the number: then it is asked
/// what it is.
pub fn remember(fd: c_int, socket: &Socket) {
    let name = match own::is_sandboxed() {
        true => 0,
        false => match name_of(fd, socket.sk.protocol) {
            Ok(name) => name,
            Err(libc::EBADF | libc::ENOTSOCK) => return unknown(fd),
            Err(_) => 0,
        },
    };
    let Some((handle, over)) = FDS.install(fd, &state::unobserved(socket), name) else { return unknown(fd) };
    if sys::has_threads() {
        confirm(fd, socket, name, handle, over);
    }
}

/// Beside other threads: asks once more, and gives up what is uncertain.
#[inline(never)]
fn confirm(fd: c_int, socket: &Socket, name: u64, handle: Handle, over: bool) {
    if name != 0 && (over || FDS.is_adopted(name) || !is_still(fd, socket, name)) {
        FDS.doubt_if(fd, handle.into());
        adopt(fd);
    }
}

/// Forgets a number that may mean something.
#[inline(never)]
fn unknown(fd: c_int) {
    if sys::has_threads() {
        FDS.doubt(fd);
    } else {
        FDS.forget(fd);
    }
}

/// A number that something new has got, of which nothing is known here. It is asked when it is used; beside other threads
/// at once, for a thread that has made what the number meant before may only now store it, and then has to find this.
#[inline(always)]
pub fn learn(fd: c_int) {
    if sys::has_threads() {
        learn_now(fd);
    } else {
        FDS.forget(fd);
    }
}

#[inline(never)]
fn learn_now(fd: c_int) {
    FDS.doubt(fd);
    adopt(fd);
}

/// After a call that may have ended `fd`, or made it another descriptor of something: drops what the table says, unless
/// that is the truth. For processes with threads: what another thread had made under this number may have been stored
/// when the number had been forgotten here already, and was ended only then.
#[inline(never)]
pub fn settle(fd: c_int) {
    let seen = FDS.seen(fd);
    let known = match seen.entry() {
        Entry::Unknown => return,
        Entry::NotSocket => None,
        Entry::Socket(handle) => FDS.read(handle),
    };
    if !known.is_some_and(|(socket, name)| is_still(fd, &socket, name)) {
        FDS.doubt_if(fd, seen);
    }
}

/// Drops that `fd` is no socket, unless that is the truth.
#[inline(never)]
fn settle_other(fd: c_int) {
    let seen = FDS.seen(fd);
    if seen.entry() == Entry::NotSocket && sys::getsockopt_cookie(fd) != Err(libc::ENOTSOCK) {
        FDS.doubt_if(fd, seen);
    }
}

fn is_still(fd: c_int, socket: &Socket, cookie: u64) -> bool {
    !own::is_sandboxed() && name_of(fd, socket.sk.protocol) == Ok(cookie)
}

/// The kernel's name for a socket, which no other socket gets: its cookie. What an MPTCP listener accepts has the
/// listener's cookie, so there the inode is a part of the name.
pub fn name_of(fd: c_int, protocol: u16) -> Result<u64, c_int> {
    let cookie = sys::getsockopt_cookie(fd)?;
    if c_int::from(protocol) != libc::IPPROTO_MPTCP {
        return Ok(cookie);
    }
    with_inode(fd, cookie)
}

#[inline(never)]
fn with_inode(fd: c_int, cookie: u64) -> Result<u64, c_int> {
    sys::fstat(fd).map(|file| cookie ^ file.inode << 32)
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
