//! Frames as text, in the notation that cansend takes and candump's log has: `123#C0FFEE`, `123#R`, `123##1C0FFEE`.

use super::frame::{Frame, Kind, PRIORITY, VCID_SHIFT};
use sockshim_can_proto::frame::{
    CAN_EFF_FLAG, CAN_EFF_MASK, CAN_ERR_FLAG, CAN_ERR_MASK, CAN_MAX_DLEN, CAN_RTR_FLAG, CAN_SFF_MASK,
    CANFD_MAX_DLEN, CANXL_MAX_DLEN, CANXL_XLF, padded_length,
};
use std::fmt::{self, Display, Write};

/// What is wrong with a text, and at which of its characters, counted from 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wrong {
    /// The place.
    pub at: usize,
    /// What should be there.
    pub why: String,
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "character {}: {}", self.at + 1, self.why)
    }
}

impl std::error::Error for Wrong {}

fn wrong<T>(at: usize, why: impl Display) -> Result<T, Wrong> {
    Err(Wrong { at, why: why.to_string() })
}

/// A text that is read from the left.
struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Text<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8, why: &str) -> Result<(), Wrong> {
        if self.skip(byte) { Ok(()) } else { wrong(self.at, why) }
    }

    fn digit(&mut self) -> Result<u8, Wrong> {
        let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
        let Some(digit) = digit else { return wrong(self.at, "a hexadecimal digit is missing") };
        self.at += 1;
        Ok(digit as u8)
    }

    fn number(&mut self, digits: usize) -> Result<u32, Wrong> {
        let mut number = 0;
        for _ in 0..digits {
            number = number << 4 | u32::from(self.digit()?);
        }
        Ok(number)
    }

    /// How many hexadecimal digits follow.
    fn digits(&self) -> usize {
        self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
    }

    /// Pairs of digits, which may have a dot between them, until something else.
    fn data(&mut self, most: usize) -> Result<Vec<u8>, Wrong> {
        let mut data = Vec::new();
        loop {
            let dot = self.skip(b'.') && !data.is_empty();
            if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return if dot { wrong(self.at, "a byte is missing behind the dot") } else { Ok(data) };
            }
            if data.len() == most {
                return wrong(self.at, format_args!("there are more than {most} bytes"));
            }
            data.push(self.number(2)? as u8);
        }
    }

    /// `_9` to `_F`: the length code of a frame of eight bytes.
    fn len8_dlc(&mut self, len: usize) -> Result<u8, Wrong> {
        let at = self.at;
        if !self.skip(b'_') {
            return Ok(0);
        }
        if len != CAN_MAX_DLEN {
            return wrong(at, "only a length of 8 has a length code");
        }
        let at = self.at;
        let code = self.digit()?;
        if code > 8 { Ok(code) } else { wrong(at, "a length code is 9 to F") }
    }

    fn end(&self) -> Result<(), Wrong> {
        if self.at == self.bytes.len() { Ok(()) } else { wrong(self.at, "nothing more was expected") }
    }
}

/// The frame that a text means.
///
/// # Errors
/// It means none.
pub fn parse(text: &str) -> Result<Frame, Wrong> {
    let mut text = Text { bytes: text.as_bytes(), at: 0 };
    let frame = match text.digits() {
        5 => xl(&mut text)?,
        digits => {
            let id = identifier(&mut text, digits)?;
            text.expect(b'#', "a '#' is missing behind the identifier")?;
            match text.peek() {
                Some(b'R' | b'r') => request(&mut text, id)?,
                Some(b'#') => fd(&mut text, id)?,
                _ => {
                    let data = text.data(CAN_MAX_DLEN)?;
                    let len8_dlc = text.len8_dlc(data.len())?;
                    Frame { id, kind: Kind::Classic { len8_dlc }, data }
                }
            }
        }
    };
    text.end()?;
    Ok(frame)
}

fn identifier(text: &mut Text, digits: usize) -> Result<u32, Wrong> {
    let id = match digits {
        3 | 8 => text.number(digits)?,
        _ => {
            let at = if digits == 0 { 0 } else { digits.min(8) };
            return wrong(
                at,
                "an identifier has 3 digits, or 8 if it is one of 29 bits; with CAN XL it has 5",
            );
        }
    };
    match digits {
        3 if id > CAN_SFF_MASK => wrong(0, "an identifier of 3 digits is at most 7FF"),
        3 => Ok(id),
        _ if id <= CAN_EFF_MASK => Ok(id | CAN_EFF_FLAG),
        _ if id & !CAN_ERR_MASK == CAN_ERR_FLAG => Ok(id),
        _ => wrong(0, "an identifier of 8 digits is at most 1FFFFFFF, or 3FFFFFFF for an error"),
    }
}

fn request(text: &mut Text, id: u32) -> Result<Frame, Wrong> {
    if id & CAN_ERR_FLAG != 0 {
        return wrong(text.at, "an error is no request");
    }
    text.at += 1;
    let at = text.at;
    let len = if text.digits() > 0 { usize::from(text.digit()?) } else { 0 };
    if len > CAN_MAX_DLEN {
        return wrong(at, "a request asks for at most 8 bytes");
    }
    let len8_dlc = text.len8_dlc(len)?;
    Ok(Frame { id: id | CAN_RTR_FLAG, kind: Kind::Classic { len8_dlc }, data: vec![0; len] })
}

fn fd(text: &mut Text, id: u32) -> Result<Frame, Wrong> {
    if id & CAN_ERR_FLAG != 0 {
        return wrong(text.at, "an error is no frame of CAN FD");
    }
    text.at += 1;
    let at = text.at;
    let flags = text.digit().or_else(|_| wrong(at, "CAN FD has one digit of flags here, such as 0"))?;
    let mut data = text.data(CANFD_MAX_DLEN)?;
    data.resize(padded_length(data.len()).into(), 0);
    Ok(Frame { id, kind: Kind::Fd { flags }, data })
}

/// `VVPPP#FF:SS:AAAAAAAA#data`.
fn xl(text: &mut Text) -> Result<Frame, Wrong> {
    const FORM: &str =
        "CAN XL has its flags, its type and its acceptance field here, such as #80:00:00000000#";
    let vcid = text.number(2)?;
    let priority = text.number(3)?;
    if priority > PRIORITY {
        return wrong(2, "a priority is at most 7FF");
    }
    text.expect(b'#', FORM)?;
    let at = text.at;
    let flags = text.number(2)? as u8;
    if flags & CANXL_XLF == 0 {
        return wrong(at, "the flags of CAN XL have the bit 80");
    }
    text.expect(b':', FORM)?;
    let sdt = text.number(2)? as u8;
    text.expect(b':', FORM)?;
    let af = text.number(8)?;
    text.expect(b'#', FORM)?;
    let data = text.data(CANXL_MAX_DLEN)?;
    if data.is_empty() {
        return wrong(text.at, "CAN XL has at least one byte of data");
    }
    Ok(Frame { id: vcid << VCID_SHIFT | priority, kind: Kind::Xl { flags, sdt, af }, data })
}

/// As candump's log has it.
impl Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}#", Identifier(self))?;
        match self.kind {
            Kind::Classic { len8_dlc } => {
                if self.is_request() {
                    f.write_char('R')?;
                    if !self.data.is_empty() {
                        write!(f, "{}", self.data.len())?;
                    }
                } else {
                    hex(f, &self.data)?;
                }
                if len8_dlc > 8 { write!(f, "_{len8_dlc:X}") } else { Ok(()) }
            }
            Kind::Fd { flags } => {
                write!(f, "#{:X}", flags & 0xf)?;
                hex(f, &self.data)
            }
            Kind::Xl { flags, sdt, af } => {
                write!(f, "{flags:02X}:{sdt:02X}:{af:08X}#")?;
                hex(f, &self.data)
            }
        }
    }
}

/// A frame's identifier, in as many digits as its kind has.
pub struct Identifier<'a>(pub &'a Frame);

impl Display for Identifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let id = self.0.id;
        if matches!(self.0.kind, Kind::Xl { .. }) {
            write!(f, "{:02X}{:03X}", id >> VCID_SHIFT & 0xff, id & PRIORITY)
        } else if id & CAN_ERR_FLAG != 0 {
            write!(f, "{:08X}", id & (CAN_ERR_MASK | CAN_ERR_FLAG))
        } else if id & CAN_EFF_FLAG != 0 {
            write!(f, "{:08X}", id & CAN_EFF_MASK)
        } else {
            write!(f, "{:03X}", id & CAN_SFF_MASK)
        }
    }
}

fn hex(f: &mut fmt::Formatter, data: &[u8]) -> fmt::Result {
    data.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::any_frame;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read(frame in any_frame()) {
            prop_assert_eq!(parse(&frame.to_string()), Ok(frame));
        }

        #[test]
        fn any_text_is_read_or_refused_at_a_place(text in "[0-9A-FR#:._]{0,24}|.{0,12}") {
            match parse(&text) {
                Ok(frame) => prop_assert_eq!(parse(&frame.to_string()), Ok(frame)),
                Err(wrong) => prop_assert!(wrong.at <= text.len(), "{wrong:?}"),
            }
        }
    }

    #[test]
    fn frames_of_each_kind() {
        for (text, printed) in [
            ("123#deadbeef", "123#DEADBEEF"),
            ("5A1#11.2233.44556677.88", "5A1#1122334455667788"),
            ("5AA#", "5AA#"),
            ("00000123#", "00000123#"),
            ("123#r", "123#R"),
            ("123#R0", "123#R"),
            ("00000123#R3", "00000123#R3"),
            ("1F334455#1122334455667788_B", "1F334455#1122334455667788_B"),
            ("333#R8_E", "333#R8_E"),
            ("123##1", "123##1"),
            ("213##311223344", "213##311223344"),
            ("123##0112233445566778899", "123##0112233445566778899000000"),
            ("20000004#0011223344556677", "20000004#0011223344556677"),
            ("45123#81:00:12345678#11223344.556677", "45123#81:00:12345678#11223344556677"),
        ] {
            assert_eq!(parse(text).expect(text).to_string(), printed);
        }
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (text, at) in [
            ("", 0),
            ("12#11", 2),
            ("1234567#11", 7),
            ("123456789#", 8),
            ("800#11", 0),
            ("40000000#", 0),
            ("G23#11", 0),
            ("123", 3),
            ("123#1", 5),
            ("123#1G", 5),
            ("123#112233445566778899", 20),
            ("123#11..22", 7),
            ("123#R9", 5),
            ("123#Rx", 5),
            ("20000001#R", 9),
            ("123#11_9", 6),
            ("123#1122334455667788_8", 21),
            ("123##", 5),
            ("12345#11", 6),
            ("12345#00:00:00000000#11", 6),
            ("12345#80:00:00000000#", 21),
        ] {
            assert_eq!(parse(text).expect_err(text).at, at, "{text}");
        }
    }
}
