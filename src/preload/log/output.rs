//! Where the writer writes: a file, or what was stderr when the process began.
//!
//! The descriptor is in the writer's own table, where the program can neither see nor close it.
//!
//! # Safety
//! The one pointer here is null or a page that stays mapped.

use crate::log::message::Text;
use crate::log::settings::Settings;
use crate::sys;
use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use sockshim_core::config::PATH_MAX;
use sockshim_core::errno::Errno;
use sockshim_core::trace::escape::Lossy;
use std::io::Write;

/// An open log.
pub struct Output {
    fd: c_int,
    /// Whether the last write ended inside a line.
    mid_line: bool,
}

/// Whether a failure was said already, by this process or by a relative: the flag is in memory that children of fork
/// share.
static SAID: AtomicPtr<AtomicBool> = AtomicPtr::new(core::ptr::null_mut());

/// Makes the flag that is shared with all children. Without it each process says its own failure.
pub fn share_with_children() {
    if SAID.load(Ordering::Acquire).is_null() {
        SAID.store(sys::mmap_shared(4096).map_or(core::ptr::null_mut(), <*mut u8>::cast), Ordering::Release);
    }
}

/// Whether a failure may be said now; true once.
fn may_say() -> bool {
    // SAFETY: the pointer is null or a zeroed page that is never unmapped; zero is `false`.
    let said = unsafe { SAID.load(Ordering::Acquire).as_ref() };
    said.is_none_or(|said| !said.swap(true, Ordering::AcqRel))
}

const O_FLAGS: c_int =
    libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;

impl Output {
    /// Opens the log's file with `%p` replaced by `pid`, or takes stderr. Leaves nothing but the log in the descriptor
    /// table, which must be the caller's own. A failure is said on stderr.
    pub fn open(settings: &Settings, pid: i32) -> Option<Output> {
        let stderr = sys::fstat(libc::STDERR_FILENO).ok();
        let fd = match settings.file {
            // A stderr that was redirected is one still. A socket may be anything.
            None if stderr
                .is_some_and(|now| settings.stderr.is_some_and(|then| now == then || !now.is_socket)) =>
            {
                libc::STDERR_FILENO
            }
            None => return None,
            Some(file) => {
                let mut buffer = [0; PATH_MAX];
                let path = expand(file, pid, &mut buffer);
                // Non-blocking for the open only, so that a FIFO without a reader is an error and not a wait.
                match path.ok_or(libc::ENAMETOOLONG).and_then(|path| sys::open(path, O_FLAGS, 0o666)) {
                    Ok(fd) => {
                        sys::close(libc::STDERR_FILENO);
                        fd
                    }
                    Err(errno) => {
                        if stderr == settings.stderr && may_say() {
                            say(libc::STDERR_FILENO, "open the log", path.map_or(b"", CStr::to_bytes), errno);
                        }
                        return None;
                    }
                }
            }
        };
        Some(Output { fd, mid_line: false })
    }

    /// Writes whole lines. `false` when they are lost.
    pub fn write(&mut self, mut lines: &[u8], settings: &Settings, pid: i32) -> bool {
        if self.mid_line && !lines.is_empty() {
            // The rest of an earlier line was lost; this ends what there is of it.
            self.mid_line = sys::write(self.fd, b"\n") != Ok(1);
        }
        let mut patience = 500;
        while !lines.is_empty() {
            match sys::write(self.fd, lines) {
                Ok(count @ 1..) => {
                    lines = &lines[count..];
                    self.mid_line = !lines.is_empty();
                }
                Err(libc::EINTR) => {}
                Err(libc::EAGAIN) if patience > 0 => {
                    // Somebody has made the terminal or the pipe non-blocking, and its reader is slow.
                    patience -= 1;
                    sys::sleep(2_000_000);
                }
                failed => {
                    say_to_program(settings, pid, failed.err().unwrap_or(0));
                    return false;
                }
            }
        }
        true
    }
}

/// The path as a C string; `None` when it is too long.
fn expand<'a>(file: &[u8], pid: i32, buffer: &'a mut [u8; PATH_MAX]) -> Option<&'a CStr> {
    let mut out = &mut buffer[..];
    let mut rest = file;
    while let Some((byte, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(b"%p") {
            write!(out, "{pid}").ok()?;
            rest = tail;
        } else {
            out.write_all(&[*byte]).ok()?;
            rest = tail;
        }
    }
    out.write_all(b"\0").ok()?;
    CStr::from_bytes_until_nul(buffer).ok()
}

/// One line about a failure.
fn say(fd: c_int, what: &str, path: &[u8], errno: c_int) {
    let mut line = Text::new();
    let path = &path[..path.len().min(128)];
    let name = Errno(errno).name().unwrap_or("an error");
    // A `Text` takes everything and cuts what is too long.
    let _ = writeln!(line, "sockshim: cannot {what} {}: {name}; the program runs on without it", Lossy(path));
    // A program without a stderr is not told.
    let _ = sys::write(fd, line.bytes());
}

/// The same to the program's stderr, which the writer's own table does not have, if it still is what it was.
fn say_to_program(settings: &Settings, pid: i32, errno: c_int) {
    let Some(file) = settings.file else { return };
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;
    let Ok(fd) = sys::open(c"/proc/self/fd/2", flags, 0) else { return };
    if sys::fstat(fd).ok() == settings.stderr && may_say() {
        let mut buffer = [0; PATH_MAX];
        let path = expand(file, pid, &mut buffer).map_or(&b""[..], CStr::to_bytes);
        say(fd, "write the log", path, errno);
    }
    sys::close(fd);
}
