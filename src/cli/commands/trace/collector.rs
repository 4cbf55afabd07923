//! The socket to which the writers of all processes send their events, and the thread that takes them.

use super::order::{LAG, Order};
use super::view::View;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::ffi::OsString;
use std::fs::{Permissions, set_permissions};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// How much is read of one process before another one has its turn.
const TURN: usize = 256 * 1024;
/// How long the end waits for processes that have just begun to send. Their number is not known.
const GRACE: Duration = Duration::from_millis(10);
/// The same where something has run on in the background: what executes another program sends nothing for a while.
const LONG_GRACE: Duration = Duration::from_millis(500);
/// The longest line. The library writes shorter ones; who sends more is no writer of it.
const LONGEST: usize = 64 * 1024;
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
    /// Set when nobody is waited for any more.
    stop: Arc<AtomicBool>,
    /// Closed when the program has ended.
    ended: PipeWriter,
    /// Removed at the end.
    _directory: TempDir,
}

/// A process that sends.
struct Sender {
    stream: UnixStream,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// The time of its last event, or the time until which it has none, in microseconds.
    until: u64,
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
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("collector".into()).spawn(move || {
            let (end, order, buffer) = (Some(end), Order::default(), vec![0; TURN]);
            Collecting { listener, end, stopped, senders: Vec::new(), order, buffer, is_full: false, view }
                .run()
        })?;
        Ok(Running { thread, stop, ended, _directory: self.directory })
    }
}

impl Running {
    /// The program has ended: waits for the events of all processes that still send some. What is left to say is the view's.
    /// `is_over` says whether nobody wants to wait any more.
    pub fn end(self, is_over: &dyn Fn() -> bool) -> Option<View> {
        drop(self.ended);
        while !self.thread.is_finished() {
            if is_over() {
                self.stop.store(true, Ordering::Relaxed);
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
    /// Nobody is waited for any more.
    stopped: Arc<AtomicBool>,
    senders: Vec<Sender>,
    order: Order,
    /// Room for what is read.
    buffer: Vec<u8>,
    /// There is no descriptor for another process.
    is_full: bool,
    view: View,
}

impl Collecting {
    fn run(mut self) -> View {
        let (mut last, mut grace) = (Instant::now(), GRACE);
        loop {
            if !self.senders.is_empty() || self.end.is_some() {
                last = Instant::now();
                grace = if self.end.is_some() { GRACE } else { LONG_GRACE };
            } else if last.elapsed() > grace {
                break;
            }
            if self.stopped.load(Ordering::Relaxed) {
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
        }
        self.show(u64::MAX);
        self.view
    }

    /// Waits until somebody sends, or until what waits can be shown.
    fn wait(&mut self) {
        // Who cannot be taken would only wake us at once.
        let for_others = if self.is_full { PollFlags::empty() } else { PollFlags::IN };
        let mut polled: Vec<PollFd> = vec![PollFd::new(&self.listener, for_others)];
        polled.extend(self.end.iter().map(|end| PollFd::new(end, PollFlags::IN)));
        polled.extend(self.senders.iter().map(|sender| PollFd::new(&sender.stream, PollFlags::IN)));
        let short = !self.order.is_empty() || self.end.is_none() || self.is_full;
        let timeout = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        let _ = poll(&mut polled, short.then_some(&timeout));
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
        ended.into_iter().rev().for_each(|index| _ = self.senders.remove(index));
    }

    /// Takes those who have come. Whether there were any.
    fn accept(&mut self) -> bool {
        let known = self.senders.len();
        let error = loop {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                    self.senders.push(Sender { stream, rest: Vec::new(), until: 0 });
                }
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        self.is_full = error.kind() != io::ErrorKind::WouldBlock;
        self.senders.len() > known
    }

    fn show(&mut self, until: u64) {
        while let Some(line) = self.order.pop(until) {
            self.view.line(&line);
        }
        self.view.flush();
    }
}

impl Sender {
    /// Takes what was sent by now. Whether there may be more later, and how many lines were no lines.
    fn read(&mut self, order: &mut Order, buffer: &mut [u8], now: u64) -> (bool, u64) {
        let read = rustix::io::read(self.stream.as_fd(), &mut *buffer);
        self.rest.extend_from_slice(&buffer[..read.unwrap_or(0)]);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in self.rest[..whole].split_inclusive(|byte| *byte == b'\n') {
            self.until = time_of(line).unwrap_or(self.until);
            order.push(self.until, line.to_vec());
        }
        self.rest.drain(..whole);
        let goes_on = match read {
            Ok(0) => false,
            Err(Errno::AGAIN | Errno::INTR) => {
                self.until = self.until.max(now.saturating_sub(LAG));
                true
            }
            Err(_) => false,
            Ok(_) => self.rest.len() <= LONGEST,
        };
        // A writer that was killed may have left the beginning of a line.
        (goes_on, u64::from(!goes_on && !self.rest.is_empty()))
    }
}

/// The time of a line, in microseconds. Every line has it among its first fields.
fn time_of(line: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"ts\":";
    let at = line.get(..64.min(line.len()))?.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let text = line[at..].split(|byte| matches!(byte, b',' | b'}')).next()?;
    let seconds: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    Some((seconds * 1e6).round() as u64)
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_time() {
        assert_eq!(time_of(br#"{"v":1,"ts":1796064102.321295,"pid":1}"#), Some(1_796_064_102_321_295));
        assert_eq!(time_of(br#"{"v":1}"#), None);
        assert_eq!(time_of(b""), None);
    }
}
