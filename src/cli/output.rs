//! Writing to stdout: buffered or as JSON; and the terminal's width.

use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Write};

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

/// The width of the terminal, if stdout is one and its width is known.
pub fn terminal_width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    #[expect(clippy::disallowed_methods, reason = "no hook is linked into the command, so this is libc's")]
    // SAFETY: TIOCGWINSZ writes one `struct winsize`, which lives until the call returns.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (answer == 0 && size.ws_col > 0).then_some(size.ws_col)
}
