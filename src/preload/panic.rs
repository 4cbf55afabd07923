//! What a panic does here: it unwinds to the nearest [`attempt`], without a word.
//!
//! The standard library would first report it on the program's stderr, with code that is a third of the file. So the
//! linker leads the two ways into that code here instead; `build.rs` tells how.
//!
//! # Safety
//! The two symbols are called like functions of Rust that never return, and what is given to them is not looked at.

use crate::tls;
use core::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What an [`attempt`] ends in when it panics.
pub struct Panicked;

/// Runs `f`. A panic in it ends here. `f` may leave anything half done, so what it touches must be plain data or
/// atomics.
///
/// # Errors
/// `Panicked` when it has.
#[inline(always)]
pub fn attempt<R>(f: impl FnOnce() -> R) -> Result<R, Panicked> {
    // A handler that interrupts an unwinding thread may make an attempt of its own.
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

#[cfg(wrapped)]
mod wrapped {
    use crate::tls;
    use core::arch::global_asm;

    global_asm!(
        concat!(".globl __wrap_", env!("SOCKSHIM_BEGIN_PANIC")),
        concat!(".hidden __wrap_", env!("SOCKSHIM_BEGIN_PANIC")),
        concat!("__wrap_", env!("SOCKSHIM_BEGIN_PANIC"), ":"),
        concat!(".globl __wrap_", env!("SOCKSHIM_OUT_OF_MEMORY")),
        concat!(".hidden __wrap_", env!("SOCKSHIM_OUT_OF_MEMORY")),
        concat!("__wrap_", env!("SOCKSHIM_OUT_OF_MEMORY"), ":"),
        "jmp {begin}",
        begin = sym begin,
    );

    /// A panic, or an allocation that has failed.
    #[cold]
    extern "C-unwind" fn begin() -> ! {
        if tls::get().unwinding.replace(1) != 0 {
            // A destructor that panics while a panic unwinds, or a function that must not unwind: as everywhere in
            // Rust, there is no way on.
            // SAFETY: ends the process.
            unsafe { libc::abort() };
        }
        std::panic::resume_unwind(Box::new(()));
    }
}

/// Where the linker leads nothing here, at least nothing is said.
pub fn init() {
    #[cfg(not(wrapped))]
    std::panic::set_hook(Box::new(|_| {}));
}
