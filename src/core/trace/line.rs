//! A line of the log in the making: the few things that lines are made of, appended to a buffer.
//!
//! The writer's time is the program's time too, and most of a line is constants, names that need no escaping, and
//! numbers. Those are copied, without the detour through `core::fmt` and serde, which was most of what an event cost. What
//! comes from outside (a path, a process's name) goes through `core::fmt` and `serde_json`.

use serde::ser::{Serialize, Serializer};
use std::fmt;

/// `00` to `99`.
static PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut number) = ([[0; 2]; 100], 0);
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The line.
pub struct Line<'a>(&'a mut Vec<u8>);

impl<'a> Line<'a> {
    /// Appends to `buffer`.
    pub fn new(buffer: &'a mut Vec<u8>) -> Line<'a> {
        Line(buffer)
    }

    /// A constant: its length is known, so it is copied without a loop.
    #[inline(always)]
    pub fn text(&mut self, text: &'static str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A text of any length.
    #[inline]
    pub fn word(&mut self, word: &str) {
        self.bytes(word.as_bytes());
    }

    /// Bytes of any number.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
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
    pub fn uint(&mut self, number: u64) {
        if number < 10 {
            self.0.push(b'0' + number as u8);
        } else {
            self.0.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }

    /// A number in decimal, with zeros in front up to `WIDTH` digits, an even number; what is above them is cut.
    pub fn digits<const WIDTH: usize>(&mut self, mut number: u64) {
        let mut digits = [b'0'; WIDTH];
        for pair in digits.rchunks_exact_mut(2) {
            pair.copy_from_slice(&PAIRS[(number % 100) as usize]);
            number /= 100;
        }
        self.0.extend_from_slice(&digits);
    }

    /// A number in hexadecimal, as `0x1f`.
    pub fn hex(&mut self, number: u64) {
        let (mut digits, mut left, mut begin) = ([0; 16], number, 16);
        while begin == 16 || left != 0 {
            begin -= 1;
            digits[begin] = b"0123456789abcdef"[(left & 0xf) as usize];
            left >>= 4;
        }
        self.text("0x");
        self.0.extend_from_slice(&digits[begin..]);
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
        // Writing to memory cannot fail, and a Display form that fails leaves what it has written.
        let _ = serde_json::to_writer(&mut *self.0, &Shown(text));
    }

    /// Spaces from `begin` up to `width` characters. For ASCII.
    pub fn pad(&mut self, begin: usize, width: usize) {
        let missing = (begin + width).saturating_sub(self.0.len());
        self.0.resize(self.0.len() + missing, b' ');
    }

    /// Where the next character goes: a beginning for [`Line::pad`].
    pub fn place(&self) -> usize {
        self.0.len()
    }

    /// The last byte, if there is one.
    #[inline]
    pub fn last(&self) -> Option<u8> {
        self.0.last().copied()
    }
}

impl fmt::Write for Line<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.word(text);
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
        let mut buffer = Vec::new();
        write(&mut Line::new(&mut buffer));
        String::from_utf8(buffer).expect("UTF-8")
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
