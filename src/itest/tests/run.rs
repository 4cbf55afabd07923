//! `sockshim run`, as far as it needs no enforcement: the program that it starts behaves as it does natively, whether or
//! not a parent stays, and what goes wrong is said with the right exit code.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, command, run, shim};

#[path = "cli/binary.rs"]
mod binary;
#[path = "run/errors.rs"]
mod errors;
#[path = "run/inherited.rs"]
mod inherited;
#[path = "run/library.rs"]
mod library;
#[path = "run/modules.rs"]
mod modules;
#[path = "run/report.rs"]
mod report;
#[path = "run/signals.rs"]
mod signals;
#[path = "run/terminal.rs"]
mod terminal;

use binary::sockshim;

const DEADLINE: Duration = Duration::from_secs(60);

/// Who is there beside the program.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Mode {
    /// Not even sockshim: the program runs natively.
    Native,
    /// Nobody: sockshim becomes the program.
    Exec,
    /// A parent, because there is a report.
    Parent,
    /// A parent that shows what the program does, in a file.
    Trace,
}

const BOTH: [Mode; 2] = [Mode::Exec, Mode::Parent];
const ALL: [Mode; 3] = [Mode::Exec, Mode::Parent, Mode::Trace];

impl Mode {
    /// The command line for a program.
    fn command<W: AsRef<OsStr>>(self, scratch: &Scratch, words: &[W]) -> Command {
        let (program, arguments) = words.split_first().expect("a program");
        if self == Mode::Native {
            let mut native = command(RunLevel::Native, None, program);
            native.args(arguments);
            return native;
        }
        let mut sockshim = sockshim_run();
        match self {
            Mode::Parent => {
                sockshim.arg("--report").arg(report_path(scratch));
            }
            Mode::Trace => {
                sockshim = command(RunLevel::Native, None, binary::sockshim());
                sockshim.env("SOCKSHIM_LIB", shim()).args(["trace", "-o"]).arg(scratch.path().join("trace"));
            }
            _ => {}
        }
        sockshim.arg("--").args(words);
        sockshim
    }

    fn run<W: AsRef<OsStr>>(self, words: &[W]) -> Output {
        run(&mut self.command(&Scratch::new(), words), b"", DEADLINE)
    }
}

/// `sockshim run`, without options.
fn sockshim_run() -> Command {
    let mut sockshim = command(RunLevel::Native, None, sockshim());
    sockshim.env("SOCKSHIM_LIB", shim()).arg("run");
    sockshim
}

fn report_path(scratch: &Scratch) -> PathBuf {
    scratch.path().join("report.json")
}

/// The result of `sockshim run` with these arguments.
fn call<W: AsRef<OsStr>>(args: &[W]) -> Output {
    run(sockshim_run().args(args), b"", DEADLINE)
}

/// A shell command.
fn sh(commands: &str) -> [&str; 3] {
    ["sh", "-c", commands]
}

#[test]
fn every_exit_code_is_the_programs() {
    for mode in ALL {
        for code in 0..=255 {
            let output = mode.run(&sh(&format!("exit {code}")));
            assert_eq!((output.status.code(), output.stderr().as_str()), (Some(code), ""), "{mode:?}");
        }
    }
}

#[test]
fn a_program_that_a_signal_ends_seems_to_end_so() {
    // Real-time signals begin behind those that libc keeps for itself.
    for signal in (1..=31).chain([34, 50, 64]).filter(|signal| !stops(*signal)) {
        let words = sh(&format!("ulimit -c 0; kill -{signal} $$; exit 9")).map(String::from);
        let native = Mode::Native.run(&words).status;
        for mode in ALL {
            let status = mode.run(&words).status;
            assert_eq!(
                (status.signal(), status.code()),
                (native.signal(), native.code()),
                "{mode:?} {signal}"
            );
        }
    }
}

fn stops(signal: i32) -> bool {
    matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU)
}

#[test]
fn streams_are_the_programs() {
    let scratch = Scratch::new();
    for mode in ALL {
        let mut command = mode.command(&scratch, &sh("cat; echo problem >&2"));
        let output = run(&mut command, b"in\0put", DEADLINE);
        assert_eq!((output.stdout.as_slice(), output.stderr().as_str()), (&b"in\0put"[..], "problem\n"));
    }
}

#[test]
fn arguments_arrive_as_they_are() {
    use std::os::unix::ffi::OsStrExt;
    let odd = [&b"printf"[..], b"%s|", b"", b"--", b"--report", b"a b", b"\xff", b"-h"];
    for mode in ALL {
        let output = mode.run(&odd.map(OsStr::from_bytes));
        assert_eq!(output.stdout.as_slice(), b"|--|--report|a b|\xff|-h|", "{output:?}");
    }
    // Without `--` too: the program's name ends the options.
    let output = call(&["printf", "%s|", "--strict", "--"]);
    assert_eq!(output.stdout(), "--strict|--|");
}

#[test]
fn a_file_of_commands_runs_in_a_shell() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let script = scratch.write("commands", "echo \"$# $1\"; exit 3\n");
    set_permissions(&script, Permissions::from_mode(0o755)).expect("our own file");
    for mode in ALL {
        let output = mode.run(&[script.as_os_str(), OsStr::new("one"), OsStr::new("two")]);
        let found = (output.status.code(), output.stdout(), output.stderr());
        assert_eq!(found, (Some(3), "2 one\n".into(), "".into()), "{mode:?}");
    }
}

#[test]
fn programs_are_looked_for_as_by_a_shell() {
    let scratch = Scratch::new();
    let copy = scratch.path().join("here");
    std::fs::copy("/bin/true", &copy).expect("a copy of true");
    let found = |path: &str, name: &str| {
        let mut command = sockshim_run();
        command.args(["--", name]).env("PATH", path).current_dir(scratch.path());
        run(&mut command, b"", DEADLINE).status.code()
    };
    let directory = scratch.path().to_str().expect("a path in UTF-8");
    assert_eq!(found(&format!("/no/such/directory:{directory}"), "here"), Some(0));
    assert_eq!(found("/bin:", "here"), Some(0), "an empty entry is the current directory");
    assert_eq!(found("/bin", "./here"), Some(0));
    assert_eq!(found("/bin", "here"), Some(127));
}
