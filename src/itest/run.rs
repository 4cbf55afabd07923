//! Programs, run natively or under the shim.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::group::Group;
use crate::shim;

/// How a program is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunLevel {
    /// Without the shim.
    Native,
    /// With the shim and without a log: what `LD_PRELOAD` alone gives.
    Off,
    /// `SOCKSHIM_LOG=decision`: calls that make sockets.
    Decision,
    /// `SOCKSHIM_LOG=call`: every control call.
    Call,
    /// `SOCKSHIM_LOG=io`: data calls too.
    Io,
}

/// Every level except [`RunLevel::Native`].
pub const ALL_SHIMMED: [RunLevel; 4] = [RunLevel::Off, RunLevel::Decision, RunLevel::Call, RunLevel::Io];

/// Prepares a program for a level. The log, if there is one, is JSON: one file per process in `log_dir`, or the
/// program's stderr. If the caller's environment preloads a library, it stays, after the shim.
pub fn command(level: RunLevel, log_dir: Option<&Path>, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_remove("LD_PRELOAD");
    // Including those that only the tests read: no program needs them.
    let ours = |name: &OsString| name.as_encoded_bytes().starts_with(b"SOCKSHIM_");
    for name in std::env::vars_os().map(|(name, _)| name).filter(ours) {
        command.env_remove(name);
    }
    let log = match level {
        RunLevel::Native => return command,
        RunLevel::Off => None,
        RunLevel::Decision => Some("decision"),
        RunLevel::Call => Some("call"),
        RunLevel::Io => Some("io"),
    };

    let mut preload = OsString::from(shim());
    if let Some(kept) = std::env::var_os("LD_PRELOAD").filter(|kept| !kept.is_empty()) {
        preload.push(":");
        preload.push(kept);
    }
    command.env("LD_PRELOAD", preload).env("SOCKSHIM_LOG_FORMAT", "json");
    if let Some(log) = log {
        command.env("SOCKSHIM_LOG", log);
    }
    if let Some(dir) = log_dir {
        command.env("SOCKSHIM_LOG_FILE", dir.join("%p.jsonl"));
    }
    command
}

/// The result of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended; after a timeout, by SIGKILL.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: Vec<u8>,
    /// Whether it was killed at the deadline.
    pub timed_out: bool,
}

impl Output {
    /// Stdout as text.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Stderr as text.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Runs a program until it ends or until the deadline, and then kills its whole process group. So processes that it
/// left in the background do not survive.
pub fn run(command: &mut Command, stdin: &[u8], deadline: Duration) -> Output {
    let until = Instant::now() + deadline;
    let mut group = Group::spawn(command, stdin);
    let (ended, status) = group.finish(until);
    let (stdout, stderr) = group.output();
    Output { status, stdout, stderr, timed_out: !ended }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(100);
    const LATE: Duration = Duration::from_secs(60);

    #[test]
    fn output_and_status_are_the_programs() {
        let mut program = Command::new("sh");
        let output = run(program.args(["-c", "cat; echo problem >&2; exit 7"]), b"in\0put", LATE);
        assert_eq!((output.stdout.as_slice(), output.stderr().as_str()), (&b"in\0put"[..], "problem\n"));
        assert_eq!((output.status.code(), output.timed_out), (Some(7), false));
    }

    #[test]
    fn deadline_kills_the_whole_group() {
        let mut program = Command::new("sh");
        let output = run(program.args(["-c", "echo $$; sleep 1000 & wait"]), b"", SOON);
        assert!(output.timed_out && output.status.code().is_none(), "{output:?}");
    }

    #[test]
    fn background_processes_do_not_survive() {
        let mut program = Command::new("sh");
        // The sleeper would keep the pipe of stdout open.
        let output = run(program.args(["-c", "sleep 1000 & echo done"]), b"", LATE);
        assert_eq!((output.stdout().as_str(), output.timed_out), ("done\n", false));
    }

    #[test]
    fn native_takes_everything_away() {
        let command = command(RunLevel::Native, Some(Path::new("/nowhere")), "program");
        assert!(command.get_envs().all(|(_, value)| value.is_none()), "{command:?}");
    }
}
