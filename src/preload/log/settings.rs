//! What the writer needs to know; fixed when logging is turned on.
//!
//! # Safety
//! The one pointer here is null or a leaked box.

use crate::sys;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_core::config::{Config, Format};
use sockshim_core::hook::Level;

static SETTINGS: AtomicPtr<Settings> = AtomicPtr::new(ptr::null_mut());

/// What the writer needs to know.
pub struct Settings {
    /// The format.
    pub format: Format,
    /// The value of `SOCKSHIM_LOG_FILE`; stderr without one.
    pub file: Option<&'static [u8]>,
    /// What stderr was when the process began. A program that was started without one gives the number to something
    /// else, and nothing of ours may ever go there.
    pub stderr: Option<sys::File>,
    /// What is logged.
    pub level: Level,
}

/// The settings, once logging was asked for.
pub fn get() -> Option<&'static Settings> {
    // SAFETY: the pointer is null or a leaked box.
    unsafe { SETTINGS.load(Ordering::Acquire).as_ref() }
}

/// Fixes the settings, as the configuration says.
pub fn fix(config: &Config) -> &'static Settings {
    // Copied, because the program may write over its environment (setproctitle does).
    let file = config.file.map(|file| &*Box::leak(Box::<[u8]>::from(file)));
    let stderr = sys::fstat(libc::STDERR_FILENO).ok();
    let settings = Box::leak(Box::new(Settings { format: config.format, file, stderr, level: config.level }));
    SETTINGS.store(settings, Ordering::Release);
    settings
}
