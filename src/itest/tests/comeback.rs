//! execl and vfork, which leave the frame of their caller, are logged with their result.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run};

const DEADLINE: Duration = Duration::from_secs(120);

/// Runs a program and returns what it printed and its log, with these variables.
fn logged(program: &Path, variables: &[(&str, &str)]) -> (String, Vec<Value>) {
    let scratch = Scratch::new();
    let mut command = command(RunLevel::Call, Some(scratch.path()), program);
    let output = run(command.envs(variables.iter().copied()), b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{output:?}");
    assert_eq!(output.stderr(), "");
    (output.stdout(), events(scratch.path()))
}

fn compiled(name: &str) -> PathBuf {
    cc(&format!("{name}.c"), &[])
}

/// The results and errors of a call's events, in order.
fn answers(events: &[Value], call: &str) -> Vec<(i64, String)> {
    let answer = |event: &&Value| {
        let errno = event["errno"].as_str().unwrap_or("none");
        (event["ret"].as_i64().expect("a result"), errno.to_string())
    };
    by_call(events, call).iter().map(answer).collect()
}

/// An exec that fails has one event before the call and one after it; execl like execv.
#[test]
fn a_failed_exec_is_taken_back() {
    let before = (0, String::from("none"));
    let failed = (-1, String::from("ENOENT"));
    let program = compiled("stress/failed_exec");
    for variables in [&[][..], &[("SOCKSHIM_PROPAGATE", "always")]] {
        let (_, events) = logged(&program, variables);
        for call in ["execv", "execvp", "execve", "execl", "execlp", "execle"] {
            assert_eq!(answers(&events, call), [before.clone(), failed.clone()], "{call} {variables:?}");
            // A file that is not a program is not reported as one that will not be seen.
            let after = by_call(&events, call)[1];
            assert_eq!((&after["reason"], &after["args"]["covered"]), (&"process".into(), &Value::Null));
        }
    }
}

/// The parent's result is the child's id, also if the child has made children, and if there is no child at all.
#[test]
fn vfork_returns_the_childs_id() {
    let (printed, events) = logged(&compiled("stress/vfork_results"), &[]);
    let children: Vec<i64> = printed.lines().map(|line| line.parse().expect("an id")).collect();
    let (failed, made) = children.split_last().expect("ids");
    assert_eq!(*failed, -1, "there was room for one more process");
    let mut expected: Vec<(i64, String)> = made.iter().map(|id| (*id, "none".into())).collect();
    expected.push((-1, "EAGAIN".into()));
    assert_eq!(answers(&events, "vfork"), expected);
    assert!(by_call(&events, "vfork").iter().all(|event| event["reason"] == "process"));
}

/// In handlers and on threads, each result is a child's id or explicitly not known.
#[test]
fn no_vfork_has_a_wrong_result() {
    let (_, events) = logged(&compiled("vfork/handlers"), &[]);
    let vforks = by_call(&events, "vfork");
    assert!(vforks.len() >= 1200, "{}", vforks.len());
    let mut children = std::collections::BTreeSet::new();
    for event in vforks {
        match event["reason"].as_str() {
            Some("process") => {
                let child = event["ret"].as_i64().expect("a result");
                assert!(child > 0 && children.insert(child), "{event}");
            }
            Some("result-unknown") => assert_eq!(event["ret"], 0, "{event}"),
            _ => panic!("{event}"),
        }
    }
}
