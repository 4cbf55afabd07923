//! Writing to stdout: buffered or as JSON; and the terminal's width.

use rustix::termios::tcgetwinsize;
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;

/// Calls `write` with a buffered stdout and flushes it, so that an error of the last write is reported too.
///
/// # Errors
/// What `write` or stdout report.
pub fn stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out)?;
    out.flush()
}

/// Writes a value as JSON, indented, with its fields in the order of their declaration.
///
/// # Errors
/// What `out` reports.
pub fn json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// The width of the terminal, if this stream is one and its width is known.
pub fn terminal_width(stream: &impl AsFd) -> Option<usize> {
    let size = tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}
