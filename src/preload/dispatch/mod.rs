//! From raw arguments to the functions of the socket layer, one file per kind of call.
//!
//! | file | calls |
//! |---|---|
//! | [`create`] | socket, socketpair, accept |
//! | [`name`] | bind, listen, connect, getsockname, getpeername, shutdown |
//! | [`option`] | setsockopt, getsockopt, ioctl |
//! | [`data`] | everything that sends or receives |
//! | [`message`] | what rules make of a message |
//! | [`ready`] | poll, select, epoll |
//! | [`fd`] | close, dup, fcntl |
//! | [`exec`] | exec, spawn |
//! | [`resolve`] | names and addresses of hosts |
//! | [`process`] | fork, exit, wait, syscall, namespaces, sandboxes |
//!
//! A dispatch function gets the whole [`Ticket`] and runs before libc's function; its counterpart runs after it.

pub mod create;
pub mod data;
pub mod exec;
pub mod fd;
pub mod message;
pub mod name;
pub mod option;
pub mod process;
pub mod ready;
pub mod resolve;

use crate::call::Ticket;
use crate::mode;
use libc::c_int;
use sockshim_core::hook::Level;
use sockshim_core::net::path::Func;
use sockshim_core::net::socket::Found;

impl Ticket {
    /// The first step of a call that accepts any descriptor. Returns whether `fd` is a socket; only then is the call
    /// logged.
    pub fn only_sockets(&mut self, fd: c_int, careful: bool) -> bool {
        self.wanted = self.lookup(fd, careful) == Found::Socket;
        self.wanted
    }

    /// [`Ticket::only_sockets`] of a control call that changes nothing that is remembered. Its line has to be about the socket,
    /// so if there will be one, the kernel is asked whether the number still means it.
    pub fn only_true_sockets(&mut self, fd: c_int) -> bool {
        let logged = mode::logs(Level::Call);
        self.wanted = self.lookup_as(fd, logged, false) == Found::Socket;
        self.wanted
    }

    /// Names the member of the ops that is responsible.
    pub fn handler(&mut self, member: impl Fn(&'static sockshim_core::net::ops::ProtoOps) -> Func) {
        self.event.handler = self.ops().map(member);
    }
}
