//! The log files of candump(1): `(1600000000.123456) vcan0 123#C0FFEE` on each line.

use sockshim_can_proto::text;
use std::time::Duration;

/// A frame with its time and its interface's name.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// Since 1970, or since whenever the log begins.
    pub time: Duration,
    /// The interface's name; empty if the file does not tell.
    pub interface: String,
    /// The frame's bytes.
    pub bytes: Vec<u8>,
}

/// The line of a frame; `None` if it is none.
pub fn line(time: Duration, interface: &str, bytes: &[u8]) -> Option<String> {
    let (seconds, micros) = (time.as_secs(), time.subsec_micros());
    Some(format!("({seconds:010}.{micros:06}) {interface} {}", text::compact(bytes)?))
}

/// The frame of a line; `None` for an empty one, or one that begins with `#`.
///
/// # Errors
/// What cannot be understood.
pub fn parse(line: &str) -> Result<Option<Record>, String> {
    let mut words = line.split_whitespace();
    let Some(time) = words.next().filter(|word| !word.starts_with('#')) else { return Ok(None) };
    let time = stamp(time).ok_or_else(|| format!("'{time}' is no time: expected (SECONDS.MICROSECONDS)"))?;
    let interface = words.next().ok_or("there is no interface")?.to_string();
    let frame = words.next().ok_or("there is no frame")?;
    let bytes = text::parse(frame).map_err(|wrong| format!("'{frame}': {}", wrong.what))?;
    // What may follow says whether the frame was received or sent.
    Ok(Some(Record { time, interface, bytes }))
}

fn stamp(text: &str) -> Option<Duration> {
    let (seconds, fraction) = text.strip_prefix('(')?.strip_suffix(')')?.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(seconds.parse().ok()?, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let text = "(1600000000.000001) vcan0 123#C0FFEE";
        let record = parse(text).expect("a line").expect("a frame");
        assert_eq!(record.time, Duration::new(1_600_000_000, 1000));
        assert_eq!(line(record.time, &record.interface, &record.bytes).as_deref(), Some(text));
        assert_eq!(
            parse("(1.5) can0 1F334455##1AABB T"),
            parse("  (0000000001.500000)  can0 1F334455##1AABB ")
        );
        assert_eq!((parse(""), parse("# a comment")), (Ok(None), Ok(None)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("x", "no time"),
            ("(1.x) can0 1#", "no time"),
            ("(1.0)", "no interface"),
            ("(1.0) can0", "no frame"),
            ("(1.0) can0 1#", "3 or 8"),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains(why), "{said}");
        }
    }
}
