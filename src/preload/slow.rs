//! The slow path: decide, perform, commit. All hooks share its code: each hands over its index in the table and its
//! arguments as words.
//!
//! # Safety
//! Its frames, in which libc's function runs, have no destructor and no landing pad: cancelling the thread or jumping out
//! of them leaves nothing behind.

use crate::act::act;
use crate::call::{self, Performer, Ticket};
use crate::log::queue::{self, Begin};
use crate::mode::{self, CONNECTS, NAMED, OBSERVED};
use crate::rules;
use crate::table::HookIndex;
use crate::target::Target;
use crate::track;
use crate::word::{Word, padded};
use core::mem::MaybeUninit;
use sockshim_core::hook::MAX_ARGS;

/// A call of libc's function of the hook at `index`.
///
/// # Safety
/// The words must be those of the program's own call, and the function must return an `R`.
#[inline(always)]
pub unsafe fn of_libc<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
    let words = padded(words);
    let is_named = mode::bits(index) & (NAMED | CONNECTS) != 0;
    // SAFETY: the caller's promise.
    unsafe {
        match words {
            [a, b, c, d, e, ..] if N <= 5 && is_named => five_named(a, b, c, d, e, index),
            [a, b, c, d, e, ..] if N <= 5 => five(a, b, c, d, e, index),
            _ if is_named => all_named(index, &words),
            _ => all(index, &words, Target::of(index)),
        }
    }
}

/// A call that rules name.
///
/// # Safety
/// As for [`of_libc`].
#[cold]
#[inline(never)]
unsafe fn all_named<R: Word>(index: HookIndex, words: &[i64; MAX_ARGS]) -> R {
    let target = Target::of(index);
    // SAFETY: the caller's promise.
    unsafe { if is_free(index, words) { target.call(words) } else { all(index, words, target) } }
}

/// A call with at most five arguments that rules name.
///
/// # Safety
/// As for [`of_libc`].
#[cold]
#[inline(never)]
pub unsafe extern "C-unwind" fn five_named<R: Word>(
    a: i64,
    b: i64,
    c: i64,
    d: i64,
    e: i64,
    index: HookIndex,
) -> R {
    let words = [a, b, c, d, e, 0, 0];
    // SAFETY: the caller's promise.
    unsafe {
        if is_free(index, &words) { Target::of(index).call_five(&words) } else { five(a, b, c, d, e, index) }
    }
}

/// Whether nobody looks at this call but rules, and none can concern it.
#[inline(always)]
fn is_free(index: HookIndex, words: &[i64; MAX_ARGS]) -> bool {
    mode::bits(index) & OBSERVED == 0 && !rules::may_decide(index, words)
}

/// A call with at most five arguments: they stay in the registers in which they came, and the index is in the sixth.
/// During the call they stand in the event only.
///
/// # Safety
/// As for [`of_libc`].
#[inline(never)]
pub unsafe extern "C-unwind" fn five<R: Word>(a: i64, b: i64, c: i64, d: i64, e: i64, index: HookIndex) -> R {
    let mut ticket = MaybeUninit::<Ticket>::uninit();
    Ticket::args(&mut ticket).write([a, b, c, d, e, 0, 0]);
    // SAFETY: the caller's promise; the arguments were written, and only syscall(2), which has more, changes them.
    unsafe {
        let performer = call::enter_written(&mut ticket, index, true);
        let words = Ticket::args(&mut ticket).assume_init_ref();
        let target = Target::of(index);
        match performer {
            Performer::Host => {
                let ret: R = target.call_five(words);
                call::leave(&mut ticket, ret.word());
                ret
            }
            Performer::Pass => target.call_five(words),
            Performer::Acts => R::from_word(act(&mut ticket, by_words::<R>, target, R::FAILURE)),
        }
    }
}

/// A control call of which nothing is predicted and that changes nothing: its argument `AT` is a descriptor.
///
/// # Safety
/// As for [`of_libc`].
#[inline(always)]
pub unsafe fn recorded<const AT: usize, const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
    let [a, b, c, d, e, ..] = padded(words);
    // SAFETY: the caller's promise.
    unsafe { five_recorded::<AT, R>(a, b, c, d, e, index) }
}

/// [`recorded`] in registers. If the kernel confirms that the descriptor is the socket that the table has, the call leaves
/// a record, like a data call; else it takes the slow path.
///
/// # Safety
/// As for [`of_libc`].
#[inline(never)]
unsafe extern "C-unwind" fn five_recorded<const AT: usize, R: Word>(
    a: i64,
    b: i64,
    c: i64,
    d: i64,
    e: i64,
    index: HookIndex,
) -> R {
    let words = [a, b, c, d, e, 0, 0];
    if (AT != 0 || !queue::copies(&words))
        && let Begin::Fast(started) = queue::control(words[AT] as i32, track::certain)
    {
        // SAFETY: the caller's promise.
        let ret: R = unsafe { Target::of(index).call_five(&words) };
        queue::end_about::<AT>(started, index as usize, [a, b, c, d], ret.word());
        return ret;
    }
    // SAFETY: the caller's promise.
    unsafe { five(a, b, c, d, e, index) }
}

/// A call with more arguments, or of another function than libc's.
///
/// # Safety
/// As for [`of_libc`], and `target` must be the hook's.
#[inline(never)]
pub unsafe fn all<R: Word>(index: HookIndex, words: &[i64; MAX_ARGS], target: Target) -> R {
    let mut ticket = MaybeUninit::<Ticket>::uninit();
    // SAFETY: the caller's promise, and the answer says whether the ticket was written.
    unsafe {
        match call::enter(&mut ticket, index, words) {
            Performer::Pass => target.call(words),
            Performer::Host => {
                let ret: R = target.call(words);
                call::leave(&mut ticket, ret.word());
                ret
            }
            Performer::Acts => R::from_word(act(&mut ticket, by_words::<R>, target, R::FAILURE)),
        }
    }
}

/// Calls a function that returns an `R`; the result as a word.
unsafe extern "C-unwind" fn by_words<R: Word>(target: Target, words: &[i64; MAX_ARGS]) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { target.call::<R>(words) }.word()
}
