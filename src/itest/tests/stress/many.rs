//! Many calls at once, and many threads one after the other: nothing is lost, and nothing is left of a thread that is gone.

use std::collections::{BTreeMap, BTreeSet};

use sockshim_itest::{RunLevel, Scratch};

use crate::{call, dropped, each_event, log_files, stress};

const SOCKETS: u64 = 100_000;
const THREADS: u64 = 20_000;

/// How much a process's addresses may grow, in KiB: a block of the log's memory.
const BLOCK: i64 = 1200;

/// How many calls of each name the only log file has, and how many threads made them.
fn logged(log_dir: &Scratch) -> (BTreeMap<String, u64>, usize) {
    let (mut calls, mut threads) = (BTreeMap::new(), BTreeSet::new());
    let files = log_files(log_dir.path());
    assert_eq!(files.len(), 1, "{files:?}");
    each_event(&files[0].1, |event| {
        assert_eq!(dropped(event), 0, "{event}");
        *calls.entry(call(event).to_string()).or_insert(0) += 1;
        if ["send", "recv"].contains(&call(event)) {
            threads.insert(event["tid"].as_u64());
        }
    });
    (calls, threads.len())
}

#[test]
fn burst_is_logged() {
    let log_dir = Scratch::new();
    let output = stress(RunLevel::Call, log_dir.path(), "burst", &[&SOCKETS.to_string()]);
    assert!(output.status.success(), "{output:?}");
    let (calls, _) = logged(&log_dir);
    assert_eq!((calls["socket"], calls["close"]), (SOCKETS, SOCKETS));
}

#[test]
fn short_threads_leave_nothing() {
    for level in [RunLevel::Native, RunLevel::Call, RunLevel::Io] {
        let log_dir = Scratch::new();
        let output = stress(level, log_dir.path(), "short_threads", &[&THREADS.to_string()]);
        assert!(output.status.success(), "{level:?}: {output:?}");
        let grown: i64 = output.stdout().trim().parse().expect("a number");
        assert!(grown <= BLOCK, "{level:?}: {grown} KiB");
        if level == RunLevel::Io {
            let (calls, threads) = logged(&log_dir);
            let counts = ["socketpair", "send", "recv"].map(|name| calls[name]);
            assert_eq!((counts, calls["close"]), ([THREADS; 3], 2 * THREADS));
            // A data call is its own thread's, not the one's that had the queue before. Some ids come again.
            assert!(threads as u64 > THREADS / 4, "{threads}");
        }
    }
}
