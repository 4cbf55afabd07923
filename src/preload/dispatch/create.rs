//! socket(2), socketpair(2), accept(2): the calls that make sockets.

use crate::call::{Note, Ticket};
use crate::memory;
use crate::track::{self, learn, remember};
use sockshim_core::func;
use sockshim_core::net::ops::{Socket, SocketState};
use sockshim_core::net::path::Finding;
use sockshim_core::net::sock::TcpState;
use sockshim_core::net::socket::{sys_accept4, sys_socket, sys_socketpair};
use sockshim_core::net::state;
use sockshim_core::trace::event::{Extra, Walk};

/// Decides socket(2).
pub fn socket(t: &mut Ticket) {
    let (family, ty, protocol) = (t.int(0), t.int(1), t.int(2));
    let walk: Walk = |event, cx, _| {
        let [family, ty, protocol, ..] = event.ints();
        sys_socket(cx, family, ty, protocol).0
    };
    let (verdict, made) = t.walked(walk, |_, cx, _| sys_socket(cx, family, ty, protocol));
    t.settle(verdict);
    t.event.socket = Some(made);
    t.handler_of_creation(family);
}

impl Ticket {
    /// A socket that is being made has no ops yet, so the handler is the family's create function.
    fn handler_of_creation(&mut self, family: i32) {
        self.event.handler = sockshim_core::net::socket::net_family(family).map(|family| family.create.func);
    }
}

/// Stores the new socket.
pub fn socket_done(t: &mut Ticket) {
    let fd = t.event.ret as i32;
    t.event.fd = Some(fd);
    if fd >= 0 {
        born(t, fd);
    }
    t.finish();
}

/// Stores a new descriptor: the number no longer means what it did. A socket whose ops are not known here is asked
/// when it is used.
fn born(t: &mut Ticket, fd: i32) {
    if track::is_interposed() {
        return asked(t, fd);
    }
    match t.event.socket {
        Some(socket) if socket.ops.is_some() => remember(fd, &socket, &t.event),
        _ => learn(fd, Some(&t.event)),
    }
}

/// After an interposer's function, which may have made another socket than the call asked for. Then the path that the
/// tables predict is not the one that was taken.
#[cold]
#[inline(never)]
fn asked(t: &mut Ticket, fd: i32) {
    let Some(made) = track::made_behind(fd) else { return };
    let as_asked =
        |socket: Socket| (socket.sk.family, socket.sk.protocol) == (made.sk.family, made.sk.protocol);
    if !t.event.socket.is_some_and(as_asked) {
        t.event.walk = None;
    }
    t.event.socket = Some(made);
}

/// Decides socketpair(2).
pub fn socketpair(t: &mut Ticket) {
    let (family, ty, protocol) = (t.int(0), t.int(1), t.int(2));
    let walk: Walk = |event, cx, _| {
        let [family, ty, protocol, ..] = event.ints();
        sys_socketpair(cx, family, ty, protocol, None).0
    };
    let (verdict, made) = t.walked(walk, |_, cx, _| sys_socketpair(cx, family, ty, protocol, None));
    t.settle(verdict);
    (t.event.socket, t.socket) = (Some(made), Some(made));
    t.handler(|ops| ops.socketpair.func);
}

/// Stores both ends, which are connected from the start.
pub fn socketpair_done(t: &mut Ticket) {
    if t.event.ret == 0 && t.libc_answered() {
        // SAFETY: the call has written both descriptors.
        let pair: [i32; 2] = unsafe { memory::read_used(t.word(3)) };
        t.event.extra = Extra::Pair(pair);
        if let Some(socket) = &mut t.event.socket {
            socket.state = SocketState::Connected;
            socket.sk.state = TcpState::Established;
        }
        for fd in pair {
            born(t, fd);
        }
    }
    t.finish();
}

/// Decides accept(2).
pub fn accept(t: &mut Ticket) {
    decide_accept(t, |_, cx, lookup| sys_accept4(cx, lookup, 0));
}

/// Decides accept4(2).
pub fn accept4(t: &mut Ticket) {
    decide_accept(t, |event, cx, lookup| sys_accept4(cx, lookup, event.ints()[3]));
}

fn decide_accept(t: &mut Ticket, walk: Walk) {
    t.lookup(t.int(0), true);
    t.decide(walk);
    t.handler(|ops| ops.accept.func);
    // The length of the buffer for the peer's address, before the call changes it.
    if t.word(1) != 0 {
        t.note = Note::Capacity(memory::value(t.page(), t.word(2)).unwrap_or(0));
    }
}

/// Stores the accepted socket: it has the listener's type and ops. With MPTCP the new socket is asked, because a
/// client without MPTCP yields a TCP socket.
pub fn accepted(t: &mut Ticket) {
    let fd = t.event.ret as i32;
    if fd >= 0 {
        t.event.socket = t.event.before.map(|listener| state::accepted(&listener.unpack()));
        born(t, fd);
        t.event.socket = None;
        if t.event.walk.is_none() {
            t.event.path.step(func!(fd_install), Finding::Fd(fd));
        }
        let (address, len, capacity) = (t.word(1), t.word(2), t.note.capacity());
        if t.libc_answered()
            // SAFETY: a successful accept has written the address, if one was asked for.
            && unsafe { memory::sockaddr_used(address, len, capacity, &mut t.event.addr) }
        {
            t.event.extra = Extra::Address;
        }
    }
    t.finish();
}
