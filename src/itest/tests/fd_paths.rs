//! Every operation that makes, copies or closes a descriptor: after each step, the library's view of every number
//! (which socket, in which state, with how many descriptors) matches the kernel's. The programs
//! `c-tests/stress/fd_*.c` compare the two; the library that is built for tests exports its view.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run, test_shim};

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(300);

/// The levels at which the library has a view.
const WATCHED: [RunLevel; 3] = [RunLevel::Decision, RunLevel::Call, RunLevel::Io];

/// Whether data calls take the fast path, as in a released library, or all take the slow path.
const PATHS: [(&str, &str); 2] = [("SOCKSHIM_WITHOUT_FAST_PATH", "0"), ("SOCKSHIM_WITHOUT_FAST_PATH", "1")];

/// How many operations the storm makes in every run of the tests. The ignored test makes more.
const OPERATIONS: u64 = 200_000;
const MANY_OPERATIONS: u64 = 1_000_000;

/// Runs one of the programs, and returns the lines of its report.
fn report(command: &mut Command, directory: &Path, args: &[&str]) -> Vec<String> {
    let report = directory.join("report");
    let output = run(command.arg(&report).args(args), b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{command:?}: {output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{command:?}: {output:?}");
    let text = fs::read_to_string(&report).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    text.lines().map(String::from).collect()
}

fn disagreements(report: &[String]) -> Vec<&String> {
    report.iter().filter(|line| line.starts_with("DISAGREE")).collect()
}

/// Every level with a view, on the fast path and without it at the level where it matters.
fn modes() -> impl Iterator<Item = (RunLevel, (&'static str, &'static str))> {
    let fast = WATCHED.map(|level| (level, PATHS[0]));
    fast.into_iter().chain([(RunLevel::Io, PATHS[1])])
}

/// Checks each step of a program's table, natively and at every level, alone and beside an idle thread.
fn agrees(program: &str, rows: usize) {
    let program = cc(&format!("stress/{program}.c"), &[]);
    for args in [&[][..], &["threads"]] {
        let scratch = Scratch::new();
        let native = report(&mut command(RunLevel::Native, None, &program), scratch.path(), args);
        let (last, steps) = native.split_last().expect("a last line");
        assert_eq!(*last, format!("{rows} rows, libraries with a view 0"));
        assert!(steps.len() > rows, "{native:#?}");

        let scratch = Scratch::new();
        let off = report(&mut command(RunLevel::Off, None, &program), scratch.path(), args);
        assert_eq!(off, native, "{args:?} without a log");

        for (level, path) in modes() {
            let scratch = Scratch::new();
            let mut command = command(level, Some(scratch.path()), &program);
            command.env("LD_PRELOAD", test_shim()).env(path.0, path.1);
            let watched = report(&mut command, scratch.path(), args);
            let disagreements = disagreements(&watched);
            assert!(disagreements.is_empty(), "{args:?} at {level:?}, {path:?}: {disagreements:#?}");
            let (last, watched) = watched.split_last().expect("a last line");
            assert_eq!(*last, format!("{rows} rows, libraries with a view 1"));
            assert_eq!(watched, steps, "{args:?} at {level:?}, {path:?}");
            let events = logged(scratch.path());
            assert!(!events.is_empty(), "{args:?} at {level:?}, {path:?}");
            let wrong = by_call(&events, "divergence");
            assert!(wrong.is_empty(), "{args:?} at {level:?}, {path:?}: {wrong:#?}");
        }
    }
}

/// The events of the log, without the report in the same directory.
fn logged(directory: &Path) -> Vec<serde_json::Value> {
    fs::remove_file(directory.join("report")).expect("the report");
    events(directory)
}

#[test]
fn calls_within_a_process() {
    agrees("fd_paths", 14);
}

#[test]
fn descriptors_that_arrive() {
    agrees("fd_messages", 5);
}

#[test]
fn processes_and_threads_with_tables_of_their_own() {
    agrees("fd_processes", 13);
}

#[test]
fn what_the_library_does_not_know_is_a_disagreement() {
    // When it is switched off, the library has a view that is empty.
    let scratch = Scratch::new();
    let mut command = command(RunLevel::Off, None, cc("stress/fd_paths.c", &[]));
    let report = report(command.env("LD_PRELOAD", test_shim()), scratch.path(), &[]);
    let first = report.iter().find(|line| line.starts_with("DISAGREE"));
    assert_eq!(first.map(String::as_str), Some("DISAGREE socket: socket: 3 is tcp, and not known"));
}

/// A storm depends on random numbers and on the scheduling of its threads; `SOCKSHIM_SEED` repeats the numbers.
fn storm(level: RunLevel, path: (&str, &str), operations: u64) {
    let seed = std::env::var("SOCKSHIM_SEED").unwrap_or_else(|_| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
        now.as_nanos().to_string()
    });
    let scratch = Scratch::new();
    let mut command = command(level, None, cc("stress/fd_storm.c", &[]));
    // The log is discarded: millions of events are not needed here.
    command.env("LD_PRELOAD", test_shim()).env("SOCKSHIM_LOG_FILE", "/dev/null").env(path.0, path.1);
    let report = report(&mut command, scratch.path(), &[&operations.to_string(), &seed]);
    let disagreements = disagreements(&report);
    assert!(disagreements.is_empty(), "SOCKSHIM_SEED={seed} at {level:?}, {path:?}: {disagreements:#?}");
    let last = format!("{operations} operations, 0 disagreements, library with a view 1");
    assert_eq!(report.last(), Some(&last), "SOCKSHIM_SEED={seed} at {level:?}, {path:?}");
}

#[test]
fn a_storm_of_all_of_them() {
    storm(RunLevel::Decision, PATHS[0], OPERATIONS);
}

#[test]
fn a_storm_of_all_of_them_with_data_calls() {
    storm(RunLevel::Io, PATHS[0], OPERATIONS);
}

#[test]
fn a_storm_of_all_of_them_with_data_calls_on_the_slow_path() {
    storm(RunLevel::Io, PATHS[1], OPERATIONS);
}

#[test]
#[ignore = "takes a minute; scripts/soak.sh runs it"]
fn a_million_operations() {
    for (level, path) in modes() {
        storm(level, path, MANY_OPERATIONS);
    }
}
