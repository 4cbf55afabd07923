//! Programs that, after their start, take away what the log relies on: descriptors, files, rights, system calls, and
//! the single thread that some calls require.

use std::io::Write;

use sockshim_itest::{RunLevel, Scratch, by_call, events};

use crate::{dropped, stress};

fn is_root() -> bool {
    // SAFETY: geteuid() has no preconditions.
    unsafe { libc::geteuid() == 0 }
}

/// Prints why a test is skipped. Not with println, because the output of a passed test is not shown.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Runs the program at every level, where it must do the same as natively; then the full log must have each of
/// `calls` the given number of times.
fn same_and_logged(program: &str, args: &[&str], calls: &[(&str, usize)]) {
    let log_dir = Scratch::new();
    let native = stress(RunLevel::Native, log_dir.path(), program, args);
    assert!(native.status.success(), "{program} {args:?}: {native:?}");
    for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
        let log_dir = Scratch::new();
        let output = stress(level, log_dir.path(), program, args);
        assert_eq!(output.stdout(), native.stdout(), "{program} {args:?} at {level:?}");
        assert_eq!(output.status, native.status, "{program} {args:?} at {level:?}");
        if level == RunLevel::Io {
            let events = events(log_dir.path());
            for (call, count) in calls {
                assert_eq!(by_call(&events, call).len(), *count, "{call} in {program} {args:?}: {events:#?}");
            }
            assert_eq!(events.iter().map(dropped).sum::<u64>(), 0);
        }
    }
}

fn hostile(args: &[&str], sockets: usize) {
    let calls = [("socket", sockets), ("bind", 1), ("listen", 1), ("connect", 1), ("accept", 1), ("send", 1)];
    same_and_logged("hostile", args, &calls);
}

#[test]
fn closes_all_descriptors() {
    hostile(&["closefrom"], 2);
    hostile(&["close_range"], 2);
}

#[test]
fn replaces_its_standard_descriptors() {
    hostile(&["stdio"], 2);
}

#[test]
fn changes_its_root() {
    if !is_root() {
        return skipped("chroot needs root");
    }
    let empty = Scratch::new();
    hostile(&["chroot", empty.path().to_str().expect("a path of text")], 2);
}

#[test]
fn changes_its_user() {
    if !is_root() {
        return skipped("setuid needs root");
    }
    hostile(&["setuid"], 3);
}

#[test]
fn has_no_descriptor_left() {
    hostile(&["nofile"], 3);
}

#[test]
fn forbids_system_calls() {
    hostile(&["seccomp-kill"], 2);
    hostile(&["seccomp-errno"], 2);
}

/// These calls require a process with one thread, so the log's writer must not count.
#[test]
fn enters_namespaces() {
    for (what, binds) in [("threads", 2), ("unshare", 2), ("syscall", 2), ("setns", 3)] {
        same_and_logged("namespaces", &[what], &[("bind", binds)]);
    }
}
