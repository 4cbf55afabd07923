//! What `SOCKSHIM_LOG_FILE` names.
//!
//! | value | the log |
//! |---|---|
//! | none | what was stderr when the process began |
//! | a path | that file, or that pipe; `%p` stands for the process, `%n` for its pid namespace |
//! | `unix:PATH`, `unix:@NAME` | the socket of a collector: a datagram for each line, or a stream of lines |
//!
//! A relative path is one in the directory where the program was started, wherever it or a child goes later.

use crate::log::settings::Settings;
use crate::sys;
use core::ffi::{CStr, c_int};
use sockshim_core::config::PATH_MAX;
use std::io::Write;

/// The value's beginning for a socket.
const UNIX: &[u8] = b"unix:";
/// Non-blocking for the open only, so that a FIFO without a reader is an error and not a wait.
const O_FLAGS: c_int =
    libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;
/// The mode of a new file.
const MODE: c_int = 0o644;

/// Where the log is to be.
pub struct Destination {
    /// The path with its placeholders replaced, or the socket's; nothing for stderr.
    path: Option<Box<CStr>>,
    is_socket: bool,
}

/// What kind of thing is open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A file, or a terminal.
    File,
    /// A pipe.
    Pipe,
    /// A socket that takes lines one after the other.
    Stream,
    /// A socket that takes a line at a time.
    Datagrams,
}

/// An open log.
#[derive(Clone, Copy)]
pub struct Opened {
    /// The descriptor.
    pub fd: c_int,
    /// What it is.
    pub medium: Medium,
}

/// The value of `SOCKSHIM_LOG_FILE` with the directory that a relative path is in; `None` where nothing has to be changed, or
/// the directory has no name.
pub fn settled(value: &[u8]) -> Option<Vec<u8>> {
    if !is_relative(value) {
        return None;
    }
    let (prefix, path) = parts(value);
    let mut directory = [0; PATH_MAX];
    let length = sys::current_directory(&mut directory).ok().filter(|_| directory[0] == b'/')?;
    // Without its terminator.
    Some([prefix, &directory[..length - 1], b"/", path].concat())
}

/// Whether what the value means depends on the directory.
pub fn is_relative(value: &[u8]) -> bool {
    let (prefix, path) = parts(value);
    !(path.starts_with(b"/") || path.is_empty() || (!prefix.is_empty() && path.starts_with(b"@")))
}

/// What says that it is a socket, if it is one, and the path.
fn parts(value: &[u8]) -> (&[u8], &[u8]) {
    value.split_at(if value.starts_with(UNIX) { UNIX.len() } else { 0 })
}

impl Destination {
    /// The destination of the process `pid`. `None` when it was stderr and stderr is something else by now.
    pub fn of(settings: &Settings, pid: i32) -> Option<Destination> {
        let Some(value) = settings.file else {
            let now = sys::fstat(libc::STDERR_FILENO).ok()?;
            // A stderr that was redirected is one still. A socket may be anything.
            let is_stderr = settings.stderr.is_some_and(|then| now == then || !now.is_socket);
            return is_stderr.then_some(Destination { path: None, is_socket: false });
        };
        let (prefix, path) = parts(value);
        Some(Destination { path: Some(expand(path, pid)), is_socket: !prefix.is_empty() })
    }

    /// Whether it is stderr.
    pub fn is_stderr(&self) -> bool {
        self.path.is_none()
    }

    /// Its name, for a person.
    pub fn name(&self) -> &[u8] {
        self.path.as_ref().map_or(b"", |path| path.to_bytes())
    }

    /// Opens it.
    pub fn open(&self) -> sys::Result<Opened> {
        match &self.path {
            None => opened(libc::STDERR_FILENO),
            Some(path) if self.is_socket => {
                let stream = |errno| {
                    if errno != libc::EPROTOTYPE {
                        return Err(errno);
                    }
                    sys::connect_unix(path.to_bytes(), libc::SOCK_STREAM).map(|fd| (fd, Medium::Stream))
                };
                let datagrams = sys::connect_unix(path.to_bytes(), libc::SOCK_DGRAM);
                let connected = datagrams.map(|fd| (fd, Medium::Datagrams)).or_else(stream);
                connected.map(|(fd, medium)| Opened { fd, medium })
            }
            Some(path) => sys::open(path, O_FLAGS, MODE).and_then(opened),
        }
    }

    /// Whether what is open is what the path names now.
    pub fn is(&self, opened: Opened) -> bool {
        let Some(path) = &self.path else { return true };
        let (there, open) = (sys::stat_at(libc::AT_FDCWD, path, 0), sys::fstat(opened.fd));
        match (there, open) {
            (Ok(there), Ok(open)) => open.is_at(there.device, there.inode),
            (Err(errno), _) => errno != libc::ENOENT,
            // It cannot be told.
            _ => true,
        }
    }

    /// Whether it may come after it could not be opened for this reason: a directory may be made, a collector begin.
    pub fn may_come(&self, errno: c_int) -> bool {
        errno == libc::ENOENT || (self.is_socket && errno == libc::ECONNREFUSED)
    }

    /// Whether it is a file that another user has begun to write.
    pub fn is_anothers(&self) -> bool {
        let Some(path) = &self.path else { return false };
        sys::stat_at(libc::AT_FDCWD, path, 0).is_ok_and(|stat| stat.size > 0 && stat.uid != sys::resuid()[1])
    }
}

fn opened(fd: c_int) -> sys::Result<Opened> {
    let medium = match sys::fstat(fd)? {
        file if file.is_pipe => Medium::Pipe,
        _ => Medium::File,
    };
    Ok(Opened { fd, medium })
}

/// The path as a C string. One that is too long is refused where it is opened.
fn expand(value: &[u8], pid: i32) -> Box<CStr> {
    let mut path = Vec::with_capacity(value.len() + 32);
    let mut rest = value;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        // Writing to memory does not fail.
        match (byte, tail.first()) {
            (b'%', Some(b'p')) => {
                let _ = write!(path, "{pid}");
                rest = &tail[1..];
            }
            (b'%', Some(b'n')) => {
                let _ = write!(path, "{}", sys::pid_namespace());
                rest = &tail[1..];
            }
            _ => path.push(*byte),
        }
    }
    path.push(0);
    CStr::from_bytes_until_nul(&path).map(Box::from).unwrap_or_default()
}
