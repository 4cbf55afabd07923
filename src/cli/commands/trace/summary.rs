//! The last block: what there was, and what went wrong.

use super::event::{Event, Kind};
use super::fit::fit;
use super::line::LineStyle;
use super::path;
use super::sockets::Sockets;
use super::style::one_line;
use sockshim_core::errno::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// How many different errors are shown of a sort.
const MOST: usize = 12;
/// The column behind the heads.
const COLUMN: usize = 12;
/// Blanks before what has decided.
const GAP: usize = 2;

/// How often, by call, error, and what decided it.
type Errors = BTreeMap<(String, String, String), u64>;

/// What is counted over the whole tree.
#[derive(Default)]
pub struct Summary {
    processes: BTreeSet<i32>,
    calls: u64,
    lost: u64,
    divergences: u64,
    errors: Errors,
    /// What would have had to wait, or went on by itself.
    pending: Errors,
    /// By program and reason, of exec calls.
    uncovered: BTreeSet<(String, String)>,
}

impl Summary {
    /// Takes in an event.
    pub fn add(&mut self, event: &Event) {
        match event.kind() {
            Kind::Call => {
                self.processes.insert(event.pid);
                self.calls += 1;
            }
            Kind::Divergence => self.divergences += 1,
            Kind::Dropped => self.lost += event.int("count").unwrap_or(0) as u64,
            _ => return,
        }
        if event.arg("covered").is_some_and(|covered| covered == false) {
            let program =
                ["path", "file"].iter().find_map(|key| event.arg(key)?.as_str()).unwrap_or("a program");
            self.uncovered.insert((program.to_owned(), event.reason.trim_start_matches("exec-").to_owned()));
        }
        if let Some(errno) = event.errno.as_deref().filter(|_| event.kind() == Kind::Call) {
            let decided = event.path.and_then(|path| path::decider(path.get())).unwrap_or_default();
            let what = if event.is_pending() { &mut self.pending } else { &mut self.errors };
            *what.entry((event.name().to_owned(), errno.to_owned(), decided)).or_default() += 1;
        }
        if let Some(errno) = event.told_error().and_then(|errno| Errno(errno).name()) {
            let key = ("connect".into(), errno.into(), "told later, by SO_ERROR".into());
            *self.errors.entry(key).or_default() += 1;
        }
    }

    /// Counts events that are missing.
    pub fn lose(&mut self, events: u64) {
        self.lost += events;
    }

    /// Writes the block.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write(
        &self,
        sockets: &Sockets,
        uncovered: &[(String, String)],
        how: &LineStyle,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let style = how.style;
        let (dim, plain) = (style.dim(), style.plain());
        let plural =
            |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        writeln!(
            out,
            "{dim}---{plain} {} shown, by {}",
            plural(self.calls as usize, "call", "calls"),
            plural(self.processes.len(), "process", "processes")
        )?;
        let kinds: Vec<String> = sockets
            .counts
            .iter()
            .filter(|(_, count)| count.made > 0)
            .map(|(kind, count)| {
                let states = [(count.listening, "listening"), (count.connected, "connected")];
                let states: Vec<String> = states
                    .iter()
                    .filter(|(number, _)| *number > 0)
                    .map(|(number, state)| format!("{number} {state}"))
                    .collect();
                let states =
                    if states.is_empty() { String::new() } else { format!(" ({})", states.join(", ")) };
                format!("{} {kind}{states}", count.made)
            })
            .collect();
        if !kinds.is_empty() {
            writeln!(out, "sockets     {}", fit(&kinds.join(", "), COLUMN, COLUMN, how.width))?;
        }
        write_errors("errors", &self.errors, how, out)?;
        write_errors("not yet", &self.pending, how, out)?;
        if self.divergences > 0 {
            writeln!(out, "divergences {}", self.divergences)?;
        }
        self.write_missing(uncovered, out)
    }

    /// Says what is missing: programs that were not seen, and events for which there was no room.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_missing(&self, uncovered: &[(String, String)], out: &mut dyn Write) -> io::Result<()> {
        let all: BTreeSet<&(String, String)> = self.uncovered.iter().chain(uncovered).collect();
        for (index, (program, reason)) in all.into_iter().enumerate() {
            let head = if index == 0 { "uncovered" } else { "" };
            writeln!(out, "{head:<11} {}: {reason}", one_line(program))?;
        }
        match self.lost {
            0 => Ok(()),
            lost => writeln!(out, "lost        {lost} events, for which there was no room"),
        }
    }
}

fn write_errors(head: &str, errors: &Errors, how: &LineStyle, out: &mut dyn Write) -> io::Result<()> {
    let (dim, bad, plain) = (how.style.dim(), how.style.bad(), how.style.plain());
    let mut errors: Vec<_> = errors.iter().collect();
    errors.sort_by_key(|(key, count)| (std::cmp::Reverse(**count), *key));
    for (index, ((call, errno, decided), count)) in errors.iter().take(MOST).enumerate() {
        let head = if index == 0 { head } else { "" };
        let fixed = format!("{head:<11} {count} × {call} ");
        let at = fixed.chars().count() + errno.len() + GAP;
        let decided = match fit(decided, at, COLUMN + GAP, how.width) {
            nothing if nothing.is_empty() => nothing,
            below if below.starts_with('\n') => format!("{dim}{below}{plain}"),
            behind => format!("{:GAP$}{dim}{behind}{plain}", ""),
        };
        writeln!(out, "{fixed}{bad}{errno}{plain}{decided}")?;
    }
    if errors.len() > MOST {
        writeln!(out, "{:<11} and {} other kinds", "", errors.len() - MOST)?;
    }
    Ok(())
}
