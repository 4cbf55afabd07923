//! Counting, and the printing of what differs.

use crate::kernel::name;
use sockshim_core::errno::Errno;
use sockshim_core::verdict::Predicted;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

/// How a prediction and an answer compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// As predicted.
    Equal,
    /// Left to the host.
    Open,
    /// A mismatch.
    Different,
}

/// Compares.
pub fn compare(predicted: Predicted, actual: Option<Errno>) -> Comparison {
    match (predicted, actual) {
        (Predicted::Unknown, _) => Comparison::Open,
        (Predicted::Ok, None) => Comparison::Equal,
        (Predicted::Errno(expected), Some(actual)) if expected == actual => Comparison::Equal,
        _ => Comparison::Different,
    }
}

/// The name of a prediction.
pub fn prediction(predicted: Predicted) -> String {
    match predicted {
        Predicted::Unknown => "?".to_string(),
        Predicted::Ok => name(None),
        Predicted::Errno(errno) => name(Some(errno)),
    }
}

/// How many mismatches are printed in full.
const PRINTED: u64 = 12;

#[derive(Default)]
struct Counts {
    asked: u64,
    open: u64,
    different: u64,
    answers: BTreeMap<String, u64>,
}

/// The figures of one run, which several threads may add to.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

impl Tally {
    /// Adds one question; `describe` is called when a mismatch is printed.
    pub fn add(
        &self,
        predicted: Predicted,
        actual: Option<Errno>,
        describe: impl FnOnce() -> String,
    ) -> Comparison {
        let comparison = compare(predicted, actual);
        self.count(comparison, actual, || {
            format!("{}: predicted {}, the kernel says {}", describe(), prediction(predicted), name(actual))
        });
        comparison
    }

    /// Adds a comparison that was made elsewhere.
    pub fn count(&self, comparison: Comparison, actual: Option<Errno>, describe: impl FnOnce() -> String) {
        let mut counts = self.0.lock().expect("no thread panics in here");
        counts.asked += 1;
        *counts.answers.entry(name(actual)).or_default() += 1;
        match comparison {
            Comparison::Equal => {}
            Comparison::Open => counts.open += 1,
            Comparison::Different => {
                counts.different += 1;
                if counts.different <= PRINTED {
                    let _ = writeln!(std::io::stdout(), "    MISMATCH {}", describe());
                }
            }
        }
    }

    /// Questions, open ones, mismatches.
    pub fn figures(&self) -> (u64, u64, u64) {
        let counts = self.0.lock().expect("no thread panics in here");
        (counts.asked, counts.open, counts.different)
    }

    /// The answers by name, as `ok 46, EPERM 7470`.
    pub fn answers(&self) -> String {
        let counts = self.0.lock().expect("no thread panics in here");
        let parts: Vec<_> = counts.answers.iter().map(|(name, count)| format!("{name} {count}")).collect();
        parts.join(", ")
    }
}
