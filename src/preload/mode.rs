//! The one word that every hook tests first.

use core::sync::atomic::{AtomicU8, Ordering};
use sockshim_core::hook::Level;

static MODE: AtomicU8 = AtomicU8::new(Level::Off as u8);

/// Whether control calls and the life of descriptors are of interest.
#[inline(always)]
pub fn control() -> bool {
    MODE.load(Ordering::Relaxed) != Level::Off as u8
}

/// Whether data calls are of interest.
#[inline(always)]
pub fn data() -> bool {
    MODE.load(Ordering::Relaxed) == Level::Io as u8
}

/// Whether a call of this level is logged.
pub fn logs(level: Level) -> bool {
    level as u8 <= MODE.load(Ordering::Relaxed)
}

/// Sets what is of interest; `Level::Off` ends all interest.
pub fn set(level: Level) {
    MODE.store(level as u8, Ordering::Release);
}
