//! Programs that a test talks to.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::group::Group;
use crate::run::Output;

/// A running server in a process group of its own, killed on drop.
#[derive(Debug)]
pub struct Server {
    group: Group,
    /// How many bytes of stdout belong to lines that were already returned.
    read: usize,
}

impl Server {
    /// Starts the program, with an empty stdin.
    pub fn start(command: &mut Command) -> Self {
        Self { group: Group::spawn(command, b""), read: 0 }
    }

    /// The program's pid.
    pub fn pid(&self) -> u32 {
        self.group.pid()
    }

    /// The next line of stdout that contains `text`, without its newline. Earlier lines are skipped. Panics with
    /// everything that the server has written when no such line comes before the deadline.
    pub fn wait_line(&mut self, text: &str, deadline: Duration) -> String {
        let read = &mut self.read;
        let line = self.group.stdout.wait(Instant::now() + deadline, |bytes, _| {
            while let Some(length) = bytes[*read..].iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&bytes[*read..*read + length]);
                *read += length + 1;
                if line.contains(text) {
                    return Some(line.into_owned());
                }
            }
            None
        });
        line.unwrap_or_else(|| {
            panic!(
                "the server did not print {text:?}\nstdout: {}\nstderr: {}",
                self.stdout_so_far(),
                self.stderr_so_far()
            )
        })
    }

    /// The port from the line `listening on 127.0.0.1:PORT`.
    pub fn wait_port(&mut self, deadline: Duration) -> u16 {
        let line = self.wait_line("listening on ", deadline);
        let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
        port.unwrap_or_else(|| panic!("no port in {line:?}"))
    }

    /// Sends a signal to the server.
    pub fn signal(&self, signal: i32) {
        self.group.signal(signal);
    }

    /// Sends SIGTERM and waits for the end. After the deadline the server is killed, and the output says so.
    pub fn stop(self, deadline: Duration) -> Output {
        self.signal(libc::SIGTERM);
        self.join(deadline)
    }

    /// Waits until the server ends by itself. After the deadline it is killed, and the output says so.
    pub fn join(mut self, deadline: Duration) -> Output {
        let (ended, status) = self.group.finish(Instant::now() + deadline);
        let (stdout, stderr) = self.group.output();
        Output { status, stdout, stderr, timed_out: !ended }
    }

    /// What the server has written to stdout so far.
    pub fn stdout_so_far(&self) -> String {
        self.group.stdout.so_far()
    }

    /// What the server has written to stderr so far.
    pub fn stderr_so_far(&self) -> String {
        self.group.stderr.so_far()
    }
}
