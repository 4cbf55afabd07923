//! Without a log the shim cannot be seen from outside: no output, no thread, no descriptor, no variable in a child's
//! environment, no changed signal. With a log file only the file can be seen.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run};

const DEADLINE: Duration = Duration::from_secs(60);

/// Prepares the program that describes its own process in `seen`, at each stage of its life.
fn quiet(level: RunLevel, scratch: &Scratch) -> Command {
    let log_dir = scratch.dir("log");
    let mut command = command(level, Some(&log_dir), cc("stress/quiet.c", &[]));
    command.arg(scratch.path().join("seen"));
    command
}

/// Runs the program, which must print nothing, and returns the sorted lines of what it saw.
fn seen(command: &mut Command, scratch: &Scratch) -> Vec<String> {
    let output = run(command, b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{command:?}: {output:?}");
    assert_eq!(output.stdout(), "");
    assert_eq!(output.stderr(), "");
    let text = fs::read_to_string(scratch.path().join("seen")).expect("the program's report");
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    lines.sort();
    lines
}

fn seen_natively() -> Vec<String> {
    let scratch = Scratch::new();
    seen(&mut quiet(RunLevel::Native, &scratch), &scratch)
}

/// What a run with this command must see: what it sees natively, and the variables that the test itself sets, in
/// every stage that inherits the environment.
fn expected(command: &Command) -> Vec<String> {
    let mut lines = seen_natively();
    for stage in ["first", "forked", "spawned", "executed"] {
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                lines.push(format!("{stage} env {}={}", name.to_string_lossy(), value.to_string_lossy()));
            }
        }
    }
    lines.sort();
    lines
}

/// Compares line by line, so that a failure shows only the lines that differ.
fn assert_same(seen: &[String], expected: &[String]) {
    let (seen_set, expected_set): (BTreeSet<_>, BTreeSet<_>) =
        (seen.iter().collect(), expected.iter().collect());
    let unexpected: Vec<_> = seen_set.difference(&expected_set).collect();
    let missing: Vec<_> = expected_set.difference(&seen_set).collect();
    assert!(
        unexpected.is_empty() && missing.is_empty(),
        "unexpected: {unexpected:#?}\nmissing: {missing:#?}"
    );
    assert_eq!(seen.len(), expected.len(), "a line is there twice: {seen:#?}");
}

#[test]
fn every_stage_is_observed() {
    let lines = seen_natively();
    for stage in ["first", "forked", "spawned", "bare", "executed"] {
        let count =
            |what: &str| lines.iter().filter(|line| line.starts_with(&format!("{stage} {what}"))).count();
        assert_eq!(count("threads 1"), 1, "{stage}: {lines:#?}");
        assert!(count("fd") >= 8, "{stage}: {lines:#?}");
        assert_eq!(count("signals"), 4, "{stage}: {lines:#?}");
        assert_eq!(count("env") == 0, stage == "bare", "{stage}: {lines:#?}");
    }
}

#[test]
fn preloading_alone_shows_nothing() {
    let scratch = Scratch::new();
    let mut command = quiet(RunLevel::Off, &scratch);
    command.env_remove("SOCKSHIM_LOG_FORMAT").env_remove("SOCKSHIM_LOG_FILE");
    assert_same(&seen(&mut command, &scratch), &expected(&command));
}

#[test]
fn a_log_that_is_off_shows_nothing() {
    let scratch = Scratch::new();
    let mut command = quiet(RunLevel::Off, &scratch);
    command.env("SOCKSHIM_LOG", "off");
    assert_same(&seen(&mut command, &scratch), &expected(&command));
    assert_eq!(fs::read_dir(scratch.path().join("log")).expect("the log directory").count(), 0);
}

#[test]
fn a_disabled_shim_shows_nothing() {
    let scratch = Scratch::new();
    let mut command = quiet(RunLevel::Io, &scratch);
    command.env("SOCKSHIM_DISABLE", "1");
    assert_same(&seen(&mut command, &scratch), &expected(&command));
    assert_eq!(fs::read_dir(scratch.path().join("log")).expect("the log directory").count(), 0);
}

#[test]
fn a_log_file_adds_no_descriptor_and_no_output() {
    let scratch = Scratch::new();
    let mut command = quiet(RunLevel::Io, &scratch);
    // Only the writer may be visible.
    let without_threads = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|line| !line.contains(" threads ")).collect()
    };
    let seen = without_threads(seen(&mut command, &scratch));
    assert_same(&seen, &without_threads(expected(&command)));

    // Three sockets in each stage with the shim: first, forked, spawned, and executed, which inherits from first.
    let events = events(&scratch.path().join("log"));
    assert_eq!(by_call(&events, "socket").len(), 12, "{events:#?}");
}
