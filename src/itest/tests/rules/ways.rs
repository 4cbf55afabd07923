//! Runs the programs of `c-tests/rules` that make one call in every way.

use crate::under::{Setting, under};
use sockshim_itest::{Scratch, cc, run};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(120);

/// What came of one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The result and errno.
    pub result: String,
    /// What the kernel has done.
    pub effect: String,
    /// What the program is told by getsockname(2) or getpeername(2).
    pub told: String,
    /// How long the call took, in nanoseconds.
    pub time: u64,
}

impl Outcome {
    /// Whether all but the time is the same.
    pub fn is_like(&self, other: &Outcome) -> bool {
        (&self.result, &self.effect, &self.told) == (&other.result, &other.effect, &other.told)
    }
}

/// All but the time.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} | {} | {}", self.result, self.effect, self.told)
    }
}

/// The name of a way is `CONTEXT/HOW/FORM/KIND`.
pub type Outcomes = BTreeMap<String, Outcome>;

/// The form in the name of a way.
pub fn form(way: &str) -> &str {
    way.split('/').nth(2).expect("a form")
}

/// The kind of socket in the name of a way.
pub fn kind(way: &str) -> &str {
    way.split('/').nth(3).expect("a kind")
}

/// The system call that the form makes. A form that connects while it sends is about connect(2).
pub fn call<'a>(program: &'a str, way: &'a str) -> &'a str {
    match program {
        "option" | "create" => {
            let form = form(way);
            let form = form.strip_prefix("syscall-").unwrap_or(form);
            form.split('-').next().expect("a call")
        }
        _ => program,
    }
}

/// How many events of a run have this reason, or one that begins so. They are counted in the text, because there are many.
pub fn events_because(run: &Run, reason: &str) -> usize {
    let files = std::fs::read_dir(run.scratch.path().join("log")).expect("the log");
    let mark = format!("\"reason\":\"{reason}");
    let count = |path: &Path| std::fs::read_to_string(path).expect("a log in UTF-8").matches(&mark).count();
    files.map(|file| count(&file.expect("a file").path())).sum()
}

/// A finished run.
pub struct Run {
    /// What came of each way.
    pub outcomes: Outcomes,
    /// The directory, which has the log.
    pub scratch: Scratch,
}

/// Runs a program with these arguments in a network of its own.
pub fn make(program: &str, arguments: &[&str], setting: &Setting) -> Run {
    let scratch = Scratch::new();
    let directory = scratch.dir("run");
    let mut command = under(&scratch, setting, &cc(&format!("rules/{program}.c"), &[]));
    let output = run(command.args(arguments).current_dir(&directory), b"", DEADLINE);
    let says = || {
        let rules = setting.rules.unwrap_or_default();
        format!("{program} {arguments:?} under\n{rules}\n{}\n{}", output.status, output.stderr())
    };
    assert!(!output.timed_out && output.status.success() && output.stderr.is_empty(), "{}", says());
    let outcome = |line: &str| {
        let [way, result, effect, told, time] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("no outcome: {line}\n{}", says())
        };
        let [result, effect, told] = [result, effect, told].map(String::from);
        (way.to_string(), Outcome { result, effect, told, time: time.parse().expect("nanoseconds") })
    };
    let outcomes: Outcomes = output.stdout().lines().map(outcome).collect();
    assert!(!outcomes.is_empty(), "{}", says());
    Run { outcomes, scratch }
}
