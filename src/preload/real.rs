//! libc's own functions, one pointer per hook.
//!
//! Each pointer begins at a stand-in of its own (made by the `hooks!` macro) that makes the plain system call, so a
//! hook that runs before [`resolve`] needs neither dlsym nor a test. `resolve` runs once, in the constructor.
//!
//! redhook looks the symbols up; its `hook!` macro is not used, because it resolves at first use (neither fork- nor
//! signal-safe), and puts a catch_unwind around the blocking call (cancelling a thread there aborts).
//!
//! # Safety
//! A pointer is only ever replaced by the next definition of the same symbol, so the prototypes agree.

use crate::panic::attempt;
use core::sync::atomic::{AtomicPtr, Ordering};

/// One symbol and the pointer that calls go through.
pub struct Real {
    /// The name with its terminating NUL.
    pub symbol: &'static str,
    /// The pointer.
    pub target: &'static AtomicPtr<()>,
}

/// Points every symbol at its next definition. What a libc lacks keeps its stand-in: nobody can have linked it.
pub fn resolve(reals: &[Real]) {
    for real in reals {
        if let Some(address) = lookup(real.symbol) {
            real.target.store(address, Ordering::Release);
        }
    }
}

/// The next definition of a symbol after this library, `RTLD_NEXT`.
pub fn lookup(symbol: &'static str) -> Option<*mut ()> {
    // redhook panics for a symbol that does not exist; here that is an ordinary answer.
    let found = attempt(|| {
        // SAFETY: the name is terminated by NUL.
        unsafe { redhook::ld_preload::dlsym_next(symbol) }
    });
    found.ok().map(|address| address.cast_mut().cast())
}
