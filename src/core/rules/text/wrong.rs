//! What is wrong with a value.

use std::ops::Range;

/// What is wrong with a value.
#[derive(Debug)]
pub(in crate::rules) struct Wrong {
    /// What is wrong, without a full stop.
    pub what: String,
    /// What would be right; empty if nothing can be said.
    pub help: String,
    /// The bytes of the value that it is about; `None` for all.
    pub at: Option<Range<usize>>,
}

impl Wrong {
    /// A value that is wrong as a whole.
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { what: what.into(), help: help.into(), at: None }
    }

    /// The same about a part of a value that begins at `at`.
    pub fn at(mut self, at: usize, part: &str) -> Wrong {
        self.at = Some(match self.at {
            Some(inner) => at + inner.start..at + inner.end,
            None => at..at + part.len(),
        });
        self
    }

    /// A name that is none of `known`. The help is the known name that it resembles, else `else_expected`.
    pub fn unknown<'a>(
        kind: &str,
        text: &str,
        mut known: impl Iterator<Item = &'a str>,
        else_expected: &str,
    ) -> Wrong {
        Wrong::unknown_name(kind, text, &mut known, else_expected)
    }

    fn unknown_name(
        kind: &str,
        text: &str,
        known: &mut dyn Iterator<Item = &str>,
        else_expected: &str,
    ) -> Wrong {
        let mut what = String::from("no such ");
        what.push_str(kind);
        what.push_str(": ");
        what.push_str(&quoted(text));
        let mut help = String::new();
        match closest(text, known) {
            Some(name) => {
                help.push_str("did you mean ");
                help.push_str(&name);
                help.push('?');
            }
            None => {
                help.push_str("expected ");
                help.push_str(else_expected);
            }
        }
        Wrong::new(what, help)
    }
}

/// The text in quotation marks, cut if it is long. Control characters, which a terminal would obey, are blanks.
pub(in crate::rules) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut chars = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    quoted.extend(chars.by_ref().take(LONGEST_QUOTED));
    quoted.push_str(if chars.next().is_some() { "…\"" } else { "\"" });
    quoted
}

/// How many characters of a value a message repeats.
const LONGEST_QUOTED: usize = 60;
/// The longest text that is compared with known names, in bytes.
const LONGEST_COMPARED: usize = 40;

/// The known name that `text` resembles most, if one does. Case does not count.
fn closest(text: &str, known: &mut dyn Iterator<Item = &str>) -> Option<String> {
    if text.len() > LONGEST_COMPARED {
        return None;
    }
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let text = text.to_ascii_lowercase();
    let distance = |name: &str| {
        let lower = name.to_ascii_lowercase();
        // Also without a prefix such as AF_, which may be left out.
        let short = lower.split_once('_').map_or(lower.as_str(), |(_, short)| short);
        strsim::osa_distance(&text, &lower).min(strsim::osa_distance(&text, short))
    };
    let (distance, name) = known.map(|name| (distance(name), name)).min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + text.len() / 4 && distance < text.len())
        .then(|| if is_lower { name.to_ascii_lowercase() } else { name.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_recognised() {
        let known = ["ECONNREFUSED", "ECONNRESET", "EPERM"];
        let help = |text| Wrong::unknown("error", text, known.into_iter(), "an error").help;
        assert_eq!(help("ECONREFUSED"), "did you mean ECONNREFUSED?");
        assert_eq!(help("econnrest"), "did you mean econnreset?");
        assert_eq!(help("nonsense"), "expected an error");
        assert_eq!(help(""), "expected an error");
        assert_eq!(help(&"E".repeat(100)), "expected an error");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(quoted("a"), "\"a\"");
        assert_eq!(quoted(&"ä".repeat(61)).chars().count(), 63);
        assert_eq!(Wrong::new("", "").at(2, "abc").at(10, "xxabcxx").at, Some(12..15));
    }
}
