//! A run of a scenario at one level: which programs it runs, where their files are, and what it has recorded.

use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, command, run};

use crate::log::Log;

/// How long one step of a scenario may take. Only a hang reaches it.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// One run of a scenario.
pub struct Session {
    pub scratch: Scratch,
    level: RunLevel,
    logs: PathBuf,
    seen: Vec<String>,
}

impl Session {
    /// Runs the scenario natively, under the shim, and under the shim with the log of level `io`. Asserts that it
    /// records the same each time, and returns the log.
    pub fn scenario(scenario: impl Fn(&mut Session)) -> Log {
        let run = |level| {
            let mut session = Session::new(level);
            scenario(&mut session);
            session
        };
        let native = run(RunLevel::Native);
        assert!(!native.seen.is_empty(), "the scenario wrote down nothing to compare");

        let off = run(RunLevel::Off);
        assert_eq!(native.seen, off.seen, "the shim without a log changed what the programs do");
        assert_eq!(
            fs::read_dir(&off.logs).expect("the log directory").count(),
            0,
            "a log that nobody asked for"
        );

        let io = run(RunLevel::Io);
        assert_eq!(native.seen, io.seen, "the shim with a log changed what the programs do");
        Log::read(&io.logs)
    }

    fn new(level: RunLevel) -> Self {
        let scratch = Scratch::new();
        let logs = scratch.dir("logs");
        // A server that gives up root opens its log as another user.
        fs::set_permissions(&logs, Permissions::from_mode(0o1777)).expect("the log directory");
        Self { scratch, level, logs, seen: Vec::new() }
    }

    /// A program of a Debian package, prepared for this session's level.
    pub fn command(&self, program: &str, package: &str) -> Command {
        command(self.level, Some(&self.logs), installed(program, package))
    }

    /// Runs a command, which must end by itself.
    pub fn run(&self, command: &mut Command, stdin: &[u8]) -> Output {
        let output = run(command, stdin, DEADLINE);
        assert!(!output.timed_out, "{command:?} did not end\n{}{}", output.stdout(), output.stderr());
        output
    }

    /// Runs a command, which must succeed. Returns its stdout.
    pub fn succeed(&self, command: &mut Command) -> String {
        let output = self.run(command, b"");
        let (stdout, stderr) = (output.stdout(), output.stderr());
        assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
        stdout
    }

    /// Records something that must be the same at every level.
    pub fn saw(&mut self, what: impl Into<String>) {
        self.seen.push(what.into());
    }

    /// Records how a server ended, which must be by itself.
    pub fn saw_end(&mut self, server: &str, output: &Output) {
        assert!(!output.timed_out, "{server} did not end\n{}{}", output.stdout(), output.stderr());
        self.saw(format!("{server} ended: {}", ended(output.status)));
    }
}

/// An exit status without the words that `Display` adds.
pub fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.code() {
        Some(code) => format!("exit {code}"),
        None => format!("signal {}", status.signal().unwrap_or(0)),
    }
}

/// The path of a program as Debian installs it, regardless of the caller's PATH.
pub fn installed(program: &str, package: &str) -> PathBuf {
    let directories = ["/usr/bin", "/usr/sbin"].map(Path::new);
    let mut paths = directories.into_iter().map(|directory| directory.join(program));
    paths.find(|path| path.exists()).unwrap_or_else(|| {
        panic!(
            "{program} is missing. Run scripts/test.sh, or: apt-get install --no-install-recommends {package}"
        )
    })
}

/// Their number and a checksum of the bytes, as text.
pub fn checksum(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{} bytes, checksum {:016x}", bytes.len(), hasher.finish())
}

/// Bytes in which a lost, repeated or swapped block changes the checksum; the same on every call.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(&mut next).take(length.div_ceil(8)).flatten().collect();
    bytes.truncate(length);
    bytes
}
