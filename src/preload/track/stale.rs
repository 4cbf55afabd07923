//! The record that takes back what was logged for a number whose socket had been closed unseen.

use crate::log::clock;
use crate::{identity, log, mode};
use libc::c_int;
use sockshim_core::fdtable::{Handle, Seen};
use sockshim_core::hook;
use sockshim_core::hook::{Hook, Level};
use sockshim_core::trace::event::Event;
use sockshim_core::verdict::Reason;

/// The call of the record.
static UNSEEN: Hook = hook!(Decision, Plain, [], unseen(fd: c_int) -> c_int);

/// Says in the log that `fd` had stopped to mean the socket of its entry when nobody saw it. Control calls have asked the
/// kernel, so it is about what followed the last one of them. If `call` is what has given the number a new meaning, the
/// record stands before it.
#[cold]
#[inline(never)]
pub fn dropped(fd: c_int, entry: Seen, call: Option<&Event>) {
    if !mode::logs(Level::Call) {
        return;
    }
    let mut event = Event::new(&UNSEEN);
    // The log is in the order in which calls ended, and two clocks would not agree on that.
    match call {
        Some(call) => (event.start, event.in_ticks) = (call.start + call.ns, call.in_ticks),
        None => clock::start(&mut event),
    }
    event.tid = identity::tid();
    event.fd = Some(fd);
    event.args[0] = fd.into();
    (event.ops, event.prot) = Handle::kind(entry.raw());
    event.reason = Reason::UnseenClose;
    log::send(&event);
}
