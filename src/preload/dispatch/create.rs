//! socket(2), socketpair(2), accept(2): the calls that make sockets.

use crate::call::{Note, Ticket};
use crate::track::{self, learn, remember};
use crate::{memory, rules};
use sockshim_core::fdtable::{Packed, Usual};
use sockshim_core::func;
use sockshim_core::hook::{Does, MAX_ARGS};
use sockshim_core::net::ops::{Socket, SocketState};
use sockshim_core::net::path::{Finding, Func};
use sockshim_core::net::sock::TcpState;
use sockshim_core::net::socket::{net_family, sys_accept4, sys_socket, sys_socketpair};
use sockshim_core::net::state;
use sockshim_core::trace::event::{Course, Extra};

/// What socket(2) has made.
pub static USUAL: Usual = Usual::new();
/// What socketpair(2) has made.
pub static USUAL_PAIRS: Usual = Usual::new();

/// How socket(2) is decided.
pub static SOCKET: Course = Course {
    walk: |event, cx, _| {
        let [family, ty, protocol, ..] = event.ints();
        sys_socket(cx, family, ty, protocol).0
    },
    handler: |event, _| creator(event.ints()[0]),
};

/// Decides socket(2).
pub fn socket(t: &mut Ticket) {
    let (family, ty, protocol) = (t.int(0), t.int(1), t.int(2));
    let (verdict, made) = t.walked(&SOCKET, |_, cx, _| sys_socket(cx, family, ty, protocol));
    t.settle(verdict);
    t.event.handler = creator(family);
    t.makes(made);
}

impl Ticket {
    /// Notes which socket the tables predict.
    fn makes(&mut self, made: Socket) {
        match made.ops {
            Some(_) => self.event.before = Some(Packed::of(&made)),
            None => self.event.socket = Some(made),
        }
    }

    /// Notes which socket the arguments make.
    fn note_usual(&self, usual: &Usual) {
        if let Some(made) = self.event.before
            && !self.acts()
            && !track::is_interposed()
        {
            usual.note(ints(&self.event.args), made);
        }
    }

    /// The socket that the tables predict.
    fn made(&self) -> Option<Socket> {
        self.event.before.map(Packed::unpack).or(self.event.socket)
    }
}

/// A socket that is being made has no ops yet, so the handler is the family's create function.
fn creator(family: i32) -> Option<Func> {
    net_family(family).map(|family| family.create.func)
}

/// Stores the new socket.
pub fn socket_done(t: &mut Ticket) {
    let fd = t.event.ret as i32;
    t.event.fd = Some(fd);
    if fd >= 0 {
        t.note_usual(&USUAL);
        born(t, fd, t.made());
        if t.rule() != 0 {
            rules::outcome::set_options(t.rule(), fd);
        }
    }
    t.finish();
}

/// Stores a new descriptor: the number no longer means what it did. A socket whose ops are not known here is asked
/// when it is used.
fn born(t: &mut Ticket, fd: i32, made: Option<Socket>) {
    if track::is_interposed() {
        return asked(t, fd, made);
    }
    match made {
        Some(socket) if socket.ops.is_some() => remember(fd, &socket, &t.event),
        _ => learn(fd, Some(&t.event)),
    }
}

/// After an interposer's function, which may have made another socket than the call asked for. Then the path that the
/// tables predict is not the one that was taken.
#[cold]
#[inline(never)]
fn asked(t: &mut Ticket, fd: i32, predicted: Option<Socket>) {
    let Some(made) = track::made_behind(fd) else { return };
    let as_asked =
        |socket: Socket| (socket.sk.family, socket.sk.protocol) == (made.sk.family, made.sk.protocol);
    if !predicted.is_some_and(as_asked) {
        t.event.course = None;
    }
    if t.event.hook.does != Does::Accepts {
        (t.event.before, t.event.socket) = (None, Some(made));
    }
}

/// How socketpair(2) is decided.
pub static SOCKETPAIR: Course = Course {
    walk: |event, cx, _| {
        let [family, ty, protocol, ..] = event.ints();
        sys_socketpair(cx, family, ty, protocol, None).0
    },
    handler: |_, ops| Some(ops.socketpair.func),
};

/// Decides socketpair(2).
pub fn socketpair(t: &mut Ticket) {
    let (family, ty, protocol) = (t.int(0), t.int(1), t.int(2));
    let (verdict, made) = t.walked(&SOCKETPAIR, |_, cx, _| sys_socketpair(cx, family, ty, protocol, None));
    t.settle(verdict);
    t.event.handler = made.ops.map(|ops| ops.socketpair.func);
    t.makes(made);
}

/// Stores both ends, which are connected from the start.
pub fn socketpair_done(t: &mut Ticket) {
    if t.event.ret == 0 && t.libc_answered() {
        // SAFETY: the call has written both descriptors.
        let pair: [i32; 2] = unsafe { memory::read_used(t.word(3)) };
        t.event.extra = Extra::Pair(pair);
        if let Some(mut made) = t.made() {
            made.state = SocketState::Connected;
            made.sk.state = TcpState::Established;
            t.makes(made);
            t.note_usual(&USUAL_PAIRS);
        }
        for fd in pair {
            born(t, fd, t.made());
            rules::outcome::set_options(t.rule(), fd);
        }
    }
    t.finish();
}

/// How accept(2) is decided.
pub static ACCEPT: Course =
    Course { walk: |_, cx, lookup| sys_accept4(cx, lookup, 0), handler: |_, ops| Some(ops.accept.func) };

/// How accept4(2) is decided.
pub static ACCEPT4: Course = Course {
    walk: |event, cx, lookup| sys_accept4(cx, lookup, event.ints()[3]),
    handler: |_, ops| Some(ops.accept.func),
};

/// Decides accept(2).
pub fn accept(t: &mut Ticket) {
    decide_accept(t, &ACCEPT);
}

/// Decides accept4(2).
pub fn accept4(t: &mut Ticket) {
    decide_accept(t, &ACCEPT4);
}

fn decide_accept(t: &mut Ticket, course: &'static Course) {
    t.lookup(t.int(0), true);
    t.decide(course);
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
        born(t, fd, t.event.before.map(|listener| state::accepted(&listener.unpack())));
        if t.event.course.is_none() {
            t.event.path.step(func!(fd_install), Finding::Fd(fd));
        }
        if t.rule() != 0 {
            rules::outcome::set_options(t.rule(), fd);
        }
        if let Some(listener) = t.handle.filter(|_| rules::active().is_some()) {
            rules::outcome::inherits_address(listener, fd);
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

/// Family, type and protocol.
#[inline(always)]
pub fn ints(words: &[i64; MAX_ARGS]) -> [i32; 3] {
    [words[0] as i32, words[1] as i32, words[2] as i32]
}
