//! The one word that every hook tests first.

use core::sync::atomic::{AtomicU8, Ordering};
use sockshim_core::hook::Level;

static MODE: AtomicU8 = AtomicU8::new(Level::Off as u8);
/// Level io, with data calls on the short way.
const RINGS: u8 = Level::Io as u8 + 1;

/// Whether control calls and the life of descriptors are of interest.
#[inline(always)]
pub fn control() -> bool {
    MODE.load(Ordering::Relaxed) != Level::Off as u8
}

/// Whether data calls are of interest.
#[inline(always)]
pub fn data() -> bool {
    MODE.load(Ordering::Relaxed) >= Level::Io as u8
}

/// Whether data calls may take the short way.
#[inline(always)]
pub fn rings() -> bool {
    MODE.load(Ordering::Relaxed) == RINGS
}

/// Lets data calls take the short way, if they are of interest at all.
pub fn allow_rings() {
    let (from, to) = (Level::Io as u8, RINGS);
    // It fails at any other level, as it should.
    let _ = MODE.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
}

/// Sends all data calls the long way again.
pub fn forbid_rings() {
    let (from, to) = (RINGS, Level::Io as u8);
    let _ = MODE.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
}

/// Whether a call of this level is logged.
pub fn logs(level: Level) -> bool {
    level as u8 <= MODE.load(Ordering::Relaxed)
}

/// Sets what is of interest; `Level::Off` ends all interest.
pub fn set(level: Level) {
    MODE.store(level as u8, Ordering::Release);
}
