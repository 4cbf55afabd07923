//! What the library knows of a number after a change that no hook has seen.

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run};
use std::ffi::OsString;
use std::time::Duration;

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(60);
/// How many sockets `unseen_reuse.c` closes unseen.
const STALE_NUMBERS: usize = 18;

/// The log of a program of `c-tests/`, which must succeed and print the same as natively.
fn log_of(program: &str, level: RunLevel) -> Vec<Value> {
    let program = cc(program, &[]);
    let native = run(&mut command(RunLevel::Native, None, &program), b"", DEADLINE);
    let scratch = Scratch::new();
    let watched = run(&mut command(level, Some(scratch.path()), &program), b"", DEADLINE);
    assert!(native.status.success(), "{native:?}");
    assert_eq!(watched, native);
    let events = events(scratch.path());
    let wrong = by_call(&events, "divergence");
    assert!(wrong.is_empty(), "{wrong:#?}");
    events
}

fn is_of_socket(event: &Value) -> bool {
    event["ops"].is_string()
}

#[test]
fn a_close_that_nobody_saw_is_noticed_and_taken_back() {
    for level in [RunLevel::Call, RunLevel::Io] {
        let events = log_of("close/unseen.c", level);
        // The three files whose write or poll may have been taken for a socket's, and the socket of another kind, which tells
        // that the first one is gone.
        let unseen = by_call(&events, "unseen");
        assert_eq!(unseen.len(), 4, "{level:?}: {unseen:#?}");
        for record in &unseen {
            assert_eq!(record["reason"], "unseen-close");
            assert!(is_of_socket(record) && record["fd"].is_i64(), "{record}");
        }
        // The files' closes are not a socket's, and are not logged. The last number is one of these too.
        let closes = by_call(&events, "close");
        assert_eq!(closes.len(), 1, "{level:?}: {closes:#?}");
        assert_eq!(closes[0]["ops"], "unix_dgram_ops");
    }
}

#[test]
fn what_was_logged_of_a_number_that_meant_something_else_is_followed_by_its_record() {
    let events = log_of("close/unseen.c", RunLevel::Io);
    for (index, event) in events.iter().enumerate() {
        if event["call"] != "write" {
            continue;
        }
        let taken_back =
            events[index..].iter().any(|later| later["call"] == "unseen" && later["fd"] == event["fd"]);
        assert!(taken_back, "{event} is believed");
    }
    let sends = by_call(&events, "send");
    assert!(sends.iter().all(|send| send["errno"] == "ENOTSOCK" && !is_of_socket(send)), "{sends:#?}");
    assert!(by_call(&events, "poll").is_empty());
}

/// The program and its argument natively and under the library.
fn log_of_reuse(level: RunLevel, argument: &str) -> Vec<Value> {
    let program = cc("close/unseen_reuse.c", &[]);
    let native = run(command(RunLevel::Native, None, &program).arg(argument), b"", DEADLINE);
    let scratch = Scratch::new();
    let watched = run(command(level, Some(scratch.path()), &program).arg(argument), b"", DEADLINE);
    assert!(native.status.success(), "{native:?}");
    assert_eq!(watched, native);
    events(scratch.path())
}

/// Every socket that was closed unseen is taken back, once, before its number is used for something else.
#[test]
fn whatever_ends_or_gives_out_a_stale_number_takes_it_back() {
    for (level, argument) in
        [(RunLevel::Call, ""), (RunLevel::Call, "threads"), (RunLevel::Io, ""), (RunLevel::Io, "threads")]
    {
        let events = log_of_reuse(level, argument);
        // The number of the last stream socket: each one that is closed unseen is followed by its record.
        let mut stale = None;
        let mut taken_back = 0;
        for event in &events {
            match event["call"].as_str() {
                Some("unseen") => {
                    assert_eq!(stale.take(), event["fd"].as_i64(), "{argument} {level:?}: {event}");
                    assert_eq!(
                        (&event["reason"], &event["ops"]),
                        (&"unseen-close".into(), &"inet_stream_ops".into())
                    );
                    taken_back += 1;
                }
                Some("dup2" | "dup3" | "close" | "fcntl" | "ioctl" | "epoll_ctl" | "sockatmark") => {
                    assert!(
                        stale.is_none() || event["fd"].as_i64() != stale,
                        "{argument} {level:?}: {event} is believed"
                    );
                }
                Some("socket") if event["ops"] == "inet_stream_ops" => {
                    assert_eq!(event["errno"], Value::Null);
                    stale = event["ret"].as_i64();
                }
                _ => {}
            }
        }
        assert_eq!(taken_back, STALE_NUMBERS, "{argument} {level:?}");
    }
}

#[test]
fn a_connection_that_nobody_saw_opens_the_prediction() {
    let events = log_of("getpeername/connected_unseen.c", RunLevel::Call);
    let names = by_call(&events, "getpeername");
    let reasons: Vec<_> = names.iter().map(|event| event["reason"].as_str()).collect();
    assert_eq!(reasons, [Some("overtaken"), Some("host-owned")]);
    assert_eq!(names[0]["predicted"], Value::Null);
    // The connect that nobody saw may have been left with EINPROGRESS, and then the next one succeeds.
    let connects: Vec<_> =
        by_call(&events, "connect").iter().map(|event| event["predicted"].clone()).collect();
    assert_eq!(connects, [Value::Null, "EISCONN".into()]);
}

#[test]
fn calls_that_overlap_are_no_divergence() {
    for _ in 0..5 {
        log_of("shutdown/race.c", RunLevel::Call);
        log_of("connect/race.c", RunLevel::Call);
        log_of("stress/any_order.c", RunLevel::Call);
    }
}

#[test]
fn what_an_interposer_behind_the_library_makes_is_what_the_log_names() {
    let program = cc("socket/interposed.c", &[]);
    let interposer = cc("socket/interposed.c", &["-DINTERPOSER", "-shared", "-fPIC"]);
    let mut native = command(RunLevel::Native, None, &program);
    let native = run(native.env("LD_PRELOAD", &interposer), b"", DEADLINE);
    let scratch = Scratch::new();
    let mut watched = command(RunLevel::Io, Some(scratch.path()), &program);
    let shim = watched.get_envs().find(|(name, _)| *name == "LD_PRELOAD").and_then(|(_, value)| value);
    let mut preload = OsString::from(shim.expect("the shim is preloaded"));
    preload.push(":");
    preload.push(&interposer);
    let watched = run(watched.env("LD_PRELOAD", preload), b"", DEADLINE);
    assert_eq!(watched, native);
    let events = events(scratch.path());
    assert!(by_call(&events, "divergence").is_empty());
    let kernel_has_mptcp = native.stdout().starts_with("protocol 262");
    assert!(kernel_has_mptcp || !native.status.success(), "{native:?}");
    for event in events.iter().filter(|event| kernel_has_mptcp && is_of_socket(event)) {
        assert_eq!(event["prot"], "mptcp_prot", "{event}");
    }
}
