//! What a call's descriptor refers to.

use super::owner::{self, is_current_packed};
use super::stale;
use crate::mode;
use libc::c_int;
use sockshim_core::fdtable::{Entry, FDS, Handle, Look, Seen};
use sockshim_core::hook::Level;
use sockshim_core::trace::event::Event;

/// Whether the table says that `fd` is something else than a socket.
#[inline(always)]
pub fn is_other(fd: c_int) -> bool {
    FDS.seen(fd).is_not_socket()
}

/// A socket that the table has for a number. Whether the number still means it, [`is_current`] asks.
pub type Known = Look<'static>;

/// The socket that the table has for `fd`.
#[inline(always)]
pub fn known(fd: c_int) -> Option<Known> {
    FDS.look(fd)
}

/// Whether the kernel says that the number still means what is [`known`]. Neither panics nor changes anything.
#[inline(always)]
pub fn is_current(fd: c_int, known: &Known) -> bool {
    is_current_packed(fd, known.socket(), known.cookie())
}

/// The table's word for `fd`, if that is a socket and the kernel says so, too. Neither panics nor changes anything.
#[inline(never)]
pub fn certain(fd: c_int) -> Seen {
    match known(fd) {
        Some(known) if is_current(fd, &known) => known.handle().into(),
        _ => Seen::UNKNOWN,
    }
}

/// [`is_current`]; if not, the entry becomes doubtful.
#[inline(always)]
pub fn confirmed(fd: c_int, known: &Known) -> bool {
    let current = is_current(fd, known);
    if !current {
        give_up(fd, known.handle());
    }
    current
}

/// The number means something else than the table says.
#[cold]
#[inline(never)]
fn give_up(fd: c_int, handle: Handle) {
    // If another thread has stored something meanwhile, the number has only just changed.
    if FDS.doubt_if(fd, handle.into()) {
        stale::dropped(fd, handle.into(), None);
    }
}

/// Takes back what was logged of `fd` if the table has a socket there that is not the number's any more. With `gone` that is
/// certain, else the kernel is asked. `call` is what the number came from.
#[cold]
#[inline(never)]
pub fn take_back(fd: c_int, gone: bool, call: Option<&Event>) {
    let seen = FDS.seen(fd);
    let Entry::Socket(handle) = seen.entry() else { return };
    let current = !gone && FDS.read(handle).is_none_or(|(socket, name)| owner::is_current(fd, &socket, name));
    if !current && FDS.doubt_if(fd, seen) {
        stale::dropped(fd, seen, call);
    }
}

/// Before `fd` is closed or replaced: looks whether its socket was closed unseen before, as long as the log can still say
/// so. Only the log wants to know.
pub fn verify(fd: c_int) {
    if mode::logs(Level::Call) {
        take_back(fd, false, None);
    }
}

/// [`verify`] for every descriptor from `first` to `last`, both included.
pub fn verify_range(first: u32, last: u32) {
    FDS.each_known(first, last, |_, fd| verify(fd));
}
