//! bind(2), listen(2), connect(2), getsockname(2), getpeername(2), shutdown(2).

use crate::call::{Note, Ticket};
use crate::memory;
use sockshim_core::fdtable::FDS;
use sockshim_core::net::socket::{
    AddrOut, Copied, sys_bind, sys_connect, sys_getname, sys_listen, sys_shutdown,
};
use sockshim_core::net::state;
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::Change;

impl Ticket {
    /// Copies the address argument into the event, for the decision and for the log.
    pub fn address(&mut self, pointer: usize, len: usize) -> Copied<()> {
        let copied = memory::sockaddr(self.page(), self.word(pointer), self.int(len), &mut self.event.addr);
        if copied == Some(Ok(())) {
            self.event.extra = Extra::Address;
        }
        copied
    }
}

/// Decides bind(2).
pub fn bind(t: &mut Ticket) {
    let lookup = t.lookup(t.int(0), true);
    let addr = t.address(1, 2);
    t.decide_at(lookup, addr, |cx, lookup, addr| sys_bind(cx, lookup, addr));
    t.handler(|ops| ops.bind.func);
}

/// Decides listen(2).
pub fn listen(t: &mut Ticket) {
    let lookup = t.lookup(t.int(0), true);
    let backlog = t.int(1);
    t.decide_about(lookup, |cx, lookup| sys_listen(cx, lookup, backlog));
    t.handler(|ops| ops.listen.func);
}

/// Decides connect(2).
pub fn connect(t: &mut Ticket) {
    let lookup = t.lookup(t.int(0), true);
    let addr = t.address(1, 2);
    t.decide_at(lookup, addr, |cx, lookup, addr| sys_connect(cx, lookup, addr));
    t.handler(|ops| ops.connect.func);
    if t.change == Change::Connect
        && !t.acts()
        && let (Some(handle), Some(socket)) = (t.handle, &t.socket)
    {
        // While libc waits for the peer, other threads must see a socket that is connecting.
        FDS.update_within(handle, |old| state::connecting(old, socket));
    }
}

/// Decides getsockname(2).
pub fn getsockname(t: &mut Ticket) {
    getname(t, 0);
}

/// Decides getpeername(2).
pub fn getpeername(t: &mut Ticket) {
    getname(t, 1);
}

fn getname(t: &mut Ticket, peer: i32) {
    let lookup = t.lookup(t.int(0), true);
    let len = memory::value::<i32>(t.page(), t.word(2));
    let out = AddrOut { len: len.map(Ok), buffer: None };
    t.decide_about(lookup, |cx, lookup| sys_getname(cx, lookup, peer, out));
    t.handler(|ops| ops.getname.func);
    t.note = Note::Capacity(len.unwrap_or(0));
}

/// Copies the returned address into the event.
pub fn got_name(t: &mut Ticket) {
    let (address, len, capacity) = (t.word(1), t.word(2), t.note.capacity());
    if t.event.ret == 0
        && t.libc_answered()
        // SAFETY: the successful call has written the address and its length.
        && unsafe { memory::sockaddr_used(address, len, capacity, &mut t.event.addr) }
    {
        t.event.extra = Extra::Address;
    }
    t.finish();
}

/// Decides shutdown(2).
pub fn shutdown(t: &mut Ticket) {
    let lookup = t.lookup(t.int(0), true);
    let how = t.int(1);
    t.decide_about(lookup, |cx, lookup| sys_shutdown(cx, lookup, how));
    t.handler(|ops| ops.shutdown.func);
}
