//! Where the writer writes: a file, a socket, or what was stderr when the process began.
//!
//! The descriptor is in the writer's own table, where the program can neither see nor close it.
//!
//! | file | what |
//! |---|---|
//! | [`destination`] | what `SOCKSHIM_LOG_FILE` names, and how it is opened |
//! | [`failure`] | what is said of a log that cannot be written, to whom, and how often |

mod destination;
mod failure;

pub use destination::{is_relative, settled};
pub use failure::share_with_children;

use crate::log::settings::Settings;
use crate::log::writer::control::progressed;
use crate::sys;
use destination::{Destination, Medium, Opened};

/// How often a log that is not there is looked for, and one that is there looked after, in nanoseconds.
const LOOK: u64 = 100_000_000;
/// How long a reader may be late, in steps of [`STEP`] nanoseconds.
const PATIENCE: u32 = 500;
const STEP: i64 = 2_000_000;

/// The log.
pub struct LogFile {
    destination: Destination,
    /// What is open; nothing while the directory or the collector is not there.
    opened: Option<Opened>,
    /// When the destination was looked for last.
    looked_at: u64,
    /// Whether the last write ended inside a line.
    mid_line: bool,
}

impl LogFile {
    /// Opens the log of the process `pid`. Leaves nothing but the log in the descriptor table, which must be the caller's
    /// own. `None` when there will be no log; what can still come is waited for.
    pub fn open(settings: &Settings, pid: i32) -> Option<LogFile> {
        let destination = Destination::of(settings, pid)?;
        let opened = match destination.open() {
            Ok(opened) => {
                failure::went_well();
                Some(opened)
            }
            Err(errno) => {
                failure::say_open(settings, &destination, errno);
                if !destination.may_come(errno) {
                    return None;
                }
                None
            }
        };
        if !destination.is_stderr() {
            sys::close(libc::STDERR_FILENO);
        }
        Some(LogFile { destination, opened, looked_at: sys::monotonic(), mid_line: false })
    }

    /// Writes whole lines. `false` when they are lost.
    pub fn write(&mut self, lines: &[u8], settings: &Settings) -> bool {
        self.look_after();
        let Some(opened) = self.opened else { return false };
        let result = match opened.medium {
            Medium::File | Medium::Stream => self.write_pieces(opened, lines, lines.len()),
            // What is longer may be mixed with what other processes write.
            Medium::Pipe => self.write_pieces(opened, lines, libc::PIPE_BUF),
            Medium::Datagrams => lines.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| {
                // A datagram has no need of an end.
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                patiently(|| sys::send(opened.fd, line)).map(|_| progressed())
            }),
        };
        if let Err(errno) = result {
            match opened.medium {
                Medium::Stream | Medium::Datagrams => self.give_up(opened),
                Medium::File | Medium::Pipe => failure::say_write(settings, &self.destination, errno),
            }
        }
        result.is_ok()
    }

    /// Writes lines in pieces of at most `most` bytes, which end where a line does.
    fn write_pieces(&mut self, opened: Opened, mut lines: &[u8], most: usize) -> sys::Result<()> {
        let put = |bytes: &[u8]| match opened.medium {
            Medium::Stream => sys::send(opened.fd, bytes),
            _ => sys::write(opened.fd, bytes),
        };
        if self.mid_line && !lines.is_empty() {
            // The rest of an earlier line was lost; this ends what there is of it.
            self.mid_line = put(b"\n") != Ok(1);
        }
        while !lines.is_empty() {
            let piece = &lines[..lines.len().min(most)];
            let end = if piece.len() == lines.len() {
                piece.len()
            } else {
                piece.iter().rposition(|byte| *byte == b'\n').map_or(piece.len(), |at| at + 1)
            };
            let count = patiently(|| put(&piece[..end]))?;
            progressed();
            self.mid_line = lines[count - 1] != b'\n';
            lines = &lines[count..];
        }
        Ok(())
    }

    /// Looks now and then whether the log is still where it is to be: a file may have been renamed or removed, and what was
    /// not there may have come.
    fn look_after(&mut self) {
        let now = sys::monotonic();
        if now.saturating_sub(self.looked_at) < LOOK {
            return;
        }
        self.looked_at = now;
        match self.opened {
            Some(opened) if opened.medium == Medium::File && !self.destination.is(opened) => {
                // Where it cannot be opened, the file that was renamed goes on.
                if let Ok(other) = self.destination.open() {
                    sys::close(opened.fd);
                    self.opened = Some(other);
                }
            }
            Some(_) => {}
            None => {
                self.opened = self.destination.open().ok();
                self.mid_line = false;
            }
        }
    }

    /// The collector is gone; another one may come.
    fn give_up(&mut self, opened: Opened) {
        sys::close(opened.fd);
        self.opened = None;
    }
}

/// Writes as far as the reader lets it, who may be slow: somebody has made the terminal or the pipe non-blocking, or a
/// collector is busy.
fn patiently(mut put: impl FnMut() -> sys::Result<usize>) -> sys::Result<usize> {
    let mut patience = PATIENCE;
    loop {
        match put() {
            Ok(0) => return Err(0),
            Err(libc::EINTR) => {}
            Err(libc::EAGAIN | libc::ENOBUFS) if patience > 0 => {
                patience -= 1;
                sys::sleep(STEP);
            }
            answer => return answer,
        }
    }
}
