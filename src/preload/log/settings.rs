//! The writer's settings, which are fixed when logging is turned on.
//!
//! # Safety
//! The one pointer here is null or a leaked box.

use crate::sys;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_core::config::{Config, Format};
use sockshim_core::hook::Level;

static SETTINGS: AtomicPtr<Settings> = AtomicPtr::new(ptr::null_mut());

/// The writer's settings.
pub struct Settings {
    /// The format.
    pub format: Format,
    /// The value of `SOCKSHIM_LOG_FILE`; stderr without one.
    pub file: Option<&'static [u8]>,
    /// The file that stderr was when the process started. If the program was started without a stderr, its number is
    /// soon something else, and nothing of ours may be written there.
    pub stderr: Option<sys::File>,
    /// What is logged.
    pub level: Level,
}

/// The settings, once logging was asked for.
pub fn get() -> Option<&'static Settings> {
    // SAFETY: the pointer is null or a leaked box.
    unsafe { SETTINGS.load(Ordering::Acquire).as_ref() }
}

/// Fixes the settings from the configuration.
pub fn fix(config: &Config) -> &'static Settings {
    // Copied, because the program may overwrite its environment (setproctitle does).
    let file = config.file.map(|file| &*Box::leak(Box::<[u8]>::from(file)));
    let stderr = sys::fstat(libc::STDERR_FILENO).ok();
    let settings = Box::leak(Box::new(Settings { format: config.format, file, stderr, level: config.level }));
    SETTINGS.store(settings, Ordering::Release);
    settings
}
