//! Why sockshim does not start a program, or ends with a code of its own.

use crate::FAILURE;
use std::fmt::Display;
use std::io::{self, Write};

/// `--strict` is not content.
pub const STRICT: u8 = 124;
/// The program cannot be executed, as for a shell.
pub const NOT_EXECUTABLE: u8 = 126;
/// There is no such program, as for a shell.
pub const NOT_FOUND: u8 = 127;

/// An exit code of sockshim's own, and the reason.
#[derive(Debug)]
pub struct Refusal {
    /// The exit code.
    pub code: u8,
    /// The reason, for stderr.
    pub why: String,
}

impl Refusal {
    /// sockshim itself has failed, or cannot do what it was asked for.
    pub fn own(why: impl Display) -> Refusal {
        Refusal { code: FAILURE, why: why.to_string() }
    }

    /// Says the reason, and gives the exit code.
    pub fn say(&self) -> u8 {
        say(&self.why);
        self.code
    }
}

/// Writes to stderr. If that is closed, nobody can be told.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "sockshim: {text}");
}
