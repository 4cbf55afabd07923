//! The function that performs a call, whichever hook's it is: called with its arguments as words.
//!
//! # Safety
//! A function is called as if it took [`MAX_ARGS`] arguments of 64 bits. The calling convention of x86-64 makes that the
//! same call. Each parameter in the table is a [`Word`], an integer of at least 32 bits or a pointer: the first six have a
//! register each, whatever their width, and the seventh is the first word of the stack, which the caller cleans up. A
//! function looks at none that it does not have, and at no more of a register than its parameter is wide. fcntl(2) and
//! the others that take any number of arguments find them in the same places. The result has its own type.

use crate::original::TARGETS;
use crate::table::HookIndex;
use crate::word::Word;
use core::mem::transmute;
use core::sync::atomic::Ordering;
use sockshim_core::hook::MAX_ARGS;

/// libc's function, or one in its place with the same prototype.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Target(*const ());

impl Target {
    /// libc's function of the hook at `index`.
    #[inline(always)]
    pub fn of(index: HookIndex) -> Target {
        Target(TARGETS[index as usize].load(Ordering::Relaxed))
    }

    /// A function.
    ///
    /// # Safety
    /// It must have the prototype of a hooked symbol.
    #[inline(always)]
    pub unsafe fn new(function: *const ()) -> Target {
        Target(function)
    }

    /// Calls the function, which returns an `R`.
    ///
    /// # Safety
    /// It must return that, and the words must be arguments for it.
    #[inline(always)]
    pub unsafe fn call<R: Word>(self, words: &[i64; MAX_ARGS]) -> R {
        type ByWords<R> = unsafe extern "C-unwind" fn(i64, i64, i64, i64, i64, i64, i64) -> R;
        let [a, b, c, d, e, f, g] = *words;
        // SAFETY: the module's text, and the caller's promise.
        unsafe { transmute::<*const (), ByWords<R>>(self.0)(a, b, c, d, e, f, g) }
    }

    /// [`Target::call`] of a function with at most five arguments.
    ///
    /// # Safety
    /// The same.
    #[inline(always)]
    pub unsafe fn call_five<R: Word>(self, words: &[i64; MAX_ARGS]) -> R {
        type ByWords<R> = unsafe extern "C-unwind" fn(i64, i64, i64, i64, i64) -> R;
        let [a, b, c, d, e, ..] = *words;
        // SAFETY: the module's text, and the caller's promise.
        unsafe { transmute::<*const (), ByWords<R>>(self.0)(a, b, c, d, e) }
    }
}
