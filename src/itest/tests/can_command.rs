//! `sockshim can`: what it shows, sends and replays, and that can-utils say the same.

#![expect(clippy::print_stderr, clippy::disallowed_macros, reason = "what is skipped is said")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, command, run, shim};

#[path = "cli/binary.rs"]
mod binary;
#[path = "can_command/dump.rs"]
mod dump;
#[path = "can_command/errors.rs"]
mod errors;
#[path = "can_command/replay.rs"]
mod replay;
#[path = "can_command/utils.rs"]
mod utils;

const DEADLINE: Duration = Duration::from_secs(60);
/// The interfaces of each test's bus.
const INTERFACES: &str = "vcan0,vcan1,vcanclassic:mtu=16,vcanxl:mtu=2060";
/// A frame that says that a listener is there, and that no test looks at.
const MARKER: &str = "7FE#";

/// Frames of each kind but CAN XL, as the kernel gives them back.
const FRAMES: [&str; 9] = [
    "123#DEADBEEF",
    "12345678#11",
    "123#R",
    "123#R3",
    "00000123#",
    "123##5AABB",
    "12345678##4",
    "20000004#0011223344556677",
    "7FF#00",
];

/// A bus of a test's own, and its files.
struct Bus(Scratch);

impl Bus {
    fn new() -> Bus {
        let bus = Bus(Scratch::new());
        // Makes the interfaces.
        let output = bus.call(&["send", "--can", INTERFACES, "vcan0", MARKER]);
        assert!(output.status.success(), "{output:?}");
        bus
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `sockshim can`.
    fn sockshim(&self, arguments: &[&str]) -> Command {
        let mut command = command(RunLevel::Native, None, binary::sockshim());
        command.env("SOCKSHIM_LIB", shim()).env("SOCKSHIM_CAN_BUS", self.file("bus"));
        command.arg("can").args(arguments);
        command
    }

    fn call(&self, arguments: &[&str]) -> Output {
        run(&mut self.sockshim(arguments), b"", DEADLINE)
    }

    fn send(&self, interface: &str, frames: &[&str]) {
        let output = self.call(&[&["send", interface][..], frames].concat());
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }

    /// A program on the bus.
    fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = command(RunLevel::Off, None, program);
        command.env("SOCKSHIM_CAN", INTERFACES).env("SOCKSHIM_CAN_BUS", self.file("bus")).args(arguments);
        command
    }

    /// `sockshim can dump`, once it listens.
    fn dump(&self, arguments: &[&str]) -> Listener {
        Listener::start(self, &mut self.sockshim(&[&["dump"][..], arguments].concat()))
    }
}

/// A program that prints a line for each frame.
struct Listener {
    child: Child,
    lines: Receiver<String>,
}

impl Listener {
    /// Starts it, and sends frames until one is printed.
    fn start(bus: &Bus, command: &mut Command) -> Listener {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line).ok());
        });
        let listener = Listener { child, lines };
        loop {
            bus.send("vcan0", &[MARKER]);
            match listener.lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => assert!(is_marker(&line), "{line}"),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(error) => panic!("{error}: {:?}", listener.end(libc::SIGKILL)),
            }
            return listener;
        }
    }

    fn signal(&self, signal: i32) {
        // SAFETY: it is our own child.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// So many lines about other frames than the marker.
    fn take(&self, count: usize) -> Vec<String> {
        let next = || self.lines.recv_timeout(DEADLINE).expect("a line in time");
        std::iter::repeat_with(next).filter(|line| !is_marker(line)).take(count).collect()
    }

    /// The lines that are left, what it has said, and its exit code, after this signal.
    fn end(mut self, signal: i32) -> (Vec<String>, String, Option<i32>) {
        self.signal(signal);
        let lines = self.lines.iter().filter(|line| !is_marker(line)).collect();
        let status = self.child.wait().expect("our own child");
        let stderr = std::io::read_to_string(self.child.stderr.take().expect("piped"));
        (lines, stderr.expect("UTF-8"), status.code())
    }

    /// All lines, of a program that has nothing to complain about.
    fn whole(self) -> Vec<String> {
        let (lines, stderr, code) = self.end(libc::SIGINT);
        assert_eq!((stderr.as_str(), code), ("", Some(0)));
        lines
    }
}

fn is_marker(line: &str) -> bool {
    line.contains(MARKER) || line.contains(" 7FE ")
}

/// The lines of a log without their times.
fn without_times(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.split_once(") ").map_or(line.as_str(), |(_, rest)| rest)).collect()
}

/// The time of a line of a log, in microseconds.
fn micros(line: &str) -> u64 {
    let digits = line.trim_start().trim_start_matches('(').split(')').next().expect("a time");
    digits.replace('.', "").parse().expect("a number")
}

/// Whether an optional program is there. One that is not is said, because its test has tested nothing.
fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&paths).any(|path: PathBuf| Path::join(&path, program).is_file());
    if !is_there {
        eprintln!("NOT RUN: there is no {program}");
    }
    is_there
}
