//! `sockshim can dump`: shows the frames of a bus, or writes them to a file.

use super::capture::Writer;
use super::filter::{self, Wanted};
use super::interrupt::{Interrupt, Woken};
use super::socket::{CanSocket, name_of};
use super::{Failure, index, log};
use crate::commands::run::refusal::say;
use clap::{ValueEnum, ValueHint};
use serde::Serialize;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, CAN_EFF_MASK, CAN_ERR_FLAG, CAN_RTR_FLAG, CANXL_HEAD, HEAD};
use sockshim_can_proto::text::{self, Kind};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Show the frames of a bus
#[derive(clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Filters, as candump has them, in hexadecimal digits; an ID of eight digits has 29 bits:\n  ID:MASK   frames with ID in the bits of MASK\n  ID~MASK   all others\n  #MASK     messages about errors of these classes\n  j         all filters must match, not one of them\n\nIt ends with the first signal, and what was received is written. How many frames\nwere lost, because it was too slow, is said on stderr.\n\nExamples:\n  sockshim can dump any\n  sockshim can dump vcan0,123:7FF,12345678:1FFFFFFF\n  sockshim can dump --pcap bus.pcapng -n 1000 any"
)]
pub struct DumpArgs {
    /// An interface of the bus, or any for all of them
    #[arg(value_name = "INTERFACE[,FILTER…]", required = true)]
    wanted: Vec<String>,

    /// End after so many frames
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,

    /// End when no frame has come for so many milliseconds
    #[arg(short = 'T', long, value_name = "MS")]
    timeout: Option<u64>,

    /// Time stamps: absolute, from frame to frame, or since the first one
    #[arg(short = 't', long, value_name = "KIND", value_enum, default_value = "none")]
    time: Time,

    /// Print the log format of candump, which 'sockshim can replay' and canplayer read
    #[arg(short = 'L', long, conflicts_with_all = ["json", "pcap"])]
    log: bool,

    /// Print JSON, a frame on each line
    #[arg(long, conflicts_with = "pcap")]
    json: bool,

    /// Write a pcapng file for Wireshark; - is stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pcap: Option<PathBuf>,
}

/// What stands in front of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Time {
    /// Nothing
    None,
    /// The time since 1970
    #[value(alias = "a")]
    Absolute,
    /// The time since the frame before
    #[value(alias = "d")]
    Delta,
    /// The time since the first frame
    #[value(alias = "z")]
    Zero,
}

/// One frame in JSON.
#[derive(Serialize)]
struct JsonFrame<'a> {
    time: f64,
    interface: &'a str,
    kind: &'static str,
    id: u32,
    extended: bool,
    remote: bool,
    error: bool,
    flags: u8,
    len: usize,
    data: String,
    text: String,
}

impl<'a> JsonFrame<'a> {
    fn of(time: Duration, interface: &'a str, bytes: &[u8]) -> Option<JsonFrame<'a>> {
        let kind = text::kind(bytes)?;
        let word = u32::from_ne_bytes(bytes[..4].try_into().ok()?);
        let is_xl = kind == Kind::Xl;
        let bit = |flag: u32| !is_xl && word & flag != 0;
        let data = match kind {
            Kind::Xl => &bytes[CANXL_HEAD..],
            _ => &bytes[HEAD..HEAD + usize::from(bytes[4])],
        };
        let text = text::compact(bytes)?;
        let remote = bit(CAN_RTR_FLAG) && kind == Kind::Classic;
        Some(JsonFrame {
            time: time.as_secs_f64(),
            interface,
            kind: match kind {
                Kind::Classic => "classic",
                Kind::Fd => "fd",
                Kind::Xl => "xl",
            },
            id: if is_xl { word } else { word & CAN_EFF_MASK },
            extended: bit(CAN_EFF_FLAG),
            remote,
            error: bit(CAN_ERR_FLAG),
            flags: match kind {
                Kind::Classic => 0,
                Kind::Fd => bytes[5],
                Kind::Xl => bytes[4],
            },
            len: data.len(),
            data: if remote {
                String::new()
            } else {
                data.iter().map(|byte| format!("{byte:02X}")).collect()
            },
            text,
        })
    }
}

/// Where frames go.
enum Sink {
    Lines { out: BufWriter<StdoutLock<'static>>, form: Form },
    Capture(Writer),
}

/// How a frame is printed.
#[derive(Clone, Copy)]
enum Form {
    Columns(Time),
    Log,
    Json,
}

/// The names of interfaces, by their indexes.
#[derive(Default)]
struct Names {
    known: HashMap<i32, String>,
    longest: usize,
}

impl Names {
    fn of(&mut self, ifindex: i32) -> String {
        let name = self.known.entry(ifindex).or_insert_with(|| name_of(ifindex)).clone();
        self.longest = self.longest.max(name.len());
        name
    }
}

/// What was shown so far.
#[derive(Default)]
struct Shown {
    count: u64,
    first: Option<Duration>,
    last: Option<Duration>,
    /// Whether there was an identifier of 29 bits: the columns are wider from then on, as candump's.
    wide: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// There is no bus, or the output cannot be written.
pub fn run(args: &DumpArgs) -> Result<(), Failure> {
    let wanted: Result<Vec<Wanted>, String> = args.wanted.iter().map(|text| filter::parse(text)).collect();
    let wanted = wanted.map_err(Failure::Said)?;
    let mut names = Names::default();
    let mut sockets = Vec::new();
    for Wanted { interface, filters } in &wanted {
        let ifindex = index(interface)?;
        names.longest = names.longest.max(if ifindex == 0 { 0 } else { interface.len() });
        sockets.push(CanSocket::receiving(ifindex, filters)?);
    }
    let mut sink = sink(args)?;
    let interrupt = Interrupt::new()?;
    let ended = show(args, &mut sockets, &mut names, &mut sink, &interrupt);
    let written = sink.end().map_err(Failure::Output);
    let lost: u64 = sockets.iter().map(|socket| u64::from(socket.dropped)).sum();
    if lost > 0 {
        say(format_args!("{lost} frames were lost: they came faster than they were written"));
    }
    ended.and(written)
}

fn show(
    args: &DumpArgs,
    sockets: &mut [CanSocket],
    names: &mut Names,
    sink: &mut Sink,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let mut shown = Shown::default();
    let most = args.count.unwrap_or(u64::MAX);
    let time = args.timeout.map(Duration::from_millis);
    while shown.count < most {
        match interrupt.wait(sockets.iter().map(AsFd::as_fd), time) {
            Woken::Ready => {}
            Woken::Time | Woken::Interrupted => break,
        }
        // A piece of each, so that a signal is seen however fast frames come.
        for socket in &mut *sockets {
            for _ in 0..256 {
                if shown.count == most {
                    break;
                }
                let received = socket.receive().map_err(|error| Failure::of("the bus", &error))?;
                let Some(received) = received else { break };
                let name = names.of(received.ifindex);
                sink.write(&mut shown, received.time, &name, names.longest, received.bytes)
                    .map_err(Failure::Output)?;
            }
        }
        sink.flush().map_err(Failure::Output)?;
    }
    Ok(())
}

fn sink(args: &DumpArgs) -> Result<Sink, Failure> {
    if let Some(path) = &args.pcap {
        let out: Box<dyn Write> = if path == Path::new("-") {
            Box::new(io::stdout().lock())
        } else {
            Box::new(File::create(path).map_err(|error| Failure::of(path.display(), &error))?)
        };
        return Writer::new(out).map(Sink::Capture).map_err(Failure::Output);
    }
    let form = match args {
        DumpArgs { log: true, .. } => Form::Log,
        DumpArgs { json: true, .. } => Form::Json,
        _ => Form::Columns(args.time),
    };
    Ok(Sink::Lines { out: BufWriter::new(io::stdout().lock()), form })
}

impl Sink {
    fn write(
        &mut self,
        shown: &mut Shown,
        time: Duration,
        name: &str,
        width: usize,
        bytes: &[u8],
    ) -> io::Result<()> {
        shown.count += 1;
        let first = *shown.first.get_or_insert(time);
        let last = shown.last.replace(time).unwrap_or(time);
        shown.wide |= text::kind(bytes) != Some(Kind::Xl) && is_extended(bytes);
        match self {
            Sink::Capture(writer) => writer.write(time, name, bytes),
            Sink::Lines { out, form } => {
                let line = match form {
                    Form::Log => log::line(time, name, bytes),
                    Form::Json => {
                        JsonFrame::of(time, name, bytes).and_then(|frame| serde_json::to_string(&frame).ok())
                    }
                    Form::Columns(kind) => text::columns(bytes, shown.wide).map(|columns| {
                        let stamp = match kind {
                            Time::None => String::new(),
                            Time::Absolute => stamp(time, 10),
                            Time::Delta => stamp(time.saturating_sub(last), 3),
                            Time::Zero => stamp(time.saturating_sub(first), 3),
                        };
                        format!("{stamp}  {name:>width$}  {columns}")
                    }),
                };
                match line {
                    Some(line) => writeln!(out, "{line}"),
                    None => Ok(()),
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Capture(writer) => writer.flush(),
            Sink::Lines { out, .. } => out.flush(),
        }
    }

    fn end(mut self) -> io::Result<()> {
        self.flush()
    }
}

/// Whether the frame has an identifier of 29 bits, or one that is shown with as many digits.
fn is_extended(bytes: &[u8]) -> bool {
    let word = bytes.first_chunk().copied().map_or(0, u32::from_ne_bytes);
    word & (CAN_EFF_FLAG | CAN_ERR_FLAG) != 0
}

/// A time with microseconds, and so many digits before them.
fn stamp(time: Duration, width: usize) -> String {
    format!(" ({:0width$}.{:06})", time.as_secs(), time.subsec_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_what_a_frame_has() {
        let frame = |text: &str| {
            let bytes = text::parse(text).expect(text);
            let frame = JsonFrame::of(Duration::from_millis(1500), "vcan0", &bytes).expect(text);
            serde_json::to_value(&frame).expect("JSON")
        };
        let classic = frame("12345678#C0FFEE");
        assert_eq!(classic["id"], 0x1234_5678);
        assert_eq!(
            (&classic["extended"], &classic["len"], &classic["data"]),
            (&true.into(), &3.into(), &"C0FFEE".into())
        );
        assert_eq!((&classic["time"], &classic["kind"]), (&1.5.into(), &"classic".into()));
        let remote = frame("123#R3");
        assert_eq!(
            (&remote["remote"], &remote["len"], &remote["data"]),
            (&true.into(), &3.into(), &"".into())
        );
        let fd = frame("123##1AABB");
        assert_eq!((&fd["kind"], &fd["flags"], &fd["text"]), (&"fd".into(), &1.into(), &"123##1AABB".into()));
        let xl = frame("45123#81:00:12345678#11");
        assert_eq!((&xl["kind"], &xl["id"], &xl["flags"]), (&"xl".into(), &0x0045_0123.into(), &0x81.into()));
        assert_eq!(frame("20000004#00")["error"], true);
    }
}
