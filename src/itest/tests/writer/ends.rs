//! Every end: what had returned is in the log.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use sockshim_itest::{RunLevel, Scratch, by_call, command, events, test_shim};

use crate::{count, ended, is_root, logged, parsed, program, succeeds};

/// Who is neither root nor the owner of other processes: root has no limit of processes.
const NOBODY: u32 = 65534;

/// As many for each way, level and pace; `SOCKSHIM_ROUNDS` sets another number.
const ROUNDS: &str = "12";

/// The ways of `c-tests/stress/killed.c`.
const WAYS: &str = "kill group segv term abort handler-exit raw-exit raw-thread fault";

fn killed(level: RunLevel, call: &str, pace: &str) {
    let rounds = std::env::var("SOCKSHIM_ROUNDS").unwrap_or_else(|_| ROUNDS.into());
    for way in WAYS.split_whitespace() {
        let log_dir = Scratch::new();
        let mut command = command(level, Some(log_dir.path()), program("stress/killed"));
        command.args([&rounds, way]).arg(log_dir.path()).args([call, pace]);
        let output = ended(&mut command);
        assert!(output.status.success(), "{level:?} {way} {call} {pace}: {}", output.stdout());
    }
}

#[test]
fn control_calls_outlive_their_caller() {
    killed(RunLevel::Call, "getsockname", "10");
    killed(RunLevel::Call, "socket", "10");
}

#[test]
fn data_calls_outlive_their_caller() {
    killed(RunLevel::Io, "send", "5");
}

#[test]
fn floods_outlive_their_caller() {
    killed(RunLevel::Call, "getsockname", "0");
    killed(RunLevel::Io, "send", "0");
}

/// The first process of a pid namespace has a whole log, as has who made the namespace.
#[test]
fn logs_of_a_pid_namespace_are_whole() {
    if !is_root() {
        return;
    }
    let log_dir = Scratch::new();
    let mut command = command(RunLevel::Call, Some(log_dir.path()), program("writer/pid_namespace"));
    let output = succeeds(&mut command);
    let events = events(log_dir.path());
    // Each use of sockets is one pair. Who makes the namespace has 4, its first process 4, the two children of that one 1
    // each, and the first process of the next namespace 1. Both first processes are number 1.
    assert_eq!(by_call(&events, "socketpair").len(), 11, "{}", output.stdout());
    assert_eq!(by_call(&events, "socketpair").iter().filter(|event| event["pid"] == 1).count(), 5);
    assert_eq!(by_call(&events, "summary").len(), 5, "one for each process");
    assert!(by_call(&events, "dropped").is_empty());
}

/// A chroot, mount namespaces, another user, a mask: the log goes on in its file, or where it cannot, without a word.
#[test]
fn log_goes_on_wherever_the_program_goes() {
    if !is_root() {
        return;
    }
    for place in 0..6 {
        for level in [RunLevel::Call, RunLevel::Io] {
            let (log_dir, place_dir) = (Scratch::new(), Scratch::new());
            let mut command = command(level, Some(log_dir.path()), program("writer/moved"));
            succeeds(command.args([&place.to_string(), "itself"]).current_dir(place_dir.path()));
            let events = events(log_dir.path());
            // The move to another mask uses them too.
            let expected = 11 + usize::from(place == 3);
            assert_eq!(
                by_call(&events, "socketpair").len(),
                expected,
                "move {place} at {level:?}: {events:#?}"
            );
            assert_eq!(by_call(&events, "summary").len(), 1, "move {place} at {level:?}");
        }
    }
}

#[test]
fn log_goes_on_after_a_process_in_the_same_memory_has_ended() {
    for level in [RunLevel::Call, RunLevel::Io] {
        let dir = Scratch::new();
        succeeds(&mut command(level, Some(dir.path()), program("writer/guests")));
        let events = events(dir.path());
        // 19 guests, of which 3 talk with the program, 500 times each.
        assert_eq!(by_call(&events, "socketpair").len(), 1 + 19, "{level:?}");
        assert_eq!(by_call(&events, "socket").len(), 2 * 3 * 500, "{level:?}");
        assert_eq!(by_call(&events, "summary").len(), 1, "{level:?}");
        if level == RunLevel::Io {
            assert_eq!(by_call(&events, "send").len(), 2 * 3 * 500 + 19, "{level:?}");
        }
    }
}

#[test]
fn writer_without_a_log_leaves_nothing_behind() {
    let native = succeeds(&mut command(RunLevel::Native, None, program("writer/no_log"))).stdout();
    let dir = Scratch::new();
    // A directory cannot be written to.
    let output =
        ended(&mut logged(RunLevel::Call, program("writer/no_log"), &dir.path().display().to_string()));
    assert!(output.status.success() && output.stderr().lines().count() == 1, "{output:?}");
    assert_eq!(output.stdout(), native);
}

#[test]
fn calls_beside_the_end_are_in_the_log() {
    for way in ["return", "_exit", "exit_group", "quick_exit", "exec"] {
        for (level, call) in [(RunLevel::Call, "socket"), (RunLevel::Io, "send")] {
            for _ in 0..8 {
                let dir = Scratch::new();
                let counts = dir.path().join("counts");
                let mut command =
                    logged(level, program("stress/ending_beside"), &format!("{}/log", dir.path().display()));
                succeeds(command.args([way, call]).arg(&counts));
                let counts = std::fs::read(counts).expect("the counts");
                let returned = u64::from_le_bytes(counts[..8].try_into().expect("8 bytes"));
                let events = parsed(&std::fs::read(dir.path().join("log")).unwrap_or_default());
                let logged = count(&events, call) as u64;
                // One that had begun before may come back a moment too late.
                assert!(logged + 1 >= returned, "{way}: {returned} had returned, in the log: {logged}");
            }
        }
    }
}

/// A limit of processes or of a file's length holds for the writer as well, unless it was there before.
#[test]
fn log_is_open_before_a_limit_is_set() {
    for way in ["setrlimit", "setrlimit64", "SYS_setrlimit", "prlimit", "prlimit64", "SYS_prlimit64"] {
        for resource in ["processes", "length"] {
            let log_dir = Scratch::new();
            set_permissions(log_dir.path(), Permissions::from_mode(0o777)).expect("our own directory");
            let mut command = command(RunLevel::Call, Some(log_dir.path()), program("writer/limited_first"));
            if is_root() {
                command.uid(NOBODY).gid(NOBODY);
            }
            let output = succeeds(command.args([way, resource]));
            assert_eq!(output.stderr(), "", "{way} {resource}");
            assert_eq!(by_call(&events(log_dir.path()), "socketpair").len(), 1, "{way} {resource}");
        }
    }
}

/// A writer that is not let run for a while keeps no port of the program's.
#[test]
fn a_new_writer_holds_nothing() {
    let expected = "close: 0\ndup2: 0\ndup3: 0\nclose_range: 0\nclosefrom: 0\nfclose: 0\n";
    for level in [RunLevel::Call, RunLevel::Io] {
        let log_dir = Scratch::new();
        let mut command = command(level, Some(log_dir.path()), program("writer/given_back"));
        command.env("LD_PRELOAD", test_shim()).env("SOCKSHIM_LINGERS", "1");
        assert_eq!(succeeds(&mut command).stdout(), expected, "{level:?}");
    }
}
