//! The log names the ops of what a descriptor really refers to, however it came about: by dup in all its forms,
//! through exec, in a message, or after a close that no hook saw.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run};

const DEADLINE: Duration = Duration::from_secs(60);

/// One of the program's getsockname calls, with what the kernel said about its descriptor.
#[derive(Debug)]
struct Probe {
    /// The case that the program was testing.
    case: String,
    pid: u64,
    fd: u64,
    ops: String,
    prot: String,
}

/// The probes in the program's report, and how many of its questions were about descriptors that are not sockets.
fn probes(report: &str) -> (Vec<Probe>, usize) {
    let (mut probes, mut others, mut case) = (Vec::new(), 0, "");
    for line in report.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |index: usize| words[index].parse().expect("a number");
        match words[..] {
            ["case", ..] => case = &line["case ".len()..],
            ["probe", _, _, "none"] => others += 1,
            ["probe", _, _, ops, prot] => probes.push(Probe {
                case: case.to_string(),
                pid: number(1),
                fd: number(2),
                ops: ops.to_string(),
                prot: prot.to_string(),
            }),
            _ => panic!("{line}"),
        }
    }
    (probes, others)
}

/// The program's report and its log.
fn lifetime(level: RunLevel) -> (String, Vec<Value>) {
    let scratch = Scratch::new();
    let report = scratch.path().join("report");
    let mut command = command(level, Some(scratch.path()), cc("stress/lifetime.c", &[]));
    let output = run(command.arg(&report), b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{level:?}: {output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{level:?}: {output:?}");
    (fs::read_to_string(report).expect("the program's report"), events(scratch.path()))
}

/// The report without the pids.
fn without_pids(report: &str) -> Vec<String> {
    let without_pid = |line: &str| match line.split(' ').collect::<Vec<_>>()[..] {
        ["probe", _, ref rest @ ..] => rest.join(" "),
        _ => line.to_string(),
    };
    report.lines().map(without_pid).collect()
}

#[test]
fn descriptors_are_the_same_at_every_level() {
    let (native, _) = lifetime(RunLevel::Native);
    assert!(probes(&native).0.len() > 50, "{native}");
    for level in [RunLevel::Off, RunLevel::Decision, RunLevel::Call, RunLevel::Io] {
        assert_eq!(without_pids(&lifetime(level).0), without_pids(&native), "{level:?}");
    }
}

fn check(level: RunLevel) {
    let (report, events) = lifetime(level);
    let (probes, others) = probes(&report);
    let is_other = |event: &Value| event["errno"] == "ENOTSOCK" || event["errno"] == "EBADF";
    let (not_sockets, sockets): (Vec<_>, Vec<_>) =
        by_call(&events, "getsockname").into_iter().partition(|event| is_other(event));

    // A call on a descriptor that is not a socket need not be logged; if it is, it must name no ops.
    assert!(not_sockets.len() <= others, "{not_sockets:#?}");
    for event in not_sockets {
        assert!(event["ops"].is_null() && event["prot"].is_null(), "{event}");
    }

    // The order is preserved only within a process.
    let mut pids: Vec<u64> = probes.iter().map(|probe| probe.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 2, "the program and its forked child");
    for pid in pids {
        let probes: Vec<_> = probes.iter().filter(|probe| probe.pid == pid).collect();
        let events: Vec<_> = sockets.iter().filter(|event| event["pid"] == pid).collect();
        for (probe, event) in probes.iter().zip(&events) {
            let same = event["fd"] == probe.fd && event["ops"] == probe.ops && event["prot"] == probe.prot;
            assert!(same, "{}: {probe:?} is logged as {event}", probe.case);
        }
        assert_eq!(events.len(), probes.len(), "the log has other calls: {events:#?}");
    }
}

#[test]
fn log_of_calls_names_what_is_there() {
    check(RunLevel::Call);
}

#[test]
fn log_of_data_calls_names_what_is_there() {
    check(RunLevel::Io);
}
