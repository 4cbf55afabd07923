//! Frames as text: the notation of cansend(1), which is that of the log files of candump(1), and the one of candump's screen.
//!
//! | frame | notation |
//! |---|---|
//! | classic | `123#C0FFEE`, `12345678#C0.FF.EE`; a request for a frame `123#R`, `123#R3`; with a length code above 8 `123#1122334455667788_F` |
//! | CAN FD | `123##1C0FFEE`: the digit is the flags |
//! | CAN XL | `45123#81:00:12345678#C0FFEE`: VCID and priority, flags, SDU type, acceptance field |
//! | error | `20000004#0000000000000000` |
//!
//! A frame is here the bytes that a socket of CAN_RAW reads and writes: 16, 72, or those of a `struct canxl_frame`.

use crate::frame::{
    CAN_EFF_FLAG, CAN_EFF_MASK, CAN_ERR_FLAG, CAN_ERR_MASK, CAN_MAX_DLEN, CAN_MTU, CAN_RTR_FLAG,
    CAN_SFF_MASK, CANFD_FDF, CANFD_MAX_DLEN, CANFD_MTU, CANXL_HEAD, CANXL_MAX_DLEN, CANXL_MIN_MTU, CANXL_XLF,
    Frame, padded_length,
};
use std::ops::Range;

/// What is wrong with a text, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// What is wrong, or what is expected there.
    pub what: &'static str,
    /// The bytes of the text that it is about.
    pub at: Range<usize>,
}

fn wrong<T>(what: &'static str, at: Range<usize>) -> Result<T, Wrong> {
    Err(Wrong { what, at })
}

/// Which kind of frame some bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `struct can_frame`.
    Classic,
    /// `struct canfd_frame`.
    Fd,
    /// `struct canxl_frame`.
    Xl,
}

/// The kind of the frame with these bytes; `None` if they are none.
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    match bytes.len() {
        CANXL_MIN_MTU.. if bytes[4] & CANXL_XLF != 0 => {
            let len = usize::from(u16::from_ne_bytes([bytes[6], bytes[7]]));
            (len == bytes.len() - CANXL_HEAD && len <= CANXL_MAX_DLEN).then_some(Kind::Xl)
        }
        CAN_MTU | CANFD_MTU => {
            let frame = Frame::of_bytes(bytes)?;
            Some(if frame.fd { Kind::Fd } else { Kind::Classic })
        }
        _ => None,
    }
}

/// The number that hexadecimal digits are.
fn number(text: &str, at: Range<usize>, what: &'static str) -> Result<u32, Wrong> {
    let digits = &text[at.clone()];
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u32::from_str_radix(digits, 16) {
        Ok(number) if is_hex => Ok(number),
        _ => wrong(what, at),
    }
}

/// Bytes in pairs of digits, with dots between them or not.
fn bytes(text: &str, from: usize, most: usize) -> Result<Vec<u8>, Wrong> {
    const PAIRS: &str = "expected pairs of hexadecimal digits";
    let (mut data, mut at) = (Vec::new(), from);
    while at < text.len() {
        if text[at..].starts_with('.') && at > from {
            at += 1;
            continue;
        }
        let pair = at..(at + 2).min(text.len());
        if pair.len() < 2 || !text.is_char_boundary(pair.end) {
            return wrong(PAIRS, at..text.len());
        }
        if data.len() == most {
            return wrong("too many bytes of data", at..text.len());
        }
        data.push(number(text, pair, PAIRS)? as u8);
        at += 2;
    }
    Ok(data)
}

/// The frame that a text is.
///
/// # Errors
/// What cannot be understood of it.
pub fn parse(text: &str) -> Result<Vec<u8>, Wrong> {
    const ID: &str = "expected an identifier of 3 or 8 hexadecimal digits";
    if !text.is_ascii() {
        return wrong("expected ASCII", 0..text.len());
    }
    let Some(hash) = text.find('#') else {
        return wrong("expected a # behind the identifier", 0..text.len());
    };
    let id = number(text, 0..hash, ID)?;
    let data = hash + 1;
    let id = match hash {
        3 if id <= CAN_SFF_MASK => id,
        3 => return wrong("an identifier of 11 bits is 7FF at most", 0..hash),
        5 => return xl(text, id, data),
        8 if id & CAN_ERR_FLAG != 0 => id & (CAN_ERR_FLAG | CAN_ERR_MASK),
        8 if id <= CAN_EFF_MASK => id | CAN_EFF_FLAG,
        8 => return wrong("an identifier of 29 bits is 1FFFFFFF at most", 0..hash),
        _ => return wrong(ID, 0..hash),
    };
    let frame = match text.as_bytes().get(data) {
        Some(b'#') => fd(text, id, data + 1)?,
        Some(b'R' | b'r') => request(text, id, data + 1)?,
        _ => classic(text, id, data)?,
    };
    let (len, bytes) = frame.bytes();
    Ok(bytes[..len].to_vec())
}

/// A length code above 8, behind `_`, at the end.
fn length_code(text: &str, len: usize) -> Result<Option<(usize, u8)>, Wrong> {
    let Some(at) = text.find('_') else { return Ok(None) };
    let code = number(text, at + 1..text.len(), "expected a length code from 9 to F")?;
    match code {
        9..=15 if len == CAN_MAX_DLEN => Ok(Some((at, code as u8))),
        9..=15 => wrong("a length code is for eight bytes", at..text.len()),
        _ => wrong("expected a length code from 9 to F", at + 1..text.len()),
    }
}

fn classic(text: &str, id: u32, from: usize) -> Result<Frame, Wrong> {
    let end = text.find('_').unwrap_or(text.len());
    let data = bytes(&text[..end], from, CAN_MAX_DLEN)?;
    let mut frame = Frame::classic(id, &data);
    if let Some((_, code)) = length_code(text, data.len())? {
        frame.rest[1] = code;
    }
    Ok(frame)
}

fn request(text: &str, id: u32, from: usize) -> Result<Frame, Wrong> {
    let end = text.find('_').unwrap_or(text.len());
    let len = if from == end { 0 } else { number(text, from..end, "expected a length from 0 to 8")? };
    if len > CAN_MAX_DLEN as u32 {
        return wrong("expected a length from 0 to 8", from..end);
    }
    let mut frame = Frame::classic(id | CAN_RTR_FLAG, &[]);
    frame.len = len as u8;
    if let Some((_, code)) = length_code(text, len as usize)? {
        frame.rest[1] = code;
    }
    Ok(frame)
}

fn fd(text: &str, id: u32, from: usize) -> Result<Frame, Wrong> {
    let flags = number(text, from..(from + 1).min(text.len()), "expected a digit with the flags")?;
    let data = bytes(text, from + 1, CANFD_MAX_DLEN)?;
    let mut frame = Frame::fd(id, flags as u8, &data);
    frame.len = padded_length(data.len());
    Ok(frame)
}

fn xl(text: &str, id: u32, from: usize) -> Result<Vec<u8>, Wrong> {
    const HEAD: &str = "expected FLAGS:TYPE:ACCEPTANCE#, of 2, 2 and 8 hexadecimal digits";
    let (priority, vcid) = (id & 0xfff, id >> 12);
    if priority > CAN_SFF_MASK {
        return wrong("a priority is 7FF at most", 2..5);
    }
    let at = |from: usize, len: usize| from..from + len;
    let is_head = text.len() > from + 14
        && [(2, ':'), (5, ':'), (14, '#')]
            .iter()
            .all(|(place, char)| text[from + place..].starts_with(*char));
    if !is_head {
        return wrong(HEAD, from..text.len());
    }
    let flags = number(text, at(from, 2), HEAD)? as u8 | CANXL_XLF;
    let sdt = number(text, at(from + 3, 2), HEAD)? as u8;
    let af = number(text, at(from + 6, 8), HEAD)?;
    let data = bytes(text, from + 15, CANXL_MAX_DLEN)?;
    if data.is_empty() {
        return wrong("a CAN XL frame has a byte of data at least", from + 15..text.len());
    }
    let mut frame = (vcid << 16 | priority).to_ne_bytes().to_vec();
    frame.extend([flags, sdt]);
    frame.extend((data.len() as u16).to_ne_bytes());
    frame.extend(af.to_ne_bytes());
    frame.extend(data);
    Ok(frame)
}

/// A number of four bytes in a frame.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

fn hex(out: &mut String, data: &[u8]) {
    data.iter().for_each(|byte| out.push_str(&format!("{byte:02X}")));
}

/// An identifier: of 3 digits, or of 8.
fn identifier(id: u32) -> String {
    if id & CAN_ERR_FLAG != 0 {
        format!("{:08X}", id & (CAN_ERR_FLAG | CAN_ERR_MASK))
    } else if id & CAN_EFF_FLAG != 0 {
        format!("{:08X}", id & CAN_EFF_MASK)
    } else {
        format!("{:03X}", id & CAN_SFF_MASK)
    }
}

/// The notation of a frame, which [`parse`] reads; `None` if the bytes are no frame.
pub fn compact(bytes: &[u8]) -> Option<String> {
    let mut out;
    match kind(bytes)? {
        Kind::Xl => {
            let id = word(bytes, 0);
            out = format!("{:02X}{:03X}#", id >> 16 & 0xff, id & CAN_SFF_MASK);
            out.push_str(&format!("{:02X}:{:02X}:{:08X}#", bytes[4], bytes[5], word(bytes, 8)));
            hex(&mut out, &bytes[CANXL_HEAD..]);
        }
        kind => {
            let frame = Frame::of_bytes(bytes)?;
            out = identifier(frame.id) + "#";
            if kind == Kind::Fd {
                out.push_str(&format!("#{:X}", frame.flags & 0xf));
            } else if frame.id & CAN_RTR_FLAG != 0 && frame.id & CAN_ERR_FLAG == 0 {
                out.push('R');
                if frame.len > 0 {
                    out.push_str(&format!("{}", frame.len));
                }
            }
            if !is_request(&frame) {
                hex(&mut out, frame.data());
            }
            if kind == Kind::Classic
                && usize::from(frame.len) == CAN_MAX_DLEN
                && (9..=15).contains(&frame.rest[1])
            {
                out.push_str(&format!("_{:X}", frame.rest[1]));
            }
        }
    }
    Some(out)
}

fn is_request(frame: &Frame) -> bool {
    !frame.fd && frame.id & CAN_RTR_FLAG != 0 && frame.id & CAN_ERR_FLAG == 0
}

/// A frame as candump shows it: identifier, length and bytes in columns; `None` if the bytes are no frame. `wide` makes room for
/// an identifier of 8 digits where there is one of 3.
pub fn columns(bytes: &[u8], wide: bool) -> Option<String> {
    let mut out;
    let data: &[u8];
    let mut behind = String::new();
    match kind(bytes)? {
        Kind::Xl => {
            let (id, len) = (word(bytes, 0), bytes.len() - CANXL_HEAD);
            out = format!("{:02X}{:03X}  [{len:04}] ", id >> 16 & 0xff, id & CAN_SFF_MASK);
            out.push_str(&format!("({:02X}|{:02X}:{:08X}) ", bytes[4], bytes[5], word(bytes, 8)));
            data = &bytes[CANXL_HEAD..];
        }
        kind => {
            let frame = Frame::of_bytes(bytes)?;
            let head = match kind {
                Kind::Fd => format!("[{:02}]", frame.len),
                _ => format!(" [{}]", frame.len),
            };
            let width = if wide { 8 } else { 0 };
            out = format!("{:>width$}  {head} ", identifier(frame.id));
            if is_request(&frame) {
                return Some(out + " remote request");
            }
            if frame.id & CAN_ERR_FLAG != 0 {
                let width = 3 * CAN_MAX_DLEN.saturating_sub(frame.data().len()) + 13;
                behind = format!("{:>width$}", "ERRORFRAME");
            }
            let end = bytes.len().min(crate::frame::HEAD + frame.data().len());
            data = &bytes[crate::frame::HEAD..end];
        }
    }
    data.iter().for_each(|byte| out.push_str(&format!(" {byte:02X}")));
    Some(out + &behind)
}

/// Whether a CAN FD frame says that it is one; newer kernels set that bit in each that is sent.
pub fn with_fdf(mut bytes: Vec<u8>) -> Vec<u8> {
    if kind(&bytes) == Some(Kind::Fd) {
        bytes[5] |= CANFD_FDF;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "123#",
            "123#C0FFEE",
            "7FF#1122334455667788",
            "00000001#01",
            "1FFFFFFF#",
            "123#R",
            "123#R8",
            "12345678#R3",
            "123#1122334455667788_F",
            "123#R8_9",
            "123##0",
            "123##1C0FFEE00",
            "20000004#0000000000000000",
            "45123#81:00:12345678#11223344556677",
            "00000#80:FF:00000000#00",
        ] {
            let bytes = parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
            assert_eq!(compact(&bytes).as_deref(), Some(text));
        }
        // Other ways to write the same.
        for (text, same) in [
            ("123#c0.ff.ee", "123#C0FFEE"),
            ("123#r1", "123#R1"),
            ("123#R0", "123#R"),
            ("123##3112233445566778899", "123##3112233445566778899000000"),
        ] {
            assert_eq!(parse(text).ok().and_then(|bytes| compact(&bytes)).as_deref(), Some(same), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, what, at) in [
            ("", "a # behind", 0..0),
            ("123", "a # behind", 0..3),
            ("12#", "3 or 8", 0..2),
            ("+12#", "3 or 8", 0..3),
            ("800#", "7FF at most", 0..3),
            ("40000000#", "1FFFFFFF at most", 0..8),
            ("123#C0F", "pairs", 6..7),
            ("123#xx", "pairs", 4..6),
            ("123#112233445566778899", "too many", 20..22),
            ("123#R9", "0 to 8", 5..6),
            ("123#1122_F", "eight bytes", 8..10),
            ("123#1122334455667788_8", "9 to F", 21..22),
            ("123##", "digit with the flags", 5..5),
            ("123##g", "digit with the flags", 5..6),
            ("45800#81:00:12345678#11", "priority", 2..5),
            ("45123#81:00:1234567#11", "FLAGS:TYPE", 6..22),
            ("45123#81:00:12345678#", "byte of data", 21..21),
            ("1é3#", "ASCII", 0..5),
        ] {
            let wrong = parse(text).expect_err(text);
            assert!(wrong.what.contains(what), "{text}: {wrong:?}");
            assert_eq!(wrong.at, at, "{text}");
        }
        let long = "123##0".to_owned() + &"00".repeat(65);
        assert_eq!(parse(&long).map_err(|wrong| wrong.at), Err(134..136));
    }

    #[test]
    fn columns_are_as_candump_shows_them() {
        for (text, shown) in [
            ("123#C0FFEE", "123   [3]  C0 FF EE"),
            ("12345678#01", "12345678   [1]  01"),
            ("123#", "123   [0] "),
            ("123#R4", "123   [4]  remote request"),
            ("123##1C0FFEE", "123  [03]  C0 FF EE"),
            ("20000004#0102030405060708", "20000004   [8]  01 02 03 04 05 06 07 08   ERRORFRAME"),
        ] {
            assert_eq!(parse(text).ok().and_then(|bytes| columns(&bytes, false)).as_deref(), Some(shown));
        }
    }

    #[test]
    fn bytes_that_are_no_frame() {
        assert_eq!(compact(&[0; 15]), None);
        assert_eq!(columns(&[], true), None);
        let mut long = [0; CAN_MTU];
        long[4] = 9;
        assert_eq!((compact(&long), kind(&long)), (None, None));
    }
}
