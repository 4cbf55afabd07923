//! Bytes from outside (paths, abstract names, process names) as text.
//!
//! The text format escapes every byte that a terminal would interpret or that a reader could not distinguish: two
//! different byte strings are never written alike. A JSON string cannot hold every byte. There [`Lossy`] is written,
//! and the bytes beside it when something is lost. Neither makes a `String`, because the writer never allocates.

use std::fmt::{self, Write};

/// Bytes as text; whatever is not UTF-8 becomes U+FFFD.
#[derive(Clone, Copy)]
pub struct Lossy<'a>(pub &'a [u8]);

impl fmt::Display for Lossy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.utf8_chunks().try_for_each(|chunk| {
            f.write_str(chunk.valid())?;
            if chunk.invalid().is_empty() { Ok(()) } else { f.write_str("\u{fffd}") }
        })
    }
}

/// Bytes as text without quotes: control characters as `\n` or `\u{1b}`, a NUL as `\x00`, a byte that is not UTF-8 as
/// `\xff`, a backslash doubled.
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, f, false)
    }
}

/// The same inside double quotes, so a double quote is escaped too.
pub struct Quoted<'a>(pub &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        escape(self.0, f, true)?;
        f.write_char('"')
    }
}

/// Writes `bytes`. A quote is escaped too if it is `quoted`.
///
/// `char::escape_debug` would need tables of all of Unicode, 5 kB of the library.
fn escape(bytes: &[u8], f: &mut fmt::Formatter<'_>, quoted: bool) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                // Not `\0`: followed by a digit, it would read as a longer octal number.
                '\0' => f.write_str("\\x00")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                '\n' => f.write_str("\\n")?,
                '\\' => f.write_str("\\\\")?,
                '"' if quoted => f.write_str("\\\"")?,
                char if char.is_control() || is_invisible(char) => write!(f, "\\u{{{:x}}}", char as u32)?,
                char => f.write_char(char)?,
            }
        }
        chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
    }
    Ok(())
}

/// Whether a character is not seen, or changes how others are seen: the direction of text, separators of lines, marks
/// without a width, variants, tags, and what Unicode will never assign or leaves to private agreement.
fn is_invisible(char: char) -> bool {
    const RANGES: [(u32, u32); 17] = [
        (0xad, 0xad),
        (0x34f, 0x34f),
        (0x600, 0x605),
        (0x61c, 0x61c),
        (0x6dd, 0x6dd),
        (0x70f, 0x70f),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x2028, 0x202e),
        (0x2060, 0x206f),
        (0xe000, 0xf8ff),
        (0xfdd0, 0xfdef),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xfff0, 0xfffb),
    ];
    let char = char as u32;
    // Musical format marks; tags, variants and private use; the last two characters of every plane.
    let beyond = matches!(char, 0x1_d173..=0x1_d17a | 0xe_0000..) || char & 0xfffe == 0xfffe;
    char >= 0x80 && (beyond || RANGES.iter().any(|&(first, last)| (first..=last).contains(&char)))
}

/// Bytes as pairs of hexadecimal digits.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed_and_nothing_is_lost() {
        let escaped = |bytes: &[u8]| Escaped(bytes).to_string();
        assert_eq!(escaped(b"a\x1b[2J\rb"), "a\\u{1b}[2J\\rb");
        assert_eq!(escaped("it's \"é→\"".as_bytes()), "it's \"é→\"");
        assert_eq!(escaped(b"\x00\xff1\\"), "\\x001\\\\".replacen("1", "\\xff1", 1));
        assert_eq!(escaped("\u{202e}\u{9b}".as_bytes()), "\\u{202e}\\u{9b}");
        assert_eq!(
            escaped("\u{7f}\u{ad}\u{feff}\u{e0041}\u{fffff}".as_bytes()),
            "\\u{7f}\\u{ad}\\u{feff}\\u{e0041}\\u{fffff}"
        );
        assert_ne!(escaped(b"\xe9"), escaped(b"\\xe9"));
        assert_eq!(Quoted(b"it's \"q\"").to_string(), "\"it's \\\"q\\\"\"");
        assert_eq!(Lossy(b"lat\xe9n").to_string(), "lat\u{fffd}n");
    }

    #[test]
    fn different_bytes_are_written_differently() {
        let mut seen = std::collections::HashMap::new();
        let alphabet: &[u8] = b"\0\\x0\xff\"n\n";
        for first in alphabet {
            for second in alphabet {
                for third in alphabet {
                    let bytes = [*first, *second, *third];
                    let other = seen.insert(Escaped(&bytes).to_string(), bytes);
                    assert_eq!(other, None, "as {bytes:?}");
                }
            }
        }
    }
}
