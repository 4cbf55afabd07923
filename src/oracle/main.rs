//! `sockshim-oracle`: asks the tables of `sockshim-core` and the running kernel the same questions.
//!
//! | command | what is compared |
//! |---|---|
//! | `socket`, `socketpair` | the whole argument space, in ten settings of privilege and namespace |
//! | `matrix` | every operation on every kind of fresh socket |
//! | `faults` | the order of checks: several faults in one call |
//! | `walks` | random sequences of calls: prediction and state after each |
//! | `differences` | what differs between versions of Linux, against the versions that are said to have brought it |
//! | `names` | the names of functions against the kernel's symbols |
//! | `mutation` | that the other commands fail when something is broken on purpose |
//!
//! The tables get their facts from `sockshim-host`, which asks the kernel once per setting; they derive everything
//! else themselves. The kernel's side is the plain system call. The program needs root, because most settings can
//! only be entered with it. No setting touches the system's own network namespace.

#![allow(clippy::disallowed_methods, reason = "nothing is hooked here: libc's functions are libc's")]

mod argument;
mod differences;
mod faults;
mod kernel;
mod kinds;
mod matrix;
mod mutation;
mod names;
mod observe;
mod remembered;
mod setting;
mod subject;
mod tally;
mod transfers;
mod triples;
mod walks;

use mutation::Mutation;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const USAGE: &str = "\
Usage: sockshim-oracle [COMMAND]... [--all] [--sequences N] [--seed N]
Commands: socket socketpair matrix faults walks differences names mutation; all of them without one
";

/// The default number of random walks.
const SEQUENCES: u32 = 20_000;

struct Options {
    commands: Vec<String>,
    sequences: u32,
    seed: u64,
    mutation: Option<usize>,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        let _ = std::io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    sockshim_core::net::init();
    // SAFETY: the signal is ignored, so no code runs.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    kernel::limit_descriptors(4096, None);
    if let Some((mutation, ..)) = options.mutation.and_then(mutation::by_index) {
        mutation::activate(mutation);
    }
    let mut equal = true;
    for command in &options.commands {
        let begin = Instant::now();
        say(&format!("\n{command}: {}", what(command)));
        equal &= run(command, &options);
        say(&format!("  {:.1} s", begin.elapsed().as_secs_f32()));
    }
    if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

const COMMANDS: [(&str, &str); 8] = [
    ("socket", "socket(2), family -2..50, type -1..16, protocol -1..300, every flag bit, extreme integers"),
    ("socketpair", "socketpair(2), likewise"),
    ("matrix", "every operation on every kind of fresh socket"),
    ("faults", "several faults in one call"),
    ("walks", "random sequences of 12 calls"),
    ("differences", "what a version of Linux has changed"),
    ("names", "the functions' names"),
    ("mutation", "something is broken on purpose, and must be found"),
];

fn what(command: &str) -> &'static str {
    COMMANDS.iter().find(|(name, _)| *name == command).map_or("", |(_, what)| what)
}

fn options(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
    let mut options = Options { commands: Vec::new(), sequences: SEQUENCES, seed: now, mutation: None };
    while let Some(word) = words.next() {
        match word.as_str() {
            // Print every mismatch and every open prediction.
            "--all" => tally::ALL.store(true, std::sync::atomic::Ordering::Relaxed),
            "--sequences" => options.sequences = words.next()?.parse().ok()?,
            "--seed" => options.seed = number(&words.next()?)?,
            // The option with which `mutation` starts its own children.
            "--mutation" => options.mutation = Some(words.next()?.parse().ok()?),
            command if COMMANDS.iter().any(|(name, _)| *name == command) => options.commands.push(word),
            _ => return None,
        }
    }
    if options.commands.is_empty() {
        options.commands = COMMANDS.iter().map(|(name, _)| (*name).to_string()).collect();
    }
    Some(options)
}

/// A number in decimal, or in the form in which seeds are printed.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn run(command: &str, options: &Options) -> bool {
    match command {
        "socket" => triples::run(triples::Creation::Socket),
        "socketpair" => triples::run(triples::Creation::Pair),
        "matrix" => matrix::run(),
        "faults" => faults::run(),
        "walks" => walks::run(options.sequences, options.seed),
        "differences" => differences::run(),
        "names" => names::run(),
        _ => mutations_are_found(options),
    }
}

/// Breaks one thing at a time, each in a process of its own, and requires the comparison to fail.
fn mutations_are_found(options: &Options) -> bool {
    let mut all = true;
    for (index, (mutation, what, command)) in mutation::ALL.into_iter().enumerate() {
        if mutation == Mutation::VersionBound && !differences::can_show_a_wrong_bound() {
            say(&format!("  {what:<60} {command}: shows nothing on this kernel"));
            continue;
        }
        let mut child = Command::new("/proc/self/exe");
        child.arg(command).arg("--mutation").arg(index.to_string());
        child
            .arg("--sequences")
            .arg(options.sequences.to_string())
            .arg("--seed")
            .arg(options.seed.to_string());
        let status = child.stdout(Stdio::null()).status();
        // 1 means a mismatch; any other code means that the child failed for another reason.
        let found = status.is_ok_and(|status| status.code() == Some(1));
        say(&format!("  {what:<60} {command}: {}", if found { "found" } else { "NOT FOUND" }));
        all &= found;
    }
    all
}
