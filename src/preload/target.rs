//! The function that performs a call, whichever hook's it is: called with its arguments as words.
//!
//! # Safety
//! A function is called as if it took [`MAX_ARGS`] arguments of 64 bits. The calling convention of x86-64 makes that the
//! same call: each parameter in the table is an integer of at least 32 bits or a pointer; the first six have a register
//! each, whatever their width, and the seventh the first word of the stack, which the caller cleans up. A function looks
//! at none that it does not have, and at no more of a register than its parameter is wide. What it returns is in one
//! register, of which [`Hook::result`] takes as much as the table says. fcntl(2) and the others that take any number of
//! arguments find them in the same places.

use crate::original::TARGETS;
use core::mem::transmute;
use core::sync::atomic::Ordering;
use sockshim_core::hook::{Hook, MAX_ARGS};

/// The function that performs a call: libc's, or one in its place that takes the same arguments.
#[derive(Clone, Copy)]
pub struct Target(*const ());

impl Target {
    /// libc's function of the hook at `place`.
    #[inline(always)]
    pub fn of(place: usize) -> Target {
        Target(TARGETS[place].load(Ordering::Relaxed))
    }

    /// A function.
    ///
    /// # Safety
    /// It must be the definition of a hooked symbol, or a function with the same prototype.
    #[inline(always)]
    pub unsafe fn new(function: *const ()) -> Target {
        Target(function)
    }

    /// Calls the function of a hook with these words. The result, as wide as a register.
    ///
    /// # Safety
    /// As for the function's own arguments.
    #[inline(always)]
    pub unsafe fn call(self, hook: &Hook, words: &[i64; MAX_ARGS]) -> i64 {
        type ByWords = unsafe extern "C-unwind" fn(i64, i64, i64, i64, i64, i64, i64) -> i64;
        let [a, b, c, d, e, f, g] = *words;
        // SAFETY: the module's text; it is such a function.
        let register = unsafe { transmute::<*const (), ByWords>(self.0)(a, b, c, d, e, f, g) };
        hook.result(register)
    }
}
