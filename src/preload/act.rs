//! Performs a verdict that acts: an answer from userspace, a wait, or libc's function with other arguments.
//!
//! Whatever the verdict is, the call leaves by [`call::leave`], like one that libc has answered as it was.
//!
//! # Safety
//! The frame of [`act`] holds plain data only, for libc may be left there by a cancellation or a jump, in the wait as in
//! the call itself. What may panic happens in functions of its own, behind [`attempt`].

use crate::arguments::{self, Room};
use crate::call::{self, Ticket};
use crate::panic::attempt;
use crate::target::Target;
use crate::{original, process, sys};
use core::mem::MaybeUninit;
use core::ptr;
use sockshim_core::errno::Errno;
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::verdict::Action;

/// Calls a function with its arguments as words. The result, as a word.
pub type ByWords = unsafe extern "C-unwind" fn(Target, &[i64; MAX_ARGS]) -> i64;

/// Does what the verdict says: waits, then lets `perform` call `target`, or answers by itself. `failure` is what the
/// function returns when it fails. The result, with errno set.
///
/// # Safety
/// The ticket must have been written by an [`enter`](call::enter) that answered `Acts`, and `target` be the hook's
/// function, which `perform` knows how to call.
#[inline(never)]
pub unsafe fn act(slot: &mut MaybeUninit<Ticket>, perform: ByWords, target: Target, failure: i64) -> i64 {
    let mut room = MaybeUninit::<Room>::uninit();
    // SAFETY: the caller's promise.
    let delay = unsafe { delay(slot.assume_init_ref()) };
    let interrupted = match delay {
        None => false,
        // SAFETY: no descriptors, a time that outlives the call, no mask. It is a cancellation point, as libc's own
        // waits are.
        Some(time) => unsafe { original::ppoll(ptr::null_mut(), 0, &raw const time, ptr::null()) != 0 },
    };
    // SAFETY: the caller's promise.
    let ret = match unsafe { answer(slot.assume_init_mut(), interrupted, &mut room) } {
        // SAFETY: the program's own call with arguments that the kernel judges as it judges the program's.
        Some(words) => unsafe { perform(target, words) },
        // SAFETY: the caller's promise.
        None => without_libc(unsafe { slot.assume_init_ref() }, failure),
    };
    // SAFETY: the room was written if other arguments were given, and the call is over.
    unsafe { arguments::give_back(slot.assume_init_ref(), &room, ret) };
    // SAFETY: the caller's promise.
    unsafe { call::leave(slot, ret) };
    ret
}

/// How long to wait first. A descriptor that does not wait has no delay, and in a sandbox nobody knows whether the wait
/// is allowed.
#[inline(never)]
fn delay(ticket: &Ticket) -> Option<libc::timespec> {
    let nanos = ticket.instead.delay;
    let waits = nanos > 0 && !process::is_sandboxed() && !ticket.event.fd.is_some_and(sys::is_nonblocking);
    let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    waits.then_some(libc::timespec { tv_sec: seconds as i64, tv_nsec: nanos as i64 })
}

/// The words for libc; `None` when it is not asked. After a wait that was interrupted the call has failed.
#[inline(never)]
fn answer<'a>(
    ticket: &mut Ticket,
    interrupted: bool,
    room: &'a mut MaybeUninit<Room>,
) -> Option<&'a [i64; MAX_ARGS]> {
    if interrupted {
        ticket.event.action = Action::Fail(Errno(libc::EINTR));
    }
    if let Action::Fail(_) = ticket.event.action {
        // The kernel has not seen the call, so not even what a failure changes has changed.
        ticket.changes_nothing();
    }
    match ticket.event.action {
        Action::Host | Action::HostInstead => {
            let errno = sys::Errno::now();
            // SAFETY: all zeros are a room: integers and raw pointers.
            let room = room.write(unsafe { core::mem::zeroed() });
            // Where it panics, the room has the program's own arguments.
            if attempt(|| arguments::prepare(ticket, room)).is_ok_and(|other| other) {
                ticket.event.action = Action::HostInstead;
            }
            errno.restore();
            Some(room.words())
        }
        Action::Done(_) | Action::Fail(_) => None,
    }
}

/// The answer of a call that libc is not asked about, with errno set.
#[inline(never)]
fn without_libc(ticket: &Ticket, failure: i64) -> i64 {
    match ticket.event.action {
        Action::Fail(Errno(errno)) => {
            sys::set_errno(errno);
            failure
        }
        Action::Done(value) => value,
        Action::Host | Action::HostInstead => failure,
    }
}
