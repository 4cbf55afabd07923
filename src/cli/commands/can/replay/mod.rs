//! `sockshim can replay`: sends the frames of a log or a capture again, at the distances in time at which they came.

mod assign;
mod file;

use super::bus::BusOptions;
use super::log::Seen;
use super::send::Sender;
use crate::commands::run::{Refusal, say};
use assign::Assignment;
use clap::ValueHint;
use file::Recording;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// Send the frames of a recording again
///
/// FILE is candump's log format or a capture of CAN frames (pcap, pcapng), as
/// 'sockshim can dump' writes them with -L and --pcap. Frames keep their distances
/// in time, and go to the interfaces that they came from, or to others: with
/// vcan1=can0, those of can0 go to vcan1, and those of no other interface are sent.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{NOTES}\n\n{EXAMPLES}"))]
pub struct ReplayArgs {
    #[command(flatten)]
    bus: BusOptions,

    /// It is a capture, whatever it looks like
    #[arg(long)]
    pcap: bool,

    /// How many times, or 'i' for ever
    #[arg(short = 'l', long = "loop", value_name = "N|i", default_value = "1", value_parser = rounds)]
    rounds: Rounds,

    /// At least so many milliseconds between two frames
    #[arg(short = 'g', long, value_name = "MSECS", default_value_t = 0)]
    gap: u32,

    /// As fast as possible, whatever the times are
    #[arg(short = 't', long = "fast")]
    fast: bool,

    /// The recording; '-' is stdin
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Where frames go, and from where they came; 'any' is every interface
    #[arg(value_name = "TO=FROM", value_parser = assign::parse)]
    assignments: Vec<Assignment>,
}

const NOTES: &str = "\
Notes:
  A capture in the old format (pcap) does not name its interface: vcan0=any says where its frames go.
  Lines of a log that do not begin with '(' are passed over.";

const EXAMPLES: &str = "\
Examples:
  sockshim can replay bus.log
  sockshim can replay --can vcan0 bus.pcapng vcan0=can0 vcan0=can1
  sockshim can replay -t -l i bus.pcap vcan0=any";

/// How many times; none is for ever.
#[derive(Clone, Copy)]
struct Rounds(Option<u64>);

fn rounds(text: &str) -> Result<Rounds, String> {
    match text {
        "i" => Ok(Rounds(None)),
        _ => match text.parse() {
            Ok(rounds) if rounds > 0 => Ok(Rounds(Some(rounds))),
            _ => Err("there are numbers from 1, and i".to_owned()),
        },
    }
}

/// Runs the subcommand.
///
/// # Errors
/// The recording cannot be read, or a frame cannot be sent.
pub fn run(args: &ReplayArgs) -> Result<u8, Refusal> {
    let Rounds(rounds) = args.rounds;
    let is_stdin = file::is_stdin(&args.file);
    if is_stdin && rounds != Some(1) {
        return Err(Refusal::own("stdin cannot be read more than once: -l needs a file"));
    }
    let first = if is_stdin { None } else { Recording::open(&args.file, args.pcap)?.next()? };
    let interfaces: Vec<&str> = match &first {
        Some(first) if args.assignments.is_empty() => vec![&first.interface],
        _ => args.assignments.iter().map(|assignment| assignment.to.as_str()).collect(),
    };
    args.bus.enter(&interfaces)?;
    let mut replay = Replay { args, sender: Sender::new(&args.bus)?, sent: 0, last: None, passed: None };
    let mut round = 0;
    while rounds.is_none_or(|rounds| round < rounds) {
        replay.play(Recording::open(&args.file, args.pcap)?)?;
        if replay.sent == 0 {
            return Err(Refusal::own(match replay.passed {
                Some(from) => format!("no frame was sent: {} has frames of {from}", args.file.display()),
                None => format!("{} has no frames", args.file.display()),
            }));
        }
        round += 1;
    }
    if let Some(from) = replay.passed {
        say(format_args!("frames of {from}, and of others that no TO=FROM names, were not sent"));
    }
    Ok(0)
}

struct Replay<'a> {
    args: &'a ReplayArgs,
    sender: Sender<'a>,
    sent: u64,
    /// When the last frame was sent.
    last: Option<Instant>,
    /// An interface whose frames go nowhere.
    passed: Option<String>,
}

impl Replay<'_> {
    /// Sends all frames once.
    fn play(&mut self, mut recording: Recording) -> Result<(), Refusal> {
        let mut start = None;
        while let Some(seen) = recording.next()? {
            let (begun, first) = *start.get_or_insert_with(|| (Instant::now(), seen.time));
            let destinations = self.destinations(&seen)?;
            if destinations.is_empty() {
                self.passed = Some(seen.interface);
                continue;
            }
            let due = if self.args.fast { None } else { begun.checked_add(seen.time.saturating_sub(first)) };
            let gap = Duration::from_millis(self.args.gap.into());
            let earliest = self.last.filter(|_| !gap.is_zero()).and_then(|last| last.checked_add(gap));
            if let Some(due) = due.max(earliest) {
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            self.last = Some(Instant::now());
            for to in destinations {
                self.sender.send(&to, &seen.frame)?;
            }
            self.sent += 1;
        }
        Ok(())
    }

    fn destinations(&self, seen: &Seen) -> Result<Vec<String>, Refusal> {
        if self.args.assignments.is_empty() {
            if seen.interface == assign::ANY {
                return Err(Refusal::own(format!(
                    "{} does not name its interface: say where its frames go, as in vcan0=any",
                    self.args.file.display()
                )));
            }
            return Ok(vec![seen.interface.clone()]);
        }
        let matching = self.args.assignments.iter().filter(|assignment| assignment.is_for(&seen.interface));
        Ok(matching.map(|assignment| assignment.to.clone()).collect())
    }
}
