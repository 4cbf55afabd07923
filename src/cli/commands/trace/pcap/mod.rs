//! `--pcap`: what the programs send and receive, as packets in a file that Wireshark reads.
//!
//! The library copies the bytes of each call into memory that the command has made ([`sockshim_core::tap`]). Here they get one order
//! over all processes, and become packets: those of streams ([`streams`]) with the handshakes and numbers that TCP would give
//! them, datagrams ([`datagrams`]) as they are. What both ends of a connection have told stands there once. Sockets of AF_UNIX
//! get addresses that stand for them ([`addresses`]), and find their other ends ([`pairs`]).

mod addresses;
mod datagrams;
mod direction;
mod file;
mod frame;
mod order;
mod pairs;
mod streams;
#[cfg(test)]
mod tests;
mod traffic;

use file::PcapFile;
use order::Order;
use sockshim_core::tap::Tap;
use sockshim_core::tap::reader::{Missed, Reader};
use sockshim_sys::segment::Segment;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};
use traffic::Traffic;

/// How many bytes of a call are captured at most, unless something else is asked for.
pub const LIMIT: u32 = 262_144;
/// The least and the most that can be asked for.
pub const LIMITS: std::ops::RangeInclusive<u32> = 1..=1_048_576;
/// The memory for packets that were not read yet, in words. Only what is needed of it becomes resident.
const WORDS: usize = 64 * 1024 * 1024 / 8;
/// How long to wait for packets, and how long after its time a packet is there at the latest.
const PAUSE: Duration = Duration::from_millis(4);
const LAG: Duration = Duration::from_millis(50);
/// Who may look at it: the user whose program it is, and root. So what root starts and becomes another user has it still, but not
/// what that user executes: nobody else may read what is captured.
const MODE: u32 = 0o600;

/// A capture, before the program starts.
pub struct Capture {
    segment: Segment,
    out: Box<dyn Write + Send>,
}

/// A capture that takes packets.
pub struct Capturing {
    thread: JoinHandle<Captured>,
    ended: Arc<AtomicBool>,
}

/// What a capture has become.
pub struct Captured {
    /// What is not in it.
    pub missed: Missed,
    /// Sockets of other kinds have moved something.
    pub other: u64,
    /// Places in streams where bytes are missing that nobody has told.
    pub gaps: u64,
    /// Why it could not be written to its end.
    pub result: io::Result<()>,
}

impl Capture {
    /// A capture into this file, with at most `limit` bytes of a call. With `-` it goes to stdout, and what the program writes to
    /// its stdout goes to stderr.
    ///
    /// # Errors
    /// The file cannot be made, or there is no memory that processes can share.
    pub fn new(path: &Path, limit: u32) -> Result<Capture, String> {
        let out: Box<dyn Write + Send> = if path == Path::new("-") {
            Box::new(take_stdout().map_err(|error| format!("stdout: {error}"))?)
        } else {
            Box::new(File::create(path).map_err(|error| format!("{}: {error}", path.display()))?)
        };
        let segment = Segment::new(WORDS, MODE).map_err(|errno| {
            let error = io::Error::from_raw_os_error(errno);
            format!("no System V shared memory for packets: {error}; see kernel.shmmax, shmmni and shmall")
        })?;
        Tap::init(segment.words(), limit as usize);
        Ok(Capture { segment, out })
    }

    /// By what the program's processes find it.
    pub fn number(&self) -> OsString {
        self.segment.id().to_string().into()
    }

    /// Takes packets from now on, on a thread of its own. Signals must be blocked.
    ///
    /// # Errors
    /// The head of the file cannot be written, or no thread can be made.
    pub fn start(self) -> io::Result<Capturing> {
        let ended = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ended);
        let mut file = PcapFile::new(self.out)?;
        let segment = self.segment;
        let thread = thread::Builder::new().name("pcap".into()).spawn(move || {
            let Some(tap) = Tap::open(segment.words()) else {
                let result = Err(io::Error::other("a process has overwritten the memory for packets"));
                return Captured::failed(result);
            };
            let mut reader = Reader::new(tap);
            let (mut order, mut traffic) = (Order::default(), Traffic::default());
            loop {
                // Asked before the last look: what is not there then will never be.
                let end = is_over.load(Ordering::Acquire);
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                reader.read(end, |packet| order.push(packet));
                let until = if end { u64::MAX } else { now.saturating_sub(LAG).as_nanos() as u64 };
                while let Some(packet) = order.pop(until) {
                    traffic.add(&packet, &mut file);
                }
                if end {
                    traffic.end(&mut file);
                    break;
                }
                file.flush();
                thread::sleep(PAUSE);
            }
            let (other, gaps) = (traffic.other(), traffic.gaps());
            Captured { missed: reader.missed(), other, gaps, result: file.end() }
        })?;
        Ok(Capturing { thread, ended })
    }
}

impl Capturing {
    /// No process is there any more: takes what is left, and ends.
    pub fn end(self) -> Captured {
        self.ended.store(true, Ordering::Release);
        let failed = || Captured::failed(Err(io::Error::other("the capturing thread has failed")));
        self.thread.join().unwrap_or_else(|_| failed())
    }
}

impl Captured {
    fn failed(result: io::Result<()>) -> Captured {
        Captured { missed: Missed::default(), other: 0, gaps: 0, result }
    }
}

/// What stdout was; what the program writes there goes to stderr from now on.
fn take_stdout() -> io::Result<File> {
    let own: OwnedFd = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(own))
}
