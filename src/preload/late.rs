//! The slow path of a call that libc has performed already.

use crate::call::{Note, enter_performed};
use crate::log::clock;
use crate::panic::attempt;
use crate::sys;
use crate::table::HookIndex;
use crate::track::Begun;
use core::mem::MaybeUninit;
use sockshim_core::fdtable::Packed;
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::verdict::{Action, Instead};

/// What is known of a call that libc has performed before it took the slow path.
pub struct Performed {
    /// The result.
    pub ret: i64,
    /// The counter before and after it; `None` where nobody looked at it.
    pub ticks: Option<(u64, u64)>,
    /// What the walk needs from before the call ([`Event::input`]), where the call may have written over it.
    pub input: Option<i32>,
    /// The socket before it, if something else has changed it meanwhile.
    pub overtaken: Option<Packed>,
}

impl Performed {
    /// A call of which no more is known.
    pub fn new(ret: i64, ticks: Option<(u64, u64)>) -> Performed {
        Performed { ret, ticks, input: None, overtaken: None }
    }
}

/// Both halves of a call that libc has already performed, when only its result shows that it is of interest. So no verdict
/// can act, and what the first half reads of the program's memory is what the call has left there.
#[cold]
#[inline(never)]
pub fn late(index: HookIndex, args: &[i64; MAX_ARGS], performed: &Performed) {
    let errno = sys::SavedErrno::now();
    let mut slot = MaybeUninit::uninit();
    if let Some(ticket) = enter_performed(&mut slot, index, args) {
        ticket.event.action = Action::Host;
        ticket.instead = Instead::new();
        clock::set(&mut ticket.event, performed.ticks);
        if let Some(input) = performed.input {
            ticket.event.input = Some(input);
            if let Note::Capacity(_) = ticket.note {
                ticket.note = Note::Capacity(input);
            }
        }
        if performed.overtaken.is_some() && ticket.event.before.is_some() {
            ticket.event.before = performed.overtaken;
            if let Some(course) = ticket.event.course
                && attempt(|| ticket.decide(course)).is_err()
            {
                ticket.panicked();
            }
            ticket.begun = Begun::OVERTAKEN;
        }
        ticket.answered(performed.ret, errno.value());
    }
    errno.restore();
}
