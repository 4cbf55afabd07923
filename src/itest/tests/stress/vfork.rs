//! Children that share the parent's memory but have a descriptor table of their own.

use serde_json::Value;
use sockshim_itest::{ALL_SHIMMED, RunLevel, Scratch, by_call, events};

use crate::{dropped, stress};

/// Runs the program. Returns what is the same in every run, the rest of its output, and the events.
fn vfork(level: RunLevel) -> (Vec<String>, Vec<String>, Vec<Value>) {
    let log_dir = Scratch::new();
    let output = stress(level, log_dir.path(), "vfork", &[]);
    assert!(output.status.success(), "{level:?}: {output:?}");
    let lines = output.stdout().lines().map(String::from).collect::<Vec<_>>();
    let (varying, same) =
        lines.into_iter().partition(|line| line.starts_with("child ") || line.starts_with("worker "));
    (same, varying, events(log_dir.path()))
}

#[test]
fn children_do_the_same_at_every_level() {
    let (native, ..) = vfork(RunLevel::Native);
    assert_eq!(native.iter().filter(|line| *line == "exit code right").count(), 12, "{native:#?}");
    for level in ALL_SHIMMED {
        assert_eq!(vfork(level).0, native, "{level:?}");
    }
}

/// Asserts that the log has all of the parent's calls with the actual sockets, and none of the children's.
fn check(level: RunLevel) {
    let (same, varying, events) = vfork(level);
    assert_eq!(events.iter().map(dropped).sum::<u64>(), 0);
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let words = |line: &String| line.split(' ').map(String::from).collect::<Vec<_>>();

    let children: Vec<u64> = varying
        .iter()
        .map(words)
        .filter(|words| words[0] == "child")
        .map(|words| number(&words[1]))
        .collect();
    assert_eq!(children.len(), 12, "{varying:#?}");
    for event in &events {
        let of_child = |field: &str| event[field].as_u64().is_some_and(|pid| children.contains(&pid));
        assert!(!of_child("pid") && !of_child("tid"), "{event}");
    }

    let (main, worker): (Vec<_>, Vec<_>) =
        by_call(&events, "getsockname").into_iter().partition(|event| event["pid"] == event["tid"]);
    let said = varying.iter().map(words).find(|words| words[0] == "worker").expect("the worker's line");
    assert_eq!(worker.len() as u64, number(&said[2]));
    for event in worker {
        assert_eq!(
            (event["fd"].as_u64(), &event["prot"]),
            (Some(number(&said[1])), &"tcp_prot".into()),
            "{event}"
        );
    }

    let probes: Vec<_> = same.iter().map(words).filter(|words| words[0] == "probe").collect();
    assert_eq!(main.len(), probes.len());
    for (event, probe) in main.iter().zip(&probes) {
        assert_eq!(event["fd"].as_u64(), Some(number(&probe[1])), "{probe:?}: {event}");
        assert!(event["ops"] == probe[2] && event["prot"] == probe[3], "{probe:?}: {event}");
    }
}

#[test]
fn log_of_calls_is_right() {
    check(RunLevel::Call);
}

#[test]
fn log_of_data_calls_is_right() {
    check(RunLevel::Io);
}
