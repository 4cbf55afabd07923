//! One line of the log while it is written, into a buffer of fixed capacity.
//!
//! The writer competes with the program for the processor. Most of a line is constants, numbers, and names
//! that need no escaping. These are copied, because `core::fmt` and serde would cost more than everything else about
//! an event. Bytes from outside (a path, a process's name) go through `core::fmt` and `serde_json`.

use serde::ser::{Serialize, Serializer};
use std::{fmt, io};

/// The longest line of an event, in either format, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// The digit pairs `00` to `99`.
static PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut number) = ([[0; 2]; 100], 0);
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The line. What exceeds the buffer is cut, so the caller provides [`LONGEST`] bytes.
pub struct Line<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Line<'a> {
    /// An empty line in `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Line<'a> {
        Line { buffer, len: 0 }
    }

    /// The bytes written so far.
    pub fn written(self) -> &'a [u8] {
        &self.buffer[..self.len]
    }

    /// The bytes written since there were `start`.
    pub fn written_since(&self, start: usize) -> &[u8] {
        self.buffer.get(start..self.len).unwrap_or_default()
    }

    /// How many bytes the buffer still takes.
    pub fn remaining(&self) -> usize {
        self.buffer.len() - self.len
    }

    /// How many bytes are written.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reserves the next `count` bytes of the buffer; `None` when fewer are left.
    #[inline(always)]
    fn take(&mut self, count: usize) -> Option<&mut [u8]> {
        let end = self.len.checked_add(count)?;
        let free = self.buffer.get_mut(self.len..end)?;
        self.len = end;
        Some(free)
    }

    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        if let Some(free) = self.take(bytes.len()) {
            free.copy_from_slice(bytes);
        }
    }

    /// A constant. Inlined, so that its length is known and it is copied without a loop.
    #[inline(always)]
    pub fn text(&mut self, text: &'static str) {
        self.copy(text.as_bytes());
    }

    /// A text whose length is not known at compile time.
    #[inline]
    pub fn word(&mut self, word: &str) {
        self.bytes(word.as_bytes());
    }

    /// Bytes whose number is not known at compile time.
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

    /// An unsigned number. A single digit, the most frequent case, is written directly.
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

    /// The last `WIDTH` decimal digits of a number, with leading zeros. `WIDTH` must be even.
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
        if let Some(free) = self.take(digits) {
            let mut left = number;
            for digit in free.iter_mut().rev() {
                *digit = b"0123456789abcdef"[(left & 0xf) as usize];
                left >>= 4;
            }
        }
    }

    /// Whatever `write` writes. Writing to a line never fails, so the result is ignored.
    #[inline]
    pub fn put(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) {
        let _ = write(self);
    }

    /// Any value, by its Display form.
    pub fn display(&mut self, value: impl fmt::Display) {
        self.put(|out| fmt::Write::write_fmt(out, format_args!("{value}")));
    }

    /// A JSON string with bytes from outside, quoted and escaped.
    pub fn foreign(&mut self, text: impl fmt::Display) {
        // Writing to a line never fails. A Display implementation that fails leaves what it has written.
        let _ = serde_json::to_writer(self, &Shown(text));
    }

    /// Pads what was written since `begin` with spaces to `width` bytes. For ASCII text in columns.
    pub fn pad(&mut self, begin: usize, width: usize) {
        let missing = (begin + width).saturating_sub(self.len);
        if let Some(free) = self.take(missing) {
            free.fill(b' ');
        }
    }

    /// The last byte, if there is one.
    #[inline]
    pub fn last(&self) -> Option<u8> {
        self.buffer.get(self.len.checked_sub(1)?).copied()
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
        let mut buffer = [0; 256];
        let mut line = Line::new(&mut buffer);
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
    fn what_does_not_fit_is_cut() {
        let mut buffer = [0; 4];
        let mut line = Line::new(&mut buffer);
        line.text("abc");
        line.uint(99);
        line.text("d");
        line.text("e");
        assert_eq!(line.len(), 4);
        assert_eq!(&buffer, b"abcd");
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
