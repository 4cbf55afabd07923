//! The log is whole whatever happens to the program, and it is where it is to be. What a program can see of its writer is
//! the matter of the programs of `c-tests/writer`.

#[path = "writer/collectors.rs"]
mod collectors;
#[path = "writer/ends.rs"]
mod ends;
#[path = "writer/files.rs"]
mod files;
#[path = "writer/names.rs"]
mod names;
#[path = "writer/steps.rs"]
mod steps;
#[path = "writer/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, cc, command, run};

/// Long enough for a busy machine: only a hang reaches it.
const DEADLINE: Duration = Duration::from_secs(120);

/// A program of `c-tests`.
fn program(name: &str) -> PathBuf {
    cc(&format!("{name}.c"), &[])
}

/// A program whose log is this file.
fn logged(level: RunLevel, program: impl AsRef<Path>, log: &str) -> Command {
    let mut command = command(level, None, program.as_ref());
    command.env("SOCKSHIM_LOG_FILE", log);
    command
}

/// Runs to the end, which has to come before the deadline.
fn ended(command: &mut Command) -> Output {
    let output = run(command, b"", DEADLINE);
    assert!(!output.timed_out, "{command:?} hangs: {output:?}");
    output
}

/// Runs to an end that is a success, without a word on stderr.
fn succeeds(command: &mut Command) -> Output {
    let output = ended(command);
    assert!(output.status.success(), "{command:?}: {output:?}");
    assert_eq!(output.stderr(), "", "{command:?}");
    output
}

/// The events of a log's text, whose lines have to be whole.
fn parsed(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).expect("a log is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is cut off: {text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// How many events of the call there are.
fn count(events: &[Value], call: &str) -> usize {
    events.iter().filter(|event| event["call"] == call).count()
}

/// Waits until it is so; fails at the deadline.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_root() -> bool {
    // SAFETY: geteuid() has no preconditions.
    unsafe { libc::geteuid() == 0 }
}
