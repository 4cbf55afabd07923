//! Processes that the tests observe from outside.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::session::DEADLINE;

/// Polls until the condition holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The pids of a process's children, sorted. Zombies count, because their parent has not reaped them yet.
pub fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut children: Vec<u32> = pids.filter(|pid| parent_of(*pid) == Some(parent)).collect();
    children.sort_unstable();
    children
}

/// The effective user of a process.
pub fn user_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process exists and has not ended. One that nobody reaps stays a zombie.
pub fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| !fields.starts_with('Z'))
}

/// Sends a signal to one process.
pub fn signal(pid: u32, signal: i32) {
    // SAFETY: kill() reads no memory.
    unsafe { libc::kill(pid as i32, signal) };
}

/// Asserts that the test runs as root.
pub fn must_be_root(why: &str) {
    // SAFETY: geteuid() takes nothing and cannot fail.
    assert_eq!(unsafe { libc::geteuid() }, 0, "this test has to run as root: {why}");
}

fn parent_of(pid: u32) -> Option<u32> {
    stat(pid)?.split_whitespace().nth(1)?.parse().ok()
}

/// The fields of a process's `stat` after its name, beginning with the state.
fn stat(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may itself contain parentheses.
    Some(stat.rsplit_once(") ")?.1.to_string())
}

/// Runs a command that leaves a daemon behind. It gets no process group of its own: the harness kills a group when
/// its first process ends, and the daemon may not have left it by then.
pub fn launch(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let deadline = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait().expect("waiting for our own child") {
            Some(status) => break status,
            None if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            None => drop(child.kill()),
        }
    };
    assert!(status.success(), "{command:?}: {status}");
}

/// A daemon, which has left the test's process group. Killed on drop, with its own group.
pub struct Daemon(pub u32);

impl Drop for Daemon {
    fn drop(&mut self) {
        if runs(self.0) {
            // A daemon leads its session, and so its group.
            // SAFETY: kill() reads no memory.
            unsafe { libc::kill(-(self.0 as i32), libc::SIGKILL) };
        }
    }
}
