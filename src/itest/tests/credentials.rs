//! libc does not know the log's writer, so the writer must follow setuid(2) and its relatives itself: a server that
//! gives up root must not keep a thread that is root.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, by_call, cc, command, events, run};

const DEADLINE: Duration = Duration::from_secs(60);

fn changes(level: RunLevel, log: Option<&Scratch>) -> Output {
    let output =
        run(&mut command(level, log.map(Scratch::path), cc("stress/credentials.c", &[])), b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{output:?}");
    output
}

#[test]
fn all_threads_change_together() {
    // SAFETY: geteuid() has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        panic!("only root can become somebody else: run the tests as root, as scripts/test.sh does");
    }
    let native = changes(RunLevel::Native, None).stdout();
    let counts: Vec<&str> = native.lines().filter_map(|line| Some(line.split_once(": ")?.1)).collect();
    assert_eq!(counts, ["1", "1", "1", "1", "2", "1", "1"], "{native}");

    for level in [RunLevel::Off, RunLevel::Call, RunLevel::Io] {
        let log = Scratch::new();
        // The child is another user by then, and creates a log of its own.
        fs::set_permissions(log.path(), Permissions::from_mode(0o777)).expect("changing a mode");
        assert_eq!(changes(level, Some(&log)).stdout(), native, "{level:?}");
        if level != RunLevel::Off {
            let events = events(log.path());
            for call in ["setgroups", "setegid", "setresgid", "seteuid", "capset", "setuid"] {
                assert!(!by_call(&events, call).is_empty(), "{call} is not in the log");
            }
        }
    }
}

#[test]
fn stuck_writer_keeps_no_rights() {
    // Nobody reads the pipe.
    let mut child = command(RunLevel::Call, None, cc("writer/stuck.c", &[]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdout = String::new();
    child.stdout.take().expect("stdout is a pipe").read_to_string(&mut stdout).expect("UTF-8");
    assert!(child.wait().expect("the program ends").success());
    assert_eq!(stdout, "that is all\n");
}
