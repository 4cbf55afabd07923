//! A frame as a line for people, as candump prints it.

use crate::commands::can::frame::{Frame, Kind};
use crate::commands::can::log::Seen;
use crate::commands::can::notation::Identifier;
use crate::commands::trace::clock::local;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, CAN_MAX_DLEN, CANFD_BRS, CANFD_ESI};
use std::fmt::{self, Write};
use std::time::Duration;

/// The time in front of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamp {
    /// None.
    None,
    /// Seconds since 1970.
    Absolute,
    /// Since the line before.
    Delta,
    /// Since the first line.
    Zero,
    /// Date and time of day.
    Date,
}

/// What lines before have left: how wide columns are, and the times that others count from.
pub struct Columns {
    stamp: Stamp,
    extra: bool,
    name: usize,
    is_wide: bool,
    first: Option<Duration>,
    last: Option<Duration>,
}

/// Where error frames have their word: as if they had eight bytes of data.
const WORD: usize = 3 * CAN_MAX_DLEN + 3;

impl Columns {
    /// Lines with these columns.
    pub fn new(stamp: Stamp, extra: bool) -> Columns {
        Columns { stamp, extra, name: 0, is_wide: false, first: None, last: None }
    }

    /// The longest name of an interface so far, this one among them.
    pub fn name(&mut self, name: &str) -> usize {
        self.name = self.name.max(name.len());
        self.name
    }

    /// The line of a frame, which was sent on this machine or came from elsewhere.
    pub fn line(&mut self, seen: &Seen, is_own: bool) -> String {
        let mut line = String::new();
        // A string takes everything.
        let _ = self.write(&mut line, seen, is_own);
        line
    }

    fn write(&mut self, line: &mut String, seen: &Seen, is_own: bool) -> fmt::Result {
        let Seen { time, interface, frame } = seen;
        self.stamp(line, *time)?;
        let width = self.name(interface);
        write!(line, "  {interface:>width$}  ")?;
        if self.extra {
            let flags = if let Kind::Fd { flags } = frame.kind { flags } else { 0 };
            let shown = |bit: u8, letter: char| if flags & bit != 0 { letter } else { '-' };
            let way = if is_own { "TX" } else { "RX" };
            write!(line, "{way} {} {}  ", shown(CANFD_BRS, 'B'), shown(CANFD_ESI, 'E'))?;
        }
        // After the first long identifier the short ones leave room for others.
        let is_xl = matches!(frame.kind, Kind::Xl { .. });
        self.is_wide |= !is_xl && frame.id & CAN_EFF_FLAG != 0;
        let width = if self.is_wide { 8 } else { 0 };
        let identifier = Identifier(frame).to_string();
        write!(line, "{identifier:>width$}  ")?;
        body(line, frame)
    }

    fn stamp(&mut self, line: &mut String, time: Duration) -> fmt::Result {
        let first = *self.first.get_or_insert(time);
        let last = self.last.replace(time).unwrap_or(time);
        let since = match self.stamp {
            Stamp::None => return Ok(()),
            Stamp::Absolute => {
                return write!(line, " ({}.{:06})", time.as_secs(), time.subsec_micros());
            }
            Stamp::Date => {
                let date = local(time.as_secs());
                return write!(
                    line,
                    " ({:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:06})",
                    date.tm_year + 1900,
                    date.tm_mon + 1,
                    date.tm_mday,
                    date.tm_hour,
                    date.tm_min,
                    date.tm_sec,
                    time.subsec_micros()
                );
            }
            Stamp::Delta => last,
            Stamp::Zero => first,
        };
        // Of the microseconds that are shown elsewhere. A clock that was set back is shown as no time.
        let micros = time.as_micros().saturating_sub(since.as_micros());
        write!(line, " ({:03}.{:06})", micros / 1_000_000, micros % 1_000_000)
    }
}

fn body(line: &mut String, frame: &Frame) -> fmt::Result {
    let len = frame.data.len();
    match frame.kind {
        Kind::Classic { .. } => write!(line, " [{len}] ")?,
        Kind::Fd { .. } => write!(line, "[{len:02}] ")?,
        Kind::Xl { flags, sdt, af } => write!(line, "[{len:04}]  ({flags:02X}:{sdt:02X}:{af:08X}) ")?,
    }
    if frame.is_request() {
        return line.write_str(" remote request");
    }
    let before = line.len();
    frame.data.iter().try_for_each(|byte| write!(line, " {byte:02X}"))?;
    if frame.is_error() && len <= CAN_MAX_DLEN {
        let width = WORD - (line.len() - before);
        write!(line, "{:width$}ERRORFRAME", "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::can::notation::parse;

    fn lines(stamp: Stamp, extra: bool, frames: &[(&str, &str)]) -> Vec<String> {
        let mut columns = Columns::new(stamp, extra);
        let seen = |(at, (interface, text)): (usize, &(&str, &str))| Seen {
            time: Duration::new(1_700_000_000, at as u32 * 1_500_000),
            interface: (*interface).to_owned(),
            frame: parse(text).expect("a frame"),
        };
        frames.iter().enumerate().map(|frame| columns.line(&seen(frame), true)).collect()
    }

    /// What candump of Debian 12 has printed.
    #[test]
    fn lines_are_candumps() {
        let frames = [
            ("vcan0", "123#DEADBEEF"),
            ("vcan0", "12345678#11"),
            ("vcan0", "123#R"),
            ("vcan0", "123#R3"),
            ("vcan0", "00000123#"),
            ("vcan0", "123##5AABB"),
            ("vcan0", "12345678##4"),
            ("vcan0", "20000004#0011223344556677"),
            ("vcan0", "23456789#1122"),
            ("vcanlonger", "001#"),
            ("vcan0", "7FF#00"),
        ];
        let expected = "  vcan0  123   [4]  DE AD BE EF
  vcan0  12345678   [1]  11
  vcan0       123   [0]  remote request
  vcan0       123   [3]  remote request
  vcan0  00000123   [0] 
  vcan0       123  [02]  AA BB
  vcan0  12345678  [00] 
  vcan0  20000004   [8]  00 11 22 33 44 55 66 77   ERRORFRAME
  vcan0  23456789   [2]  11 22                     ERRORFRAME
  vcanlonger       001   [0] 
       vcan0       7FF   [1]  00";
        assert_eq!(lines(Stamp::None, false, &frames).join("\n"), expected);
        let extra = lines(Stamp::None, true, &frames[5..6]);
        assert_eq!(extra, ["  vcan0  TX B -  123  [02]  AA BB"]);
    }

    #[test]
    fn can_xl_has_its_own_columns() {
        let line = &lines(Stamp::None, false, &[("vcan0", "45123#81:03:12345678#1122")])[0];
        assert_eq!(line, "  vcan0  45123  [0002]  (81:03:12345678)  11 22");
    }

    #[test]
    fn times() {
        let frames = [("vcan0", "123#"); 3];
        let last = |stamp| lines(stamp, false, &frames)[2].clone();
        assert_eq!(last(Stamp::Absolute), " (1700000000.003000)  vcan0  123   [0] ");
        assert_eq!(last(Stamp::Delta), " (000.001500)  vcan0  123   [0] ");
        assert_eq!(last(Stamp::Zero), " (000.003000)  vcan0  123   [0] ");
    }
}
