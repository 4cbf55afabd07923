//! Readiness and data calls, fcntl and epoll_ctl reach the log on the slow path or the fast path: a thread's first call takes the slow
//! path, its later calls the fast path. The program's results and the log must be the same.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, cc, command, events, run};

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(120);

/// The calls of `stress/fast_and_slow.c`, and how often each is logged: not when none of its descriptors is a socket.
const EXPECTED: [(&str, usize); 19] = [
    ("__poll_chk", 2),
    ("__ppoll_chk", 2),
    ("__recv_chk", 4),
    ("__recvfrom_chk", 2),
    ("epoll_ctl", 4),
    ("epoll_pwait", 4),
    ("epoll_pwait2", 2),
    ("epoll_wait", 6),
    ("fcntl", 6),
    ("poll", 6),
    ("ppoll", 4),
    ("pselect", 4),
    ("pwritev2", 4),
    ("recvfrom", 4),
    ("recvmmsg", 4),
    ("recvmsg", 4),
    ("select", 2),
    ("sendfile", 2),
    ("sendto", 4),
];

/// The events of these calls in order, without the fields that differ from call to call.
fn calls(events: &[Value], of_main: bool) -> Vec<Value> {
    // The socket that is watched is added before.
    let wanted = |event: &&Value| {
        EXPECTED.iter().any(|(name, _)| event["call"] == *name) && event["args"]["op"] != "EPOLL_CTL_ADD"
    };
    let thread = |event: &&Value| (event["tid"] == event["pid"]) == of_main;
    let mut calls: Vec<Value> = events.iter().filter(wanted).filter(thread).cloned().collect();
    for call in &mut calls {
        let call = call.as_object_mut().expect("an event is an object");
        for field in ["ts", "tid", "ns"] {
            assert!(call.remove(field).is_some(), "{field}");
        }
    }
    calls
}

#[test]
fn both_paths_log_the_same() {
    let native =
        run(&mut command(RunLevel::Native, None, cc("stress/fast_and_slow.c", &["-pthread"])), b"", DEADLINE);
    assert!(native.status.success(), "{native:?}");
    let scratch = Scratch::new();
    let mut shimmed =
        command(RunLevel::Io, Some(scratch.path()), cc("stress/fast_and_slow.c", &["-pthread"]));
    let shimmed = run(&mut shimmed, b"", DEADLINE);
    assert_eq!((shimmed.stdout(), shimmed.stderr()), (native.stdout(), native.stderr()));
    assert_eq!(shimmed.status, native.status);

    let events = events(scratch.path());
    let (short, long) = (calls(&events, true), calls(&events, false));
    for (short, long) in short.iter().zip(&long) {
        assert_eq!(short, long);
    }
    assert_eq!(short.len(), long.len());

    let mut counts = BTreeMap::new();
    for call in &short {
        *counts.entry(call["call"].as_str().expect("a name")).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from(EXPECTED), "{short:#?}");
    let rights: Vec<&Value> =
        short.iter().filter(|call| call["call"] == "recvmsg").map(|call| &call["args"]["rights"]).collect();
    assert_eq!(rights, [&Value::Null, &1.into(), &Value::Null, &1.into()]);
    let poll = short.iter().find(|call| call["call"] == "poll").expect("poll");
    // The inherited socket, which was unknown before.
    assert_eq!(
        (&poll["fd"], &poll["handler"], &poll["ops"]),
        (&3.into(), &"unix_poll".into(), &"unix_stream_ops".into())
    );
}
