//! `sockshim trace`: shows the socket calls of a program and of all that it starts, as they happen.
//!
//! The command is the program's parent, and the writers of all processes send their events to its socket ([`collector`]).
//! There they get one order ([`order`]), and then each is selected ([`select`]), shown ([`view`], [`line`](mod@line), [`path`]) or
//! counted ([`counts`]).

pub mod clock;
mod collector;
mod counts;
mod data;
mod ends;
pub mod event;
mod fit;
mod line;
mod order;
mod output;
mod path;
mod pcap;
mod places;
mod ready;
mod select;
mod sockets;
mod streams;
mod style;
mod summary;
mod values;
mod view;
mod waits;

use crate::FAILURE;
use crate::commands::run::{self, Ended, Launch, UnderRules, Watcher, say};
use crate::output::terminal_width;
use collector::{Collector, Running};
use counts::Counts;
use ends::Ends;
use line::LineStyle;
use output::Output;
use pcap::{Capture, Captured, Capturing};
use select::Selection;
use sockets::Sockets;
use sockshim_core::config::{BYTES as LOG_BYTES, MOST_BYTES, TAP};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use style::Style;
use summary::Summary;
use view::{Clock, Form, View};
use waits::Waits;

/// Show the socket calls of a program and of all that it starts, and why they fail
///
/// Every call that has to do with sockets is shown when it happens, for the whole
/// process tree, as strace would write it. Below a call that failed stand the
/// functions of the kernel that it went through; the last one has decided. It needs
/// no root and no ptrace, and the program is not stopped at its calls.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("Classes of -e:\n{}\n{NOTES}\n\n{EXAMPLES}", select::classes()))]
pub struct TraceArgs {
    /// Calls to show: names, classes such as %ipv4, !CALL for all others, status=failed
    #[arg(short = 'e', long = "trace", value_name = "EXPR")]
    expressions: Vec<String>,

    /// Show only what is about an address, a network, a port, a path or a host name
    #[arg(short = 'P', long = "target", value_name = "TARGET")]
    targets: Vec<String>,

    /// Write to a file instead of stderr
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Count calls, errors and times instead of showing them
    #[arg(short = 'c', long)]
    count: bool,

    /// The same for each process
    #[arg(short = 'C', long)]
    count_each: bool,

    /// Show how long each call took
    #[arg(short = 'T', long)]
    durations: bool,

    /// Show the time of day; twice with microseconds
    #[arg(short = 't', action = clap::ArgAction::Count)]
    time: u8,

    /// Show the time since the line before
    #[arg(short = 'r', long, conflicts_with = "time")]
    relative: bool,

    /// Show with every descriptor what socket it is
    #[arg(short = 'y', long = "names", action = clap::ArgAction::Count)]
    names: u8,

    /// Show the first bytes of what is sent and received, and options with their structures
    #[arg(short = 's', long = "bytes", value_name = "N", default_value_t = BYTES)]
    bytes: u32,

    /// Show the path of every call, not only of those that failed
    #[arg(short = 'v', long)]
    verbose: bool,

    /// Leave out the paths, how processes end, and the last block
    #[arg(short = 'q', long, conflicts_with = "verbose")]
    quiet: bool,

    /// Write the events as JSON, one a line; 'docs/log.md' has the fields
    #[arg(long, conflicts_with_all = ["count", "count_each"])]
    json: bool,

    /// Write what the programs send and receive as packets (pcapng); '-' is stdout, for a pipe to Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,

    /// Bytes of a call that are captured at most
    #[arg(long, value_name = "N", requires = "pcap", default_value_t = pcap::LIMIT, value_parser = limit)]
    pcap_limit: u32,

    #[command(flatten)]
    under: UnderRules,

    /// Children are always followed
    #[arg(short = 'f', hide = true, action = clap::ArgAction::Count)]
    follow: u8,

    /// A process that runs cannot be traced
    #[arg(short = 'p', long = "attach", value_name = "PID", hide = true)]
    attach: Option<i32>,

    /// The program and its arguments
    #[arg(value_name = "PROG", trailing_var_arg = true, required_unless_present = "attach")]
    program: Vec<OsString>,
}

/// How many bytes strace shows.
const BYTES: u32 = 32;

const NOTES: &str = "\
Notes:
  TARGET is that of 'sockshim run': 10.0.0.0/8:80, *:443, unix:/run/*, @name, a host name.
  It ends when the last process has ended, like strace, with the program's exit code.
  A program that is too fast for the reader is not slowed: what is lost is counted.
  The options of 'sockshim run' about rules are taken too.";

const EXAMPLES: &str = "\
Examples:
  sockshim trace -- curl http://localhost:8080/
  sockshim trace -e status=failed -- ./server
  sockshim trace -y -e connect,accept -- make test
  sockshim trace -c -- redis-cli ping
  sockshim trace -P 10.0.0.0/8:5432 -o trace.txt -- ./job";

const ATTACH: &str = "a process that runs already cannot be traced: the library is loaded when a program starts. Start it as \
                      'sockshim trace -- PROG', or use 'strace -p PID', which needs the right to ptrace";

/// Runs the program, and gives its exit code.
pub fn run(args: &TraceArgs) -> u8 {
    if args.attach.is_some() {
        say(ATTACH);
        return FAILURE;
    }
    let started = match Trace::new(args) {
        Ok(trace) => trace,
        Err(why) => {
            say(why);
            return FAILURE;
        }
    };
    let (mut trace, log) = started;
    let code =
        run::launch(Launch { under: &args.under, program: &args.program, log, watcher: Some(&mut trace) });
    if trace.failed && code == 0 { FAILURE } else { code }
}

/// Variables of the library.
type Variables = Vec<(&'static str, Option<OsString>)>;

/// A trace, from before the program starts.
struct Trace {
    quiet: bool,
    prepared: Option<(Collector, View)>,
    running: Option<Running>,
    capture: Option<Capture>,
    capturing: Option<Capturing>,
    failed: bool,
}

impl Trace {
    /// What is wrong is said before the program starts.
    fn new(args: &TraceArgs) -> Result<(Trace, Variables), String> {
        let selection = Selection::new(&args.expressions, &args.targets)?;
        if args.pcap.is_some() && args.pcap == args.output {
            return Err("--pcap and -o name the same file".into());
        }
        let captures = args.pcap.is_some();
        let level = if captures || selection.has_data_calls() { "io" } else { "call" };
        let view = view(args, selection)?;
        let collector =
            Collector::new().map_err(|error| format!("cannot make a socket for events: {error}"))?;
        // A table has no use for them, and they cost.
        let bytes = if args.count || args.count_each { 0 } else { args.bytes.min(MOST_BYTES.into()) };
        let capture = args.pcap.as_ref().map(|path| Capture::new(path, args.pcap_limit)).transpose()?;
        let log = vec![
            (TAP, capture.as_ref().map(Capture::number)),
            (LOG_BYTES, Some(bytes.to_string().into())),
            ("SOCKSHIM_LOG", Some(level.into())),
            ("SOCKSHIM_LOG_FORMAT", Some("json".into())),
            ("SOCKSHIM_LOG_FILE", Some(collector.log_file())),
        ];
        Ok((
            Trace {
                quiet: args.quiet,
                prepared: Some((collector, view)),
                running: None,
                capture,
                capturing: None,
                failed: false,
            },
            log,
        ))
    }
}

impl Watcher for Trace {
    fn begin(&mut self) -> io::Result<()> {
        if let Some((collector, mut view)) = self.prepared.take() {
            self.capturing = self.capture.take().map(Capture::start).transpose()?;
            view.out.start()?;
            self.running = Some(collector.start(view)?);
        }
        Ok(())
    }

    fn started(&mut self, pid: i32) {
        if let Some(running) = &self.running {
            running.started(pid);
        }
    }

    fn end(&mut self, ended: Ended, uncovered: &[(String, String)], is_over: &dyn Fn() -> bool) {
        let view = self.running.take().and_then(|running| running.end(ended, is_over));
        let unreached = view.as_ref().map_or(0, |view| view.unreached);
        if let Some(Err(error)) = view.map(|view| view.end(self.quiet, uncovered)) {
            say(format!("cannot write the trace: {error}"));
            self.failed = true;
        }
        if let Some(captured) = self.capturing.take().map(Capturing::end) {
            self.failed |= !told(&captured, unreached);
        }
    }
}

/// Says what is missing in a capture. Whether it was written.
fn told(captured: &Captured, unreached: u64) -> bool {
    let missed = [
        (unreached, "programs that cannot reach it: another IPC namespace, another user, or a limit"),
        (captured.missed.lost, "calls that came faster than they could be written"),
        (
            captured.missed.unseen,
            "calls in a sandbox of the program's, where their bytes cannot be looked at",
        ),
        (captured.gaps, "pieces of streams: calls with more than --pcap-limit bytes, and splices"),
        (captured.other, "packets of sockets that are neither TCP, UDP nor AF_UNIX"),
    ];
    for (count, what) in missed.into_iter().filter(|(count, _)| *count > 0) {
        say(format!("not in the capture: {count} {what}"));
    }
    if let Err(error) = &captured.result {
        say(format!("cannot write the capture: {error}"));
    }
    captured.result.is_ok()
}

fn limit(text: &str) -> Result<u32, String> {
    let (least, most) = (pcap::LIMITS.start(), pcap::LIMITS.end());
    let number = text.parse().ok().filter(|number| pcap::LIMITS.contains(number));
    number.ok_or_else(|| format!("a number of bytes from {least} to {most} is expected"))
}

fn view(args: &TraceArgs, selection: Selection) -> Result<View, String> {
    let (out, style, width): (Box<dyn Write + Send>, Style, fit::Width) = match &args.output {
        Some(path) => {
            let file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
            (Box::new(file), Style::NONE, None)
        }
        None => (Box::new(io::stderr()), Style::of(&io::stderr()), terminal_width(&io::stderr())),
    };
    let counts = args.count || args.count_each;
    let form = match () {
        () if counts => Form::Nothing,
        () if args.json => Form::Json,
        () if args.verbose => Form::Paths,
        () if args.quiet => Form::Lines,
        () => Form::Failed,
    };
    let clock = match (args.relative, args.time) {
        (true, _) => Clock::Since,
        (_, 0) => Clock::None,
        (_, 1) => Clock::Day,
        _ => Clock::DayMicros,
    };
    Ok(View {
        out: Output::new(out),
        selection,
        form,
        clock,
        line: LineStyle { names: args.names > 0, durations: args.durations, width, style },
        counts: counts.then(|| Counts::new(args.count_each)),
        summary: Summary::default(),
        sockets: Sockets::default(),
        ends: Ends::of_program(&args.program),
        waits: Waits::default(),
        unreached: 0,
        last: None,
        text: Default::default(),
    })
}
