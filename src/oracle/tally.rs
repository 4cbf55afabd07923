//! Counts comparisons, and prints mismatches.

use crate::kernel::name;
use sockshim_core::errno::Errno;
use sockshim_core::verdict::Predicted;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The result of comparing a prediction with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// The prediction was right.
    Equal,
    /// The prediction was open.
    Open,
    /// The prediction was wrong.
    Different,
}

/// Compares a prediction with an answer.
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

/// Whether every mismatch and every open prediction is printed.
pub static ALL: AtomicBool = AtomicBool::new(false);

/// How many mismatches are printed in full.
const PRINTED: u64 = 12;

#[derive(Default)]
struct Counts {
    asked: u64,
    open: u64,
    different: u64,
    answers: BTreeMap<String, u64>,
}

/// The counts of one run, to which several threads may add.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

impl Tally {
    /// Adds one question; `describe` is called only when a mismatch is printed.
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

    /// Adds the result of a comparison.
    pub fn count(&self, comparison: Comparison, actual: Option<Errno>, describe: impl FnOnce() -> String) {
        let mut counts = self.0.lock().expect("no thread panics in here");
        counts.asked += 1;
        *counts.answers.entry(name(actual)).or_default() += 1;
        match comparison {
            Comparison::Equal => {}
            Comparison::Open => {
                counts.open += 1;
                if ALL.load(Relaxed) {
                    let _ = writeln!(std::io::stdout(), "    OPEN {}", describe());
                }
            }
            Comparison::Different => {
                counts.different += 1;
                if counts.different <= PRINTED || ALL.load(Relaxed) {
                    let _ = writeln!(std::io::stdout(), "    MISMATCH {}", describe());
                }
            }
        }
    }

    /// The numbers of questions, open predictions and mismatches.
    pub fn figures(&self) -> (u64, u64, u64) {
        let counts = self.0.lock().expect("no thread panics in here");
        (counts.asked, counts.open, counts.different)
    }

    /// The kernel's answers by name, as `ok 46, EPERM 7470`.
    pub fn answers(&self) -> String {
        let counts = self.0.lock().expect("no thread panics in here");
        let parts: Vec<_> = counts.answers.iter().map(|(name, count)| format!("{name} {count}")).collect();
        parts.join(", ")
    }
}
