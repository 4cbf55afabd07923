//! The byte that every hook tests first.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use sockshim_core::hook::Level;

static MODE: AtomicU8 = AtomicU8::new(of(Level::Off));
/// Added to a level's number when calls may take the fast path.
const FAST: u8 = 1;

/// The number of a level, below that of every higher one with or without the fast path.
const fn of(level: Level) -> u8 {
    level as u8 * 2
}

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
    MODE.load(Ordering::Relaxed) != of(Level::Off)
}

/// Whether data calls are observed.
#[inline(always)]
pub fn data() -> bool {
    MODE.load(Ordering::Relaxed) >= of(Level::Io)
}

/// Whether calls may take the fast path.
#[inline(always)]
pub fn has_fast_path() -> bool {
    MODE.load(Ordering::Relaxed) & FAST != 0
}

/// Lets calls take the fast path, if they are observed at all.
pub fn allow_fast_path() {
    let allowed = |mode: u8| (mode != of(Level::Off)).then_some(mode | FAST);
    // Where nothing is observed there is no change, which is intended.
    let _ = MODE.fetch_update(Ordering::AcqRel, Ordering::Relaxed, allowed);
}

/// Sends all calls down the slow path again.
pub fn forbid_fast_path() {
    MODE.fetch_and(!FAST, Ordering::AcqRel);
}

/// Whether a call of this level is logged.
#[inline(always)]
pub fn logs(level: Level) -> bool {
    of(level) <= MODE.load(Ordering::Relaxed)
}

/// Sets the level from which calls are observed; `Level::Off` ends all observation.
pub fn set(level: Level) {
    MODE.store(of(level), Ordering::Release);
    EXEC.store(level != Level::Off || propagates(), Ordering::Release);
}
