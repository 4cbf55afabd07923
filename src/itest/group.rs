//! A child process in a process group of its own, with its output collected.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long the output may stay open after the whole group is dead. It closes at once, unless a descendant left the
/// group.
const LAST_OUTPUT: Duration = Duration::from_secs(10);

/// The child and its group. Killed on drop.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    pub(crate) stdout: Collected,
    pub(crate) stderr: Collected,
    status: Option<ExitStatus>,
}

impl Group {
    /// Starts the command, writes `stdin` to it and closes it, and collects its output.
    pub(crate) fn spawn(command: &mut Command, stdin: &[u8]) -> Self {
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Collected::from(child.stdout.take().expect("stdout is a pipe"));
        let stderr = Collected::from(child.stderr.take().expect("stderr is a pipe"));
        let mut pipe = child.stdin.take().expect("stdin is a pipe");
        let stdin = stdin.to_vec();
        // On a thread, because the program may write before it reads. It need not read everything either.
        thread::spawn(move || drop(pipe.write_all(&stdin)));
        Self { child, stdout, stderr, status: None }
    }

    /// The child's pid, which is also the number of its group.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the child alone.
    pub(crate) fn signal(&self, signal: i32) {
        if self.status.is_none() {
            // SAFETY: kill() reads no memory, and the child has not been waited for, so the pid is still its own.
            unsafe { libc::kill(self.child.id() as i32, signal) };
        }
    }

    /// Waits for the child until the deadline, then kills the rest of the group. Returns whether the child had ended.
    pub(crate) fn finish(&mut self, deadline: Instant) -> (bool, ExitStatus) {
        if let Some(status) = self.status {
            return (true, status);
        }
        let ended = self.wait_unreaped(deadline);
        // The child has not been reaped, so the number still belongs to its group.
        // SAFETY: kill() reads no memory.
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        let status = self.child.wait().expect("waiting for our own child");
        self.status = Some(status);
        (ended, status)
    }

    /// What the child wrote, after [`Group::finish`].
    pub(crate) fn output(&self) -> (Vec<u8>, Vec<u8>) {
        let whole = |collected: &Collected| {
            let last = Instant::now() + LAST_OUTPUT;
            let bytes = collected.wait(last, |bytes, ended| ended.then(|| bytes.to_vec()));
            bytes.expect("a descendant of the program has left its process group and keeps its output open")
        };
        (whole(&self.stdout), whole(&self.stderr))
    }

    /// Waits for the child to end without reaping it: as long as it is a zombie, its number is not reused.
    #[expect(clippy::disallowed_methods, reason = "nothing of the test's own process is hooked")]
    fn wait_unreaped(&self, deadline: Instant) -> bool {
        // SAFETY: pidfd_open() takes two integers and returns a new descriptor or -1.
        let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, self.child.id(), 0) } as i32;
        assert!(pidfd >= 0, "pidfd_open: {}", std::io::Error::last_os_error());
        // SAFETY: the descriptor is new, and nobody else owns it.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut wanted = libc::pollfd { fd: pidfd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let timeout = i32::try_from(left.as_millis().saturating_add(1)).unwrap_or(i32::MAX);
            // SAFETY: one valid pollfd.
            match unsafe { libc::poll(&mut wanted, 1, timeout) } {
                1 => return true,
                _ if left.is_zero() => return false,
                _ => continue, // Interrupted, or woken a little early.
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.finish(Instant::now());
    }
}

/// The bytes that were read from a pipe so far.
#[derive(Debug, Clone)]
pub(crate) struct Collected(Arc<(Mutex<GroupState>, Condvar)>);

#[derive(Debug, Default)]
struct GroupState {
    bytes: Vec<u8>,
    ended: bool,
}

impl Collected {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let collected = Self(Arc::default());
        let writer = collected.clone();
        thread::spawn(move || {
            let mut buffer = [0; 65536];
            loop {
                let count = pipe.read(&mut buffer).unwrap_or(0);
                let (state, changed) = &*writer.0;
                let mut state = state.lock().expect("the lock of collected output");
                state.bytes.extend_from_slice(&buffer[..count]);
                state.ended = count == 0;
                changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        collected
    }

    /// The bytes so far, as text.
    pub(crate) fn so_far(&self) -> String {
        let state = self.0.0.lock().expect("the lock of collected output");
        String::from_utf8_lossy(&state.bytes).into_owned()
    }

    /// Waits until `found` returns something for the bytes so far. It is told whether these are all. `None` at the
    /// deadline.
    pub(crate) fn wait<T>(
        &self,
        deadline: Instant,
        mut found: impl FnMut(&[u8], bool) -> Option<T>,
    ) -> Option<T> {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("the lock of collected output");
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match found(&state.bytes, state.ended) {
                Some(value) => return Some(value),
                None if left.is_zero() || state.ended => return None,
                None => state = changed.wait_timeout(state, left).expect("the lock of collected output").0,
            }
        }
    }
}
