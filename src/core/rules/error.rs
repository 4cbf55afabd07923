//! What is wrong with a rule, and where it stands.

use crate::rules::text::wrong::Wrong;
use std::fmt;
use std::ops::Range;

/// A rule file or an option that cannot be used. Its `Display` has several lines, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error(Message);

/// A rule that is probably not meant as it stands. Its `Display` has several lines, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning(Message);

/// A sentence about a part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Message {
    /// The file's or option's name.
    source: Box<str>,
    /// What is wrong, without a full stop.
    what: String,
    /// What would be right; empty if nothing can be said.
    help: String,
    /// Where; `None` for a text as a whole.
    excerpt: Option<Excerpt>,
}

/// A part of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Excerpt {
    /// The line, from 1; 0 for an option, which has one line.
    line: usize,
    /// The column in characters, from 1.
    column: usize,
    /// How many characters stand before the part in `text`.
    before: usize,
    /// How many characters of `text` the part has.
    width: usize,
    /// The line, or what of a long one is near the part.
    text: String,
}

/// A text that rules are read from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// The file's or option's name.
    pub name: &'a str,
    /// The whole text.
    pub text: &'a str,
    /// Whether it has lines, as a file has.
    pub has_lines: bool,
}

impl Source<'_> {
    /// What is wrong with the bytes `span`.
    pub fn error(&self, span: Range<usize>, wrong: Wrong) -> Error {
        Error(self.message(span, wrong))
    }

    /// What is wrong with the part that it says, else with the whole text.
    pub fn wrong(&self, wrong: Wrong) -> Error {
        let span = wrong.at.clone().unwrap_or(0..self.text.len());
        self.error(span, wrong)
    }

    /// What may be wrong with the bytes `span`.
    pub fn warning(&self, span: Range<usize>, wrong: Wrong) -> Warning {
        Warning(self.message(span, wrong))
    }

    fn message(&self, span: Range<usize>, wrong: Wrong) -> Message {
        let Wrong { what, help, .. } = wrong;
        Message { source: self.name.into(), what, help, excerpt: Some(self.excerpt(span)) }
    }

    /// The bytes `span` with their line. A part that goes on beyond its line is cut at its end.
    fn excerpt(&self, span: Range<usize>) -> Excerpt {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let (before, rest) = (&self.text[start..before.len()], &self.text[before.len()..]);
        let line = before.len() + rest.find('\n').unwrap_or(rest.len());
        let part = self.text.get(span.start..span.end.min(start + line)).unwrap_or_default();
        let (column, width) = (before.chars().count(), part.trim_end().chars().count().max(1));
        let left = column.saturating_sub(CONTEXT);
        let mut text = String::new();
        text.push_str(if left > 0 { "…" } else { "" });
        let shown = self.text[start..start + line].trim_end().chars().skip(left);
        let mut shown = shown.map(|char| if char.is_control() { ' ' } else { char });
        text.extend(shown.by_ref().take(2 * CONTEXT));
        text.push_str(if shown.next().is_some() { "…" } else { "" });
        let number = self.text[..start].bytes().filter(|byte| *byte == b'\n').count() + 1;
        Excerpt {
            line: if self.has_lines { number } else { 0 },
            column: column + 1,
            before: column - left + usize::from(left > 0),
            width: width.min(2 * CONTEXT - (column - left)),
            text,
        }
    }
}

/// How many characters of a long line stand before the part that an excerpt is about.
const CONTEXT: usize = 60;

impl Error {
    /// A file that cannot be read or used at all, for this reason.
    pub fn of_file(file: &str, reason: &str) -> Error {
        Error(Message { source: file.into(), what: reason.into(), help: String::new(), excerpt: None })
    }

    /// The same on one line, for a log.
    pub fn one_line(&self) -> impl fmt::Display {
        OneLine(&self.0)
    }

    /// The line of the file that it is about, from 1.
    pub fn line(&self) -> Option<usize> {
        self.0.excerpt.as_ref().map(|excerpt| excerpt.line).filter(|line| *line > 0)
    }
}

impl Warning {
    /// The same on one line, for a log.
    pub fn one_line(&self) -> impl fmt::Display {
        OneLine(&self.0)
    }
}

/// A message on one line.
struct OneLine<'a>(&'a Message);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.headline(f)?;
        match self.0.help.as_str() {
            "" => Ok(()),
            help => write!(f, "; {help}"),
        }
    }
}

impl Message {
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(Excerpt { line: line @ 1.., column, .. }) = &self.excerpt {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// The headline, the line, and the help under the part that it is about.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        let Some(Excerpt { line, before, width, text, .. }) = &self.excerpt else { return Ok(()) };
        let gutter = match line {
            0 => String::from("  "),
            _ => format!("{line:4} | "),
        };
        write!(f, "\n{gutter}{text}\n{:indent$}{:^<width$}", "", "", indent = gutter.len() + before)?;
        match self.help.as_str() {
            "" => Ok(()),
            help => write!(f, " {help}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, span: Range<usize>) -> Error {
        Source { name: "r.toml", text, has_lines: true }.error(span, Wrong::new("what", "help"))
    }

    #[test]
    fn a_part_of_a_line() {
        let error = error("a\n\tb = \"c\"\nd", 7..10);
        assert_eq!(error.to_string(), "r.toml:2:6: what\n   2 |  b = \"c\"\n            ^^^ help");
        assert_eq!(error.one_line().to_string(), "r.toml:2:6: what; help");
        assert_eq!(error.line(), Some(2));
    }

    #[test]
    fn the_end_of_the_text_and_beyond() {
        for span in [2..2, 2..9, 9..12] {
            assert_eq!(error("ab", span).to_string(), "r.toml:1:3: what\n   1 | ab\n         ^ help");
        }
        assert_eq!(error("", 0..0).to_string(), "r.toml:1:1: what\n   1 | \n       ^ help");
        assert_eq!(error("ab\ncd", 1..5).to_string(), "r.toml:1:2: what\n   1 | ab\n        ^ help");
        // Not at the boundaries of characters.
        assert!(error("äö", 1..3).to_string().starts_with("r.toml:1:"));
    }

    #[test]
    fn long_lines_are_cut() {
        let text = "x".repeat(1000);
        let shown = error(&text, 500..900).to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[0], "r.toml:1:501: what");
        assert_eq!(lines[1].chars().count(), 7 + 122);
        assert_eq!(lines[2].trim_start(), "^".repeat(60) + " help");
    }

    #[test]
    fn an_option_has_no_line() {
        let source = Source { name: "--fail", text: "conect=EPERM", has_lines: false };
        let error = source.error(0..6, Wrong::new("what", ""));
        assert_eq!(error.to_string(), "--fail: what\n  conect=EPERM\n  ^^^^^^");
        assert_eq!((error.line(), error.one_line().to_string().as_str()), (None, "--fail: what"));
        assert_eq!(Error::of_file("x", "is a directory").to_string(), "x: is a directory");
    }
}
