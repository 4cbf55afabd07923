//! The way from the program's threads to the writer for everything but the fast path's records.
//!
//! # Safety
//! The channel of a process is never freed: a thread may be using it while another forks. A forked child makes its own
//! and leaves its parent's alone.

use super::ring;
use super::writer::{control, life};
use crate::{alloc, process};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use sockshim_core::trace::event::Event;
use sockshim_core::trace::sink::Sink;

static SINK: AtomicPtr<Sink> = AtomicPtr::new(ptr::null_mut());
static SYNCHRONOUS: AtomicBool = AtomicBool::new(false);
/// Whether anything was sent: a process in which nothing happened ends without waiting for a writer.
static USED: AtomicBool = AtomicBool::new(false);

/// The channel, once there is one.
pub fn sink() -> Option<&'static Sink> {
    // SAFETY: the pointer is null or a leaked box.
    unsafe { SINK.load(Ordering::Acquire).as_ref() }
}

/// Makes the channel, if there is none.
pub fn make() {
    if sink().is_none() {
        SINK.store(Box::leak(Box::default()), Ordering::Release);
    }
}

/// In a forked child: the channel is the parent's.
pub fn leave_to_parent() {
    SYNCHRONOUS.store(false, Ordering::Release);
    USED.store(false, Ordering::Release);
    SINK.store(ptr::null_mut(), Ordering::Release);
}

/// Hands an event to the writer.
pub fn send(event: &Event) {
    if !life::accepts() {
        return;
    }
    let Some(sink) = sink() else { return };
    USED.store(true, Ordering::Relaxed);
    let half_full = sink.send(|| alloc::boxed(event));
    if half_full && !process::is_sandboxed() {
        control::wake();
    }
    if SYNCHRONOUS.load(Ordering::Relaxed) {
        flush();
    }
}

/// Waits until everything that was sent is written, as long as a writer is there and not stuck.
pub fn flush() {
    if is_waiting() && life::accepts() || control::is_writing() {
        control::flush(process::is_sandboxed());
    }
}

/// Whether anything waits to be written.
fn is_waiting() -> bool {
    sink().is_some_and(|sink| !sink.is_empty()) || ring::all().any(|ring| !ring.is_empty())
}

/// The last flush of a process: the log says what it held.
pub fn last_flush() {
    let used = USED.load(Ordering::Relaxed) || ring::all().next().is_some();
    if used && life::accepts() {
        control::end();
        control::flush(process::is_sandboxed());
    }
}

/// From now on nothing stays in the channel.
pub fn set_synchronous() {
    ring::retire_all();
    SYNCHRONOUS.store(true, Ordering::Release);
}
