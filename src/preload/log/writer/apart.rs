//! The moment in which a new writer may still have the program's descriptors.
//!
//! The kernel copies up to 64 of them before close_range(2) closes them again. A port or a lock that the program gives back by a
//! close in that moment would be taken for a little longer, and a bind(2) right after it would fail. So whoever closes
//! something waits for the end of it: once in a process, and as long as the writer takes to be let run.

use crate::{identity, sys};
use core::sync::atomic::{AtomicU32, Ordering};

/// 1 from before the writer begins until it has none of them any more.
static SHARES: AtomicU32 = AtomicU32::new(0);

/// The longest wait. Somebody may have killed the writer in that moment.
const PATIENCE: i64 = 100_000_000;

/// Before a writer begins that is a process.
pub fn begin() {
    SHARES.store(1, Ordering::SeqCst);
}

/// The writer has its own descriptors; or it could not begin, or is the parent's.
pub fn end() {
    SHARES.store(0, Ordering::Release);
    sys::futex_wake(&SHARES);
}

/// Whether the writer may have the program's descriptors.
#[inline(always)]
pub fn is_to_come() -> bool {
    SHARES.load(Ordering::Relaxed) != 0
}

/// Before the program closes something.
#[inline(always)]
pub fn wait() {
    if is_to_come() {
        wait_for_end();
    }
}

#[cold]
#[inline(never)]
fn wait_for_end() {
    if identity::is_sandboxed() {
        return;
    }
    let begin = sys::monotonic();
    while is_to_come() && sys::monotonic().saturating_sub(begin) < PATIENCE as u64 {
        sys::futex_wait(&SHARES, 1, PATIENCE);
    }
    SHARES.store(0, Ordering::Release);
}
