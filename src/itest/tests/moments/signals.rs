//! Hooks inside signal handlers, on small stacks.

use std::path::Path;

use sockshim_itest::{RunLevel, Scratch, by_call, cc, command};

use crate::{ended, library, preload, program, same};

fn under_a_storm(program: &Path, args: &[&str], flags: &str) {
    let storm = library("storm", &[&format!("-DFLAGS={flags}")]);
    let (_, log) = same(program, |command, level| preload(command.args(args), level, &[], &[&storm]));
    assert!(by_call(&log, "socketpair").len() > 1, "no storm");
}

/// Every hooked call is made while a handler makes others 2,000 times a second; the transcript shows results, errno,
/// descriptors and queued bytes.
#[test]
fn storm_during_every_call() {
    for _ in 0..5 {
        under_a_storm(&cc("stress/calls.c", &[]), &[], "SA_RESTART");
    }
}

/// The handler makes calls before the writer exists, and must not wait for it.
#[test]
fn storm_during_the_start() {
    let storm = library("storm", &["-DFLAGS=SA_RESTART"]);
    for _ in 0..200 {
        let log_dir = Scratch::new();
        let mut shimmed = command(RunLevel::Call, Some(log_dir.path()), cc("stress/calls.c", &[]));
        preload(&mut shimmed, RunLevel::Call, &[], &[&storm]);
        let output = ended(&mut shimmed);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
    }
}

#[test]
fn storm_during_blocking_calls() {
    under_a_storm(&program("interrupted", &[]), &["300"], "SA_RESTART");
    under_a_storm(&program("interrupted", &[]), &["300"], "0");
}

#[test]
fn smallest_stacks() {
    let (native, log) = same(&program("stacks", &[]), |_, _| {});
    assert_eq!(native.stdout(), "handled = 40\n");
    assert_eq!(by_call(&log, "listen").len(), 40);
}
