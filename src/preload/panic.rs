//! What a panic does here: it silently unwinds to the nearest [`attempt`].
//!
//! The standard library would first report it on the program's stderr, with code that is a third of the file. So the
//! linker redirects the two entries to that code here; `build.rs` explains how, and `redirect.rs` has the symbols.

use crate::tls;
use core::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The result of an [`attempt`] that has panicked.
pub struct Panicked;

/// Runs `f`, and stops a panic in it. `f` may be interrupted anywhere, so it must only modify plain data and atomics.
///
/// # Errors
/// `Panicked` when `f` has panicked.
#[inline(always)]
pub fn attempt<R>(f: impl FnOnce() -> R) -> Result<R, Panicked> {
    // A signal handler that interrupts an unwinding thread may make an attempt of its own.
    let unwinding = tls::get().unwinding.replace(0);
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => {
            tls::get().unwinding.set(unwinding);
            Ok(result)
        }
        Err(payload) => {
            drop_payload(payload);
            tls::get().unwinding.set(unwinding);
            Err(Panicked)
        }
    }
}

/// Apart, because each attempt would have a copy of it.
#[cold]
#[inline(never)]
fn drop_payload(payload: Box<dyn Any + Send>) {
    drop(payload);
}

/// Called for a panic or a failed allocation.
#[cfg(wrapped)]
#[cold]
pub extern "C-unwind" fn begin() -> ! {
    if tls::get().unwinding.replace(1) != 0 {
        // A destructor has panicked during unwinding, or a function that must not unwind has panicked. As everywhere in
        // Rust, the process cannot go on.
        // SAFETY: ends the process.
        unsafe { libc::abort() };
    }
    std::panic::resume_unwind(Box::new(()));
}

/// If the linker did not redirect the symbols, at least no report is printed.
pub fn init() {
    #[cfg(not(wrapped))]
    std::panic::set_hook(Box::new(|_| {}));
}
