//! The slow path: decide, perform, commit. All hooks share its code: each hands over its place in the table and its
//! arguments as words.
//!
//! # Safety
//! Its frames, in which libc's function runs, have no destructor and no landing pad: cancelling the thread or jumping out
//! of them leaves nothing behind.

use crate::act::act;
use crate::call::{self, Performer, Ticket};
use crate::table::HOOKS;
use crate::target::Target;
use crate::word::padded;
use core::mem::MaybeUninit;
use sockshim_core::hook::MAX_ARGS;

/// A call of libc's function of the hook at `place`.
///
/// # Safety
/// The words must be those of the program's own call.
#[inline(always)]
pub unsafe fn of_libc<const N: usize>(place: usize, words: [i64; N]) -> i64 {
    let words = padded(words);
    // SAFETY: the caller's promise.
    unsafe {
        match words {
            [a, b, c, d, e, ..] if N <= 5 => five(a, b, c, d, e, place),
            _ => all(place, &words, Target::of(place)),
        }
    }
}

/// A call with at most five arguments. They stay in the registers in which they came, and the place of the hook is in the
/// sixth.
///
/// # Safety
/// The words must be those of the program's own call of the hook at `place`.
#[inline(never)]
unsafe extern "C-unwind" fn five(a: i64, b: i64, c: i64, d: i64, e: i64, place: usize) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { perform(place, &[a, b, c, d, e, 0, 0], Target::of(place)) }
}

/// A call with more arguments, or of another function than libc's.
///
/// # Safety
/// As for [`five`], and `target` must be the hook's.
#[inline(never)]
pub unsafe extern "C-unwind" fn all(place: usize, words: &[i64; MAX_ARGS], target: Target) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { perform(place, words, target) }
}

#[inline(always)]
unsafe fn perform(place: usize, words: &[i64; MAX_ARGS], target: Target) -> i64 {
    let hook = &HOOKS[place];
    let mut ticket = MaybeUninit::<Ticket>::uninit();
    match call::enter(&mut ticket, place, words) {
        // SAFETY: the program's own call.
        Performer::Pass => unsafe { target.call(hook, words) },
        Performer::Host => {
            // SAFETY: the program's own call.
            let ret = unsafe { target.call(hook, words) };
            // SAFETY: `Host` says that the ticket was written.
            unsafe { call::leave(&mut ticket, ret) };
            ret
        }
        // SAFETY: the answer says that the ticket was written.
        Performer::Acts => unsafe { act(&mut ticket, hook, target) },
    }
}
