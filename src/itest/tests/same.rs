//! What the kernel distinguishes is distinguished in the log, in both formats.
//!
//! The programs are those of `c-tests/`, which are also compared with their native runs.

use std::time::Duration;

use serde_json::{Value, json};
use sockshim_itest::{Output, RunLevel, Scratch, by_call, cc, command, events, run};

const DEADLINE: Duration = Duration::from_secs(60);
/// The exit status of a program that lacks a requirement.
const NEEDS_STATUS: i32 = 77;

/// The log of one program.
struct Log {
    events: Vec<Value>,
    text: String,
}

/// Runs a program of `c-tests/` with a log in each format. `None` when the machine lacks what it needs.
fn log_of(program: &str, args: &[&[u8]]) -> Option<Log> {
    use std::os::unix::ffi::OsStrExt;
    let program = cc(&format!("{program}.c"), &[]);
    let scratch = Scratch::new();
    let run = |format: &str, log: Option<&std::path::Path>| -> Output {
        let directory = Scratch::new();
        let mut command = command(RunLevel::Call, log, &program);
        command.args(args.iter().map(|arg| std::ffi::OsStr::from_bytes(arg)));
        let output =
            run(command.env("SOCKSHIM_LOG_FORMAT", format).current_dir(directory.path()), b"", DEADLINE);
        assert!(!output.timed_out && matches!(output.status.code(), Some(0 | NEEDS_STATUS)), "{output:?}");
        output
    };
    let json = run("json", Some(scratch.path()));
    let text = run("text", None);
    let text = String::from_utf8(text.stderr).expect("text in UTF-8");
    (json.status.code() == Some(0)).then(|| Log { events: events(scratch.path()), text })
}

impl Log {
    /// One argument of every event of a call.
    fn args(&self, call: &str, arg: &str) -> Vec<Value> {
        by_call(&self.events, call).iter().map(|event| event["args"][arg].clone()).collect()
    }

    /// The lines of a call, from the call's name on.
    fn lines(&self, call: &str) -> Vec<&str> {
        let call = format!("] {call}(");
        self.text.lines().filter_map(|line| line.find(&call).map(|at| &line[at + 2..])).collect()
    }

    /// Asserts that each line of a call contains the expected text.
    fn has(&self, call: &str, expected: &[&str]) {
        let lines = self.lines(call);
        assert_eq!(lines.len(), expected.len(), "{}", self.text);
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.contains(expected), "not {expected}: {line}");
        }
    }
}

#[test]
fn interfaces_and_flows() {
    let Some(log) = log_of("connect/scope", &[]) else { return };
    let addr = |more: Value| {
        let mut addr = json!({"family": "AF_INET6", "address": "fe80::1", "port": 9});
        addr.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        addr
    };
    let expected = [
        addr(json!({})),
        addr(json!({"scope_id": 1})),
        addr(json!({"scope_id": 9999})),
        addr(json!({"scope_id": 9998})),
        addr(json!({"scope_id": 9999, "flowinfo": 0x12345})),
        addr(json!({})),
    ];
    assert_eq!(log.args("connect", "addr"), expected);
    let expected = [
        "{AF_INET6 [fe80::1]:9}, 28)",
        "{AF_INET6 [fe80::1%1]:9}, 28)",
        "{AF_INET6 [fe80::1%9999]:9}, 28)",
        "{AF_INET6 [fe80::1%9998]:9}, 28)",
        "{AF_INET6 [fe80::1%9999]:9 flowinfo 0x12345}, 28)",
        "{AF_INET6 [fe80::1]:9}, 24)",
    ];
    log.has("connect", &expected);
}

#[test]
fn names_of_unix() {
    let log = log_of("connect/unix_names", &[]).expect("a log");
    let named = |path: &str, kind: &str| json!({"family": "AF_UNIX", "path": path, "kind": kind});
    let not_utf8 = |last: &str| {
        let mut addr = named("@sockshim-\u{fffd}", "abstract");
        addr["bytes"] = format!("010000736f636b7368696d2d{last}").into();
        addr
    };
    let expected = [
        named("@sockshim-none", "pathname"),
        named("@sockshim-none", "pathname"),
        named("@sockshim-none", "pathname"),
        named("@sockshim-none", "abstract"),
        named("@sockshim-none\0", "abstract"),
        named("@sockshim\0none", "abstract"),
        not_utf8("fe"),
        not_utf8("ff"),
        named("@", "abstract"),
        named("", "unnamed"),
    ];
    assert_eq!(log.args("connect", "addr"), expected);
    let expected = [
        r#"{AF_UNIX "@sockshim-none"}, 16)"#,
        r#"{AF_UNIX "@sockshim-none"}, 17)"#,
        r#"{AF_UNIX "@sockshim-none"}, 23)"#,
        r#"{AF_UNIX @"sockshim-none"}, 16)"#,
        r#"{AF_UNIX @"sockshim-none\x00"}, 17)"#,
        r#"{AF_UNIX @"sockshim\x00none"}, 16)"#,
        r#"{AF_UNIX @"sockshim-\xfe"}, 13)"#,
        r#"{AF_UNIX @"sockshim-\xff"}, 13)"#,
        r#"{AF_UNIX @""}, 3)"#,
        "{AF_UNIX unnamed}, 2)",
    ];
    log.has("connect", &expected);
}

#[test]
fn addresses_that_the_program_has_no_room_for() {
    let Some(log) = log_of("getsockname/short_buffer", &[]) else { return };
    let addrs = log.args("getsockname", "addr");
    assert_eq!(addrs.len(), 11);
    // 28, 24, 8, 2 and 0 bytes, alternately of AF_INET6 (of 28) and of AF_UNIX (of 15).
    let truncated: Vec<_> = addrs.iter().map(|addr| addr["truncated"] == true).collect();
    let expected = [false, false, true, false, true, true, true, true, true, true, false];
    assert_eq!(truncated, expected);
    assert_eq!((&addrs[2]["address"], &addrs[5]["path"]), (&json!("::1"), &json!("short-")));
    assert_eq!((&addrs[8]["bytes"], &addrs[10]["kind"]), (&json!(""), &json!("unnamed")));
    let lines = log.lines("getsockname");
    for (line, truncated) in lines.iter().zip(expected) {
        assert_eq!(line.contains("…}"), truncated, "{line}");
    }
    assert!(lines[5].contains(r#"{AF_UNIX "short-"…}"#) && lines[8].contains("{…}"), "{lines:?}");
}

#[test]
fn paths_that_an_event_has_no_room_for() {
    let log = log_of("exec/long_path", &[]).expect("a log");
    let path = |length: usize| format!("/{}", "x".repeat(length - 1));
    // A failed exec has two events: before and after the call.
    let calls: Vec<_> =
        by_call(&log.events, "execve").into_iter().filter(|event| event["ret"] == -1).collect();
    let seen: Vec<_> =
        calls.iter().map(|event| (&event["args"]["path"], &event["args"]["truncated"])).collect();
    let (whole, cut) = (&Value::Null, &json!(true));
    let (shorter, fits, empty, ends) = (json!(path(127)), json!(path(128)), json!(""), json!("xxxxxx"));
    let unread = json!("0x10");
    let expected = [
        (&shorter, whole),
        (&fits, whole),
        (&fits, cut),
        (&fits, cut),
        (&empty, whole),
        (&unread, whole),
        (&ends, cut),
    ];
    assert_eq!(seen, expected);
    let lines = log.lines("execve");
    let cut = format!("\"{}\"…, ", path(128));
    assert_eq!(lines.iter().filter(|line| line.contains(&cut)).count(), 4, "{}", log.text);
    assert!(lines.iter().any(|line| line.contains("(\"\", ")), "{}", log.text);
    assert!(lines.iter().any(|line| line.contains("(\"xxxxxx\"…, ")), "{}", log.text);
}

#[test]
fn names_of_processes() {
    let names: [(&[u8], &str, &str, Value); 4] = [
        (b"a\x1b[2J\rb", "a\\u{1b}[2J\\rb", "a\u{1b}[2J\rb", Value::Null),
        (b"lat\xe9n", "lat\\xe9n", "lat\u{fffd}n", json!("6c6174e96e")),
        (b"two\nlines\n", "two\\nlines\\n", "two\nlines\n", Value::Null),
        (b"fifteen bytes.\n", "fifteen bytes.\\n", "fifteen bytes.\n", Value::Null),
    ];
    for (name, text, comm, bytes) in names {
        let log = log_of("socket/process_name", &[name]).expect("a log");
        assert!(
            log.text.chars().all(|char| char == '\n' || !char.is_control()),
            "{}",
            log.text.escape_debug()
        );
        let line = log.text.lines().find(|line| line.contains("socket(")).expect("the call");
        assert_eq!(&line[16..16 + text.len() + 1], format!("{text}["), "{line}");
        let event = by_call(&log.events, "socket")[0];
        assert_eq!((&event["comm"], &event["comm_bytes"]), (&json!(comm), &bytes));
    }
}

#[test]
fn protocols_of_packet_sockets() {
    let Some(log) = log_of("bind/packet_protocols", &[]) else { return };
    let addrs = log.args("bind", "addr");
    assert_eq!((&addrs[0]["protocol"], &addrs[1]["protocol"]), (&json!(0x806), &json!(0x9000)));
    assert_eq!(addrs[2], json!({"family": "AF_PACKET", "device": "lo"}));
    log.has("bind", &["protocol 0x806}", "protocol 0x9000}", "{AF_PACKET device \"lo\"}"]);
    assert_eq!(log.args("getsockname", "addr")[0]["hwaddr"], "00:00:00:00:00:00");
}
