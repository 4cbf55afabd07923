//! Colours, where they can be seen and are wanted; and nothing else that a terminal would obey.

use std::env;
use std::fmt::Write;
use std::io::IsTerminal;

/// Marks for colours while a text is made: characters that Unicode will never assign.
const PLAIN: char = '\u{fdd0}';
const DIM: char = '\u{fdd1}';
const BAD: char = '\u{fdd2}';
const CALL: char = '\u{fdd3}';
const RULE: char = '\u{fdd4}';

/// What a terminal is told for a mark.
const CODES: [(char, &str); 5] =
    [(PLAIN, "\x1b[0m"), (DIM, "\x1b[2m"), (BAD, "\x1b[31m"), (CALL, "\x1b[36m"), (RULE, "\x1b[33m")];

/// Whether there are colours.
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

    /// Back to normal.
    pub fn plain(self) -> char {
        PLAIN
    }

    /// What is less important.
    pub fn dim(self) -> char {
        DIM
    }

    /// An error.
    pub fn bad(self) -> char {
        BAD
    }

    /// A call's name.
    pub fn call(self) -> char {
        CALL
    }

    /// A rule's name.
    pub fn rule(self) -> char {
        RULE
    }

    /// Appends the finished text. Programs choose names and paths, so whatever a terminal would obey is escaped here, in one
    /// place. Line feeds stay: those of a program's are taken out before, by [`one_line`].
    pub fn finish(self, text: &str, out: &mut String) {
        for char in text.chars() {
            if let Some((_, code)) = CODES.iter().find(|(mark, _)| *mark == char) {
                out.push_str(if self.0 { code } else { "" });
            } else if (char.is_control() && char != '\n') || TURNS.contains(&char) {
                let _ = write!(out, "{}", char.escape_default());
            } else {
                out.push(char);
            }
        }
    }
}

/// Characters that end a line or turn the direction of the text around.
const TURNS: [char; 14] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}',
    '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Text of a program's in one line.
pub fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_but_our_own_colours() {
        let text = format!("{BAD}EPERM{PLAIN} \x1b[31m\u{9b}2J\r\x07é\u{202e}\n");
        let finished = |style: Style| {
            let mut out = String::new();
            style.finish(&text, &mut out);
            out
        };
        assert_eq!(finished(Style::NONE), "EPERM \\u{1b}[31m\\u{9b}2J\\r\\u{7}é\\u{202e}\n");
        assert_eq!(finished(Style(true)), "\x1b[31mEPERM\x1b[0m \\u{1b}[31m\\u{9b}2J\\r\\u{7}é\\u{202e}\n");
    }
}
