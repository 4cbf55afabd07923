//! Interposers behind the library: their functions come between it and libc, and may make another socket or connect
//! it with calls that no hook sees. Then the program's arguments prove nothing, and the kernel is asked after each
//! call that makes or changes a socket.

use core::sync::atomic::{AtomicBool, Ordering};

static INTERPOSED: AtomicBool = AtomicBool::new(false);

/// Records that some of libc's functions were found in another library. Called when they are looked up.
pub fn set_interposed() {
    INTERPOSED.store(true, Ordering::Relaxed);
}

/// Whether an interposer is behind the library.
#[inline(always)]
pub fn is_interposed() -> bool {
    INTERPOSED.load(Ordering::Relaxed)
}
