//! The log's far side: the thread that formats and writes.
//!
//! It is started with clone(2) instead of pthread_create: that takes no lock and no memory of the program's, so it
//! can be done in a child that was forked while other threads ran, and in a signal handler; and libc keeps its
//! shortcuts for programs with one thread. The price: the thread must not call anything in libc that uses
//! thread-local state. It makes raw system calls, copies memory, and formats.
//!
//! Its first act is to leave the program's descriptor table with close_range(2) and CLOSE_RANGE_UNSHARE. That gives
//! the program its fast descriptor path back, keeps the log out of reach of its closefrom(3), and keeps none of its
//! sockets or pipes open.
//!
//! # Safety
//! The thread has a stack and a thread control block of its own, which are never unmapped. The block is a copy of the
//! starting thread's head, so that the stack protector and thread-local addresses resolve; errno and the like fall
//! into zeroed memory below it.

use crate::log::merge::{Item, Merge};
use crate::log::output::Output;
use crate::log::refine::refine;
use crate::log::ring::{self, Ring};
use crate::log::{self, Settings, clock, credentials, prepare, settings, sink};
use crate::panic::attempt;
use crate::{confined, mode, process, sys, tls};
use core::arch::asm;
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use sockshim_core::config::Format;
use sockshim_core::hook::{Hook, Level};
use sockshim_core::trace::event::{Event, Extra, Summary};
use sockshim_core::trace::line::{LONGEST, Line};
use sockshim_core::trace::process::Process;
use sockshim_core::trace::refusal::{Outside, take_back};
use sockshim_core::trace::sink::Sink;
use sockshim_core::trace::{json, text};
use sockshim_core::verdict::{Predicted, Reason};

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

const STACK: usize = 256 * 1024;
const GUARD: usize = 4096;
/// Zeroed memory below the control block, where static thread-local variables would be.
const STATIC_TLS: usize = 16 * 1024;
/// How much of the starting thread's control block is copied.
const CONTROL_BLOCK: usize = 704;

/// The longest time that an event waits: for a writer that had nothing to do, and for one that had.
const IDLE_SLEEP: i64 = 8_000_000;
const LONGEST_SLEEP: i64 = 4_000_000;
const SHORTEST_SLEEP: i64 = 500_000;
/// As many events in one round are much: a quarter of what the channel or a ring holds.
const MUCH: u64 = 1024;
/// How old the process's name may be, in nanoseconds.
const COMM_AGE: u64 = 10_000_000;
/// How long anybody waits for the writer: it may be stuck in a full pipe, and no program has to wait for that.
const PATIENCE: i64 = 500_000_000;
/// Long enough for an exec to get to where it ends the writer.
const PAUSE: u64 = 100_000_000;

/// Starts the thread for the process `pid`, with signals blocked. `false` when it cannot be started.
pub fn start(pid: i32) -> bool {
    STATUS.store(STARTING, Ordering::Release);
    STOP.store(0, Ordering::Release);
    ENDING.store(0, Ordering::Release);
    FLUSH_DONE.store(FLUSH_ASKED.load(Ordering::Acquire), Ordering::Release);
    WRITING.store(0, Ordering::Release);
    resume();
    TID.store(0, Ordering::Release);
    let memory = memory();
    if memory.is_null() {
        return false;
    }
    // SAFETY: the mapping has room for a stack, the zeroed variables and the block, and no thread uses it; the caller has
    // blocked signals.
    let started = unsafe { launch(memory, pid) };
    if !started {
        STATUS.store(FAILED, Ordering::Release);
        log::say_none();
    }
    started
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

/// The thread's memory, used again for the next one: in a forked child the parent's writer does not exist, and
/// [`stop`] waits until the old one is gone.
fn memory() -> *mut u8 {
    static MEMORY: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
    let mut memory = MEMORY.load(Ordering::Acquire);
    if memory.is_null() || STUCK.swap(0, Ordering::AcqRel) != 0 {
        memory = sys::mmap(STACK + STATIC_TLS + 4096);
        MEMORY.store(memory, Ordering::Release);
    }
    memory
}

fn waited(begin: u64) -> i64 {
    sys::monotonic().saturating_sub(begin) as i64
}

/// # Safety
/// `memory` must be a fresh mapping of STACK + STATIC_TLS + 4096 bytes, and signals must be blocked.
unsafe fn launch(memory: *mut u8, pid: i32) -> bool {
    let own: *const u8;
    // SAFETY: reads the thread pointer.
    unsafe { asm!("mov {}, qword ptr fs:[0]", out(reg) own, options(nostack, readonly, preserves_flags)) };
    // SAFETY: the offsets are inside the mapping; glibc's control block is longer than what is copied.
    unsafe {
        let block = memory.add(STACK + STATIC_TLS);
        core::ptr::copy_nonoverlapping(own, block, CONTROL_BLOCK);
        // The two words of the block that point to itself.
        block.cast::<*mut u8>().write(block);
        block.cast::<*mut u8>().add(2).write(block);
        sys::syscall(libc::SYS_mprotect, [memory as i64, GUARD as i64, libc::PROT_NONE.into(), 0, 0, 0]);
        let flags = libc::CLONE_VM
            | libc::CLONE_FS
            | libc::CLONE_FILES
            | libc::CLONE_SIGHAND
            | libc::CLONE_THREAD
            | libc::CLONE_SYSVSEM
            | libc::CLONE_SETTLS
            | libc::CLONE_PARENT_SETTID
            | libc::CLONE_CHILD_CLEARTID;
        begin(flags, memory.add(STACK), block, pid) > 0
    }
}

/// clone(2) into [`thread`], as the plain system call: libc's function is a hook, and may be another library's.
///
/// # Safety
/// Stack and block must be the new thread's alone.
unsafe fn begin(flags: c_int, stack: *mut u8, block: *mut u8, pid: i32) -> i64 {
    let mut tid = libc::SYS_clone;
    // SAFETY: the parent comes back with its registers as the constraints say. The child has a stack of its own, on
    // which it calls a function that needs nothing from this frame, and exits.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov edi, r12d",
            "call r13",
            "mov edi, eax",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            exit = const libc::SYS_exit,
            inlateout("rax") tid,
            in("rdi") i64::from(flags),
            in("rsi") stack,
            in("rdx") TID.as_ptr(),
            in("r10") TID.as_ptr(),
            in("r8") block,
            in("r12") pid,
            in("r13") thread as extern "C" fn(i32) -> c_int,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    tid
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

/// Asks the writer to empty the channel, and waits for it. In a sandbox no futex is touched: the writer looks by
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
        let never = AtomicU32::new(0);
        sys::futex_wait(&never, 0, 50_000);
    }
    if waited(begin) >= PATIENCE {
        STUCK.store(1, Ordering::Release);
    }
    true
}

extern "C" fn thread(pid: i32) -> c_int {
    tls::get().set_writer();
    leave_the_programs_table();
    sys::set_name(c"sockshim-log");
    let opened = settings().and_then(|settings| Some((settings, Output::open(settings, pid)?)));
    let prepared = attempt(prepare).is_ok();
    let (Some((settings, output)), Some(sink), true) = (opened, sink(), prepared) else {
        mode::set(Level::Off);
        finish_start(FAILED);
        return 0;
    };
    if !cfg!(feature = "test-support") && clock::is_usable() {
        clock::use_ticks();
        mode::allow_rings();
    }
    finish_start(RUNNING);
    let mut writer = Writer {
        settings,
        output,
        process: Process::new(pid, ""),
        comm_at: 0,
        buffer: vec![0; BUFFER].into_boxed_slice(),
        len: 0,
        seen: Summary::default(),
        filtered: None,
    };
    if attempt(|| writer.run(sink)).is_err() {
        // Nobody reads the channel any more, so nobody should fill it.
        mode::set(Level::Off);
    }
    0
}

/// How long to sleep after a round with so many events: less the more there is to do, so that nothing overflows, and more
/// the less there is, because each wake-up costs the program time. Who fills half of a ring or of the channel before wakes
/// the writer, but nobody in a sandbox does.
fn next_sleep(sleep: i64, count: u64) -> i64 {
    match count {
        0 if !process::is_sandboxed() => (sleep * 2).min(IDLE_SLEEP),
        0..MUCH => (sleep * 2).min(LONGEST_SLEEP),
        MUCH.. => (sleep / 2).clamp(SHORTEST_SLEEP, LONGEST_SLEEP),
    }
}

fn finish_start(status: u32) {
    STATUS.store(status, Ordering::Release);
    sys::futex_wake(&STATUS);
}

/// Keeps stderr alone, in a table of the thread's own.
fn leave_the_programs_table() {
    const UNSHARE: u32 = libc::CLOSE_RANGE_UNSHARE;
    if sys::close_range(3, u32::MAX, UNSHARE) < 0 {
        // Before Linux 5.9. The copy keeps the program's descriptors open for as long as this loop takes.
        // SAFETY: takes a number.
        unsafe { sys::syscall(libc::SYS_unshare, [libc::CLONE_FILES.into(), 0, 0, 0, 0, 0]) };
        (3..65_536).for_each(sys::close);
    }
    sys::close(0);
    sys::close(1);
}

/// Nanoseconds from CLOCK_MONOTONIC's zero to the epoch's, as of now.
fn epoch() -> u64 {
    sys::realtime().wrapping_sub(sys::monotonic())
}

const BUFFER: usize = 64 * 1024;

struct Writer {
    settings: &'static Settings,
    output: Output,
    process: Process,
    /// When the process's name was read.
    comm_at: u64,
    /// Lines, in its first `len` bytes.
    buffer: Box<[u8]>,
    len: usize,
    seen: Summary,
    /// Whether the program was started under a seccomp filter, once that was asked.
    filtered: Option<bool>,
}

/// The call of a record about lost events.
static DROPPED: Hook = sockshim_core::hook!(Decision, Plain, [], dropped() -> c_int);
/// The call of the record at a process's end.
static SUMMARY: Hook = sockshim_core::hook!(Decision, Plain, [], summary() -> c_int);

impl Writer {
    fn run(&mut self, sink: &Sink) {
        let mut sleep = LONGEST_SLEEP;
        let mut merge = Merge::new();
        let mut rounds = 0_u32;
        loop {
            let seen = WAKE.load(Ordering::Acquire);
            let asked = FLUSH_ASKED.load(Ordering::Acquire);
            let stop = STOP.load(Ordering::Acquire) != 0;
            if credentials::are_pending() {
                // What happened before the change was judged by the old credentials, so they answer for it.
                self.drain(sink, &mut merge, true);
                credentials::adopt();
            }
            let flushing = stop || FLUSH_DONE.load(Ordering::Acquire) != asked;
            let count = if flushing || !is_paused() { self.drain(sink, &mut merge, flushing) } else { 0 };
            if flushing && ENDING.swap(0, Ordering::AcqRel) != 0 {
                self.summarize(sink);
            }
            if FLUSH_DONE.swap(asked, Ordering::AcqRel) != asked {
                sys::futex_wake(&FLUSH_DONE);
            }
            if stop {
                return;
            }
            rounds = rounds.wrapping_add(1);
            if rounds.is_multiple_of(128) && !process::is_sandboxed() {
                ring::all().for_each(|ring| ring.free_if_orphaned(self.process.pid));
            }
            sleep = next_sleep(sleep, count);
            sys::futex_wait(&WAKE, seen, sleep);
        }
    }

    /// Writes everything that waits; how many events that were.
    /// With `all`, nothing is kept for the next time.
    fn drain(&mut self, sink: &Sink, merge: &mut Merge, all: bool) -> u64 {
        let waiting = !sink.is_empty() || !merge.is_empty() || ring::all().any(|ring| !ring.is_empty());
        let lost = sink.take_dropped() + ring::all().map(Ring::take_dropped).sum::<u64>();
        if !waiting && lost == 0 {
            return 0;
        }
        WRITING.store(1, Ordering::Release);
        self.read_comm();
        self.process.epoch = epoch();
        let (mut count, mut written) = (0, 0);
        merge.read(sink, all);
        while let Some(item) = merge.next() {
            if self.len + 2 * LONGEST > BUFFER {
                written += count;
                self.write(sink, std::mem::take(&mut count));
            }
            match item {
                Item::Data(event) => self.put(event),
                Item::Event(mut event) => self.put_settled(&mut event),
            }
            count += 1;
        }
        merge.finish();
        self.write(sink, count);
        if lost > 0 {
            self.seen.dropped += lost;
            self.special(&DROPPED, Reason::LogFull, Extra::Count(lost));
            self.write(sink, lost);
        }
        WRITING.store(0, Ordering::Release);
        written + count
    }

    /// Appends the event as far as it is certain.
    fn put_settled(&mut self, event: &mut Event) {
        let filtered = self.is_filtered();
        if filtered && event.reason == Reason::Mispredicted {
            // The filter may have given the answer.
            return;
        }
        if !filtered && refine(event) {
            self.put(&crate::call::diverged(event));
        }
        take_back(event, Outside { filter: filtered, landlock: confined::by_landlock() });
        self.put(event);
    }

    /// Whether a seccomp filter may answer the program's calls.
    fn is_filtered(&mut self) -> bool {
        process::is_sandboxed() || *self.filtered.get_or_insert_with(confined::by_filter)
    }

    /// Counts the event and appends its line.
    fn put(&mut self, event: &Event) {
        self.count(event);
        self.format(event);
    }

    fn count(&mut self, event: &Event) {
        match event.reason {
            Reason::Mispredicted => self.seen.divergences += 1,
            // Not about a socket.
            Reason::Shim | Reason::UnseenClose => {}
            reason if reason.is_about_process() => {}
            _ => {
                self.seen.events += 1;
                self.seen.predicted += u64::from(event.predicted != Predicted::Unknown);
            }
        }
    }

    /// The process ends. One in which nothing was seen, as in many children of fork, says nothing.
    fn summarize(&mut self, sink: &Sink) {
        if self.seen != Summary::default() {
            self.special(&SUMMARY, Reason::End, Extra::Summary(self.seen));
            self.write(sink, 0);
        }
    }

    /// A record that no call makes.
    fn special(&mut self, hook: &'static Hook, reason: Reason, extra: Extra) {
        let mut event = Event::new(hook);
        event.start = sys::monotonic();
        event.tid = self.process.pid;
        event.reason = reason;
        event.extra = extra;
        self.process.epoch = epoch();
        self.format(&event);
    }

    /// Writes the buffer; what cannot be written counts as lost.
    fn write(&mut self, sink: &Sink, count: u64) {
        let lines = &self.buffer[..self.len];
        if !lines.is_empty() && !self.output.write(lines, self.settings, self.process.pid) {
            sink.add_dropped(count);
        }
        self.len = 0;
    }

    fn format(&mut self, event: &Event) {
        let mut line = Line::new(&mut self.buffer[self.len..]);
        let formatted = attempt(|| match self.settings.format {
            Format::Json => json::write(event, &mut self.process, &mut line),
            Format::Text => text::write(event, &mut self.process, &mut line),
        });
        if formatted.is_ok() {
            self.len += line.len();
        }
    }

    /// `/proc/self/comm` is the main thread's name, which the program may change.
    fn read_comm(&mut self) {
        let now = sys::monotonic();
        let fresh = now - self.comm_at < COMM_AGE && RENAMED.load(Ordering::Relaxed) == 0;
        // The sandbox may have been put on all threads.
        if fresh || process::is_sandboxed() {
            return;
        }
        self.comm_at = now;
        RENAMED.store(0, Ordering::Relaxed);
        let fd = sys::open(c"/proc/self/comm", libc::O_RDONLY | libc::O_CLOEXEC, 0);
        if fd >= 0 {
            let mut comm = [0; 16];
            sys::read(fd, &mut comm);
            sys::close(fd);
            let len = comm.iter().position(|byte| *byte == b'\n' || *byte == 0).unwrap_or(comm.len());
            self.process.rename(core::str::from_utf8(&comm[..len]).unwrap_or("?"));
        }
    }
}
