//! Calls that wait are shown while they do. Whoever waits goes on when the test has seen that.

use super::{DEADLINE, seen, sockshim_trace, stable};
use sockshim_itest::{Scratch, Server};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until the file is as it should be.
fn wait_for(file: impl AsRef<Path>, is_right: impl Fn(&str) -> bool) {
    let until = Instant::now() + DEADLINE;
    loop {
        let text = fs::read_to_string(&file).unwrap_or_default();
        if is_right(&text) {
            return;
        }
        assert!(Instant::now() < until, "{}: {text}", file.as_ref().display());
        sleep(Duration::from_millis(5));
    }
}

fn unfinished(trace: &str) -> Vec<String> {
    let lines = stable(trace);
    let mut lines: Vec<String> = lines
        .lines()
        .filter(|line| line.ends_with(" <unfinished ...>"))
        // The name is the kernel's choice.
        .map(|line| line.split("@\"").next().unwrap_or(line).to_owned())
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_call_that_waits_is_shown_while_it_waits() {
    let scratch = Scratch::new();
    let file = scratch.path().join("trace");
    let mut command = sockshim_trace();
    command.arg("-o").arg(&file).args(["-y", "--", &seen(), "waits"]).stdin(Stdio::piped());
    let mut sockshim = command.spawn().expect("sockshim");
    wait_for(&file, |trace| unfinished(trace).len() >= 5);
    sockshim.stdin.take().expect("a pipe").write_all(b"x").expect("it reads");
    assert!(sockshim.wait().expect("our own child").success());
    let trace = fs::read_to_string(&file).expect("a trace");
    let expected = [
        "seen[TID] accept(5<TCP:[127.0.0.1:PORT]>, NULL, NULL <unfinished ...>",
        "seen[TID] connect(7<UNIX-STREAM>, {sa_family=AF_UNIX, sun_path=",
        "seen[TID] poll(POINTER, 1, -1 <unfinished ...>",
        "seen[TID] read(3<UNIX-STREAM>, POINTER, 1 <unfinished ...>",
        "seen[TID] recv(3<UNIX-STREAM>, POINTER, 1, 0 <unfinished ...>",
    ];
    assert_eq!(unfinished(&trace), expected, "{trace}");
    // What goes on has its line as always, and what is killed has none.
    let stable = stable(&trace);
    assert!(stable.contains("seen[TID] recv(3<UNIX-STREAM>, \"x\", 1, 0) = 1\n"), "{stable}");
    assert!(!stable.contains("NULL, NULL) = ") && !stable.contains("pause"), "{stable}");
}

#[test]
fn what_is_not_waited_for_any_more_is_shown_at_the_end() {
    let scratch = Scratch::new();
    let file = scratch.path().join("trace");
    let mut command = sockshim_trace();
    command.arg("-o").arg(&file).args(["--", &seen(), "behind"]);
    let mut server = Server::start(&mut command);
    let child = server.wait_line("child ", DEADLINE);
    let child = child.split(' ').next_back().expect("a number");
    let blocked = format!("{} ", libc::SYS_recvfrom);
    wait_for(format!("/proc/{child}/syscall"), |call| call.starts_with(&blocked));
    // The program ends when the trace knows the child: it waits for those that it knows.
    wait_for(&file, |trace| trace.contains(&format!("seen[{child}] fork() = 0\n")));
    server.signal(libc::SIGUSR1);
    wait_for(format!("/proc/{0}/task/{0}/children", server.pid()), str::is_empty);
    server.signal(libc::SIGINT);
    let output = server.join(DEADLINE);
    assert!(output.status.success() && !output.timed_out, "{output:?}");
    let trace = fs::read_to_string(&file).expect("a trace");
    assert_eq!(unfinished(&trace), ["seen[TID] recv(3, POINTER, 1, 0 <unfinished ...>"], "{trace}");
}
