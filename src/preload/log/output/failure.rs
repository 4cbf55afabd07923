//! What is said of a log that cannot be written. A program that nobody can change has a reader of its stderr who never asked
//! for a log, so it is said once for all that a program forks, and only where the user has a chance to mend it: not in a
//! child that has gone into another root or become another user since the log was opened.
//!
//! # Safety
//! The one pointer here is null or a page that stays mapped.

use super::destination::Destination;
use crate::log::message::{Text, say};
use crate::log::settings::Settings;
use crate::log::writer::program::open_stderr;
use crate::sys;
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use sockshim_core::errno::Errno;
use sockshim_core::trace::escape::Escaped;
use std::io::Write;

/// Whether a failure was said already, by this process or by a relative: the flag is in memory that children of fork
/// share.
static SAID: AtomicPtr<AtomicBool> = AtomicPtr::new(core::ptr::null_mut());
/// Whether this process, or one that it was forked from, has opened the log.
static WENT_WELL: AtomicBool = AtomicBool::new(false);

/// Makes the flag that is shared with all children. Without it each process says its own failure.
pub fn share_with_children() {
    if SAID.load(Ordering::Acquire).is_null() {
        SAID.store(sys::mmap_shared(4096).map_or(core::ptr::null_mut(), <*mut u8>::cast), Ordering::Release);
    }
}

/// Whether a failure may be said now; true once.
fn may_say() -> bool {
    // SAFETY: the pointer is null or a zeroed page that is never unmapped; zero is `false`.
    let said = unsafe { SAID.load(Ordering::Acquire).as_ref() };
    said.is_none_or(|said| !said.swap(true, Ordering::AcqRel))
}

/// The log is open.
pub fn went_well() {
    WENT_WELL.store(true, Ordering::Relaxed);
}

/// The log cannot be opened. Said on stderr, which must still be in the caller's table.
pub fn say_open(settings: &Settings, destination: &Destination, errno: c_int) {
    let untouched = sys::fstat(libc::STDERR_FILENO).ok() == settings.stderr;
    let elsewhere = WENT_WELL.load(Ordering::Relaxed) || destination.is_anothers();
    if untouched && !elsewhere && may_say() {
        say(line("open", destination, errno).ended());
    }
}

/// The log cannot be written. Said on the program's stderr, which the writer's own table does not have, if it still is what
/// it was.
pub fn say_write(settings: &Settings, destination: &Destination, errno: c_int) {
    if destination.is_stderr() {
        return;
    }
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let Ok(fd) = open_stderr(flags) else { return };
    if sys::fstat(fd).ok() == settings.stderr && may_say() {
        let _ = sys::write(fd, line("write", destination, errno).ended());
    }
    sys::close(fd);
}

fn line(what: &str, destination: &Destination, errno: c_int) -> Text {
    let mut line = Text::new();
    let name = destination.name();
    let name = &name[..name.len().min(128)];
    let error = Errno(errno).name().unwrap_or("an error");
    // A `Text` takes everything and cuts what is too long.
    let _ = write!(
        line,
        "sockshim: cannot {what} the log {}: {error}; the program runs on without it",
        Escaped(name)
    );
    line
}
