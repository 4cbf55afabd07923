//! Verdicts that act, for every control call and every form of a data call: an answer, a refusal, a wait, another
//! address, a shorter length, another protocol. The library that is built for tests gives them as its environment
//! says.
//!
//! Whoever has answered, the log has exactly one event of the call, with its outcome; result and errno are those of
//! the verdict; and the kernel has seen the call only if libc was called.

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, cc, command, events, run, test_shim};
use std::collections::BTreeSet;
use std::time::Duration;

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(60);
/// The program calls shutdown(2) on descriptor -1 with these values, to mark the time before and after the call.
const MARKS: [i64; 3] = [100, 101, 102];
const ECONNREFUSED: &str = "fail:111";

/// The class and the name of each form.
fn forms() -> Vec<(String, String)> {
    let output =
        run(command(RunLevel::Native, None, cc("stress/verdicts.c", &[])).arg("list"), b"", DEADLINE);
    let line = |line: &str| line.split_once(' ').map(|(class, name)| (class.to_string(), name.to_string()));
    output.stdout().lines().map(|text| line(text).expect("a class and a name")).collect()
}

struct Made {
    /// What the program printed: the result, then what the kernel has received.
    lines: Vec<String>,
    /// The events of the call.
    events: Vec<Value>,
    /// The event of a later getpeername(2) on the same socket.
    later: Option<Value>,
}

fn make(form: &str, verdict: &str, how: &str) -> Made {
    let log_dir = Scratch::new();
    let mut command = command(RunLevel::Io, Some(log_dir.path()), cc("stress/verdicts.c", &[]));
    command.env("LD_PRELOAD", test_shim()).env("SOCKSHIM_WITHOUT_FAST_PATH", "1").args([form, verdict, how]);
    let output = run(&mut command, b"", DEADLINE);
    assert!(!output.timed_out, "{form} {verdict} {how} hangs after:\n{}", output.stdout());
    assert!(output.status.success(), "{form} {verdict} {how}: {output:?}");
    assert_eq!(output.stderr(), "", "{form} {verdict} {how}");
    let all = events(log_dir.path());
    let mark = |how: i64| {
        let is_mark = |event: &Value| {
            event["call"] == "shutdown" && event["args"]["fd"] == -1 && {
                let value = &event["args"]["how"];
                value == how || value == &Value::from(how.to_string())
            }
        };
        all.iter().position(is_mark)
    };
    let [before, after, later] = MARKS.map(mark);
    let (before, after) = (before.expect("a mark"), after.expect("a mark"));
    Made {
        lines: output.stdout().lines().map(str::to_string).collect(),
        events: all[before + 1..after].to_vec(),
        later: later.and_then(|later| all[later + 1..].iter().find(|e| e["call"] == "getpeername").cloned()),
    }
}

/// The only event, which is the call's own.
fn one<'a>(form: &str, verdict: &str, made: &'a Made) -> &'a Value {
    assert_eq!(made.events.len(), 1, "{form} {verdict}: {:#?}", made.events);
    let event = &made.events[0];
    assert_eq!(event["call"], form.strip_prefix("syscall_").unwrap_or(form), "{verdict}");
    event
}

#[test]
fn there_are_forms_of_every_class() {
    let classes: BTreeSet<String> = forms().into_iter().map(|(class, _)| class).collect();
    assert_eq!(classes, ["ctl", "in", "out", "ready", "to"].map(str::to_string).into());
}

#[test]
fn a_refusal_is_one_event_and_reaches_nobody() {
    for (class, form) in forms() {
        let made = make(&form, ECONNREFUSED, "");
        let event = one(&form, ECONNREFUSED, &made);
        assert_eq!((&event["outcome"], &event["errno"]), (&"fail".into(), &"ECONNREFUSED".into()), "{form}");
        assert_eq!(made.lines[0], "ret -1 errno ECONNREFUSED", "{form}");
        assert_eq!(event["ret"], -1, "{form}");
        let own = if class == "in" { 8 } else { 0 };
        let nothing =
            format!("peer has 0, own has {own}, connections 1 and 0, sinks have 0 and 0, received \"\"");
        assert_eq!(made.lines[1], nothing, "{form}");
    }
}

#[test]
fn an_answer_is_one_event_and_reaches_nobody() {
    for (class, form) in forms() {
        // For a call whose result is a descriptor, an open one; 0 for the others.
        let verdict = if class == "ctl" { "done:0" } else { "done:5" };
        let made = make(&form, verdict, "");
        let event = one(&form, verdict, &made);
        let value = verdict.trim_start_matches("done:");
        assert_eq!((&event["outcome"], &event["errno"]), (&"done".into(), &Value::Null), "{form}");
        assert_eq!(made.lines[0], format!("ret {value} errno 0"), "{form}");
        assert_eq!(event["ret"].to_string(), value, "{form}");
        let own = if class == "in" { 8 } else { 0 };
        let nothing =
            format!("peer has 0, own has {own}, connections 1 and 0, sinks have 0 and 0, received \"\"");
        assert_eq!(made.lines[1], nothing, "{form}");
    }
}

#[test]
fn a_wait_changes_nothing_but_the_time() {
    for (_, form) in forms() {
        let (made, plain) = (make(&form, "delay:5", ""), make(&form, "-", ""));
        let event = one(&form, "delay:5", &made);
        assert_eq!(event["outcome"], "host", "{form}");
        assert_eq!(made.lines, plain.lines, "{form}");
        assert!(
            event["ns"].as_u64() >= Some(5_000_000),
            "{form}: the event's time has the wait in it: {event}"
        );
        assert_eq!(one(&form, "-", &plain)["ret"], event["ret"], "{form}");
    }
}

#[test]
fn a_signal_ends_a_wait_and_the_call() {
    for (class, form) in forms() {
        let made = make(&form, "delay:60000", "interrupt");
        let event = one(&form, "delay:60000", &made);
        assert_eq!(made.lines[0], "ret -1 errno EINTR", "{form}");
        assert_eq!((&event["outcome"], &event["errno"]), (&"fail".into(), &"EINTR".into()), "{form}");
        let own = if class == "in" { 8 } else { 0 };
        assert!(
            made.lines[1].starts_with(&format!("peer has 0, own has {own}, connections 1 and 0")),
            "{form}"
        );
    }
}

#[test]
fn a_thread_can_be_cancelled_in_a_wait() {
    for (_, form) in forms() {
        let made = make(&form, "delay:60000", "cancel");
        assert_eq!(made.lines, ["cancelled"], "{form}");
    }
}

#[test]
fn a_shorter_length_holds_for_every_form_of_a_data_call() {
    for (class, form) in
        forms().into_iter().filter(|(class, _)| ["in", "out", "to"].contains(&class.as_str()))
    {
        let made = make(&form, "length:3", "");
        let event = one(&form, "length:3", &made);
        // Calls about many messages return their number, and handle one.
        let ret = if form.ends_with("mmsg") { 1 } else { 3 };
        assert_eq!((&event["outcome"], &event["ret"]), (&"host".into(), &ret.into()), "{form}");
        assert_eq!(made.lines[0], format!("ret {ret} errno 0"), "{form}");
        let expected = match (class.as_str(), form.as_str()) {
            ("out", _) => "peer has 3, own has 0, connections 1 and 0, sinks have 0 and 0, received \"\"",
            ("to", _) => "peer has 0, own has 0, connections 1 and 0, sinks have 3 and 0, received \"\"",
            (_, "splice") => "peer has 0, own has 5, connections 1 and 0, sinks have 0 and 0, received \"\"",
            _ => "peer has 0, own has 5, connections 1 and 0, sinks have 0 and 0, received \"abc\"",
        };
        assert_eq!(made.lines[1], expected, "{form}");
    }
}

#[test]
fn another_address_is_where_the_call_goes() {
    for form in ["connect", "__connect", "syscall_connect"] {
        let made = make(form, "address:other", "");
        assert_eq!(one(form, "address:other", &made)["outcome"], "host", "{form}");
        assert!(made.lines[1].contains("connections 1 and 1"), "{form}: {:?}", made.lines);
    }
    for form in ["sendto", "sendmsg", "sendmmsg", "syscall_sendto"] {
        let made = make(form, "address:other", "");
        assert_eq!(one(form, "address:other", &made)["outcome"], "host", "{form}");
        assert!(made.lines[1].contains("sinks have 0 and 8"), "{form}: {:?}", made.lines);
    }
}

#[test]
fn another_protocol_is_what_the_socket_gets() {
    for (form, protocol, ret) in [("socket", 6, true), ("socket", 255, false), ("syscall_socket", 255, false)]
    {
        let made = make(form, &format!("protocol:{protocol}"), "");
        assert_eq!(one(form, "protocol", &made)["outcome"], "host", "{form}");
        assert_eq!(made.lines[0].starts_with("ret -1 errno EPROTONOSUPPORT"), !ret, "{:?}", made.lines);
    }
}

#[test]
fn what_an_answer_changes_is_committed_and_what_a_refusal_would_change_is_not() {
    let state = |verdict: &str| {
        let later = make("connect", verdict, "").later.expect("a later event");
        later["path"].to_string()
    };
    assert!(state("done:0").contains("SS_CONNECTED"), "{}", state("done:0"));
    assert!(state(ECONNREFUSED).contains("SS_UNCONNECTED"), "{}", state(ECONNREFUSED));
    assert!(state("-").contains("SS_CONNECTED"), "{}", state("-"));
}
