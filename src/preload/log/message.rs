//! Messages to the user: on stderr when there is no log, or as text in the log.

use crate::sys;
use sockshim_core::config::Complaint;
use sockshim_core::trace::escape::Escaped;
use std::io::Write;

/// Reports on stderr that a variable has an invalid value. Used only when there is no log.
pub fn complain(complaint: &Complaint) {
    let mut line = Text::new();
    let _ = line.write_all(b"sockshim: ");
    describe(complaint, &mut line);
    say(line.ended());
}

/// Reports on stderr that the requested log is not available.
pub fn say_none() {
    say(b"sockshim: cannot start the log's writer; nothing is logged\n");
}

/// Writes a line to stderr.
pub fn say(line: &[u8]) {
    // If the program has no stderr, the message is lost.
    let _ = sys::write(libc::STDERR_FILENO, line);
}

/// Writes what is wrong with a variable.
pub fn describe(complaint: &Complaint, line: &mut Text) {
    let value = &complaint.value[..complaint.value.len().min(40)];
    // A complaint that exceeds the line is cut.
    let _ = write!(
        line,
        "{}={} is not understood; it takes {}",
        complaint.variable,
        Escaped(value),
        complaint.takes
    );
}

/// A text of one line, made without an allocation.
pub struct Text {
    bytes: [u8; 256],
    len: usize,
}

impl Text {
    /// An empty text.
    pub const fn new() -> Text {
        Text { bytes: [0; 256], len: 0 }
    }

    /// What was written, as a line of its own: its end is there, however much was cut.
    pub fn ended(&mut self) -> &[u8] {
        self.len = self.len.min(self.bytes.len() - 1);
        self.bytes[self.len] = b'\n';
        self.len += 1;
        self.bytes()
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = self.bytes.len() - self.len;
        let count = bytes.len().min(left);
        self.bytes[self.len..self.len + count].copy_from_slice(&bytes[..count]);
        self.len += count;
        // What exceeds the buffer is cut.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
