//! When the writer begins and ends.
//!
//! It begins with the first event, or before a call after which the log could no longer be opened: most processes of a
//! build or a shell script never make a socket, and pay nothing.
//!
//! It ends when the process does, and before an exec, in both cases by order of the process, which then reaps it. A process
//! that is killed gives no order: the writer notices, writes what there is, and ends too.

use super::control::{self, Status};
use super::launch::{self, Kind};
use super::program;
use crate::log::{message, queue, settings};
use crate::{alloc, identity, mode, sys};
use core::sync::atomic::{AtomicU8, Ordering};
use sockshim_core::hook::Level;

/// What the writer is: a [`Kind`], or 0 while there is none.
static KIND: AtomicU8 = AtomicU8::new(0);

/// Whether events find somebody who takes them. The first event begins the writer, and does not wait for it.
#[inline]
pub fn accepts() -> bool {
    match control::status() {
        Status::Running | Status::Starting => true,
        Status::Failed => failed(),
        // Where there are only rules, nobody has asked for a log.
        Status::None => settings::get().is_some() && begin(),
        Status::Closing => closing(),
    }
}

/// Another thread may be ending the writer.
#[cold]
fn closing() -> bool {
    if !identity::is_sandboxed() {
        control::wait_for_closer(identity::tid());
    }
    true
}

/// There is no log. A writer that could not open it is reaped; from then on nothing is observed, so nobody else would.
#[cold]
fn failed() -> bool {
    if !identity::is_sandboxed()
        && !identity::is_guest()
        && let Some(ended) = control::take_killed()
    {
        sys::reap(ended, true);
        mode::set(Level::Off);
    }
    false
}

/// Whether there is somebody who takes events, without beginning him.
#[inline(always)]
pub fn is_there() -> bool {
    matches!(control::status(), Status::Running | Status::Starting)
}

/// Whether the log is open. Begins the writer if there is none, and waits while it opens the log.
#[inline(never)]
pub fn is_open() -> bool {
    accepts() && (control::status() == Status::Running || control::wait_for_start())
}

/// Whether there is a writer, which has begun with the rights and in the namespaces of that moment. Waits while it opens the
/// log.
pub fn has_begun() -> bool {
    match control::status() {
        Status::None | Status::Failed => false,
        Status::Starting => control::wait_for_start(),
        Status::Running | Status::Closing => true,
    }
}

/// Whether the writer is a thread of the program's process.
pub fn is_thread() -> bool {
    KIND.load(Ordering::Relaxed) == Kind::Thread as u8
}

/// Begins the writer. `false` when there will be none; in the moments before an exec there is none yet, and events wait.
#[cold]
fn begin() -> bool {
    if identity::is_sandboxed() {
        return false;
    }
    control::wait_for_closer(identity::tid());
    if control::is_held(identity::pid()) {
        return true;
    }
    // A handler that made a call in between would wait for a writer that only what it has interrupted can begin.
    let mask = sys::block_signals();
    let began = !control::claim_start() || launched();
    sys::restore_signals(mask);
    #[cfg(feature = "test-support")]
    if began && crate::test_support::waits() {
        control::wait_for_start();
    }
    began
}

fn launched() -> bool {
    let pid = identity::pid();
    if control::is_held(pid) {
        // Since it was asked last.
        control::ended();
        return true;
    }
    if sys::getpid() != pid {
        // The writer would be the guest's child. What it logs waits for the one that the process itself begins.
        control::ended();
        return true;
    }
    if sys::leads_a_pid_namespace() {
        // The writer would be the first process of a new pid namespace, with all the duties of an init.
        control::finish_start(false);
        return false;
    }
    queue::let_go();
    program::note_first_name();
    let kind = if alloc::has_memory() { launch::start(pid) } else { None };
    KIND.store(kind.map_or(0, |kind| kind as u8), Ordering::Relaxed);
    if kind.is_none() {
        mode::set(Level::Off);
        control::finish_start(false);
        message::say_none();
    }
    kind.is_some()
}

/// How often a writer that was killed is looked for before it is left as it is: for half a second in all.
const REAPS: u32 = 5000;

/// Ends the writer, and reaps it. Whether there was one.
pub fn stop() -> bool {
    let sandboxed = identity::is_sandboxed();
    let claimed = control::claim_stop(identity::tid(), sandboxed);
    let ended = stop_alone(sandboxed);
    if claimed {
        control::stopped();
    }
    ended
}

fn stop_alone(sandboxed: bool) -> bool {
    if !sandboxed {
        control::wait_for_beginner();
    }
    let tid = control::tid();
    if tid == 0 {
        if !sandboxed && let Some(killed) = control::take_killed() {
            // Its id is cleared before it can be reaped. If the program has reaped it, the id may mean another child.
            let is_due = || !sys::reap(killed, false) && sys::thread_exists(killed, killed);
            (0..REAPS).take_while(|_| is_due()).for_each(|_| sys::sleep(100_000));
        }
        control::open_again();
        return false;
    }
    let killable = !is_thread() && !sandboxed;
    let gone = control::stop(sandboxed)
        || killable && {
            sys::kill(tid);
            control::stop(false)
        };
    // What is not gone yet is on its way out, unless the kernel waits for a disk or a network.
    let reaped = !killable || sys::reap(tid, gone);
    if !(gone && reaped) {
        // Its memory may be in use for who knows how long.
        launch::abandon_memory();
    }
    control::ended();
    true
}

/// Before an exec. What must not be lost is written.
pub fn stop_for_exec() {
    control::hold();
    stop();
}

/// The process ends at once.
pub fn stop_for_ever() {
    control::hold_for_ever();
    stop();
}
