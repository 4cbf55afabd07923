//! A refusal from outside the socket layer, by a security module or a seccomp filter, does not count as a divergence;
//! and no event claims that a hook has allowed what it has refused.

#![expect(clippy::print_stderr, clippy::disallowed_macros, reason = "what is skipped is said")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, by_call, cc, command, events, run, workspace};

const DEADLINE: Duration = Duration::from_secs(120);
/// The program's exit status when the kernel has no Landlock for TCP.
const NEEDS_STATUS: i32 = 77;
const NOBODY: u32 = 65534;

fn program() -> PathBuf {
    cc("moments/refused.c", &[])
}

/// Runs the program natively and under the shim at both levels, with the same result. Returns the native output and
/// the logs.
fn logs(args: &[&str], prepare: impl Fn(&mut Command)) -> (Output, Vec<Vec<Value>>) {
    let start = |level, log: Option<&Scratch>| {
        let mut command = command(level, log.map(Scratch::path), program());
        prepare(command.args(args));
        let output = run(&mut command, b"", DEADLINE);
        assert!(!output.timed_out, "{args:?}: {output:?}");
        assert_eq!(output.stderr(), "", "{args:?} at {level:?}");
        output
    };
    let native = start(RunLevel::Native, None);
    let logs = [RunLevel::Call, RunLevel::Io].map(|level| {
        let log = Scratch::new();
        fs::set_permissions(log.path(), Permissions::from_mode(0o777)).expect("our own directory");
        let output = start(level, Some(&log));
        assert_eq!(
            (output.stdout(), output.status),
            (native.stdout(), native.status),
            "{args:?} at {level:?}"
        );
        let events = events(log.path());
        assert_valid(&events);
        assert_eq!(by_call(&events, "divergence"), Vec::<&Value>::new());
        for summary in by_call(&events, "summary") {
            assert_eq!(summary["args"]["divergences"], 0, "{summary}");
        }
        events
    });
    (native, logs.into())
}

fn assert_valid(events: &[Value]) {
    let schema =
        fs::read_to_string(workspace().join("src/core/trace/event.schema.json")).expect("the schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema compiles");
    for event in events {
        assert!(validator.is_valid(event), "{event}");
    }
}

/// The functions of a path, each with its finding.
fn path(event: &Value) -> Vec<(&str, &str)> {
    let steps = event["path"].as_array().expect("a path");
    steps
        .iter()
        .map(|step| (step["fn"].as_str().unwrap_or(""), step["result"].as_str().unwrap_or("")))
        .collect()
}

/// Checks a call that a security module has refused.
fn assert_refused_by(event: &Value, hook: &str) {
    assert_eq!(event["errno"], "EACCES", "{event}");
    assert!(path(event).contains(&(hook, "may-have-refused")), "{event}");
    assert!(!path(event).contains(&(hook, "allow")), "{event}");
}

#[test]
fn landlock() {
    let (native, logs) = logs(&["landlock"], |_| ());
    if native.status.code() == Some(NEEDS_STATUS) {
        eprintln!("landlock is skipped: this kernel has none for TCP");
        return;
    }
    for line in ["bind = -1 EACCES", "listen = 0", "connect = -1 EACCES"] {
        assert!(native.stdout().contains(line), "{native:?}");
    }
    for events in logs {
        for (call, hook) in [("bind", "security_socket_bind"), ("connect", "security_socket_connect")] {
            let event = by_call(&events, call)[0];
            assert_refused_by(event, hook);
            assert_eq!(path(event).last().map(|(function, _)| *function), Some(hook), "{event}");
            assert_eq!((&event["predicted"], &event["reason"]), (&Value::Null, &"refused".into()), "{event}");
        }
        // The events of calls that were not refused are unchanged.
        assert_eq!(by_call(&events, "listen")[0]["predicted"], "ok");
        assert!(path(by_call(&events, "listen")[0]).contains(&("security_socket_listen", "allow")));
    }
}

/// A port for which the tables predict the same error: it is not known which of the two has refused.
#[test]
fn landlock_where_the_tables_refuse_as_well() {
    // SAFETY: geteuid() has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("skipped: only root can become another user");
        return;
    }
    let (native, logs) = logs(&["landlock", "80"], |command| {
        command.uid(NOBODY).gid(NOBODY);
    });
    if native.status.code() == Some(NEEDS_STATUS) {
        eprintln!("landlock is skipped: this kernel has none for TCP");
        return;
    }
    for events in logs {
        assert_refused_by(by_call(&events, "bind")[0], "security_socket_bind");
    }
}

/// A filter that the program installs itself, and one that a wrapper has installed before exec.
#[test]
fn a_filter_that_answers_errors() {
    let program = program();
    let program = program.to_str().expect("a path in UTF-8");
    for args in [&["filter"][..], &["exec", program, "sockets"]] {
        let (native, logs) = logs(args, |_| ());
        for line in ["socket inet6 = -1 EAFNOSUPPORT", "connect = -1 EPERM", "listen = 0"] {
            assert!(native.stdout().contains(line), "{native:?}");
        }
        for events in logs {
            let sockets: Vec<&Value> = events.iter().filter(|event| event["call"] == "socket").collect();
            let [inet, inet6, wrong] = sockets.as_slice() else { panic!("{args:?}: {sockets:#?}") };
            let connect = by_call(&events, "connect")[0];
            for refused in [*inet6, connect] {
                assert_eq!(
                    path(refused),
                    [("__secure_computing", "may-have-refused")],
                    "{args:?}: {refused}"
                );
                assert_eq!(refused["reason"], "filter", "{refused}");
            }
            assert_eq!((&inet["errno"], &wrong["errno"]), (&Value::Null, &"EPROTONOSUPPORT".into()));
            assert!(path(inet).contains(&("security_socket_create", "allow")), "{inet}");
            for event in [*inet, *inet6, *wrong, connect, by_call(&events, "listen")[0]] {
                assert_eq!(event["predicted"], Value::Null, "{args:?}: {event}");
            }
        }
    }
}

/// Without a filter the same calls are predicted.
#[test]
fn without_a_filter_predictions_are_closed() {
    let (_, logs) = logs(&["sockets"], |_| ());
    for events in logs {
        let predicted: Vec<&Value> =
            by_call(&events, "socket").iter().map(|event| &event["predicted"]).collect();
        assert_eq!(predicted, ["ok", "ok", "EPROTONOSUPPORT"]);
        assert_eq!(by_call(&events, "connect")[0]["predicted"], "EISCONN");
    }
}
