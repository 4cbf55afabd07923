//! bind(2), listen(2), connect(2), getsockname(2), getpeername(2), shutdown(2).

use crate::call::{Note, Ticket};
use crate::memory;
use crate::rules::{self, Side};
use sockshim_core::fdtable::FDS;
use sockshim_core::net::socket::{AddrOut, sys_bind, sys_connect, sys_getname, sys_listen, sys_shutdown};
use sockshim_core::net::state;
use sockshim_core::trace::event::{Course, Event, Extra};
use sockshim_core::verdict::Change;

impl Ticket {
    /// Copies the address argument into the event, for the decision and for the log.
    #[inline]
    pub fn address(&mut self, pointer: usize, len: usize) {
        match memory::sockaddr(self.page(), self.word(pointer), self.int(len), &mut self.event.addr) {
            Some(Ok(())) => self.event.extra = Extra::Address,
            Some(Err(errno)) => self.event.input = Some(errno.0),
            None => {}
        }
    }
}

/// How bind(2) is decided.
pub static BIND: Course = Course {
    walk: |event, cx, lookup| sys_bind(cx, lookup, event.copied()),
    handler: |_, ops| Some(ops.bind.func),
};

/// After bind(2), whose address may be a rule's.
pub fn bound(t: &mut Ticket) {
    addressed(t, Side::Own);
    t.finish();
}

/// After connect(2).
pub fn connected(t: &mut Ticket) {
    addressed(t, Side::Peer);
    t.finish();
}

/// The socket has an address, or a peer, or will have one soon, which rules may have to know.
#[inline(always)]
fn addressed(t: &mut Ticket, side: Side) {
    if rules::active().is_some() {
        addressed_by_rules(t, side);
    }
}

#[cold]
#[inline(never)]
fn addressed_by_rules(t: &mut Ticket, side: Side) {
    let Some(handle) = t.handle else { return };
    if t.event.ret == 0 || t.event.errno == Some(libc::EINPROGRESS) {
        let program = (t.event.extra == Extra::Address).then_some(&t.event.addr);
        rules::outcome::addressed(t.rule(), handle, t.event.fd, side, program);
    }
    rules::moved(handle);
}

/// Decides bind(2).
pub fn bind(t: &mut Ticket) {
    t.lookup(t.int(0), true);
    t.address(1, 2);
    t.decide(&BIND);
}

/// How listen(2) is decided.
pub static LISTEN: Course = Course {
    walk: |event, cx, lookup| sys_listen(cx, lookup, event.ints()[1]),
    handler: |_, ops| Some(ops.listen.func),
};

/// Decides listen(2).
pub fn listen(t: &mut Ticket) {
    t.lookup(t.int(0), true);
    t.decide(&LISTEN);
}

/// How connect(2) is decided.
pub static CONNECT: Course = Course {
    walk: |event, cx, lookup| sys_connect(cx, lookup, event.copied()),
    handler: |_, ops| Some(ops.connect.func),
};

/// Decides connect(2).
pub fn connect(t: &mut Ticket) {
    t.lookup(t.int(0), true);
    t.address(1, 2);
    t.decide(&CONNECT);
    if t.change == Change::Connect
        && !t.acts()
        && let (Some(handle), Some(socket)) = (t.handle, &t.socket)
    {
        // While libc waits for the peer, other threads must see a socket that is connecting.
        FDS.update_within(handle, |old| state::connecting(old, socket.into()));
    }
}

/// How getsockname(2) is decided.
pub static GETSOCKNAME: Course = Course {
    walk: |event, cx, lookup| sys_getname(cx, lookup, 0, out(event)),
    handler: |_, ops| Some(ops.getname.func),
};

/// Decides getsockname(2).
pub fn getsockname(t: &mut Ticket) {
    getname(t, &GETSOCKNAME);
}

/// How getpeername(2) is decided.
pub static GETPEERNAME: Course = Course {
    walk: |event, cx, lookup| sys_getname(cx, lookup, 1, out(event)),
    handler: |_, ops| Some(ops.getname.func),
};

/// Decides getpeername(2).
pub fn getpeername(t: &mut Ticket) {
    getname(t, &GETPEERNAME);
}

#[inline(always)]
fn getname(t: &mut Ticket, course: &'static Course) {
    t.lookup(t.int(0), true);
    t.event.input = memory::value(t.page(), t.word(2));
    t.decide(course);
    t.note = Note::Capacity(t.event.input.unwrap_or(0));
}

fn out(event: &Event) -> AddrOut {
    AddrOut { len: event.input.map(Ok), buffer: None }
}

/// Copies the returned address into the event.
pub fn got_name(t: &mut Ticket) {
    let (address, len, capacity) = (t.word(1), t.word(2), t.note.capacity());
    if rules::active().is_some() {
        hide(t, capacity);
    }
    if t.event.ret == 0
        && t.libc_answered()
        // SAFETY: the successful call has written the address and its length.
        && unsafe { memory::sockaddr_used(address, len, capacity, &mut t.event.addr) }
    {
        t.event.extra = Extra::Address;
    }
    t.finish();
}

/// Gives the program the address that it believes in.
#[cold]
#[inline(never)]
fn hide(t: &Ticket, capacity: i32) {
    let asks_for_peer = t.event.course.is_some_and(|course| core::ptr::eq(course, &GETPEERNAME));
    let side = if asks_for_peer { Side::Peer } else { Side::Own };
    if t.event.ret == 0
        && t.libc_answered()
        && let Some(handle) = t.handle
        && let Some(address) = rules::own_address(handle, side)
    {
        let fits = address.len().min(usize::try_from(capacity).unwrap_or(0));
        memory::store(t.word(1), &address.bytes()[..fits]);
        memory::store(t.word(2), &(address.len() as u32).to_ne_bytes());
    }
}

/// How shutdown(2) is decided.
pub static SHUTDOWN: Course = Course {
    walk: |event, cx, lookup| sys_shutdown(cx, lookup, event.ints()[1]),
    handler: |_, ops| Some(ops.shutdown.func),
};

/// Decides shutdown(2).
pub fn shutdown(t: &mut Ticket) {
    t.lookup(t.int(0), true);
    t.decide(&SHUTDOWN);
}
