//! Resource limits under which the library must not fail.

use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, by_call, command, events};

use crate::{ended, is_root, program};

/// Makes the program start under a limit.
#[expect(clippy::disallowed_methods, reason = "no hook is linked into this test, so this is libc's")]
fn limit(command: &mut Command, resource: u32, value: u64) {
    // SAFETY: setrlimit(2) and setuid(2) may be called between fork and exec.
    unsafe {
        command.pre_exec(move || {
            let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
            // A limit on processes does not apply to root.
            if resource == libc::RLIMIT_NPROC && libc::setuid(65534) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            if libc::setrlimit(resource, &raw const limit) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

/// Compares all levels under a limit; stderr may have one line of ours. Returns the output and the log of level io.
fn limited(resource: u32, value: u64) -> (Output, Vec<Value>) {
    let limited = |level: RunLevel| {
        let log_dir = Scratch::new();
        let mut command = command(level, Some(log_dir.path()), program("limited", &[]));
        limit(&mut command, resource, value);
        (ended(&mut command), events(log_dir.path()))
    };
    let (native, _) = limited(RunLevel::Native);
    assert!(native.status.success(), "{resource} {value}: {native:?}");
    for level in [RunLevel::Off, RunLevel::Call] {
        let (output, _) = limited(level);
        compare(&output, &native, resource, value);
    }
    let (output, log) = limited(RunLevel::Io);
    compare(&output, &native, resource, value);
    (output, log)
}

fn compare(output: &Output, native: &Output, resource: u32, value: u64) {
    assert_eq!(output.stdout(), native.stdout(), "{resource} {value}");
    assert_eq!(output.status, native.status, "{resource} {value}");
    let stderr = output.stderr();
    assert!(stderr.lines().all(|line| line.starts_with("sockshim: ")), "{resource} {value}: {stderr}");
}

/// Three descriptors are enough for a log, whose own descriptor is in another table.
#[test]
fn three_descriptors() {
    let mut command = command(RunLevel::Native, None, program("limited", &[]));
    // The dynamic linker needs one more to load libraries.
    limit(&mut command, libc::RLIMIT_NOFILE, 4);
    let native = ended(&mut command);
    assert!(native.stdout().contains("socket = -1 EMFILE\n"), "{native:?}");
    let (_, log) = limited(libc::RLIMIT_NOFILE, 4);
    assert!(!by_call(&log, "socket").is_empty(), "{log:#?}");
}

#[test]
fn no_more_processes() {
    if !is_root() {
        return;
    }
    let (output, _) = limited(libc::RLIMIT_NPROC, 0);
    assert!(output.stdout().contains("fork = -1"), "{output:?}");
}

/// Limits from what only the library itself needs down to what libc needs; each run must end as it does natively.
#[test]
fn little_address_space() {
    let mut with_log = 0;
    let mut without_log = 0;
    for megabytes in [64, 16, 12, 10, 9, 8, 7, 6, 5, 4] {
        let (output, log) = limited(libc::RLIMIT_AS, megabytes << 20);
        let logged = !by_call(&log, "socket").is_empty();
        assert!(logged || output.stderr().lines().count() == 1, "{megabytes}: {output:?}");
        with_log += usize::from(logged);
        without_log += usize::from(!logged);
    }
    assert!(with_log > 0 && without_log > 0, "{with_log} with a log, {without_log} without one");
}

/// Only the writer gets the signal for a file that becomes too large.
#[test]
fn short_files() {
    let (_, log) = limited(libc::RLIMIT_FSIZE, 0);
    assert_eq!(log.len(), 0);
}
