//! The record that takes back what was logged of a number whose socket had been closed unseen.

use crate::{log, mode, process, sys};
use libc::c_int;
use sockshim_core::hook;
use sockshim_core::hook::{Hook, Level};
use sockshim_core::net::ops::Socket;
use sockshim_core::trace::event::Event;
use sockshim_core::verdict::Reason;

/// The call of the record.
static UNSEEN: Hook = hook!(Decision, Plain, [], unseen(fd: c_int) -> c_int);

/// Says in the log that `fd` had stopped to mean `socket` when nobody saw it. Control calls have asked the kernel, so it
/// is about what followed the last one of them.
#[cold]
#[inline(never)]
pub fn dropped(fd: c_int, socket: &Socket) {
    if !mode::logs(Level::Call) {
        return;
    }
    let mut event = Event::new(&UNSEEN);
    event.start = sys::monotonic();
    event.tid = process::tid();
    event.fd = Some(fd);
    event.args[0] = fd.into();
    event.ops = socket.ops;
    event.prot = socket.sk.prot;
    event.reason = Reason::UnseenClose;
    log::send(&event);
}
