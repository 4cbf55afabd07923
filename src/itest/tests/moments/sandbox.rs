//! seccomp filters: those that a program installs for itself, and those under which it was started.

use serde_json::{Value, json};
use sockshim_itest::{RunLevel, Scratch, by_call, command, events};

use crate::{ended, program, same};

/// The filter allows exactly what the program does. Any other system call of the library kills the program, is
/// counted, or fails.
fn sandbox(args: &[&str]) -> Vec<Value> {
    let (native, log) = same(&program("sandbox", &[]), |command, _| {
        command.args(args);
    });
    assert!(native.status.success(), "{args:?}: {native:?}");
    assert!(native.stdout().ends_with("trapped = 0\n"), "{args:?}: {native:?}");
    log
}

fn message(log: &[Value]) -> Vec<&Value> {
    by_call(log, "sockshim").into_iter().map(|event| &event["args"]["message"]).collect()
}

#[test]
fn filter_on_the_own_thread() {
    for how in ["prctl", "seccomp"] {
        for action in ["kill", "errno", "trap"] {
            let log = sandbox(&[how, action]);
            // The memory for what the writer has not read yet was mapped before the filter was installed.
            let held = &by_call(&log, "summary")[0]["args"];
            assert_eq!((&held["events"], &held["dropped"]), (&json!(20_017), &json!(0)), "{how} {action}");
        }
    }
}

/// The filter applies to the program's threads, and the writer is not one of them.
#[test]
fn filter_on_all_threads() {
    for how in ["tsync", "twice"] {
        for action in ["kill", "errno", "trap"] {
            let log = sandbox(&[how, action]);
            assert_eq!(message(&log).len(), 0, "{how} {action}: {log:#?}");
            assert_eq!(by_call(&log, "accept").len(), 1, "{how} {action}: {log:#?}");
        }
    }
}

#[test]
fn filter_on_all_threads_at_work() {
    for action in ["kill", "errno", "trap"] {
        let log = sandbox(&["tsync", action, "threads"]);
        assert_eq!(message(&log).len(), 0, "{action}: {log:#?}");
    }
}

/// If the kernel refuses the filter, the writer is started again.
#[test]
fn refused_filter() {
    let log = sandbox(&["refused", "kill"]);
    assert_eq!(by_call(&log, "accept").len(), 1);
    assert_eq!(by_call(&log, "syscall").len(), 2, "{:#?}", message(&log));
}

/// What a program may be forbidden before it starts: the call, the argument that is tested, its mask, its value.
const FORBIDDEN: &[(&str, i64, u32, u32, u32)] = &[
    ("clone of a thread", libc::SYS_clone, 0, libc::CLONE_THREAD as u32, libc::CLONE_THREAD as u32),
    ("madvise for forks", libc::SYS_madvise, 2, u32::MAX, libc::MADV_WIPEONFORK as u32),
    ("close_range", libc::SYS_close_range, 0, 0, 0),
    ("futex", libc::SYS_futex, 0, 0, 0),
    ("process_vm_readv", libc::SYS_process_vm_readv, 0, 0, 0),
    ("getsockopt", libc::SYS_getsockopt, 0, 0, 0),
    ("getpeername", libc::SYS_getpeername, 0, 0, 0),
    ("open for appending", libc::SYS_openat, 2, libc::O_APPEND as u32, libc::O_APPEND as u32),
    ("prctl", libc::SYS_prctl, 0, 0, 0),
    ("unshare", libc::SYS_unshare, 0, 0, 0),
    ("gettid", libc::SYS_gettid, 0, 0, 0),
    ("getpid", libc::SYS_getpid, 0, 0, 0),
    ("sigprocmask", libc::SYS_rt_sigprocmask, 0, 0, 0),
    ("clock_gettime", libc::SYS_clock_gettime, 0, 0, 0),
    ("fstat", libc::SYS_fstat, 0, 0, 0),
    ("mmap of four megabytes", libc::SYS_mmap, 1, 0xfff0_0000, 0x40_0000),
    ("shared mmap", libc::SYS_mmap, 3, 0x3f, (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u32),
    ("tgkill", libc::SYS_tgkill, 0, 0, 0),
];

/// Under a filter from before exec the program runs on. If there is no log, stderr says so, and nothing else.
#[test]
fn inherited_filter() {
    for (what, number, argument, mask, value) in FORBIDDEN {
        for errno in [libc::EPERM, libc::ENOSYS] {
            let confined = |level: RunLevel| {
                let log_dir = Scratch::new();
                let mut command = command(level, Some(log_dir.path()), program("confine", &[]));
                command.args(
                    [number, &i64::from(*argument), &i64::from(*mask), &i64::from(*value)]
                        .map(i64::to_string),
                );
                command.arg(errno.to_string()).arg(program("limited", &[]));
                (ended(&mut command), events(log_dir.path()))
            };
            let (native, _) = confined(RunLevel::Native);
            assert!(native.status.success(), "{what}: {native:?}");
            for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
                let (output, log) = confined(level);
                assert_eq!(output.stdout(), native.stdout(), "{what} {level:?}");
                assert_eq!(output.status, native.status, "{what} {level:?}");
                let stderr = output.stderr();
                assert!(
                    stderr.lines().all(|line| line.starts_with("sockshim: ")),
                    "{what} {level:?}: {stderr}"
                );
                assert!(stderr.lines().count() <= 1, "{what} {level:?}: {stderr}");
                if level != RunLevel::Off {
                    let said = stderr.lines().count() == 1;
                    assert_eq!(by_call(&log, "socket").is_empty(), said, "{what} {level:?}: {stderr}");
                }
            }
        }
    }
}
