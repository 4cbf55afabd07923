//! A program that makes a call whenever the test says so: `c-tests/stress/steps.c`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::wait_until;

/// The running program, killed on drop.
pub struct Steps {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// How many calls it has made.
    pub count: usize,
}

impl Steps {
    /// Starts it. `command` is for the program.
    pub fn start(command: &mut Command) -> Steps {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        Steps { child, stdin, stdout, count: 0 }
    }

    /// Has it do this, make its call, and waits until it has.
    pub fn step(&mut self, word: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{word}").expect("the program reads");
        // After an exec the line that was for it is gone, and there is no answer.
        if word == "exec" {
            return;
        }
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the program answers");
        assert_eq!(line, "done\n", "after {word}");
        self.count += 1;
    }

    /// Has it make calls until it is so.
    pub fn step_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        wait_until(what, || {
            self.step("-");
            is_so()
        });
    }

    /// The program's pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it end, which has to be a success; what it wrote to stderr.
    pub fn end(mut self) -> String {
        drop(self.stdin.take());
        let status = self.child.wait().expect("the program ends");
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().expect("stderr is a pipe");
        std::io::Read::read_to_string(&mut pipe, &mut stderr).expect("UTF-8");
        assert!(status.success(), "{status}: {stderr}");
        stderr
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
