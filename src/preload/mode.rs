//! The byte that every hook tests first.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use sockshim_core::hook::Level;

static MODE: AtomicU8 = AtomicU8::new(Level::Off as u8);
/// Level `io`, with data calls on the fast path.
const FAST: u8 = Level::Io as u8 + 1;

/// Whether calls that start programs are observed: a separate flag, so that one load answers.
static EXEC: AtomicBool = AtomicBool::new(false);
/// `SOCKSHIM_PROPAGATE=always`.
static PROPAGATES: AtomicBool = AtomicBool::new(false);

/// Whether calls that start programs are observed, for the log or for the environment that they pass on.
#[inline(always)]
pub fn exec() -> bool {
    EXEC.load(Ordering::Relaxed)
}

/// Whether new programs get the library's variables whatever environment the program passes on.
pub fn propagates() -> bool {
    PROPAGATES.load(Ordering::Relaxed)
}

/// Makes new programs get the library's variables from now on.
pub fn propagate() {
    PROPAGATES.store(true, Ordering::Relaxed);
    EXEC.store(true, Ordering::Release);
}

/// Whether control calls, and calls that make or close descriptors, are observed.
#[inline(always)]
pub fn control() -> bool {
    MODE.load(Ordering::Relaxed) != Level::Off as u8
}

/// Whether data calls are observed.
#[inline(always)]
pub fn data() -> bool {
    MODE.load(Ordering::Relaxed) >= Level::Io as u8
}

/// Whether data calls may take the fast path.
#[inline(always)]
pub fn has_fast_path() -> bool {
    MODE.load(Ordering::Relaxed) == FAST
}

/// Lets data calls take the fast path, if they are observed at all.
pub fn allow_fast_path() {
    let (from, to) = (Level::Io as u8, FAST);
    // At any other level the exchange fails, which is intended.
    let _ = MODE.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
}

/// Sends all data calls down the slow path again.
pub fn forbid_fast_path() {
    let (from, to) = (FAST, Level::Io as u8);
    let _ = MODE.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
}

/// Whether a call of this level is logged.
pub fn logs(level: Level) -> bool {
    level as u8 <= MODE.load(Ordering::Relaxed)
}

/// Sets the level from which calls are observed; `Level::Off` ends all observation.
pub fn set(level: Level) {
    MODE.store(level as u8, Ordering::Release);
    EXEC.store(level != Level::Off || propagates(), Ordering::Release);
}
