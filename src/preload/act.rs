//! Performs a verdict that acts: an answer from userspace, a wait, or libc's function with other arguments.
//!
//! Whatever the verdict is, the call passes [`call::leave`], like one that libc has performed unchanged.
//!
//! # Safety
//! The frame of [`act`] holds only plain data, because a cancellation or a jump may leave it, during the wait as well
//! as during the call. Code that may panic is in functions of its own, behind [`attempt`].

use crate::arguments::{self, Replacement};
use crate::call::{self, Ticket};
use crate::panic::attempt;
use crate::target::Target;
use crate::{identity, original, sys};
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
    let mut replacement = MaybeUninit::<Replacement>::uninit();
    // SAFETY: the caller's promise.
    let delay = unsafe { delay(slot.assume_init_ref()) };
    let interrupted = match delay {
        None => false,
        // SAFETY: no descriptors, a time that outlives the call, no mask. It is a cancellation point, like libc's own
        // waits.
        Some(time) => unsafe { original::ppoll(ptr::null_mut(), 0, &raw const time, ptr::null()) != 0 },
    };
    // SAFETY: the caller's promise.
    let ret = match unsafe { answer(slot.assume_init_mut(), interrupted, &mut replacement) } {
        // SAFETY: the program's own call, with other arguments that the kernel checks like the program's.
        Some(words) => unsafe { perform(target, words) },
        // SAFETY: the caller's promise.
        None => without_libc(unsafe { slot.assume_init_ref() }, failure),
    };
    // SAFETY: the replacement was written if other arguments were given, and the call is over.
    unsafe { arguments::give_back(slot.assume_init_ref(), &replacement, ret) };
    // SAFETY: the caller's promise.
    unsafe { call::leave(slot, ret) };
    ret
}

/// The delay, if there is one. A non-blocking descriptor is not delayed, and in a sandbox the wait might be
/// forbidden.
#[inline(never)]
fn delay(ticket: &Ticket) -> Option<libc::timespec> {
    let nanos = ticket.instead.delay;
    let waits = nanos > 0 && !identity::is_sandboxed() && !ticket.event.fd.is_some_and(sys::is_nonblocking);
    let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    waits.then_some(libc::timespec { tv_sec: seconds as i64, tv_nsec: nanos as i64 })
}

/// The words for libc; `None` when libc is not called. If a signal interrupted the wait, the call has failed.
#[inline(never)]
fn answer<'a>(
    ticket: &mut Ticket,
    interrupted: bool,
    replacement: &'a mut MaybeUninit<Replacement>,
) -> Option<&'a [i64; MAX_ARGS]> {
    if interrupted {
        ticket.event.action = Action::Fail(Errno(libc::EINTR));
    }
    if let Action::Fail(_) = ticket.event.action {
        // The kernel has not seen the call, so it has changed nothing, not even what a failure changes.
        ticket.changes_nothing();
    }
    match ticket.event.action {
        Action::Host | Action::HostInstead => {
            let errno = sys::SavedErrno::now();
            // SAFETY: all zeros are a replacement: integers and raw pointers.
            let replacement = replacement.write(unsafe { core::mem::zeroed() });
            // Where it panics, the replacement has the program's own arguments.
            if attempt(|| arguments::prepare(ticket, replacement)).is_ok_and(|other| other) {
                ticket.event.action = Action::HostInstead;
            }
            errno.restore();
            Some(replacement.words())
        }
        Action::Done(_) | Action::Fail(_) => None,
    }
}

/// The answer without libc, with errno set.
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
