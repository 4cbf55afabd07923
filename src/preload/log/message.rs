//! What is said to a person: on stderr when there is no log, or as a text in it.

use crate::sys;
use sockshim_core::config::Complaint;
use sockshim_core::trace::escape::Escaped;
use std::io::Write;

/// Says on stderr that a variable has a value that cannot be used. Only for when there is no log to say it in.
pub fn complain(complaint: &Complaint) {
    let mut line = Text::new();
    let _ = line.write_all(b"sockshim: ");
    describe(complaint, &mut line);
    say(line.ended());
}

/// Says on stderr that there is no log although one was asked for.
pub fn say_none() {
    say(b"sockshim: cannot start the log's thread; nothing is logged\n");
}

/// Writes a line to stderr.
pub fn say(line: &[u8]) {
    // A program without a stderr is not told.
    let _ = sys::write(libc::STDERR_FILENO, line);
}

/// Writes what is wrong with a variable.
pub fn describe(complaint: &Complaint, line: &mut Text) {
    let value = &complaint.value[..complaint.value.len().min(40)];
    // The line is long enough; a longer one would be cut, which is all right for a complaint.
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
        let room = self.bytes.len() - self.len;
        let count = bytes.len().min(room);
        self.bytes[self.len..self.len + count].copy_from_slice(&bytes[..count]);
        self.len += count;
        // What has no room is cut.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
