//! `-c`: how often each call was made, how often it failed, and how long it took.

use super::event::{Event, Kind};
use crate::grid;
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

/// Three digits of every time, whatever its size.
const DIGITS: u8 = 3;

/// Counts, for all processes or for each.
pub struct Counts {
    by_process: bool,
    /// Process and name, or nothing, and the calls.
    groups: BTreeMap<Option<(i32, String)>, HashMap<String, Count>>,
}

struct Count {
    errors: u64,
    total: u64,
    /// Nanoseconds.
    times: Histogram<u64>,
}

impl Counts {
    /// With `by_process`, each process has a table of its own.
    pub fn new(by_process: bool) -> Counts {
        Counts { by_process, groups: BTreeMap::new() }
    }

    /// Counts a call.
    pub fn add(&mut self, event: &Event) {
        if event.kind() != Kind::Call {
            return;
        }
        let group = self.by_process.then(|| (event.pid, event.comm.to_string()));
        let calls = self.groups.entry(group).or_default();
        if !calls.contains_key(event.name()) {
            let Ok(times) = Histogram::new(DIGITS) else { return };
            calls.insert(event.name().to_owned(), Count { errors: 0, total: 0, times });
        }
        if let Some(count) = calls.get_mut(event.name()) {
            count.errors += u64::from(event.is_failed());
            count.total += event.ns;
            // A histogram that grows by itself takes every number.
            let _ = count.times.record(event.ns);
        }
    }

    /// Writes the tables, the calls that took longest first.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (group, calls) in &self.groups {
            if let Some((pid, name)) = group {
                writeln!(out, "{name}[{pid}]")?;
            }
            let mut rows: Vec<_> = calls.iter().collect();
            rows.sort_by_key(|(name, count)| (std::cmp::Reverse(count.total), name.as_str()));
            let all: u64 = rows.iter().map(|(_, count)| count.total).sum();
            let cells = rows.iter().map(|(name, count)| {
                let share = if all > 0 { 100.0 * count.total as f64 / all as f64 } else { 0.0 };
                let at = |quantile| seconds(count.times.value_at_quantile(quantile));
                [
                    format!("{share:.2}"),
                    seconds(count.total),
                    seconds(count.times.min()),
                    at(0.5),
                    at(0.99),
                    count.times.len().to_string(),
                    if count.errors > 0 { count.errors.to_string() } else { String::new() },
                    name.to_string(),
                ]
            });
            grid::table(
                out,
                ["% time", "seconds", "min", "p50", "p99", "calls", "errors", "call"],
                cells,
                &[],
            )?;
            let (made, errors) =
                rows.iter().fold((0, 0), |sum, (_, count)| (sum.0 + count.times.len(), sum.1 + count.errors));
            writeln!(out, "total {} s in {made} calls, {errors} errors", seconds(all))?;
        }
        Ok(())
    }
}

fn seconds(nanos: u64) -> String {
    format!("{}.{:06}", nanos / 1_000_000_000, nanos / 1000 % 1_000_000)
}
