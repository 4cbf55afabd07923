//! What a panic does here: it silently unwinds to the nearest [`attempt`], as in libsockshim.so and for the same reasons
//! (`src/preload/panic.rs`). So this library needs no other one either, and no newer libc.
//!
//! # Safety
//! Ending the process asks for nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`, and stops a panic in it: `None`.
pub fn attempt<R>(f: impl FnOnce() -> R) -> Option<R> {
    // If the linker did not redirect the symbols, at least no report is printed.
    #[cfg(not(wrapped))]
    std::panic::set_hook(Box::new(|_| {}));
    catch_unwind(AssertUnwindSafe(f)).ok()
}

/// Called for a panic or a failed allocation.
#[cfg(wrapped)]
#[cold]
pub extern "C-unwind" fn begin() -> ! {
    if std::thread::panicking() {
        // A destructor has panicked during unwinding. As everywhere in Rust, the process cannot go on.
        // SAFETY: ends the process.
        unsafe { libc::abort() };
    }
    std::panic::resume_unwind(Box::new(()));
}
