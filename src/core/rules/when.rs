//! Which of the calls that a rule holds for it fires at.

use std::fmt;

/// Ordinals in strace's grammar: `first[..last][+[step]]`.
///
/// | text | fires at |
/// |---|---|
/// | `3` | the third call |
/// | `3+` | the third and every one after it |
/// | `3+2` | the third, the fifth, the seventh, … |
/// | `3..5` | the third to the fifth |
/// | `3..9+2` | the third, the fifth, the seventh, the ninth |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct When {
    /// The first ordinal, from 1.
    pub first: u64,
    /// The last one, `u64::MAX` for no end.
    pub last: u64,
    /// From one to the next, at least 1.
    pub step: u64,
}

impl When {
    /// The ordinals that `text` describes.
    pub fn parse(text: &str) -> Option<When> {
        let (range, step) = match text.split_once('+') {
            Some((range, "")) => (range, Some(1)),
            Some((range, step)) => (range, Some(number(step)?)),
            None => (text, None),
        };
        let (first, last) = match range.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => {
                let first = number(range)?;
                (first, if step.is_some() { u64::MAX } else { first })
            }
        };
        When { first, last, step: step.unwrap_or(1) }.sound()
    }

    /// This, if it can fire at all.
    pub fn sound(self) -> Option<When> {
        (self.first >= 1 && self.first <= self.last && self.step >= 1).then_some(self)
    }

    /// Whether the call with this ordinal, from 1, is one of them.
    pub fn includes(&self, ordinal: u64) -> bool {
        (self.first..=self.last).contains(&ordinal)
            && (ordinal - self.first).checked_rem(self.step) == Some(0)
    }
}

/// Decimal digits, and nothing else, as a number from 1.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0)
}

/// In the grammar that [`When::parse`] reads.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let When { first, last, step } = *self;
        write!(f, "{first}")?;
        match last {
            u64::MAX => f.write_str("+")?,
            _ if last != first => write!(f, "..{last}")?,
            _ => {}
        }
        match (step, last) {
            (1, _) => Ok(()),
            (_, u64::MAX) => write!(f, "{step}"),
            _ => write!(f, "+{step}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_ten(text: &str) -> Vec<u64> {
        let when = When::parse(text).expect(text);
        assert_eq!(When::parse(&when.to_string()), Some(when), "{text}");
        (0..=10).filter(|ordinal| when.includes(*ordinal)).collect()
    }

    #[test]
    fn straces_grammar() {
        assert_eq!(first_ten("3"), [3]);
        assert_eq!(first_ten("3+"), [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(first_ten("1+"), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(first_ten("3+2"), [3, 5, 7, 9]);
        assert_eq!(first_ten("3..5"), [3, 4, 5]);
        assert_eq!(first_ten("3..3"), [3]);
        assert_eq!(first_ten("3..5+"), [3, 4, 5]);
        assert_eq!(first_ten("3..8+2"), [3, 5, 7]);
    }

    #[test]
    fn what_is_no_ordinal() {
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "a",
            "1.5",
            "1..",
            "..2",
            "2..1",
            "1+0",
            "1++",
            "1+2+3",
            "1...2",
            " 1",
            "1 ",
            "0..1",
            "18446744073709551616",
        ] {
            assert_eq!(When::parse(text), None, "{text}");
        }
    }
}
