//! Records that no call of the program makes: about the log, and about wrong predictions.

use crate::log::clock;
use crate::{identity, sys};
use sockshim_core::hook;
use sockshim_core::hook::Hook;
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::event::{Event, Extra, Summary};
use sockshim_core::verdict::Reason;

static MESSAGE: Hook = hook!(Decision, Plain, [], sockshim() -> c_int);
static DROPPED: Hook = hook!(Decision, Plain, [], dropped() -> c_int);
static SUMMARY: Hook = hook!(Decision, Plain, [], summary() -> c_int);
static RENAMED: Hook = hook!(Decision, Plain, [], renamed() -> c_int);
static DIVERGENCE: Hook = hook!(Decision, Plain, [], divergence() -> c_int);

/// A message about sockshim itself.
#[inline(never)]
pub fn message(text: &[u8]) -> Event {
    Event { start: sys::monotonic(), tid: identity::pid(), ..Event::message(&MESSAGE, text) }
}

/// The program has another name. No line: the lines behind it have that name, and those before it, by the clock that calls
/// are timed with, have the last one.
pub fn renamed(name: &[u8]) -> Event {
    let mut event = Event::message(&RENAMED, name);
    clock::start(&mut event);
    event
}

/// Whether the event is [`renamed`], and with which name.
pub fn new_name(event: &Event) -> Option<&[u8]> {
    core::ptr::eq(event.hook, &raw const RENAMED).then(|| event.addr.bytes())
}

/// Events were lost.
pub fn dropped(count: u64) -> Event {
    now(&DROPPED, Reason::LogFull, Extra::Count(count))
}

/// What the log of a process held, at its end.
pub fn summary(seen: Summary) -> Event {
    Event { start: sys::monotonic(), tid: identity::pid(), ..Event::of_summary(&SUMMARY, seen) }
}

/// The event's prediction was wrong.
pub fn divergence(event: &Event) -> Event {
    let mut record = event.clone();
    record.hook = &DIVERGENCE;
    record.reason = Reason::Mispredicted;
    record.extra = Extra::Text;
    record.addr = SockAddr::new(event.hook.name().as_bytes());
    record
}

fn now(hook: &'static Hook, reason: Reason, extra: Extra) -> Event {
    Event { start: sys::monotonic(), tid: identity::pid(), reason, extra, ..Event::new(hook) }
}
