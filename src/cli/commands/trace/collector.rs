//! The socket to which the writers of all processes send their events, and the thread that takes them.

use super::ends::How;
use super::order::{LAG, Order};
use super::streams::Sender;
use super::view::View;
use crate::commands::run::{Ended, proc};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs::{Permissions, set_permissions};
use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// How much is read of one process before another one has its turn.
const TURN: usize = 256 * 1024;
/// How long is waited where what waits may soon be shown.
const SHORT_WAIT: Duration = Duration::from_millis(5);
/// How long the end waits for processes that have just begun to send. Their number is not known.
const GRACE: Duration = Duration::from_millis(10);
/// The same while a process is there that sends nothing any more: it may execute another program.
const LONG_GRACE: Duration = Duration::from_millis(500);
/// After so many ends it is looked which of the processes are still there.
const MANY: usize = 256;
/// How long a process has sent nothing when its threads are looked at, and how often they are.
const SILENCE: Duration = Duration::from_secs(1);
/// The longest path of a socket with its end.
const SUN_PATH: usize = 108;

/// A place where events can be sent to.
pub struct Collector {
    directory: TempDir,
    listener: UnixListener,
}

/// A collector that takes events.
pub struct Running {
    thread: JoinHandle<View>,
    known: Arc<Known>,
    /// Closed when the program has ended.
    ended: PipeWriter,
    /// Removed at the end.
    _directory: TempDir,
}

/// What the program's parent knows.
#[derive(Default)]
struct Known {
    /// The program's number, once it has started.
    program: AtomicI32,
    /// When and how it has ended.
    ended: OnceLock<(u64, Ended)>,
    /// Nobody is waited for any more.
    stopped: AtomicBool,
}

impl Collector {
    /// Makes the socket, where every user can reach it who knows the name.
    ///
    /// # Errors
    /// There is no directory for it, or no descriptor.
    pub fn new() -> io::Result<Collector> {
        let mut make = tempfile::Builder::new();
        make.prefix("sockshim-");
        let own = make.tempdir()?;
        // In the name of a log, % is a placeholder, and a socket's path is short.
        let path = own.path().as_os_str().as_bytes();
        let fits = !path.contains(&b'%') && path.len() + "/log\0".len() <= SUN_PATH;
        let directory = if fits { own } else { make.tempdir_in("/tmp")? };
        let path = directory.path().join("log");
        let listener = UnixListener::bind(&path)?;
        // What root starts may become any user. Nobody else's programs do.
        if geteuid().is_root() {
            set_permissions(directory.path(), Permissions::from_mode(0o711))?;
            set_permissions(&path, Permissions::from_mode(0o666))?;
        }
        listener.set_nonblocking(true)?;
        Ok(Collector { directory, listener })
    }

    /// The value of `SOCKSHIM_LOG_FILE`.
    pub fn log_file(&self) -> OsString {
        let mut name = OsString::from("unix:");
        name.push(self.directory.path().join("log"));
        name
    }

    /// Takes events from now on, on a thread of its own.
    ///
    /// # Errors
    /// No thread or no pipe can be made.
    pub fn start(self, view: View) -> io::Result<Running> {
        let (end, ended) = io::pipe()?;
        let listener = self.listener;
        let known = Arc::new(Known::default());
        let for_thread = Arc::clone(&known);
        let thread = thread::Builder::new().name("collector".into()).spawn(move || {
            Collecting {
                listener,
                end: Some(end),
                known: for_thread,
                program: 0,
                is_end_shown: false,
                senders: Vec::new(),
                silenced: Vec::new(),
                order: Order::default(),
                buffer: vec![0; TURN],
                is_full: false,
                next_look: Instant::now() + SILENCE,
                view,
            }
            .run()
        })?;
        Ok(Running { thread, known, ended, _directory: self.directory })
    }
}

impl Running {
    /// The program has this number.
    pub fn started(&self, pid: i32) {
        self.known.program.store(pid, Ordering::Release);
    }

    /// The program has ended: waits for the events of all processes that still send some. What is left to say is the view's.
    /// `is_over` says whether nobody wants to wait any more.
    pub fn end(self, ended: Ended, is_over: &dyn Fn() -> bool) -> Option<View> {
        let _ = self.known.ended.set((micros(), ended));
        drop(self.ended);
        while !self.thread.is_finished() {
            if is_over() {
                self.known.stopped.store(true, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.thread.join().ok()
    }
}

/// The thread's own.
struct Collecting {
    listener: UnixListener,
    /// Until the program has ended.
    end: Option<PipeReader>,
    known: Arc<Known>,
    /// The program's number; 0 until it has started.
    program: i32,
    /// How it has ended was shown.
    is_end_shown: bool,
    senders: Vec<Sender>,
    /// The numbers of processes that send nothing any more.
    silenced: Vec<i32>,
    order: Order,
    /// Room for what is read.
    buffer: Vec<u8>,
    /// There is no descriptor for another process.
    is_full: bool,
    /// When those are looked at that are silent.
    next_look: Instant,
    view: View,
}

impl Collecting {
    fn run(mut self) -> View {
        let mut last = Instant::now();
        loop {
            if !self.senders.is_empty() || self.end.is_some() {
                last = Instant::now();
            } else if last.elapsed() > self.grace() {
                break;
            }
            if self.known.stopped.load(Ordering::Relaxed) {
                break;
            }
            self.wait();
            let before = micros();
            self.read(0, before);
            // Whoever has waited for a child has sent what comes later than all that the child has sent. So what was sent before
            // the reads above is taken before anything is shown, also by those who have come meanwhile.
            loop {
                let known = self.senders.len();
                if !self.accept() {
                    break;
                }
                self.read(known, before);
            }
            let latest = before.saturating_sub(LAG);
            self.show(self.senders.iter().map(|sender| sender.until).fold(latest, u64::min));
            if self.next_look <= Instant::now() {
                self.look(SILENCE);
                self.next_look = Instant::now() + SILENCE;
            }
        }
        self.show(u64::MAX);
        // What is not waited for any more may wait itself.
        self.look(Duration::ZERO);
        self.view
    }

    /// How long to wait for somebody who has yet to come.
    fn grace(&mut self) -> Duration {
        self.silenced.retain(|pid| proc::runs(*pid));
        if self.silenced.is_empty() { GRACE } else { LONG_GRACE }
    }

    /// Shows in which calls those wait that have sent nothing for so long.
    fn look(&mut self, silence: Duration) {
        if !self.view.has_lines() {
            return;
        }
        let silent = self.senders.iter().filter(|sender| sender.heard.elapsed() >= silence);
        for pid in silent.filter_map(Sender::process) {
            self.view.show_waits(pid);
        }
        self.view.flush();
    }

    /// Waits until somebody sends, or until what waits can be shown.
    fn wait(&mut self) {
        // Who cannot be taken would only wake us at once.
        let for_others = if self.is_full { PollFlags::empty() } else { PollFlags::IN };
        let mut polled: Vec<PollFd> = vec![PollFd::new(&self.listener, for_others)];
        polled.extend(self.end.iter().map(|end| PollFd::new(end, PollFlags::IN)));
        polled.extend(self.senders.iter().map(|sender| PollFd::new(&sender.stream, PollFlags::IN)));
        let short = !self.order.is_empty() || self.end.is_none() || self.is_full;
        let until_look = self.next_look.saturating_duration_since(Instant::now());
        let longest = if short { SHORT_WAIT } else { until_look };
        let timeout = Timespec::try_from(longest).ok();
        let _ = poll(&mut polled, timeout.as_ref().filter(|_| short || self.view.has_lines()));
        let has_ended = self.end.is_some() && polled[1].revents().contains(PollFlags::HUP);
        if has_ended {
            self.end = None;
        }
    }

    /// Reads from the senders from `first` on, and forgets those that have ended.
    fn read(&mut self, first: usize, now: u64) {
        let mut ended = Vec::new();
        for (index, sender) in self.senders.iter_mut().enumerate().skip(first) {
            let (goes_on, lost) = sender.read(&mut self.order, &mut self.buffer, now);
            self.view.lose(lost);
            if !goes_on {
                ended.push(index);
            }
        }
        for index in ended.into_iter().rev() {
            self.silenced.extend(self.senders.remove(index).number());
        }
        if self.silenced.len() > MANY {
            self.silenced.retain(|pid| proc::runs(*pid));
        }
    }

    /// Takes those who have come. Whether there were any.
    fn accept(&mut self) -> bool {
        let known = self.senders.len();
        let error = loop {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                    self.senders.push(Sender::new(stream));
                }
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        self.is_full = error.kind() != io::ErrorKind::WouldBlock;
        self.senders.len() > known
    }

    fn show(&mut self, until: u64) {
        if self.program == 0 {
            self.program = self.known.program.load(Ordering::Acquire);
            self.view.ends.program_is(self.program);
        }
        // Its parent knows its number at once. Until then nobody knows whose end is the program's.
        if self.program == 0 {
            return;
        }
        if let Some((at, ended)) = self.known.ended.get().copied()
            && !self.is_end_shown
            && at <= until
        {
            self.show_lines(at);
            self.view.program_ended(at, How::Known(ended));
            self.is_end_shown = true;
        }
        self.show_lines(until);
        self.view.flush();
    }

    fn show_lines(&mut self, until: u64) {
        while let Some(line) = self.order.pop(until) {
            self.view.line(&line);
        }
    }
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_micros() as u64
}
