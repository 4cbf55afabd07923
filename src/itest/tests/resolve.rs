//! Calls that ask for names and addresses: what the log says of them, how they fail when libc is not asked, and that with
//! "files only" nobody is asked. `SOCKSHIM_RESOLVE` tells the library that is built for tests what to decide.

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, by_call, cc, command, events, run, test_shim, workspace};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Reached only by a hang.
const DEADLINE: Duration = Duration::from_secs(60);
/// All of them.
const CALLS: [&str; 8] = [
    "getaddrinfo",
    "getnameinfo",
    "gethostbyname",
    "gethostbyname2",
    "gethostbyname_r",
    "gethostbyname2_r",
    "gethostbyaddr",
    "gethostbyaddr_r",
];
/// In the domain of RFC 6761 that no server knows.
const UNKNOWN: &str = "nowhere.invalid";

/// The program's output and its events, with this value of `SOCKSHIM_RESOLVE`.
fn ask(level: RunLevel, decided: Option<&str>, args: &[&str]) -> (Vec<String>, Vec<Value>) {
    let log = Scratch::new();
    let mut command = command(level, Some(log.path()), cc("stress/resolve.c", &[]));
    if level != RunLevel::Native {
        command.env("LD_PRELOAD", test_shim());
    }
    if let Some(decided) = decided {
        command.env("SOCKSHIM_RESOLVE", decided);
    }
    let output = run(command.args(args), b"", DEADLINE);
    assert!(output.status.success() && !output.timed_out, "{decided:?} {args:?}: {output:?}");
    assert_eq!(output.stderr(), "", "{decided:?} {args:?}");
    let events = if level == RunLevel::Native { Vec::new() } else { events(log.path()) };
    (output.stdout().lines().map(str::to_string).collect(), events)
}

/// The events of the eight calls.
fn of_resolver(events: &[Value]) -> Vec<&Value> {
    let is_one = |event: &&Value| CALLS.iter().any(|call| event["call"] == *call);
    events.iter().filter(is_one).collect()
}

#[test]
fn each_call_is_an_event_with_its_question_and_its_answer() {
    let schema = fs::read_to_string(workspace().join("src/core/trace/event.schema.json"));
    let schema = serde_json::from_str(&schema.expect("the schema")).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema compiles");
    let (_, events) = ask(RunLevel::Call, None, &["localhost", "--server", "nx.example", "/192.0.2.1"]);
    for event in &events {
        assert!(validator.is_valid(event), "{event}");
    }
    let events = of_resolver(&events);
    let seen: BTreeSet<&str> = events.iter().filter_map(|event| event["call"].as_str()).collect();
    assert_eq!(seen, CALLS.into());
    for event in &events {
        assert_eq!((&event["reason"], &event["predicted"]), (&"resolver".into(), &Value::Null), "{event}");
        assert_eq!((&event["outcome"], &event["fd"]), (&"host".into(), &Value::Null), "{event}");
    }
    let of = |call: &str, name: &str| {
        let asked = |event: &&&Value| {
            event["call"] == call && ["node", "name", "addr"].iter().any(|key| event["args"][*key] == name)
        };
        (**events.iter().find(asked).unwrap_or_else(|| panic!("{call} of {name}: {events:#?}"))).clone()
    };
    for call in ["getaddrinfo", "gethostbyname", "gethostbyname_r", "gethostbyname2"] {
        let event = of(call, "localhost");
        assert_eq!(event["errno"], Value::Null, "{event}");
        let is_local = ["127.0.0.1", "::1"].iter().any(|local| event["args"]["address"] == *local);
        assert!(is_local && event["args"]["addresses"].as_u64() >= Some(1), "{event}");
        let error = if call == "getaddrinfo" { "EAI_NONAME" } else { "HOST_NOT_FOUND" };
        assert_eq!(of(call, "nx.example")["errno"], error);
    }
    let event = of("getaddrinfo", "localhost");
    assert_eq!(event["args"]["service"], "80");
    assert_eq!(event["args"]["hints"]["socktype"], "SOCK_STREAM");
    let event = of("gethostbyaddr_r", "192.0.2.1");
    assert_eq!((&event["args"]["len"], &event["args"]["type"]), (&4.into(), &"AF_INET".into()));
    assert_eq!(event["args"]["h_errnop"], "HOST_NOT_FOUND");
    let event = events.iter().find(|event| event["call"] == "getnameinfo" && event["ret"] != 0);
    let event = event.expect("a name that is not found");
    assert_eq!(
        (&event["errno"], &event["args"]["addr"]["address"]),
        (&"EAI_NONAME".into(), &"192.0.2.1".into())
    );
}

#[test]
fn names_are_not_logged_below_their_level() {
    let (_, events) = ask(RunLevel::Decision, None, &["localhost", "/127.0.0.1"]);
    assert_eq!(of_resolver(&events), Vec::<&Value>::new());
}

/// A call that is refused has the answer that glibc gives when a server has refused.
#[test]
fn a_call_fails_as_with_a_server_that_fails() {
    for (name, address, eai) in [
        ("nx.example", "/192.0.2.1", "EAI_NONAME"),
        ("servfail.example", "/192.0.2.2", "EAI_AGAIN"),
        ("none.example", "", "EAI_NODATA"),
    ] {
        let args: Vec<&str> = ["--server", name, address].into_iter().filter(|arg| !arg.is_empty()).collect();
        let (native, _) = ask(RunLevel::Native, None, &args);
        let (decided, events) = ask(RunLevel::Call, Some(&format!("fail:{eai}")), &args);
        assert_eq!(decided, native, "{eai}");
        let events = of_resolver(&events);
        assert_eq!(events.len(), native.len() - args.len(), "{eai}: {events:#?}");
        assert!(events.iter().all(|event| event["outcome"] == "fail" && event["errno"] != Value::Null));
    }
}

#[test]
fn a_call_fails_with_an_errno() {
    let (lines, events) = ask(RunLevel::Call, Some("fail:EMFILE"), &["localhost", "/127.0.0.1"]);
    for line in lines.iter().filter(|line| line.contains(" = ")) {
        assert!(line.contains("EMFILE"), "{line}");
        assert!(line.contains("EAI_SYSTEM") || line.contains("NETDB_INTERNAL"), "{line}");
    }
    for event in of_resolver(&events) {
        assert_eq!(
            (&event["outcome"], &event["args"]["errno"]),
            (&"fail".into(), &"EMFILE".into()),
            "{event}"
        );
    }
}

#[test]
fn files_only_changes_nothing_where_nobody_is_asked() {
    let args = ["--nobody", "localhost", "127.0.0.1", "1.2", "/127.0.0.1"];
    assert_eq!(ask(RunLevel::Call, Some("files"), &args).0, ask(RunLevel::Native, None, &args).0);
}

/// What a server that cannot be reached would make of an unknown name.
#[test]
fn files_only_says_not_now_of_an_unknown_name() {
    let (native, _) = ask(RunLevel::Native, None, &["--server", "servfail.example", "/192.0.2.2"]);
    let (files, events) = ask(RunLevel::Call, Some("files"), &[UNKNOWN, "/192.0.2.2"]);
    let results = |lines: &[String]| -> Vec<String> {
        lines
            .iter()
            .filter(|line| line.contains(" = "))
            .map(|line| line.replace("servfail.example", UNKNOWN))
            .collect()
    };
    assert_eq!(results(&files), results(&native));
    for event in of_resolver(&events) {
        assert!(
            [&event["errno"]].iter().all(|errno| **errno == "EAI_AGAIN" || **errno == "TRY_AGAIN"),
            "{event}"
        );
        assert_eq!(event["outcome"], "host", "{event}");
    }
}

/// Runs a program under strace with files only. The calls on sockets that the kernel has seen.
fn network_calls(program: &Path, args: &[&str]) -> Vec<String> {
    let (scratch, log) = (Scratch::new(), Scratch::new());
    let trace = scratch.path().join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o"]).arg(&trace);
    strace.arg("env").arg(format!("LD_PRELOAD={}", test_shim().display()));
    strace.arg("SOCKSHIM_LOG=call").arg(format!("SOCKSHIM_LOG_FILE={}/%p", log.path().display()));
    strace.arg("SOCKSHIM_RESOLVE=files").arg(program).args(args).env_remove("LD_PRELOAD");
    let output = run(&mut strace, b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
    let trace = fs::read_to_string(&trace).expect("strace's output");
    trace.lines().filter(|line| line.contains('(')).map(String::from).collect()
}

/// Whether a call asks somebody for a name. When there are several addresses, libc sorts them: it connects a datagram socket
/// to each, which sends nothing, and learns from a netlink socket, or from nscd, which addresses this machine has.
fn asks_somebody(call: &str) -> bool {
    let is_netlink = call.contains("AF_NETLINK") || call.contains("nlmsg_type");
    let sends = ["sendto(", "sendmsg(", "sendmmsg("].iter().any(|name| call.contains(name)) && !is_netlink;
    let is_unix = call.contains("connect(") && call.contains("AF_UNIX") && !call.contains("nscd");
    sends || is_unix || call.contains("htons(53)")
}

#[test]
fn files_only_asks_nobody() {
    // The proof that such a call would be seen.
    assert!(asks_somebody(
        "7 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"10.0.0.1\")}, 16) = 0"
    ));
    assert!(asks_somebody("7 connect(3, {sa_family=AF_UNIX, sun_path=\"/run/systemd/resolve/io\"}, 42) = 0"));
    let program = cc("stress/resolve.c", &[]);
    // Where nothing is found, nothing is sorted, so there is no call at all.
    assert_eq!(network_calls(&program, &[UNKNOWN, "/192.0.2.2", "/127.0.0.1"]), Vec::<String>::new());
    let calls = network_calls(&program, &["localhost", "127.0.0.1", "--nobody"]);
    let asking: Vec<&String> = calls.iter().filter(|call| asks_somebody(call)).collect();
    assert_eq!(asking, Vec::<&String>::new());
}

#[test]
fn files_only_asks_nobody_from_python() {
    let script = format!(
        "import socket\n\
         for name in ('localhost', '127.0.0.1'):\n\
         \x20   assert socket.getaddrinfo(name, 80, socket.AF_INET)[0][4] == ('127.0.0.1', 80)\n\
         \x20   assert socket.gethostbyname(name) == '127.0.0.1'\n\
         assert socket.gethostbyaddr('127.0.0.1')[2] == ['127.0.0.1']\n\
         assert socket.getnameinfo(('127.0.0.1', 80), socket.NI_NAMEREQD | socket.NI_NUMERICSERV)[1] == '80'\n\
         def fails(function, *args):\n\
         \x20   try: function(*args)\n\
         \x20   except OSError as error: return error.args[0]\n\
         assert fails(socket.getaddrinfo, '{UNKNOWN}', 80) == socket.EAI_AGAIN\n\
         assert fails(socket.gethostbyname, '{UNKNOWN}') == socket.EAI_AGAIN\n\
         assert fails(socket.gethostbyaddr, '192.0.2.2') == 2\n\
         assert fails(socket.getnameinfo, ('192.0.2.2', 80), socket.NI_NAMEREQD) == socket.EAI_AGAIN\n"
    );
    let calls = network_calls(Path::new("/usr/bin/python3"), &["-c", &script]);
    let asking: Vec<&String> = calls.iter().filter(|call| asks_somebody(call)).collect();
    assert_eq!(asking, Vec::<&String>::new());
}

/// libc's resolver waits on after a signal, and so does a delay before it.
#[test]
fn a_signal_does_not_end_a_delay() {
    let log = Scratch::new();
    let script = "import signal, socket\n\
                  signal.signal(signal.SIGALRM, lambda *_: None)\n\
                  signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)\n\
                  socket.getaddrinfo('localhost', 80)\n\
                  socket.gethostbyaddr('127.0.0.1')\n\
                  signal.setitimer(signal.ITIMER_REAL, 0)\n";
    for call in ["getaddrinfo", "gethostbyaddr_r"] {
        let mut python = command(RunLevel::Call, Some(log.path()), "/usr/bin/python3");
        python.env("LD_PRELOAD", test_shim()).env("SOCKSHIM_VERDICT", format!("{call}=delay:200"));
        let output = run(python.args(["-c", script]), b"", DEADLINE);
        assert!(output.status.success(), "{call}: {output:?}");
    }
    let events = events(log.path());
    for call in ["getaddrinfo", "gethostbyaddr_r"] {
        let longest = by_call(&events, call).iter().filter_map(|event| event["ns"].as_u64()).max();
        assert!(longest >= Some(200_000_000), "{call}: {longest:?}");
    }
    assert!(of_resolver(&events).iter().all(|event| event["errno"] == Value::Null));
}
