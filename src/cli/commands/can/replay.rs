//! `sockshim can replay`: puts recorded frames on a bus.

use super::interrupt::{Interrupt, Woken};
use super::log::{self, Record};
use super::socket::CanSocket;
use super::{Failure, capture, index};
use clap::ValueHint;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Put recorded frames on a bus
///
/// FILE is a log of candump or of 'sockshim can dump -L', or a capture, pcap or
/// pcapng, of CAN frames. Frames go to the interfaces that they were recorded on,
/// at the same distances in time.
#[derive(clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  sockshim can replay can.log\n  sockshim can replay bus.pcapng vcan0=can0 vcan1=can1\n  sockshim can replay --fast -l 10 can.log"
)]
pub struct ReplayArgs {
    /// The recording; - is stdin
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Send to TO what was recorded on FROM, and nothing else; a file without names of interfaces has FROM empty
    #[arg(value_name = "TO=FROM")]
    assignments: Vec<String>,

    /// The file is a capture, whatever it begins with
    #[arg(long)]
    pcap: bool,

    /// Send it so often; i is for ever
    #[arg(short = 'l', long, value_name = "N", default_value = "1")]
    loops: String,

    /// Do not wait between frames
    #[arg(short = 't', long)]
    fast: bool,

    /// Wait so many milliseconds between frames, instead of as long as it was
    #[arg(short = 'g', long, value_name = "MS", conflicts_with = "fast")]
    gap: Option<u64>,
}

/// Runs the subcommand.
///
/// # Errors
/// The file cannot be read, or a frame cannot be sent.
pub fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let loops = match args.loops.as_str() {
        "i" => u64::MAX,
        number => {
            number.parse().map_err(|_| Failure::Said(format!("-l {number}: expected a number, or i")))?
        }
    };
    let assigned = assigned(&args.assignments)?;
    let records = records(args)?;
    let mut targets: HashMap<&str, Option<i32>> = HashMap::new();
    for record in &records {
        if !targets.contains_key(record.interface.as_str()) {
            targets.insert(&record.interface, target(&assigned, &record.interface)?);
        }
    }
    if !records.is_empty() && targets.values().all(Option::is_none) {
        let mut names: Vec<&str> = targets.into_keys().collect();
        names.sort_unstable();
        return Err(Failure::Said(format!(
            "nothing of it is sent: it has frames of '{}' only",
            names.join("', '")
        )));
    }
    let socket = CanSocket::sending()?;
    let interrupt = Interrupt::new()?;
    for _ in 0..loops {
        let begin = Instant::now();
        let mut first = None;
        let mut sent = 0u32;
        for record in &records {
            let Some(ifindex) = targets.get(record.interface.as_str()).copied().flatten() else { continue };
            let due = match args.gap {
                _ if args.fast => Duration::ZERO,
                Some(gap) => Duration::from_millis(gap).saturating_mul(sent),
                None => record.time.saturating_sub(*first.get_or_insert(record.time)),
            };
            sent = sent.saturating_add(1);
            if is_interrupted(&interrupt, begin, due) {
                return Ok(());
            }
            let failed = |error| Failure::of(super::socket::name_of(ifindex), &error);
            socket.send(ifindex, &record.bytes).map_err(failed)?;
        }
        if sent == 0 {
            return Ok(());
        }
        // As fast as may be, or only one frame: a signal must still end it.
        if is_interrupted(&interrupt, begin, Duration::ZERO) {
            return Ok(());
        }
    }
    Ok(())
}

/// Waits until a frame is due. Whether a signal has come before.
fn is_interrupted(interrupt: &Interrupt, begin: Instant, due: Duration) -> bool {
    let left = due.saturating_sub(begin.elapsed());
    interrupt.wait(std::iter::empty(), Some(left)) == Woken::Interrupted
}

/// `TO=FROM`, by FROM.
fn assigned(texts: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((to, from)) if !to.is_empty() => Ok((from.to_string(), to.to_string())),
        _ => Err(Failure::Said(format!("'{text}' is no assignment: expected TO=FROM, such as vcan0=can0"))),
    };
    texts.iter().map(pair).collect()
}

/// Where frames of an interface go; nowhere if only others are assigned.
fn target(assigned: &[(String, String)], from: &str) -> Result<Option<i32>, Failure> {
    if assigned.is_empty() {
        if from.is_empty() {
            let why = "the file does not name the interfaces; 'vcan0=' says where its frames go";
            return Err(Failure::Said(why.into()));
        }
        return index(from).map(Some);
    }
    assigned.iter().find(|(known, _)| known == from).map(|(_, to)| index(to)).transpose()
}

fn records(args: &ReplayArgs) -> Result<Vec<Record>, Failure> {
    let name = args.file.display();
    let read = match args.file.as_path() {
        path if path == Path::new("-") => capture::whole(io::stdin().lock()),
        path => File::open(path).and_then(capture::whole),
    };
    let bytes = read.map_err(|error| Failure::of(args.file.display(), &error))?;
    if args.pcap || capture::is_capture(&bytes) {
        return capture::read(&bytes).map_err(|why| Failure::Said(format!("{name}: {why}")));
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut records = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let record =
            log::parse(line).map_err(|why| Failure::Said(format!("{name}:{}: {why}", number + 1)))?;
        records.extend(record);
    }
    Ok(records)
}
