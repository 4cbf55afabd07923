//! Programs that do what a library does not expect: many threads, forks under signals, vfork, every way to end, and
//! taking away what a library relies on. They do the same natively and under the shim, and the log is right.

#[path = "stress/churn.rs"]
mod churn;
#[path = "stress/ending.rs"]
mod ending;
#[path = "stress/hostile.rs"]
mod hostile;
#[path = "stress/many.rs"]
mod many;
#[path = "stress/storm.rs"]
mod storm;
#[path = "stress/vfork.rs"]
mod vfork;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, cc, command, run};

/// Long enough for a busy machine; reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs a program of `c-tests/stress`, which must end before the deadline.
fn stress(level: RunLevel, log_dir: &Path, program: &str, args: &[&str]) -> Output {
    let mut command = command(level, Some(log_dir), cc(&format!("stress/{program}.c"), &[]));
    let output = run(command.args(args), b"", DEADLINE);
    assert!(!output.timed_out, "{program} {args:?} at {level:?} hangs: {output:?}");
    assert_eq!(output.stderr(), "", "{program} {args:?} at {level:?}");
    output
}

/// The log files of a directory, with the pids in their names.
fn log_files(log_dir: &Path) -> Vec<(u64, PathBuf)> {
    let entries =
        fs::read_dir(log_dir).expect("the log directory").map(|entry| entry.expect("an entry").path());
    let pid = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
    entries.map(|path| (pid(&path).unwrap_or_else(|| panic!("{}", path.display())), path)).collect()
}

/// Passes on the events of a log file one at a time, because those of a long run take too much memory.
fn each_event(file: &Path, mut take: impl FnMut(&Value)) {
    let reader =
        BufReader::new(File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    for line in reader.split(b'\n') {
        let line = line.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let event = serde_json::from_slice(&line);
        take(&event.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&line))));
    }
}

fn call(event: &Value) -> &str {
    event["call"].as_str().unwrap_or_else(|| panic!("no call: {event}"))
}

/// How many events a `dropped` record stands for; 0 for every other event. Panics on events that a right log never
/// has.
fn dropped(event: &Value) -> u64 {
    assert!(!["divergence", "sockshim"].contains(&call(event)), "{event}");
    let count = || event["args"]["count"].as_u64().unwrap_or_else(|| panic!("no count: {event}"));
    if call(event) == "dropped" { count() } else { 0 }
}
