//! Whether calls of several threads overlap on one socket.
//!
//! No lock is held over libc's call, so what a call finds in the kernel may be what another one has made, and that other
//! one may not have stored it yet. So in a process with threads each call that may change a socket counts its beginning
//! and its end in the socket's sequence, and whoever predicts an answer compares the sequence before and after. Two changes
//! that overlap are stored in any order, not in the kernel's, so from then on no prediction for the socket is blamed.

use libc::c_int;
use sockshim_core::fdtable::{Entry, FDS, Handle, Packed, SequenceStep};
use sockshim_core::net::ops::Socket;
use sockshim_core::net::state::{self, State};

/// What the sequence of a socket was when a call on it began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// What it is as long as no other call comes in between.
    sequence: i16,
    /// Whether the call's own change is counted as begun.
    counted: bool,
}

impl Begun {
    /// Nobody has looked: there were no other threads.
    pub const ALONE: Begun = Begun { sequence: -1, counted: false };
    /// The sequence where another call was under way, now or when the state was stored.
    const OVERLAPS: i16 = -2;
    /// Another call has changed the socket meanwhile.
    pub const OVERTAKEN: Begun = Begun { sequence: Begun::OVERLAPS, counted: false };

    /// Looks at the socket that a call is about, and gives it the states that belong to what was seen.
    #[inline(never)]
    pub fn look(handle: Handle, socket: &mut Packed) -> Begun {
        let mut sequence = Begun::OVERLAPS;
        if let Some((now, seen)) = FDS.step(handle, SequenceStep::Look) {
            socket.set_state(now);
            if SequenceStep::under_way(seen) == 0 && !SequenceStep::is_contended(seen) {
                sequence = seen as i16;
            }
        }
        Begun { sequence, counted: false }
    }

    /// The call may change the socket; [`Begun::end`] has to follow.
    #[inline(never)]
    pub fn count(&mut self, handle: Handle) {
        if *self == Begun::ALONE || self.counted {
            return;
        }
        if let Some((_, seen)) = FDS.step(handle, SequenceStep::Begin) {
            let alone = self.sequence == seen as i16;
            self.sequence = if alone { SequenceStep::Begin.after(seen) as i16 } else { Begun::OVERLAPS };
            self.counted = true;
        }
    }

    /// Whether another call may have changed what is remembered, before this one's own change.
    #[inline(never)]
    pub fn is_overtaken(self, handle: Handle, before: &Socket) -> bool {
        let Some((now, seen)) = FDS.step(handle, SequenceStep::Look) else { return true };
        is_other(now, before) || (self != Begun::ALONE && self.sequence != seen as i16)
    }

    /// The call changes nothing more.
    pub fn end(&mut self, handle: Handle) {
        if self.counted {
            FDS.step(handle, SequenceStep::End);
            self.counted = false;
        }
    }
}

/// Whether the states are others than before the call. connect(2) itself has set them for the time of its wait.
fn is_other(now: State, before: &Socket) -> bool {
    let before_call = State::of(before);
    now != before_call && now != state::connecting(before_call, before.into())
}

/// After a call that may have changed the socket `handle`, or one that was not known: if the number means another socket by
/// now, the call may have changed that one.
#[inline]
pub fn blame_no_other(fd: c_int, handle: Option<Handle>) {
    if let Entry::Socket(other) = FDS.get(fd)
        && handle != Some(other)
    {
        overlap(other);
    }
}

/// From now on no prediction for the socket is blamed, as after two changes that have overlapped.
pub fn overlap(handle: Handle) {
    for step in [SequenceStep::Begin, SequenceStep::Begin, SequenceStep::End, SequenceStep::End] {
        FDS.step(handle, step);
    }
}
