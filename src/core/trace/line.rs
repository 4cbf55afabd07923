//! A line of the log in the making: the few things that lines are made of, one after the other in a room.
//!
//! The writer's time is the program's time too, and most of a line is constants, names that need no escaping, and
//! numbers. Those are copied, without the detour through `core::fmt` and serde, which was most of what an event cost. What
//! comes from outside (a path, a process's name) goes through `core::fmt` and `serde_json`.

use serde::ser::{Serialize, Serializer};
use std::{fmt, io};

/// No event takes more, in either format.
pub const LONGEST: usize = 8 * 1024;

/// `00` to `99`.
static PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut number) = ([[0; 2]; 100], 0);
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The line. What has no room is cut, so whoever gives the room gives enough.
pub struct Line<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl<'a> Line<'a> {
    /// An empty line in `room`.
    pub fn new(room: &'a mut [u8]) -> Line<'a> {
        Line { room, len: 0 }
    }

    /// What was written.
    pub fn written(self) -> &'a [u8] {
        &self.room[..self.len]
    }

    /// How long it is.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next `count` bytes of the room.
    #[inline(always)]
    fn take(&mut self, count: usize) -> Option<&mut [u8]> {
        let end = self.len.checked_add(count)?;
        let place = self.room.get_mut(self.len..end)?;
        self.len = end;
        Some(place)
    }

    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        if let Some(place) = self.take(bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// A constant: its length is known, so it is copied without a loop.
    #[inline(always)]
    pub fn text(&mut self, text: &'static str) {
        self.copy(text.as_bytes());
    }

    /// A text of any length.
    #[inline]
    pub fn word(&mut self, word: &str) {
        self.bytes(word.as_bytes());
    }

    /// Bytes of any number.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.copy(bytes);
    }

    /// A signed number.
    #[inline]
    pub fn int(&mut self, number: i64) {
        match u64::try_from(number) {
            Ok(number) => self.uint(number),
            Err(_) => self.word(itoa::Buffer::new().format(number)),
        }
    }

    /// An unsigned number. Most of them have one digit.
    #[inline]
    pub fn uint(&mut self, number: u64) {
        if number < 10 {
            self.copy(&[b'0' + number as u8]);
        } else {
            self.long(number);
        }
    }

    #[inline(never)]
    fn long(&mut self, number: u64) {
        self.copy(itoa::Buffer::new().format(number).as_bytes());
    }

    /// A number in decimal, with zeros in front up to `WIDTH` digits, an even number; what is above them is cut.
    pub fn digits<const WIDTH: usize>(&mut self, mut number: u64) {
        let mut digits = [b'0'; WIDTH];
        for pair in digits.rchunks_exact_mut(2) {
            pair.copy_from_slice(&PAIRS[(number % 100) as usize]);
            number /= 100;
        }
        self.copy(&digits);
    }

    /// A number in hexadecimal, as `0x1f`.
    #[inline(never)]
    pub fn hex(&mut self, number: u64) {
        let digits = 16 - number.leading_zeros().min(60) as usize / 4;
        self.text("0x");
        if let Some(place) = self.take(digits) {
            let mut left = number;
            for digit in place.iter_mut().rev() {
                *digit = b"0123456789abcdef"[(left & 0xf) as usize];
                left >>= 4;
            }
        }
    }

    /// What `write` writes. A line takes everything, so there is no error.
    #[inline]
    pub fn put(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) {
        let _ = write(self);
    }

    /// Anything, by its Display form.
    pub fn display(&mut self, value: impl fmt::Display) {
        self.put(|out| fmt::Write::write_fmt(out, format_args!("{value}")));
    }

    /// A string of JSON from outside: in quotes, and escaped.
    pub fn foreign(&mut self, text: impl fmt::Display) {
        // A line takes everything, and a Display form that fails leaves what it has written.
        let _ = serde_json::to_writer(self, &Shown(text));
    }

    /// Spaces from `begin` up to `width` characters. For ASCII.
    pub fn pad(&mut self, begin: usize, width: usize) {
        let missing = (begin + width).saturating_sub(self.len);
        if let Some(place) = self.take(missing) {
            place.fill(b' ');
        }
    }

    /// The last byte, if there is one.
    #[inline]
    pub fn last(&self) -> Option<u8> {
        self.room.get(self.len.checked_sub(1)?).copied()
    }
}

impl fmt::Write for Line<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.word(text);
        Ok(())
    }
}

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A value that serde writes by its Display form.
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(write: impl FnOnce(&mut Line)) -> String {
        let mut room = [0; 256];
        let mut line = Line::new(&mut room);
        write(&mut line);
        String::from_utf8(line.written().to_vec()).expect("UTF-8")
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        let numbers = [0, 1, 9, 10, 15, 16, 255, 256, 0xffff_ffff, 1 << 60, u64::MAX];
        for number in numbers {
            assert_eq!(line(|line| line.uint(number)), number.to_string());
            assert_eq!(line(|line| line.hex(number)), format!("{number:#x}"));
            assert_eq!(line(|line| line.int(number as i64)), (number as i64).to_string());
        }
        assert_eq!(line(|line| line.digits::<6>(42)), "000042");
        assert_eq!(line(|line| line.digits::<2>(59)), "59");
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        for text in ["plain", "a\"b\\c", "\n\t\u{1}\u{7f}", "é→\u{2028}"] {
            assert_eq!(line(|line| line.foreign(text)), serde_json::to_string(text).expect("a string"));
        }
    }

    #[test]
    fn what_has_no_room_is_cut() {
        let mut room = [0; 4];
        let mut line = Line::new(&mut room);
        line.text("abc");
        line.uint(99);
        line.text("d");
        line.text("e");
        assert_eq!(line.len(), 4);
        assert_eq!(&room, b"abcd");
    }

    #[test]
    fn columns_are_filled() {
        assert_eq!(
            line(|line| {
                line.text("ab");
                line.pad(0, 4)
            }),
            "ab  "
        );
        assert_eq!(
            line(|line| {
                line.text("abcde");
                line.pad(0, 4)
            }),
            "abcde"
        );
    }
}
