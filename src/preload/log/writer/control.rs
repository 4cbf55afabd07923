//! Requests to the writer, and waiting for it.
//!
//! Everything is words that both sides look at, so that a signal handler or a forked child finds nothing half done. The
//! writer may be gone at any time: whoever waits for it looks whether it still runs, and never waits for long.

use crate::sys;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

/// The word that the writer sleeps on. It is incremented to wake it.
static WAKE: AtomicU32 = AtomicU32::new(0);
/// How many flushes were requested, and how many of them are done.
static FLUSH_ASKED: AtomicU32 = AtomicU32::new(0);
static FLUSH_DONE: AtomicU32 = AtomicU32::new(0);
/// The writer's id while it runs; the kernel clears it when the writer is gone.
static TID: AtomicI32 = AtomicI32::new(0);
/// The id of the writer that was begun last, until it is reaped.
static BEGUN: AtomicI32 = AtomicI32::new(0);
/// Whether a batch is being written.
static WRITING: AtomicBool = AtomicBool::new(false);
/// A [`Status`].
static STATUS: AtomicU32 = AtomicU32::new(Status::None as u32);
/// Bumped with each piece of the log that is written.
static PROGRESS: AtomicU32 = AtomicU32::new(0);
/// Set when the process ends: the next flush also writes the summary.
static ENDING: AtomicBool = AtomicBool::new(false);
/// Set to end the writer.
static STOP: AtomicBool = AtomicBool::new(false);
/// Until when (CLOCK_MONOTONIC) no writer is begun.
static HELD: AtomicU64 = AtomicU64::new(0);
/// The thread that ends the writer, before an exec or the process's end.
static CLOSER: AtomicI32 = AtomicI32::new(0);
/// The thread that is ending the writer, until it has reaped it.
static STOPPER: AtomicI32 = AtomicI32::new(0);
/// The threads that wait for any child; 0 where there is none. No writer is begun while one of them is there.
static WAITERS: [AtomicI32; 16] = [const { AtomicI32::new(0) }; 16];

/// How long anybody waits for the writer. It may be stuck in a full pipe, and no program must wait for that.
const PATIENCE: u64 = 500_000_000;
/// How long anybody waits for a writer that goes on writing: there may be much to write, or somebody may read slowly.
const MOST_PATIENCE: u64 = 10_000_000_000;
/// Long enough for an exec to get from its hook into the kernel.
const HOLD: u64 = 100_000_000;

/// Where the writer stands.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// There is none; it begins with the first event.
    None = 0,
    /// It opens the log.
    Starting = 1,
    /// It writes.
    Running = 2,
    /// There is no log.
    Failed = 3,
    /// It writes for the last time, for the thread that ends it. What other threads have to log waits.
    Closing = 4,
}

/// Where the writer stands.
#[inline(always)]
pub fn status() -> Status {
    match STATUS.load(Ordering::Acquire) {
        0 => Status::None,
        1 => Status::Starting,
        2 => Status::Running,
        4 => Status::Closing,
        _ => Status::Failed,
    }
}

/// The right to begin a writer, which is given to one caller: nothing is asked of it yet.
pub fn claim_start() -> bool {
    let (none, starting) = (Status::None as u32, Status::Starting as u32);
    if STATUS.compare_exchange(none, starting, Ordering::SeqCst, Ordering::Acquire).is_err() {
        return false;
    }
    STOP.store(false, Ordering::Release);
    WRITING.store(false, Ordering::Release);
    TID.store(0, Ordering::Release);
    true
}

/// In a forked child: there is no writer, whatever was asked of the parent's.
pub fn forget() {
    ENDING.store(false, Ordering::Release);
    FLUSH_DONE.store(FLUSH_ASKED.load(Ordering::Acquire), Ordering::Release);
    release();
    stopped();
    WAITERS.iter().for_each(|waiter| waiter.store(0, Ordering::Release));
    ended();
}

/// The writer is gone, and another one may begin.
pub fn ended() {
    TID.store(0, Ordering::Release);
    BEGUN.store(0, Ordering::Release);
    STATUS.store(Status::None as u32, Ordering::Release);
}

/// The word that holds the writer's id: the kernel fills it when the writer begins, and clears it when it is gone.
pub fn tid_word() -> *mut i32 {
    TID.as_ptr()
}

/// The writer's id; 0 when it is gone.
pub fn tid() -> i32 {
    TID.load(Ordering::Acquire)
}

/// The writer was begun, which may have ended already.
pub fn begun(tid: i32) {
    BEGUN.store(tid, Ordering::Release);
}

/// The id of a writer that is gone without having been told to: somebody has killed it. Told once, for it has to be reaped.
pub fn take_killed() -> Option<i32> {
    let begun = if tid() == 0 { BEGUN.swap(0, Ordering::AcqRel) } else { 0 };
    (begun != 0).then_some(begun)
}

/// Ends the start: records whether the log is open.
pub fn finish_start(opened: bool) {
    STATUS.store(if opened { Status::Running } else { Status::Failed } as u32, Ordering::Release);
    sys::futex_wake(&STATUS);
}

/// Waits until the start is over; whether the log is open.
#[cold]
pub fn wait_for_start() -> bool {
    let begin = sys::monotonic();
    while status() == Status::Starting && tid() != 0 && waited(begin) < PATIENCE {
        sys::futex_wait(&STATUS, Status::Starting as u32, 10_000_000);
    }
    status() == Status::Running
}

/// On the writer: something was written.
pub fn progressed() {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
}

/// A wait for the writer, which lasts as long as it goes on, within reason.
struct Patience {
    begin: u64,
    progress: u32,
    since: u64,
}

impl Patience {
    fn begin() -> Patience {
        let now = sys::monotonic();
        Patience { begin: now, progress: PROGRESS.load(Ordering::Relaxed), since: now }
    }

    fn is_over(&mut self) -> bool {
        let progress = PROGRESS.load(Ordering::Relaxed);
        if progress != self.progress {
            (self.progress, self.since) = (progress, sys::monotonic());
        }
        waited(self.since) > PATIENCE || waited(self.begin) > MOST_PATIENCE
    }
}

fn waited(begin: u64) -> u64 {
    sys::monotonic().saturating_sub(begin)
}

/// Requests the summary with the next flush.
pub fn end() {
    ENDING.store(true, Ordering::Release);
}

/// Whether a batch is being written.
pub fn is_writing() -> bool {
    WRITING.load(Ordering::Acquire)
}

/// Before an exec: a writer that began now would outlive the program. Ends by itself, because not every exec that fails is
/// seen to.
pub fn hold() {
    HELD.store(sys::monotonic() + HOLD, Ordering::SeqCst);
}

/// The process ends at once: no writer begins any more.
pub fn hold_for_ever() {
    HELD.store(u64::MAX, Ordering::SeqCst);
}

/// An exec has failed.
pub fn release() {
    HELD.store(0, Ordering::Release);
}

/// The thread `tid` of the process `pid` waits for any child. It may be cancelled while it waits. Where more do than can be
/// noted, the last one takes another's place.
pub fn wait(pid: i32, tid: i32) {
    let take = |waiter: &AtomicI32| {
        let before = waiter.load(Ordering::Acquire);
        let free = before == 0 || before == tid || !sys::thread_exists(pid, before);
        free && waiter.compare_exchange(before, tid, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    };
    if !WAITERS.iter().any(take) {
        WAITERS[0].store(tid, Ordering::SeqCst);
    }
}

/// The thread `tid` waits no longer.
pub fn end_wait(tid: i32) {
    for waiter in &WAITERS {
        // Another one may have taken its place.
        let _ = waiter.compare_exchange(tid, 0, Ordering::Release, Ordering::Relaxed);
    }
}

/// The thread `tid` is about to end the writer and to reap it. If another one is doing that, it waits until that is done: in
/// between the program could find the writer as a child that has ended. Whether the thread is the one.
pub fn claim_stop(tid: i32, sandboxed: bool) -> bool {
    let begin = sys::monotonic();
    loop {
        match STOPPER.compare_exchange(0, tid, Ordering::SeqCst, Ordering::Acquire) {
            Ok(_) => return true,
            // A signal handler has interrupted the thread there; or the other one is gone, as far as anybody can tell.
            Err(other) if other == tid || sandboxed || waited(begin) >= PATIENCE => return false,
            Err(_) => sys::sleep(100_000),
        }
    }
}

/// The opposite of [`claim_stop`].
pub fn stopped() {
    STOPPER.store(0, Ordering::Release);
}

/// Whether no writer may begin in the process `pid`.
pub fn is_held(pid: i32) -> bool {
    let waits = |waiter: &AtomicI32| {
        let tid = waiter.load(Ordering::SeqCst);
        tid != 0 && sys::thread_exists(pid, tid)
    };
    is_about_to_end() || WAITERS.iter().any(waits)
}

/// The thread `tid` is about to end the writer; if it is not the only one, the others wait.
pub fn close(tid: i32, has_others: bool) {
    CLOSER.store(tid, Ordering::Release);
    if !has_others {
        return;
    }
    wait_for_beginner();
    if status() == Status::Starting {
        wait_for_start();
    }
    let (running, closing) = (Status::Running as u32, Status::Closing as u32);
    let _ = STATUS.compare_exchange(running, closing, Ordering::SeqCst, Ordering::Relaxed);
}

/// The opposite of [`close`], if the writer was not ended.
pub fn open_again() {
    let (running, closing) = (Status::Running as u32, Status::Closing as u32);
    let _ = STATUS.compare_exchange(closing, running, Ordering::SeqCst, Ordering::Relaxed);
}

/// Waits while another thread than `tid` ends the writer and then the program: a call that has not returned by then need not
/// be in the log. Not for long, in case that thread is gone.
#[cold]
pub fn wait_for_closer(tid: i32) {
    let is_another = || ![0, tid].contains(&CLOSER.load(Ordering::Acquire));
    let closes = || is_another() && (status() == Status::Closing || is_about_to_end());
    let mut patience = Patience::begin();
    while closes() {
        if patience.is_over() {
            CLOSER.store(0, Ordering::Release);
            return open_again();
        }
        sys::sleep(500_000);
    }
}

/// Whether an exec is under way, or the end of the process.
fn is_about_to_end() -> bool {
    let until = HELD.load(Ordering::SeqCst);
    until != 0 && (until == u64::MAX || sys::monotonic() < until)
}

/// Waits while another thread is about to begin the writer: afterwards there is one, or none will begin before the caller
/// allows it.
pub fn wait_for_beginner() {
    let is_about_to = || STATUS.load(Ordering::SeqCst) == Status::Starting as u32 && tid() == 0;
    if is_about_to() {
        let begin = sys::monotonic();
        while is_about_to() && waited(begin) < PATIENCE {
            sys::futex_wait(&STATUS, Status::Starting as u32, 100_000);
        }
    }
}

/// Asks the writer to write everything that there is, and waits for it. `false` when it has not done so in time. In a sandbox
/// no system call is made: the writer looks by itself often enough.
pub fn flush(sandboxed: bool) -> bool {
    let ticket = FLUSH_ASKED.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
    let is_done = |done: u32| done.wrapping_sub(ticket) as i32 >= 0 || tid() == 0;
    if sandboxed {
        spin(|| is_done(FLUSH_DONE.load(Ordering::Acquire)));
        return is_done(FLUSH_DONE.load(Ordering::Acquire));
    }
    let mut patience = Patience::begin();
    wake();
    loop {
        let done = FLUSH_DONE.load(Ordering::Acquire);
        if is_done(done) || patience.is_over() {
            return is_done(done);
        }
        sys::futex_wait(&FLUSH_DONE, done, 10_000_000);
    }
}

/// Waits without a system call, and without a clock, which may be out of reach too: some tenths of a second at most.
fn spin(is_over: impl Fn() -> bool) {
    const TURNS: u32 = 1 << 24;
    for _ in 0..TURNS {
        if is_over() {
            return;
        }
        core::hint::spin_loop();
    }
}

/// Wakes the writer, if it sleeps.
pub fn wake() {
    WAKE.fetch_add(1, Ordering::AcqRel);
    sys::futex_wake(&WAKE);
}

/// On the writer, in a signal handler: whatever it is about to sleep on has changed.
pub extern "C" fn interrupted(_: core::ffi::c_int) {
    WAKE.fetch_add(1, Ordering::AcqRel);
}

/// Has the writer end, and waits until it is gone. `false` when it does not end in time.
pub fn stop(sandboxed: bool) -> bool {
    STOP.store(true, Ordering::Release);
    if sandboxed {
        spin(|| tid() == 0);
        return tid() == 0;
    }
    wake();
    let mut patience = Patience::begin();
    loop {
        match tid() {
            0 => return true,
            _ if patience.is_over() => return false,
            tid => sys::futex_wait_for_end(&TID, tid, 10_000_000),
        }
    }
}

/// The requests that the writer has found in one round.
pub struct Asked {
    wake: u32,
    flush: u32,
    /// Whether to end.
    pub stop: bool,
}

/// On the writer: what is asked now.
pub fn asked() -> Asked {
    let wake = WAKE.load(Ordering::Acquire);
    let flush = FLUSH_ASKED.load(Ordering::Acquire);
    Asked { wake, flush, stop: STOP.load(Ordering::Acquire) }
}

impl Asked {
    /// Whether somebody waits until everything is written.
    pub fn flushes(&self) -> bool {
        self.stop || FLUSH_DONE.load(Ordering::Acquire) != self.flush
    }

    /// Marks the requests as done.
    pub fn finish(&self) {
        if FLUSH_DONE.swap(self.flush, Ordering::AcqRel) != self.flush {
            sys::futex_wake(&FLUSH_DONE);
        }
    }

    /// Sleeps until there is another request, for at most `nanos` nanoseconds.
    pub fn sleep(&self, nanos: i64) {
        sys::futex_wait(&WAKE, self.wake, nanos);
    }
}

/// Whether the process ends, so that the summary is due. Resets the flag.
pub fn take_ending() -> bool {
    ENDING.swap(false, Ordering::AcqRel)
}

/// Records whether a batch is being written.
pub fn set_writing(writing: bool) {
    WRITING.store(writing, Ordering::Release);
}
