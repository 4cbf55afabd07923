//! Where the writer writes: a file, or what was stderr when the process began.
//!
//! The descriptor is in the writer's own table, where the program can neither see nor close it.

use crate::log::Line;
use crate::sys;
use core::ffi::{CStr, c_int};
use sockshim_core::config::PATH_MAX;
use sockshim_core::errno::Errno;
use sockshim_core::trace::decode::Lossy;
use std::io::Write;

/// An open log.
pub struct Output {
    fd: c_int,
    /// Whether the last write ended inside a line.
    mid_line: bool,
    /// Whether a failure was said already.
    said: bool,
}

const O_FLAGS: c_int = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;

impl Output {
    /// Opens `file` with `%p` replaced by `pid`, or takes stderr. Leaves nothing but the log in the descriptor table,
    /// which must be the caller's own. A failure is said on stderr.
    pub fn open(file: Option<&[u8]>, pid: i32) -> Option<Output> {
        let fd = match file {
            None => libc::STDERR_FILENO,
            Some(file) => {
                let mut buffer = [0; PATH_MAX];
                let path = expand(file, pid, &mut buffer)?;
                // Non-blocking for the open only, so that a FIFO without a reader is an error and not a wait.
                let fd = sys::open(path, O_FLAGS, 0o666);
                if fd < 0 {
                    say(libc::STDERR_FILENO, "open the log", path.to_bytes(), -fd);
                    return None;
                }
                sys::close(libc::STDERR_FILENO);
                fd
            }
        };
        Some(Output { fd, mid_line: false, said: false })
    }

    /// Writes whole lines. `false` when they are lost.
    pub fn write(&mut self, mut lines: &[u8], file: Option<&[u8]>, pid: i32) -> bool {
        if self.mid_line && !lines.is_empty() {
            // The rest of an earlier line was lost; this ends what there is of it.
            self.mid_line = sys::write(self.fd, b"\n") != 1;
        }
        let mut patience = 500;
        while !lines.is_empty() {
            match sys::write(self.fd, lines) {
                count @ 1.. => {
                    lines = &lines[count as usize..];
                    self.mid_line = !lines.is_empty();
                }
                error if error == -(libc::EINTR as isize) => {}
                error if error == -(libc::EAGAIN as isize) && patience > 0 => {
                    // Somebody has made the terminal or the pipe non-blocking, and its reader is slow.
                    patience -= 1;
                    let never = core::sync::atomic::AtomicU32::new(0);
                    sys::futex_wait(&never, 0, 2_000_000);
                }
                error => {
                    if !std::mem::replace(&mut self.said, true) {
                        say_to_program(file, pid, -error as c_int);
                    }
                    return false;
                }
            }
        }
        true
    }
}

/// The path as a C string.
fn expand<'a>(file: &[u8], pid: i32, buffer: &'a mut [u8; PATH_MAX]) -> Option<&'a CStr> {
    let mut out = &mut buffer[..];
    let mut rest = file;
    while let Some((byte, tail)) = rest.split_first() {
        let written = match rest.strip_prefix(b"%p") {
            Some(tail) => {
                rest = tail;
                write!(out, "{pid}")
            }
            None => {
                rest = tail;
                out.write_all(&[*byte])
            }
        };
        if written.is_err() {
            say(libc::STDERR_FILENO, "use the log's path", b"", libc::ENAMETOOLONG);
            return None;
        }
    }
    if out.write_all(b"\0").is_err() {
        say(libc::STDERR_FILENO, "use the log's path", b"", libc::ENAMETOOLONG);
        return None;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

/// One line about a failure.
fn say(fd: c_int, what: &str, path: &[u8], errno: c_int) {
    let mut line = Line::new();
    let path = &path[..path.len().min(128)];
    let name = Errno(errno).name().unwrap_or("an error");
    // A `Line` takes everything and cuts what is too long.
    let _ = writeln!(line, "sockshim: cannot {what} {}: {name}; the program runs on without it", Lossy(path));
    sys::write(fd, line.bytes());
}

/// The same to the program's stderr as it is now, which the writer's own table does not have.
fn say_to_program(file: Option<&[u8]>, pid: i32, errno: c_int) {
    if file.is_none() {
        return;
    }
    let fd = sys::open(c"/proc/self/fd/2", libc::O_WRONLY | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NONBLOCK, 0);
    if fd >= 0 {
        let mut buffer = [0; PATH_MAX];
        let path = file.and_then(|file| expand(file, pid, &mut buffer)).map_or(&b""[..], CStr::to_bytes);
        say(fd, "write the log", path, errno);
        sys::close(fd);
    }
}
