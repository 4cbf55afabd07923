//! A panic in dispatch must neither lose the call nor make it twice. The library is built with a feature that makes
//! the dispatch of one call panic, and every call of a program still does what it does natively.

use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, cc, command, events, run, test_shim};

const DEADLINE: Duration = Duration::from_secs(60);

/// Calls that are logged at level `call`.
const CONTROL: &str = "socket socketpair bind listen accept accept4 connect getsockname getpeername setsockopt \
    getsockopt shutdown ioctl epoll_create epoll_create1 epoll_ctl close close_range closefrom dup dup2 dup3 fcntl \
    syscall";

/// Calls that are logged at level `io`.
const DATA: &str = "send sendto sendmsg sendmmsg write writev sendfile recv recvfrom recvmsg recvmmsg read readv \
    poll ppoll select pselect epoll_wait epoll_pwait";

/// Calls that make, end or replace a process, so that the log of one process does not show all of them.
const PROCESS: &str = "fork vfork _exit execve execv posix_spawn";

/// Runs the program that makes every call, each of them on the slow path if one is to panic: only there is a dispatch.
fn calls(level: RunLevel, panic: Option<&str>) -> (Output, Vec<Value>) {
    calls_on(level, panic, &[("SOCKSHIM_WITHOUT_FAST_PATH", "1")])
}

fn calls_on(level: RunLevel, panic: Option<&str>, path: &[(&str, &str)]) -> (Output, Vec<Value>) {
    let log_dir = Scratch::new();
    let mut command = command(level, Some(log_dir.path()), cc("stress/calls.c", &[]));
    if let Some(call) = panic {
        command.env("LD_PRELOAD", test_shim()).env("SOCKSHIM_PANIC", call).envs(path.iter().copied());
    }
    let output = run(&mut command, b"", DEADLINE);
    assert!(!output.timed_out, "{panic:?} at {level:?} hangs after:\n{}", output.stdout());
    assert_eq!(output.stderr(), "", "{panic:?} at {level:?}");
    (output, events(log_dir.path()))
}

fn panicked(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter(|event| event["reason"] == "shim-panic")
        .filter_map(|event| event["call"].as_str())
        .collect()
}

/// Makes each call panic in turn, at each level; the transcript is always the native one. `expect` says whether the
/// log of a level must contain the panic.
fn each_survives(names: &str, expect: impl Fn(RunLevel) -> bool) {
    let (native, _) = calls(RunLevel::Native, None);
    assert_eq!(native.status.code(), Some(3), "{native:?}");
    for name in names.split_whitespace() {
        for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
            let (output, events) = calls(level, Some(name));
            assert_eq!(output.stdout(), native.stdout(), "{name} at {level:?}");
            assert_eq!(output.status, native.status, "{name} at {level:?}");
            if expect(level) {
                assert!(
                    !panicked(&events).is_empty(),
                    "no panic of {name} in the log at {level:?}: {events:#?}"
                );
            }
            if level == RunLevel::Off {
                assert_eq!(events.len(), 0, "{name}");
            }
        }
    }
}

#[test]
fn without_a_panic_nothing_is_different() {
    let (native, _) = calls(RunLevel::Native, None);
    for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
        let (output, events) = calls(level, Some("none"));
        assert_eq!(output.stdout(), native.stdout(), "{level:?}");
        assert_eq!(panicked(&events), [""; 0], "{level:?}");
    }
}

#[test]
fn control_calls_survive() {
    each_survives(CONTROL, |level| level != RunLevel::Off);
}

#[test]
fn data_calls_survive() {
    each_survives(DATA, |level| level == RunLevel::Io);
}

#[test]
fn process_calls_survive() {
    each_survives(PROCESS, |_| false);
}

/// A brief call has no dispatch: where it succeeds, nothing can panic. Not here: socket and socketpair, which are brief only after
/// one that was not, and calls whose memory has to be on the page of the caller's frame, which is a matter of chance.
#[test]
fn brief_calls_need_no_dispatch() {
    const BRIEF: &str = "bind listen accept shutdown ioctl close dup dup2 fcntl epoll_ctl";
    for name in BRIEF.split_whitespace() {
        let (slow, all) = calls(RunLevel::Call, Some(name));
        let (fast, events) = calls_on(RunLevel::Call, Some(name), &[("SOCKSHIM_WAITS", "1")]);
        assert_eq!(fast.stdout(), slow.stdout(), "{name}");
        let (few, many) = (panicked(&events).len(), panicked(&all).len());
        assert!(few < many, "{name}: {few} panics where {many} are on the slow path");
    }
}

#[test]
fn the_panicking_call_is_named() {
    for name in CONTROL.split_whitespace().filter(|name| *name != "syscall") {
        let (_, events) = calls(RunLevel::Call, Some(name));
        let panicked = panicked(&events);
        assert!(!panicked.is_empty() && panicked.iter().all(|call| *call == name), "{name}: {panicked:?}");
    }
}
