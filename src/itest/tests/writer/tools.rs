//! Tools that look at a program from outside, and languages that look at themselves.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, by_call, command, events, shim};

use crate::{ended, program};

/// A tool's path, if the machine has it.
fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skipped(name);
    }
    found
}

#[expect(
    clippy::print_stderr,
    clippy::disallowed_macros,
    reason = "a test has no other way to say what it skipped"
)]
fn skipped(name: &str) {
    eprintln!("{name} is not here, so what it does is not tested");
}

/// The variables that put a program below a tool under the shim, and not the tool.
fn variables(log_dir: &Scratch, level: &str) -> Vec<String> {
    vec![
        format!("LD_PRELOAD={}", shim().display()),
        format!("SOCKSHIM_LOG={level}"),
        "SOCKSHIM_LOG_FORMAT=json".into(),
        format!("SOCKSHIM_LOG_FILE={}/%p.jsonl", log_dir.path().display()),
    ]
}

/// `strace -f` sees the program and its children, and waits for nobody else.
#[test]
fn strace_follows_the_program_alone() {
    let Some(strace) = tool("strace") else { return };
    for level in ["call", "io"] {
        let (log_dir, scratch) = (Scratch::new(), Scratch::new());
        let trace = scratch.path().join("trace");
        let mut command = Command::new(&strace);
        command.args(["-f", "-qq", "-o"]).arg(&trace);
        command.args(variables(&log_dir, level).iter().flat_map(|variable| ["-E", variable]));
        let output = ended(command.arg(program("stress/lines")).args(["3", "200"]));
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let text = fs::read_to_string(&trace).expect("the trace");
        let mut traced: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
        traced.sort_unstable();
        traced.dedup();
        assert_eq!(traced.len(), 4, "the program and its three children: {traced:?}");
        assert_eq!(by_call(&events(log_dir.path()), "getsockname").len(), 600);
    }
}

/// gdb runs the program as one with a single thread, also through its forks, and stops where it is told to.
#[test]
fn gdb_follows_the_program_alone() {
    let Some(gdb) = tool("gdb") else { return };
    let log_dir = Scratch::new();
    let mut command = Command::new(gdb);
    command.args(["-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set startup-with-shell off"]);
    for variable in variables(&log_dir, "io") {
        command.arg("-ex").arg(format!("set environment {variable}"));
    }
    for instruction in ["break usleep", "run", "info threads", "info inferiors", "delete", "continue"] {
        command.args(["-ex", instruction]);
    }
    let output = ended(command.arg("--args").arg(program("writer/moved")).args(["5", "itself"]));
    let text = output.stdout();
    assert!(text.contains("exited normally"), "{output:?}");
    assert!(!text.contains("sockshim-log") && !text.contains("[New "), "{text}");
    assert_eq!(by_call(&events(log_dir.path()), "socketpair").len(), 11, "{text}");
}

/// Below Valgrind, which knows no such process, the log is written all the same and says so once, and no tool of it has anything to say
/// of the library.
fn below_valgrind(tools: &[&str]) {
    let Some(valgrind) = tool("valgrind") else { return };
    for name in tools {
        let log_dir = Scratch::new();
        let mut command = command(RunLevel::Io, Some(log_dir.path()), &valgrind);
        command.args([&format!("--tool={name}"), "-q", "--error-exitcode=9"]).arg(program("stress/lines"));
        let output = ended(command.args(["1", "300"]));
        assert!(output.status.success(), "{name}: {}", output.stderr());
        assert!(!output.stderr().contains("=="), "{name}: {}", output.stderr());
        let events = events(log_dir.path());
        assert_eq!(by_call(&events, "getsockname").len(), 300, "{name}: {events:#?}");
        let says_so = |event: &&Value| event.to_string().contains("is a thread of the program");
        let mut processes: Vec<_> =
            events.iter().filter(says_so).map(|event| event["pid"].as_i64()).collect();
        let said = processes.len();
        processes.dedup();
        assert!(said > 0 && said == processes.len(), "{name}: {events:#?}");
    }
}

#[test]
fn memcheck_finds_nothing() {
    below_valgrind(&["memcheck"]);
}

#[test]
fn race_detectors_find_nothing() {
    below_valgrind(&["helgrind", "drd"]);
}

/// Python counts its own threads, and warns of a fork when there is more than one.
#[test]
fn python_forks_without_a_warning() {
    const SCRIPT: &str = "import os, socket\n\
        pair = socket.socketpair()\n\
        for i in range(20):\n    pair[0].send(b'x')\n    pid = os.fork()\n    if pid == 0:\n        \
        pair[1].recv(1)\n        os._exit(0)\n    print(os.waitpid(pid, 0)[1])\n";
    let mut found = false;
    for python in pythons() {
        found = true;
        for level in [RunLevel::Call, RunLevel::Io] {
            let log_dir = Scratch::new();
            let mut command = command(level, Some(log_dir.path()), &python);
            let output = ended(command.args(["-W", "always::DeprecationWarning", "-c", SCRIPT]));
            assert!(output.status.success(), "{python:?}: {output:?}");
            assert_eq!((output.stdout(), output.stderr()), ("0\n".repeat(20), String::new()), "{python:?}");
            assert_eq!(by_call(&events(log_dir.path()), "socketpair").len(), 1, "{python:?}");
        }
    }
    if !found {
        skipped("Python 3.12 or later");
    }
}

/// Those that warn: 3.12 and later, on the path or where pyenv keeps them.
fn pythons() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let versions = std::env::var_os("PYENV_ROOT").map_or(home.join(".pyenv"), PathBuf::from).join("versions");
    let kept =
        fs::read_dir(versions).into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python3"));
    let warns = |python: &PathBuf| {
        let test = "import sys; sys.exit(sys.version_info < (3, 12))";
        Command::new(python).args(["-c", test]).output().is_ok_and(|output| output.status.success())
    };
    kept.chain([PathBuf::from("/usr/bin/python3")]).filter(warns).collect()
}
