//! Interposers behind the library: their functions stand between it and libc, and may make another socket, or connect it,
//! by calls that no hook sees. Then nothing follows from the program's arguments, and the kernel is asked after each call
//! that makes or changes a socket.

use core::sync::atomic::{AtomicBool, Ordering};

static INTERPOSED: AtomicBool = AtomicBool::new(false);

/// Said once, when libc's functions are looked up: some of them are not libc's.
pub fn set_interposed() {
    INTERPOSED.store(true, Ordering::Relaxed);
}

/// Whether there is an interposer.
#[inline(always)]
pub fn is_interposed() -> bool {
    INTERPOSED.load(Ordering::Relaxed)
}
