//! `sockshim can dump`: prints the frames of a bus, or captures them.

mod filter;
mod json;
mod listener;
mod output;
mod text;

use super::bus::BusOptions;
use super::socket::now;
use crate::commands::run::{Refusal, say};
use filter::{ANY, Source};
use listener::Listener;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use output::{Form, Output};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use text::Stamp;

/// Show the frames of a bus, as candump does
///
/// One line a frame, or with --pcap a file for Wireshark. It ends with -n, -T or
/// Ctrl-C, and says then how many frames were lost, if any were.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{FILTERS}\n\n{JSON}\n\n{EXAMPLES}"))]
pub struct DumpArgs {
    #[command(flatten)]
    bus: BusOptions,

    /// End after so many frames
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// End when nothing has come for so many milliseconds
    #[arg(short = 'T', long, value_name = "MSECS")]
    timeout: Option<u32>,

    /// Print candump's log format, which canplayer and 'sockshim can replay' read
    #[arg(short = 'L', long, conflicts_with_all = ["json", "pcap"])]
    log: bool,

    /// Print the time: (a)bsolute, (d)elta, since (z)ero, or (A)bsolute with date
    #[arg(short = 't', long, value_name = "a|d|z|A", value_parser = stamp, conflicts_with_all = ["log", "json", "pcap"])]
    time: Option<Stamp>,

    /// Print who has sent it, and the flags of CAN FD: TX is this machine, B bit rate switch, E error passive
    #[arg(short = 'x', long, conflicts_with_all = ["log", "json", "pcap"])]
    extra: bool,

    /// Print JSON, one object a line
    #[arg(long, conflicts_with = "pcap")]
    json: bool,

    /// Write a capture (pcapng) for Wireshark instead; '-' is stdout
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,

    /// Interfaces, each with filters; 'any' is all of them
    #[arg(value_name = "INTERFACE[,FILTER…]", required = true, value_parser = filter::parse)]
    sources: Vec<Source>,
}

const FILTERS: &str = "\
Filters:
  ID:MASK  frames of which ID & MASK is the same; all numbers are hexadecimal
  ID~MASK  all others; an ID of 8 digits is one of 29 bits
  #MASK    errors of these classes; without one there are none: any,#FFFFFFFF
  j        only frames that pass all filters, not one of them";

const JSON: &str = "\
JSON:
  time                  seconds since 1970
  interface             its name
  kind                  data, request, error, fd or xl
  id                    as it is written before '#'
  extended              whether it has 29 bits
  length, data          in bytes, and hexadecimal; a request has a length and no data
  flags                 of CAN FD and CAN XL
  len8_dlc, sdt, af     the length code behind 8; type and acceptance field of CAN XL
  frame                 the whole, as 'sockshim can send' takes it";

const EXAMPLES: &str = "\
Examples:
  sockshim can dump vcan0
  sockshim can dump --can vcan0 -ta vcan0,123:7FF,#FFFFFFFF
  sockshim can dump -L any >bus.log
  sockshim can dump --pcap - any | wireshark -k -i -";

fn stamp(text: &str) -> Result<Stamp, String> {
    match text {
        "a" => Ok(Stamp::Absolute),
        "d" => Ok(Stamp::Delta),
        "z" => Ok(Stamp::Zero),
        "A" => Ok(Stamp::Date),
        _ => Err("there are a, d, z and A".to_owned()),
    }
}

/// Runs the subcommand.
///
/// # Errors
/// stdout cannot be written.
pub fn run(args: &DumpArgs) -> io::Result<u8> {
    match Dump::new(args) {
        Ok(dump) => dump.run(),
        Err(refusal) => Ok(refusal.say()),
    }
}

struct Dump<'a> {
    args: &'a DumpArgs,
    signals: SignalFd,
    bus: Listener,
    output: Output,
    /// How many frames may still come.
    left: Option<u64>,
    /// When the last frame has come.
    last: Instant,
}

/// What a wait has ended with.
#[derive(PartialEq)]
enum Woken {
    Frame,
    Told,
    Late,
}

impl Dump<'_> {
    fn new(args: &DumpArgs) -> Result<Dump<'_>, Refusal> {
        let names: Vec<&str> = args.sources.iter().map(|source| source.interface.as_str()).collect();
        args.bus.enter(&names)?;
        let form = match (&args.pcap, args.json, args.log) {
            (Some(path), ..) => Form::Pcap(path),
            (_, true, _) => Form::Json,
            (_, _, true) => Form::Log,
            _ => Form::Text(args.time.unwrap_or(Stamp::None), args.extra),
        };
        // From here on they wait until what has come before them is written.
        let ending = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
        let blocked =
            ending.thread_block().and_then(|()| SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC));
        let signals =
            blocked.map_err(|error| Refusal::own(format!("cannot wait for signals: {}", error.desc())))?;
        let bus = Listener::new(&args.sources, &args.bus)?;
        let mut output = Output::new(form)?;
        names.iter().filter(|name| **name != ANY).for_each(|name| output.name(name));
        Ok(Dump { args, signals, bus, output, left: args.count, last: Instant::now() })
    }

    fn run(mut self) -> io::Result<u8> {
        let ended = self.take();
        // What was taken is whole, however it has ended.
        let flushed = self.output.flush();
        let lost = self.bus.lost();
        if lost > 0 {
            let frames = if lost == 1 { "frame was" } else { "frames were" };
            say(format_args!("{lost} {frames} lost: they came faster than they could be taken"));
        }
        let ended = ended?;
        flushed?;
        Ok(ended.map_or_else(|refusal| refusal.say(), |()| 0))
    }

    /// Takes frames until it is over.
    fn take(&mut self) -> io::Result<Result<(), Refusal>> {
        loop {
            self.output.flush()?;
            let woken = self.wait()?;
            if woken == Woken::Late {
                return Ok(Ok(()));
            }
            // What has come before the signal is still written, and nothing after it.
            let until = if woken == Woken::Told { now() } else { Duration::MAX };
            loop {
                let (seen, is_own, times) = match self.bus.next() {
                    Ok(Some(next)) if next.0.time <= until => next,
                    Ok(_) => break,
                    Err(error) => return Ok(Err(Refusal::own(format!("cannot receive: {error}")))),
                };
                for _ in 0..times {
                    self.last = Instant::now();
                    self.output.write(&seen, is_own)?;
                    if let Some(left) = &mut self.left {
                        *left -= 1;
                        if *left == 0 {
                            return Ok(Ok(()));
                        }
                    }
                }
                if until == Duration::MAX && self.is_told() {
                    break;
                }
            }
            if woken == Woken::Told {
                return Ok(Ok(()));
            }
        }
    }

    /// Whether a signal has come, asked now and then while there are always frames.
    fn is_told(&mut self) -> bool {
        const OFTEN: u64 = 1024;
        let mut fds = [PollFd::new(&self.signals, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        self.bus.taken().is_multiple_of(OFTEN) && poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Waits for a frame, a signal, or the time after which it is over.
    fn wait(&mut self) -> io::Result<Woken> {
        let stdout = io::stdout();
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN), PollFd::new(&self.bus, PollFlags::IN)];
        if self.output.is_stdout() {
            // Without events it tells when the reader has gone.
            fds.push(PollFd::new(&stdout, PollFlags::empty()));
        }
        loop {
            let left = self
                .args
                .timeout
                .map(|limit| Duration::from_millis(limit.into()).saturating_sub(self.last.elapsed()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return Ok(Woken::Late),
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if fds.get(2).is_some_and(|stdout| stdout.revents().contains(PollFlags::ERR)) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        Ok(if fds[0].revents().is_empty() { Woken::Frame } else { Woken::Told })
    }
}
