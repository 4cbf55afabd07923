//! The log compared with strace: `scripts/compare-strace.sh` runs the HTTP server of `c-tests/` under both at once
//! and compares call by call. These tests run the script, and prove that it finds differences.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, command, events, run, shim, workspace};

#[path = "cli/binary.rs"]
mod binary;

const DEADLINE: Duration = Duration::from_secs(300);

#[test]
fn no_control_call_is_missing() {
    let scratch = Scratch::new();
    let output = compare("call", scratch.path());
    assert!(output.status.success(), "{}{}", output.stdout(), output.stderr());
    assert!(output.stdout().contains("\naccept "), "not a table of calls: {}", output.stdout());
}

#[test]
fn no_data_call_is_missing() {
    let scratch = Scratch::new();
    let output = compare("io", scratch.path());
    assert!(output.status.success(), "{}{}", output.stdout(), output.stderr());
    assert!(output.stdout().contains("\nwrite "), "not a table of data calls: {}", output.stdout());
}

#[test]
fn a_missing_and_a_wrong_call_are_found() {
    let scratch = Scratch::new();
    let output = compare("call", scratch.path());
    assert!(output.status.success(), "{}{}", output.stdout(), output.stderr());
    let entries = fs::read_dir(scratch.path()).expect("what the script kept");
    let mut paths = entries.map(|entry| entry.expect("a directory entry").path());
    let log =
        paths.find(|path| path.extension().is_some_and(|extension| extension == "jsonl")).expect("a log");

    // Without listen(), and with another result of bind().
    let mut wrong = String::new();
    for mut event in events(scratch.path()) {
        if event["call"] == "bind" {
            event["ret"] = 1.into();
        }
        if event["call"] != "listen" {
            writeln!(wrong, "{event}").expect("writing to a string");
        }
    }
    fs::write(&log, wrong).expect("writing a log");

    let output = compared("call", &scratch.path().join("strace.txt"), &log);
    let stdout = output.stdout();
    assert_eq!(output.status.code(), Some(1), "{stdout}{}", output.stderr());
    for found in ["missing in the log: listen(", "missing in the log: bind(", "not seen by strace: {"] {
        assert!(stdout.contains(found), "not found: {found}\n{stdout}");
    }
    assert_eq!(stdout.matches("missing in the log: ").count(), 2, "{stdout}");
}

/// Of a tree of processes, some of which live only for a moment.
#[test]
fn no_network_call_is_missing_in_a_trace() {
    const SCRIPT: &str = r#"
for i in 1 2 3; do curl --silent --noproxy '*' http://127.0.0.1:9/ | cat; done
python3 -c '
import os, socket
for i in range(20):
    if not os.fork():
        pair = socket.socketpair()
        pair[0].send(b"one")
        pair[1].recv(3)
        socket.socket().connect_ex(("127.0.0.1", 9))
        os._exit(0)
    os.wait()'
"#;
    let scratch = Scratch::new();
    let [strace, trace] = ["strace.txt", "trace.jsonl"].map(|name| scratch.path().join(name));
    let mut both = command(RunLevel::Native, None, binary::sockshim());
    // With data the library would ask for addresses, which strace sees too.
    both.env("SOCKSHIM_LIB", shim()).args(["trace", "-s", "0", "--json", "-o"]).arg(&trace);
    both.args(["--", "strace", "-f", "-o"]).arg(&strace);
    both.args(["-e", "trace=%network,rt_sigreturn,close_range,unshare", "sh", "-c", SCRIPT]);
    let output = run(&mut both, b"", DEADLINE);
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""));

    let output = compared("network", &strace, &trace);
    let table = output.stdout();
    assert!(output.status.success(), "{table}{}", output.stderr());
    for row in
        ["sendto              20      20        0       0", "recvfrom            20      20        0       0"]
    {
        assert!(table.contains(row), "no such row: {row}\n{table}");
    }
}

/// What the script says of what was recorded.
fn compared(level: &str, strace: &Path, log: &Path) -> Output {
    let mut python = Command::new("python3");
    python.arg("-B").arg(workspace().join("scripts/lib/compare_strace.py")).arg(level).arg(strace).arg(log);
    run(&mut python, b"", DEADLINE)
}

fn compare(level: &str, keep: &Path) -> Output {
    let mut script = Command::new(workspace().join("scripts/compare-strace.sh"));
    script.args(["--level", level, "--keep"]).arg(keep).env("SOCKSHIM_SO", shim()).env_remove("LD_PRELOAD");
    run(&mut script, b"", DEADLINE)
}
