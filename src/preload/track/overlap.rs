//! Whether calls of several threads overlap on one socket.
//!
//! No lock is held over libc's call, so what a call finds in the kernel may be what another one has made, and that other
//! one may not have stored it yet. So in a process with threads each call that may change a socket counts its beginning
//! and its end in the socket's sequence, and whoever predicts an answer compares the sequence before and after.

use libc::c_int;
use sockshim_core::fdtable::{FDS, Handle, Step};
use sockshim_core::net::ops::Socket;
use sockshim_core::net::state::{self, State};

/// What the sequence of a socket was when a call on it began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Begun(c_int);

impl Begun {
    /// Nobody has looked: there were no other threads.
    pub const ALONE: Begun = Begun(-1);
    /// Another call was under way.
    const OVERLAPS: Begun = Begun(-2);

    /// Begins a call that was predicted from the socket as it was `before`. `changes` says that it may change the socket;
    /// then [`Begun::end`] has to follow.
    #[inline(never)]
    pub fn new(handle: Handle, before: &Socket, changes: bool) -> Begun {
        let step = if changes { Step::Begin } else { Step::Look };
        let Some((now, sequence)) = FDS.step(handle, step) else { return Begun::ALONE };
        let others = Step::under_way(sequence) != u32::from(changes);
        if others || is_other(now, before) { Begun::OVERLAPS } else { Begun(sequence as c_int) }
    }

    /// Whether another call may have changed what is remembered, before this one's own change.
    #[inline(never)]
    pub fn is_overtaken(self, handle: Handle, before: &Socket) -> bool {
        let Some((now, sequence)) = FDS.step(handle, Step::Look) else { return true };
        is_other(now, before) || (self != Begun::ALONE && self.0 != sequence as c_int)
    }

    /// Ends a call that may have changed the socket.
    pub fn end(handle: Handle) {
        FDS.step(handle, Step::End);
    }
}

/// Whether the states are others than before the call. connect(2) itself has set them for the time of its wait.
fn is_other(now: State, before: &Socket) -> bool {
    let before_call = State::of(before);
    now != before_call && now != state::connecting(before_call, before)
}
