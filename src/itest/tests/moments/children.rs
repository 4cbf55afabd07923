//! Thousands of children, made in every way, under a storm of signals.

use std::collections::BTreeMap;
use std::fs;

use sockshim_itest::{RunLevel, Scratch, command, events};

use crate::{ended, program, same};

/// `scripts/soak.sh` runs more.
const CYCLES: usize = 1000;
/// How many pairs a child makes; a child that calls exec makes as many before and after it.
const PAIRS: usize = 3;
/// How much private memory the parent may have gained in the last three quarters, in KiB. A leak of one page in two
/// children would exceed it; what the writer is behind, on a busy machine 64 KiB for each thread that was at work, does not.
const SLACK: i64 = 1536;

fn cycles(level: RunLevel) -> Scratch {
    let log_dir = Scratch::new();
    let mut command = command(level, Some(log_dir.path()), program("cycles", &[]));
    let output = ended(command.arg(CYCLES.to_string()));
    assert_eq!(output.stderr(), "", "{level:?}");
    let stdout = output.stdout();
    let [first, second] = stdout.lines().collect::<Vec<_>>()[..] else { panic!("{stdout}") };
    assert_eq!(first, format!("children {CYCLES}, wrong 0, zombies 0, descriptors +0, stormy"), "{level:?}");
    let numbers: Vec<i64> =
        second.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let [parent, quarter, last] = numbers[..] else { panic!("{second}") };
    assert!(last - quarter <= SLACK, "{level:?}: {second}");
    // The parent's own log may be incomplete, and is not checked.
    let _ = fs::remove_file(log_dir.path().join(format!("{parent}.jsonl")));
    log_dir
}

#[test]
fn cycles_end_natively() {
    cycles(RunLevel::Native);
}

#[test]
fn cycles_end_without_a_log() {
    cycles(RunLevel::Off);
}

/// The log of each child has all of its calls, in whole lines.
#[test]
fn cycles_are_logged() {
    for level in [RunLevel::Call, RunLevel::Io] {
        let log_dir = cycles(level);
        let mut pairs = BTreeMap::new();
        for event in events(log_dir.path()) {
            assert!(
                !["dropped", "divergence", "sockshim"].contains(&event["call"].as_str().unwrap_or("")),
                "{event}"
            );
            if event["call"] == "socketpair" {
                *pairs.entry(event["pid"].as_u64()).or_insert(0) += 1;
            }
        }
        let total: usize = pairs.values().sum();
        // One child in four executes a program after it has made pairs itself.
        assert_eq!(total, PAIRS * (CYCLES + CYCLES / 4), "{level:?}");
    }
}

/// Children of clone(2) that share memory, descriptors, both or neither.
#[test]
fn borrowed_memory() {
    let (native, _) = same(&program("borrowed", &[]), |_, _| {});
    assert!(native.status.success() && native.stdout().lines().count() > 300, "{native:?}");
}
