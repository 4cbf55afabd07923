//! Whatever is wrong with the shim's own variables and files, the program runs as if nothing had happened. The first
//! problem is reported once, if that is possible.
#![expect(
    clippy::disallowed_methods,
    reason = "no hook is linked into a test, so libc's functions are libc's"
)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, by_call, cc, command, events, run, shim};

const DEADLINE: Duration = Duration::from_secs(60);

/// Enough for a log of several hundred kilobytes.
const MANY_ROUNDS: &str = "300";

fn chat(level: RunLevel, rounds: &str) -> Command {
    let mut command = command(level, None, cc("stress/chat.c", &[]));
    command.arg(rounds);
    command
}

/// Runs the conversation natively and at level `io`, both in the same `surroundings`, the second run with `variables`
/// too, and asserts that both had the same result. The caller checks stderr.
fn survives(rounds: &str, variables: &[(&str, &OsStr)], surroundings: impl Fn(&mut Command)) -> Output {
    let run_in = |mut command: Command| {
        surroundings(&mut command);
        run(&mut command, b"", DEADLINE)
    };
    let native = run_in(chat(RunLevel::Native, rounds));
    assert_eq!(native.status.code(), Some(7), "{native:?}");
    assert!(native.stdout().ends_with("rounds, then 0 bytes\n") && native.stderr.is_empty(), "{native:?}");

    let mut command = chat(RunLevel::Io, rounds);
    command.envs(variables.iter().copied());
    let output = run_in(command);
    assert!(!output.timed_out, "{output:?}");
    assert_eq!((output.status, output.stdout()), (native.status, native.stdout()), "{}", output.stderr());
    output
}

fn alone(_: &mut Command) {}

/// Asserts that stderr has one line, which is the shim's complaint.
fn assert_complains_once(output: &Output) {
    let stderr = output.stderr();
    assert!(stderr.starts_with("sockshim: ") && stderr.ends_with('\n'), "{stderr:?}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

fn assert_log_file_is_refused(path: &OsStr, rounds: &str) {
    let output = survives(rounds, &[("SOCKSHIM_LOG_FILE", path)], alone);
    assert_complains_once(&output);
}

/// Asserts that a variable's bad value is reported once: in the log, or on stderr.
fn assert_value_is_said_once(variable: &str, value: &str) {
    let scratch = Scratch::new();
    let file = scratch.path().join("log.jsonl");
    let variables = [("SOCKSHIM_LOG_FILE", file.as_os_str()), (variable, OsStr::new(value))];
    let output = survives("3", &variables, alone);
    let log = fs::read_to_string(&file).unwrap_or_default();
    let both = output.stderr() + &log;
    let said: Vec<&str> = both.lines().filter(|line| line.contains(variable)).collect();
    assert_eq!(said.len(), 1, "stderr and log:\n{both}");
    assert!(said[0].contains(value), "the value is not named: {}", said[0]);
    assert!(output.stderr().lines().all(|line| line.starts_with("sockshim: ")), "{}", output.stderr());

    // Without a file the log is stderr, and the report is there.
    let output = survives("3", &[(variable, OsStr::new(value))], alone);
    let said = output.stderr().lines().filter(|line| line.contains(variable)).count();
    assert_eq!(said, 1, "{}", output.stderr());
}

/// Runs an extra step in the child before the program starts.
fn before_exec(command: &mut Command, step: impl Fn() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: every step in this file only makes system calls on descriptors and numbers, which is allowed between
    // fork and exec.
    unsafe { command.pre_exec(step) };
}

fn close_before_exec(command: &mut Command, fds: &'static [i32]) {
    before_exec(command, move || {
        for fd in fds {
            // SAFETY: the descriptor is one of the child's standard ones, and nothing uses it before exec.
            unsafe { libc::close(*fd) };
        }
        Ok(())
    });
}

#[test]
fn unknown_level() {
    assert_value_is_said_once("SOCKSHIM_LOG", "loud");
}

#[test]
fn unknown_format() {
    assert_value_is_said_once("SOCKSHIM_LOG_FORMAT", "xml");
}

#[test]
fn values_that_are_not_text() {
    let latin1 = OsStr::from_bytes(b"\xe9\xff");
    for variable in ["SOCKSHIM_LOG", "SOCKSHIM_LOG_FORMAT"] {
        let output = survives("3", &[(variable, latin1)], alone);
        let stderr = output.stderr();
        let said = stderr.lines().filter(|line| line.contains(variable)).count();
        assert_eq!(said, 1, "{stderr}");
    }
}

#[test]
fn empty_values() {
    // An empty level counts as unset.
    let output = survives("3", &[("SOCKSHIM_LOG", OsStr::new(""))], alone);
    assert!(output.stderr().lines().all(|line| line.starts_with("sockshim: ")), "{}", output.stderr());
    assert!(output.stderr().lines().count() <= 1, "{}", output.stderr());

    // An empty format is the default one, and an empty file means stderr, so the log must appear there.
    for variable in ["SOCKSHIM_LOG_FORMAT", "SOCKSHIM_LOG_FILE"] {
        let output = survives("3", &[(variable, OsStr::new(""))], alone);
        assert_ne!(output.stderr(), "", "{variable}");
    }
}

#[test]
fn missing_directory() {
    let scratch = Scratch::new();
    assert_log_file_is_refused(scratch.path().join("missing/log").as_os_str(), "3");
    assert_eq!(fs::read_dir(scratch.path()).expect("the scratch directory").count(), 0);
}

#[test]
fn directory_as_log_file() {
    let scratch = Scratch::new();
    assert_log_file_is_refused(scratch.path().as_os_str(), "3");
}

#[test]
fn too_long_a_path() {
    let mut path = OsString::from("/tmp/");
    path.push("x".repeat(5000));
    assert_log_file_is_refused(&path, "3");
    // Short in the variable, but too long after the pids are inserted.
    assert_log_file_is_refused(OsStr::new(&format!("/{}", "%p".repeat(2000))), "3");
}

#[test]
fn path_that_is_not_text() {
    let scratch = Scratch::new();
    let path = scratch.path().join(OsStr::from_bytes(b"\xe9\xff.jsonl"));
    let output = survives("3", &[("SOCKSHIM_LOG_FILE", path.as_os_str())], alone);
    assert_eq!(output.stderr(), "");
    assert_eq!(by_call(&events(scratch.path()), "connect").len(), 1);
}

#[test]
fn full_device() {
    assert_log_file_is_refused(OsStr::new("/dev/full"), "3");
    assert_log_file_is_refused(OsStr::new("/dev/full"), MANY_ROUNDS);
}

#[test]
fn read_only_file_of_another_user() {
    let scratch = Scratch::new();
    let file = scratch.write("log.jsonl", "");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("changing a mode");
    // Copies, because other users may have no access to the workspace.
    let [library, program] =
        [(shim(), "shim.so"), (cc("stress/chat.c", &[]).as_path(), "chat")].map(|(from, name)| {
            let copy = scratch.path().join(name);
            fs::copy(from, &copy).expect("copying a file");
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("changing a mode");
            copy
        });
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).expect("changing a mode");

    let mut command = command(RunLevel::Io, None, program);
    command.arg("3").env("LD_PRELOAD", library).env("SOCKSHIM_LOG_FILE", &file);
    // SAFETY: geteuid() has no preconditions.
    if unsafe { libc::geteuid() } == 0 {
        command.uid(65534).gid(65534); // Root may write to read-only files.
    }
    let output = run(&mut command, b"", DEADLINE);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(output.stdout(), "child 5\n3 rounds, then 0 bytes\n");
    assert_complains_once(&output);
    assert_eq!(fs::read(&file).expect("the file"), b"");
}

fn make_fifo(scratch: &Scratch) -> std::path::PathBuf {
    let path = scratch.path().join("fifo");
    let name = std::ffi::CString::new(path.as_os_str().as_bytes()).expect("a path without NUL");
    // SAFETY: the name is a NUL-terminated string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0, "{}", io::Error::last_os_error());
    path
}

#[test]
fn fifo_without_a_reader() {
    let scratch = Scratch::new();
    assert_log_file_is_refused(make_fifo(&scratch).as_os_str(), "3");
}

#[test]
fn fifo_whose_reader_goes_away() {
    let scratch = Scratch::new();
    let path = make_fifo(&scratch);
    let mut reader = open_without_waiting(&path);
    let reading = std::thread::spawn(move || {
        // The reader closes the pipe after the first bytes, or at the deadline if none come.
        let mut first = [0; 64];
        for _ in 0..DEADLINE.as_millis() / 5 {
            match reader.read(&mut first) {
                Ok(1..) => return true,
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        false
    });
    let output = survives(MANY_ROUNDS, &[("SOCKSHIM_LOG_FILE", path.as_os_str())], alone);
    assert!(reading.join().expect("the reader"), "nothing came through the FIFO");
    assert_complains_once(&output);
}

fn open_without_waiting(path: &Path) -> fs::File {
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    options.open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn stderr_whose_reader_is_gone() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = survives(MANY_ROUNDS, &[], |command| {
        let writer = writer.as_raw_fd();
        // SAFETY: the pipe outlives the closure's one use, and dup2 touches only the child's descriptors.
        before_exec(command, move || match unsafe { libc::dup2(writer, 2) } {
            2 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    });
    assert_eq!(output.stderr(), "");
}

/// The numbers of the closed descriptors are reused by the program's sockets, and the conversation fails when anybody
/// else writes to them.
#[test]
fn closed_standard_descriptors() {
    let scratch = Scratch::new();
    let missing = scratch.path().join("missing/log");
    let good = scratch.path().join("log.jsonl");
    let log_files = [None, Some(missing.as_os_str()), Some(OsStr::new("/dev/full")), Some(good.as_os_str())];
    for fds in [&[2][..], &[0, 2]] {
        for file in log_files {
            for level in ["io", "loud"] {
                let mut variables = vec![("SOCKSHIM_LOG", OsStr::new(level))];
                variables.extend(file.map(|file| ("SOCKSHIM_LOG_FILE", file)));
                let output = survives("20", &variables, |command| close_before_exec(command, fds));
                assert_eq!(output.stderr(), "", "{fds:?} {file:?} {level}");
            }
        }
    }
    assert!(!by_call(&events(scratch.path()), "send").is_empty(), "the good log file has the conversation");
}

#[test]
fn limit_on_the_size_of_files() {
    let scratch = Scratch::new();
    let file = scratch.path().join("log.jsonl");
    let output = survives(MANY_ROUNDS, &[("SOCKSHIM_LOG_FILE", file.as_os_str())], |command| {
        before_exec(command, || {
            let limit = libc::rlimit { rlim_cur: 8192, rlim_max: 8192 };
            // SAFETY: one valid rlimit.
            match unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        });
    });
    assert_complains_once(&output);
    let written = fs::metadata(&file).expect("the log").len();
    assert!((1..=8192).contains(&written), "{written} bytes");
}

#[test]
fn full_file_system() {
    let scratch = Scratch::new();
    let mut namespace = Command::new("unshare");
    namespace.arg("--mount");
    // SAFETY: geteuid() has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        namespace.arg("--map-root-user");
    }
    // The variables are set after the mount, so that unshare, sh and mount run without the shim.
    let script = r#"mount -t tmpfs -o size=64k tmpfs "$0" && exec env "$@""#;
    namespace.args(["sh", "-c", script]).arg(scratch.path()).env_remove("LD_PRELOAD");

    let native = run(namespace.arg("true"), b"", DEADLINE);
    if !native.status.success() {
        // Not println: the output of a passed test is not shown.
        let _ =
            writeln!(io::stderr(), "skipped full_file_system: no private mount here: {}", native.stderr());
        return;
    }
    let mut args: Vec<OsString> = namespace.get_args().map(OsString::from).collect();
    args.pop();
    let chat = chat(RunLevel::Io, MANY_ROUNDS);
    for (name, value) in chat.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        let mut assignment = name.to_os_string();
        assignment.push("=");
        assignment.push(value);
        args.push(assignment);
    }
    let mut file = OsString::from("SOCKSHIM_LOG_FILE=");
    file.push(scratch.path().join("log"));
    args.extend([file, chat.get_program().to_os_string(), MANY_ROUNDS.into()]);
    let output = run(Command::new("unshare").args(args).env_remove("LD_PRELOAD"), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(output.stdout(), format!("child 5\n{MANY_ROUNDS} rounds, then 0 bytes\n"));
    assert_complains_once(&output);
}
