//! What is asked of the writer, and how it is waited for.
//!
//! Everything is words that both sides look at, so that a signal handler or a forked child finds nothing half done.

use crate::sys;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// Bumped to wake the writer: the word it sleeps on.
static WAKE: AtomicU32 = AtomicU32::new(0);
/// How many flushes were asked for, and up to which one they are done.
static FLUSH_ASKED: AtomicU32 = AtomicU32::new(0);
static FLUSH_DONE: AtomicU32 = AtomicU32::new(0);
/// The thread's id while it runs; the kernel clears it when the thread is gone.
static TID: AtomicI32 = AtomicI32::new(0);
/// Whether a batch is being written.
static WRITING: AtomicU32 = AtomicU32::new(0);
/// One of the constants below.
static STATUS: AtomicU32 = AtomicU32::new(STARTING);
const STARTING: u32 = 0;
const RUNNING: u32 = 1;
const FAILED: u32 = 2;
/// Set when the process ends: the next flush writes what there was.
static ENDING: AtomicU32 = AtomicU32::new(0);
/// Set when the program has given itself another name.
static RENAMED: AtomicU32 = AtomicU32::new(0);
/// Set to end the thread.
static STOP: AtomicU32 = AtomicU32::new(0);
/// Until when (CLOCK_MONOTONIC) nothing is written but what a flush asks for.
static PAUSED: AtomicU64 = AtomicU64::new(0);
/// Set when the thread did not end in time, so that its memory is not used again.
static STUCK: AtomicU32 = AtomicU32::new(0);

/// How long anybody waits for the writer: it may be stuck in a full pipe, and no program has to wait for that.
const PATIENCE: i64 = 500_000_000;
/// Long enough for an exec to get to where it ends the writer.
const PAUSE: u64 = 100_000_000;

/// Before a writer is started: nothing is asked of it yet.
pub fn reset() {
    STATUS.store(STARTING, Ordering::Release);
    STOP.store(0, Ordering::Release);
    ENDING.store(0, Ordering::Release);
    FLUSH_DONE.store(FLUSH_ASKED.load(Ordering::Acquire), Ordering::Release);
    WRITING.store(0, Ordering::Release);
    resume();
    TID.store(0, Ordering::Release);
}

/// The word that holds the thread's id: the kernel fills it when the thread begins, and clears it when it is gone.
pub fn tid_word() -> *mut i32 {
    TID.as_ptr()
}

/// Whether the last thread did not end in time, so that its memory is not to be used again. Asked once.
pub fn take_stuck() -> bool {
    STUCK.swap(0, Ordering::AcqRel) != 0
}

/// The start is over: whether the log is open.
pub fn finish_start(opened: bool) {
    STATUS.store(if opened { RUNNING } else { FAILED }, Ordering::Release);
    sys::futex_wake(&STATUS);
}

/// Whether the log is open; waits while the thread is still opening it.
#[inline]
pub fn is_running() -> bool {
    match STATUS.load(Ordering::Acquire) {
        STARTING => wait_for_start(),
        status => status == RUNNING,
    }
}

#[cold]
fn wait_for_start() -> bool {
    let begin = sys::monotonic();
    while STATUS.load(Ordering::Acquire) == STARTING && waited(begin) < PATIENCE {
        sys::futex_wait(&STATUS, STARTING, PATIENCE);
    }
    STATUS.load(Ordering::Acquire) == RUNNING
}

fn waited(begin: u64) -> i64 {
    sys::monotonic().saturating_sub(begin) as i64
}

/// Asks for the summary with the next flush.
pub fn end() {
    ENDING.store(1, Ordering::Release);
}

/// The program's name may be another one now.
pub fn renamed() {
    RENAMED.store(1, Ordering::Relaxed);
}

/// Whether a batch is on its way out.
pub fn is_writing() -> bool {
    WRITING.load(Ordering::Acquire) != 0
}

/// Before an exec, and the flush that goes before it: the writer is ended in whatever it does then, and a line that
/// another thread or a signal handler has made it begin would stay half written. Ends by itself, because not every exec
/// that fails is seen to.
pub fn pause() {
    PAUSED.store(sys::monotonic() + PAUSE, Ordering::Release);
}

/// Before the last flush of a process that ends at once.
pub fn pause_for_ever() {
    PAUSED.store(u64::MAX, Ordering::Release);
}

/// An exec has failed.
pub fn resume() {
    PAUSED.store(0, Ordering::Release);
}

fn is_paused() -> bool {
    let until = PAUSED.load(Ordering::Acquire);
    until != 0 && sys::monotonic() < until
}

/// Asks the writer to empty the queues, and waits for it. In a sandbox no futex is touched: the writer looks by
/// itself often enough.
pub fn flush(sandboxed: bool) {
    let ticket = FLUSH_ASKED.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
    let begin = sys::monotonic();
    if !sandboxed {
        wake();
    }
    loop {
        let done = FLUSH_DONE.load(Ordering::Acquire);
        let late = waited(begin) > PATIENCE || TID.load(Ordering::Acquire) == 0;
        if done.wrapping_sub(ticket) as i32 >= 0 || late {
            return;
        }
        if sandboxed {
            core::hint::spin_loop();
        } else {
            sys::futex_wait(&FLUSH_DONE, done, 10_000_000);
        }
    }
}

/// Wakes the thread, if it sleeps.
pub fn wake() {
    WAKE.fetch_add(1, Ordering::AcqRel);
    sys::futex_wake(&WAKE);
}

/// Ends the thread and waits until the kernel has forgotten it: some calls want a process with one thread.
/// `false` when there was none. In a sandbox the waiting makes no system call, and the thread looks by itself.
pub fn stop(sandboxed: bool) -> bool {
    let tid = TID.load(Ordering::Acquire);
    if tid == 0 {
        return false;
    }
    STOP.store(1, Ordering::Release);
    let begin = sys::monotonic();
    if sandboxed {
        while TID.load(Ordering::Acquire) == tid && waited(begin) < PATIENCE {
            core::hint::spin_loop();
        }
        return true;
    }
    wake();
    let pid = sys::getpid();
    while (TID.load(Ordering::Acquire) == tid || sys::thread_exists(pid, tid)) && waited(begin) < PATIENCE {
        sys::sleep(50_000);
    }
    if waited(begin) >= PATIENCE {
        STUCK.store(1, Ordering::Release);
    }
    true
}

/// What is asked of the writer in one round.
pub struct Asked {
    wake: u32,
    flush: u32,
    /// Whether to end the thread.
    pub stop: bool,
}

/// On the writer's thread: what is asked now.
pub fn asked() -> Asked {
    let wake = WAKE.load(Ordering::Acquire);
    let flush = FLUSH_ASKED.load(Ordering::Acquire);
    Asked { wake, flush, stop: STOP.load(Ordering::Acquire) != 0 }
}

impl Asked {
    /// Whether somebody waits until everything is written.
    pub fn flushes(&self) -> bool {
        self.stop || FLUSH_DONE.load(Ordering::Acquire) != self.flush
    }

    /// Whether anything may be written.
    pub fn may_write(&self) -> bool {
        self.flushes() || !is_paused()
    }

    /// Everything that was asked is done.
    pub fn finish(&self) {
        if FLUSH_DONE.swap(self.flush, Ordering::AcqRel) != self.flush {
            sys::futex_wake(&FLUSH_DONE);
        }
    }

    /// Sleeps until something else is asked, for at most `nanos`.
    pub fn sleep(&self, nanos: i64) {
        sys::futex_wait(&WAKE, self.wake, nanos);
    }
}

/// Whether the process ends, so that its summary is due. Asked once.
pub fn take_ending() -> bool {
    ENDING.swap(0, Ordering::AcqRel) != 0
}

/// Whether the program may have another name since this was asked last.
pub fn take_renamed() -> bool {
    RENAMED.load(Ordering::Relaxed) != 0 && RENAMED.swap(0, Ordering::Relaxed) != 0
}

/// Says whether a batch is on its way out.
pub fn set_writing(writing: bool) {
    WRITING.store(writing.into(), Ordering::Release);
}
