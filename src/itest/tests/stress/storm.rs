//! Forks beside threads, under a storm of signals whose handler makes socket calls.

use std::collections::BTreeMap;

use sockshim_itest::{RunLevel, Scratch};

use crate::{call, dropped, each_event, log_files, stress};

const CHILDREN: usize = 240;

/// How many pairs a child makes before it exits, or before it executes the program again, which makes as many.
const PAIRS: usize = 20;

fn storm(level: RunLevel) -> Scratch {
    let log_dir = Scratch::new();
    let output = stress(level, log_dir.path(), "storm", &[&CHILDREN.to_string()]);
    assert_eq!(output.stdout(), "0 wrong, none left, stormy\n", "{level:?}");
    assert!(output.status.success(), "{level:?}: {output:?}");
    log_dir
}

/// Asserts that every process has a log of its own without another's events, and that a child's log is complete.
fn check(level: RunLevel) {
    let log_dir = storm(level);
    let files = log_files(log_dir.path());
    assert_eq!(files.len(), CHILDREN + 1);
    let mut by_pairs = BTreeMap::new();
    for (pid, file) in files {
        let (mut pairs, mut lost) = (0, 0);
        each_event(&file, |event| {
            assert_eq!(event["pid"].as_u64(), Some(pid), "in {}: {event}", file.display());
            lost += dropped(event);
            pairs += usize::from(call(event) == "socketpair");
        });
        if lost == 0 {
            *by_pairs.entry(pairs).or_insert(0) += 1;
        }
    }
    // The parent's threads make any number of pairs. The children's logs are too short to lose events.
    let (exited, executed) = (by_pairs.get(&PAIRS), by_pairs.get(&(2 * PAIRS)));
    assert_eq!((exited, executed), (Some(&(CHILDREN * 2 / 3)), Some(&(CHILDREN / 3))), "{by_pairs:?}");
}

#[test]
fn children_end_natively() {
    storm(RunLevel::Native);
}

#[test]
fn children_end_without_a_log() {
    storm(RunLevel::Off);
}

#[test]
fn log_of_calls_is_right() {
    check(RunLevel::Call);
}

#[test]
fn log_of_data_calls_is_right() {
    check(RunLevel::Io);
}
