//! Handing events to the log, and waiting until they are written.

use super::queue;
use super::writer::{control, life};
use crate::identity;
use core::sync::atomic::{AtomicBool, Ordering};
use sockshim_core::trace::event::Event;

static SYNCHRONOUS: AtomicBool = AtomicBool::new(false);

/// In a forked child: what was sent is the parent's.
pub fn leave_to_parent() {
    SYNCHRONOUS.store(false, Ordering::Release);
    queue::forget_all();
}

/// Hands an event to the writer.
#[inline(never)]
pub fn send(event: &Event) {
    if life::is_there() && !SYNCHRONOUS.load(Ordering::Relaxed) {
        return queue::event::put(event);
    }
    send_and_wait(event);
}

/// [`send`] where there is no writer yet, or nothing is to stay in the queues.
#[cold]
#[inline(never)]
fn send_and_wait(event: &Event) {
    if !life::accepts() {
        return;
    }
    queue::event::put(event);
    if SYNCHRONOUS.load(Ordering::Relaxed) {
        flush();
    }
}

/// Waits until everything that was sent is written, as long as a writer is there and not stuck.
pub fn flush() {
    if (queue::all().any(|queue| !queue.is_empty()) && life::accepts()) || control::is_writing() {
        control::flush(identity::is_sandboxed());
    }
}

/// The last flush of a process: the log says what it held. A process in which nothing happened ends without waiting for a
/// writer.
pub fn last_flush() {
    if queue::all().next().is_some() && life::accepts() {
        control::end();
        control::flush(identity::is_sandboxed());
    }
}

/// From now on nothing stays in the queues.
pub fn set_synchronous() {
    queue::retire_all();
    SYNCHRONOUS.store(true, Ordering::Release);
}
