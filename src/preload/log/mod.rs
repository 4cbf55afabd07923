//! The log's near side: what the program's threads touch.
//!
//! # Safety
//! The channel of a process is never freed: a thread may be using it while another forks. A forked child makes its
//! own and leaves its parent's alone.

pub mod clock;
mod credentials;
mod merge;
mod output;
mod refine;
pub mod ring;
pub mod writer;

use crate::{alloc, mode, process, sys};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use sockshim_core::config::{Complaint, Config, Format};
use sockshim_core::hook::{Hook, Level};
use sockshim_core::trace::event::Event;
use sockshim_core::trace::sink::Sink;
use std::io::Write;

static SINK: AtomicPtr<Sink> = AtomicPtr::new(ptr::null_mut());
static SETTINGS: AtomicPtr<Settings> = AtomicPtr::new(ptr::null_mut());
static SYNCHRONOUS: AtomicBool = AtomicBool::new(false);
/// Whether anything was sent: a process in which nothing happened ends without waiting for a writer.
static USED: AtomicBool = AtomicBool::new(false);

/// What the writer needs to know; fixed at start.
pub struct Settings {
    /// The format.
    pub format: Format,
    /// The log's path with `%p` in it; stderr without one.
    pub file: Option<&'static [u8]>,
    /// What stderr was when the process began. A program that was started without one gives the number to something
    /// else, and nothing of ours may ever go there.
    pub stderr: Option<sys::File>,
    level: Level,
}

/// The call of a record about sockshim itself.
static MESSAGE: Hook = sockshim_core::hook!(Decision, Plain, [], sockshim() -> c_int);

/// Turns logging on, as the configuration says. The log is opened on the writer's thread while the program starts; the
/// first event waits for it, and so does every call after which it could no longer be opened ([`is_open`]). There must be
/// room for it ([`alloc::has_room`]).
pub fn start(config: &Config) {
    // Copied, because the program may write over its environment (setproctitle does).
    let file = config.file.map(|file| &*Box::leak(Box::<[u8]>::from(file)));
    let settings = Settings {
        format: config.format,
        file,
        stderr: sys::fstat(libc::STDERR_FILENO),
        level: config.level,
    };
    let settings = Box::leak(Box::new(settings));
    SETTINGS.store(settings, Ordering::Release);
    begin(settings.level, process::pid());
    if let Some(complaint) = &config.complaint
        && is_open()
    {
        let mut line = Line::new();
        describe(complaint, &mut line);
        let mut event = Event::message(&MESSAGE, line.bytes());
        event.start = sys::monotonic();
        event.tid = sys::gettid();
        send(&event);
    }
}

/// Writes what there is and ends the writer.
pub fn end() {
    flush();
    writer::stop(false);
}

/// Before a seccomp filter on all threads, the writer among them: it may kill for what the writer does, so the writer
/// leaves and the log ends. Whether there was a writer.
pub fn end_before_filter(was_sandboxed: bool) -> bool {
    if !is_open() {
        return false;
    }
    let text = b"a seccomp filter is put on all threads; the log ends here";
    let mut event = Event::message(&MESSAGE, text);
    event.start = sys::monotonic();
    event.tid = process::pid();
    send(&event);
    // What other threads still do is lost, and counted by nobody.
    mode::set(Level::Off);
    writer::end();
    writer::stop(was_sandboxed)
}

/// A forked child's own channel and writer.
pub fn start_in_child(pid: i32) {
    SYNCHRONOUS.store(false, Ordering::Release);
    USED.store(false, Ordering::Release);
    SINK.store(ptr::null_mut(), Ordering::Release);
    ring::free_all();
    launch(pid);
}

/// Starts the writer again after [`writer::stop`].
pub fn restart() {
    launch(process::pid());
}

fn launch(pid: i32) {
    let Some(settings) = settings() else { return };
    if alloc::has_room() {
        begin(settings.level, pid);
    } else {
        mode::set(Level::Off);
    }
}

fn begin(level: Level, pid: i32) {
    // A handler that made a call in between would wait for a writer that only what it has interrupted can start.
    let mask = sys::block_signals();
    // Before the thread runs, which may find that there will be no log.
    mode::set(level);
    if !writer::start(pid) {
        mode::set(Level::Off);
    }
    sys::restore_signals(mask);
}

/// Whether the log is open; waits while it is being opened.
pub fn is_open() -> bool {
    writer::is_running()
}

/// Before the program closes or replaces its stderr: the writer needs it, if it is the log.
pub fn needs_stderr() {
    if settings().is_some_and(|settings| settings.file.is_none()) {
        is_open();
    }
}

/// The part of the start that the writer does beside opening the log.
fn prepare() {
    refine::forget();
    output::share_with_children();
    if sink().is_none() {
        fresh_sink();
    }
}

/// The settings, once logging was asked for.
fn settings() -> Option<&'static Settings> {
    // SAFETY: the pointer is null or a leaked box.
    unsafe { SETTINGS.load(Ordering::Acquire).as_ref() }
}

fn fresh_sink() {
    SINK.store(Box::leak(Box::default()), Ordering::Release);
}

fn sink() -> Option<&'static Sink> {
    // SAFETY: the pointer is null or a leaked box.
    unsafe { SINK.load(Ordering::Acquire).as_ref() }
}

/// Hands an event to the writer.
pub fn send(event: &Event) {
    if let (true, Some(sink)) = (is_open(), sink()) {
        USED.store(true, Ordering::Relaxed);
        let half_full = sink.send(|| crate::alloc::boxed(event));
        if half_full && !process::is_sandboxed() {
            writer::wake();
        }
        if SYNCHRONOUS.load(Ordering::Relaxed) {
            flush();
        }
    }
}

/// Waits until everything that was sent is written, as long as a writer is there and not stuck.
pub fn flush() {
    let waiting = sink().is_some_and(|sink| !sink.is_empty()) || ring::all().any(|ring| !ring.is_empty());
    if waiting || writer::is_writing() {
        writer::flush(process::is_sandboxed());
    }
}

/// The last flush of a process: the log says what it held.
pub fn last_flush() {
    let used = USED.load(Ordering::Relaxed) || ring::all().next().is_some();
    if used && writer::is_running() {
        writer::end();
        writer::flush(process::is_sandboxed());
    }
}

/// The program has other credentials now, and so has the writer when this returns.
pub fn follow_credentials() {
    if !process::is_sandboxed() {
        credentials::publish();
        writer::flush(false);
    }
}

/// From now on nothing stays in the channel.
pub fn set_synchronous() {
    ring::retire_all();
    SYNCHRONOUS.store(true, Ordering::Release);
}

/// Says on stderr that a variable has a value that cannot be used. Only for when there is no log to say it in.
pub fn complain(complaint: &Complaint) {
    let mut line = Line::new();
    let _ = line.write_all(b"sockshim: ");
    describe(complaint, &mut line);
    let _ = line.write_all(b"\n");
    sys::write(libc::STDERR_FILENO, line.bytes());
}

/// Says on stderr that there is no log although one was asked for.
pub fn say_none() {
    say(b"sockshim: cannot start the log's thread; nothing is logged\n");
}

/// Writes a line to stderr.
pub fn say(line: &[u8]) {
    sys::write(libc::STDERR_FILENO, line);
}

fn describe(complaint: &Complaint, line: &mut Line) {
    use sockshim_core::trace::decode::Lossy;
    let value = &complaint.value[..complaint.value.len().min(40)];
    // The line is long enough; a longer one would be cut, which is all right for a complaint.
    let _ = write!(
        line,
        "{}={} is not understood; it takes {}",
        complaint.variable,
        Lossy(value),
        complaint.takes
    );
}

/// A line of text without an allocation.
pub struct Line {
    bytes: [u8; 256],
    len: usize,
}

impl Line {
    /// An empty line.
    pub const fn new() -> Line {
        Line { bytes: [0; 256], len: 0 }
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.bytes.len() - self.len;
        let count = bytes.len().min(room);
        self.bytes[self.len..self.len + count].copy_from_slice(&bytes[..count]);
        self.len += count;
        // What has no room is cut.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
