//! A line of candump's log: `(1796127883.316588) vcan0 123#DEADBEEF`.

use super::frame::Frame;
use super::notation::{self, Wrong};
use std::fmt::{self, Display};
use std::time::Duration;

/// A frame, when it came, and on which interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Since 1970.
    pub time: Duration,
    /// The interface.
    pub interface: String,
    /// The frame.
    pub frame: Frame,
}

/// It as a line of the log, in which names are as wide as the longest before.
pub struct Line<'a>(pub &'a Seen, pub usize);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Line(Seen { time, interface, frame }, width) = self;
        write!(f, "({}.{:06}) {interface:>width$} {frame}", time.as_secs(), time.subsec_micros())
    }
}

/// What a line says; none if it is no frame's, as those of comments.
///
/// # Errors
/// It begins as a frame's and is none.
pub fn parse(line: &str) -> Option<Result<Seen, Wrong>> {
    line.starts_with('(').then(|| frame_of(line))
}

fn frame_of(line: &str) -> Result<Seen, Wrong> {
    let wrong = |at: usize, why: &str| Wrong { at, why: why.to_owned() };
    let close = line.find(')').ok_or_else(|| wrong(line.len(), "a ')' is missing behind the time"))?;
    let time = seconds(&line[1..close]).ok_or_else(|| wrong(1, "a time is missing, such as 1.5"))?;
    // Where each word begins: a word that is missing is missing at the end.
    let mut words = line[close + 1..].split_ascii_whitespace();
    let mut word = || {
        words.next().map_or((line.len(), ""), |word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
    };
    let (at, interface) = word();
    if interface.is_empty() {
        return Err(wrong(at, "an interface is missing"));
    }
    let (at, frame) = word();
    let frame = notation::parse(frame).map_err(|wrong| Wrong { at: at + wrong.at, ..wrong })?;
    // What may follow says who has sent it.
    Ok(Seen { time, interface: interface.to_owned(), frame })
}

fn seconds(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(seconds.parse().ok()?, nanos))
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::any_frame;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read(frame in any_frame(), micros in 0..4_000_000_000_000_000u64, width in 0..12usize) {
            let seen = Seen { time: Duration::from_micros(micros), interface: "vcan0".into(), frame };
            prop_assert_eq!(parse(&Line(&seen, width).to_string()), Some(Ok(seen)));
        }

        #[test]
        fn any_line_is_read_or_refused_at_a_place(line in "\\([0-9.]{0,4}\\) ?v? [0-9#]{0,5}|.{0,20}") {
            if let Some(Err(wrong)) = parse(&line) {
                prop_assert!(wrong.at <= line.len(), "{wrong:?}");
            }
        }
    }

    #[test]
    fn lines_of_other_versions() {
        let seen = parse("(1.000000001)   vcan0 123#11 R").expect("a frame's").expect("a frame");
        assert_eq!((seen.time, seen.interface.as_str()), (Duration::new(1, 1), "vcan0"));
        assert_eq!(
            parse("(1) can0 123#").expect("a frame's").map(|seen| seen.time),
            Ok(Duration::from_secs(1))
        );
        assert_eq!(parse("# comment"), None);
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let lines =
            [("(1.5", 4), ("(x) can0 123#", 1), ("(1.5)", 5), ("(1.5) can0", 10), ("(1.5) can0 12#", 13)];
        for (line, at) in lines {
            assert_eq!(parse(line).expect("a frame's").expect_err(line).at, at, "{line}");
        }
    }
}
