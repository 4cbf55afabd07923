//! Calls with eight arguments, one more than an event and the slow path have words for. The last two stand in a [`Rest`] in
//! the frame that makes the call, and the seventh word says where.
//!
//! # Safety
//! The seventh word of such a call is the address of a `Rest`, from the frame of its gate: during the call, its dispatch
//! and its commit. What [`crate::target`] says of the calling convention holds for an eighth argument too: it is the
//! second word of the stack.

use crate::target::Target;
use crate::word::Word;
use core::mem::transmute;
use sockshim_core::hook::{Hook, MAX_ARGS, MAX_PARAMS};

/// What the seventh word of a call with eight arguments points to.
#[derive(Clone, Copy)]
pub struct Rest {
    last_two: [i64; 2],
    target: Target,
}

impl Rest {
    /// The rest of a call of `target` with these words.
    pub fn of(words: &[i64; MAX_PARAMS], target: Target) -> Rest {
        Rest { last_two: [words[MAX_ARGS - 1], words[MAX_ARGS]], target }
    }

    /// The words of the call that makes the call: the first six, and where this is.
    pub fn words(&self, words: &[i64; MAX_PARAMS]) -> [i64; MAX_ARGS] {
        let [a, b, c, d, e, f, ..] = *words;
        [a, b, c, d, e, f, core::ptr::from_ref(self) as i64]
    }

    /// The function that makes the call of these words. It returns an `R`.
    ///
    /// # Safety
    /// The function that it leads to must have eight arguments and return an `R`.
    pub unsafe fn target<R: Word>() -> Target {
        // SAFETY: the caller's promise; `with_rest` is called in place of the hook.
        unsafe { Target::new(with_rest::<R> as *const ()) }
    }
}

/// Calls the function with all its arguments. Like the frame above, this one holds only plain data.
unsafe extern "C-unwind" fn with_rest<R: Word>(
    a: i64,
    b: i64,
    c: i64,
    d: i64,
    e: i64,
    f: i64,
    rest: *const Rest,
) -> R {
    type ByWords<R> = unsafe extern "C-unwind" fn(i64, i64, i64, i64, i64, i64, i64, i64) -> R;
    // SAFETY: as the module says, and `Rest::target` was promised the rest.
    unsafe {
        let Rest { last_two: [g, h], target } = *rest;
        transmute::<Target, ByWords<R>>(target)(a, b, c, d, e, f, g, h)
    }
}

/// The last two arguments of the hook's call with these words.
///
/// # Safety
/// The words must be those of a call that is not over.
pub unsafe fn last_two(hook: &Hook, words: &[i64; MAX_ARGS]) -> [i64; 2] {
    match hook.arity() {
        // SAFETY: the caller's promise.
        MAX_PARAMS => unsafe { (*(words[MAX_ARGS - 1] as *const Rest)).last_two },
        count => [words[count.saturating_sub(2)], words[count.saturating_sub(1)]],
    }
}
