//! Colours, where they can be seen and are wanted.

use std::env;
use std::io::IsTerminal;

/// Escape sequences, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style(bool);

impl Style {
    /// No colours.
    pub const NONE: Style = Style(false);

    /// Colours on a terminal, unless `NO_COLOR` is set (no-color.org) or the terminal has none.
    pub fn of(out: &impl IsTerminal) -> Style {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        Style(
            out.is_terminal() && !is_set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb"),
        )
    }

    fn code(self, code: &'static str) -> &'static str {
        if self.0 { code } else { "" }
    }

    /// Back to normal.
    pub fn plain(self) -> &'static str {
        self.code("\x1b[0m")
    }

    /// What is less important.
    pub fn dim(self) -> &'static str {
        self.code("\x1b[2m")
    }

    /// An error.
    pub fn bad(self) -> &'static str {
        self.code("\x1b[31m")
    }

    /// A call's name.
    pub fn call(self) -> &'static str {
        self.code("\x1b[36m")
    }

    /// A rule's name.
    pub fn rule(self) -> &'static str {
        self.code("\x1b[33m")
    }
}
