//! What was sent and received, and the values of options, as strace writes them.

use super::event::Event;
use serde_json::Value;
use std::fmt::Write;

/// The bytes that the log has as hexadecimal digits.
pub fn bytes(event: &Event, key: &str) -> Option<Vec<u8>> {
    let digits = event.arg(key)?.as_str()?;
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The data of a call in quotes, with dots where there was more.
pub fn data(event: &Event) -> Option<String> {
    let bytes = bytes(event, "data")?;
    let more = if event.ret > bytes.len() as i64 && !event.name().ends_with("mmsg") { "..." } else { "" };
    Some(format!("{}{more}", quoted(&bytes)))
}

/// Text in quotes. What is not printed in ASCII is escaped as in C, and a digit behind an octal number does not join it.
pub fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for (index, byte) in bytes.iter().enumerate() {
        let before_digit = bytes.get(index + 1).is_some_and(u8::is_ascii_digit);
        let _ = match byte {
            b'\n' => write!(text, "\\n"),
            b'\r' => write!(text, "\\r"),
            b'\t' => write!(text, "\\t"),
            b'"' | b'\\' => write!(text, "\\{}", char::from(*byte)),
            b' '..=b'~' => write!(text, "{}", char::from(*byte)),
            _ if before_digit => write!(text, "\\{byte:03o}"),
            _ => write!(text, "\\{byte:o}"),
        };
    }
    text.push('"');
    text
}

/// Text in quotes, with its own characters.
pub fn quoted_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// A field of a structure: its name, and how many bytes it has.
type Field = (&'static str, usize);

/// Options whose value is a structure of numbers.
const STRUCTURES: [(&str, &[Field]); 7] = [
    ("SO_LINGER", &[("l_onoff", 4), ("l_linger", 4)]),
    ("SO_RCVTIMEO", &[("tv_sec", 8), ("tv_usec", 8)]),
    ("SO_SNDTIMEO", &[("tv_sec", 8), ("tv_usec", 8)]),
    ("SO_PEERCRED", &[("pid", 4), ("uid", 4), ("gid", 4)]),
    ("SO_ATTACH_FILTER", &[("len", 2)]),
    ("SO_ATTACH_REUSEPORT_CBPF", &[("len", 2)]),
    ("PACKET_STATISTICS", &[("tp_packets", 4), ("tp_drops", 4)]),
];
/// Options whose value is text.
const TEXTS: [&str; 4] = ["SO_BINDTODEVICE", "TCP_CONGESTION", "TCP_ULP", "SO_PEERSEC"];
/// Options whose value is one or two IPv4 addresses.
const MEMBERSHIPS: [&str; 4] =
    ["IP_ADD_MEMBERSHIP", "IP_DROP_MEMBERSHIP", "IP_ADD_SOURCE_MEMBERSHIP", "IP_MULTICAST_IF"];

/// An option's value in words.
pub fn option(event: &Event) -> Option<String> {
    let value = bytes(event, "value")?;
    let name = event.arg("optname").and_then(Value::as_str).unwrap_or_default();
    if let Some((_, fields)) = STRUCTURES.iter().find(|(option, _)| *option == name) {
        return Some(structure(&value, fields).unwrap_or_else(|| quoted(&value)));
    }
    if TEXTS.contains(&name) {
        let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
        return Some(quoted(&value[..end]));
    }
    if MEMBERSHIPS.contains(&name) && matches!(value.len(), 4 | 8) {
        let addresses = value
            .chunks_exact(4)
            .map(|address| format!("{}.{}.{}.{}", address[0], address[1], address[2], address[3]));
        return Some(format!("{{{}}}", addresses.collect::<Vec<_>>().join(", ")));
    }
    Some(quoted(&value))
}

fn structure(value: &[u8], fields: &[Field]) -> Option<String> {
    let mut rest = value;
    let mut parts = Vec::new();
    for (name, len) in fields {
        let (field, behind) = rest.split_at_checked(*len)?;
        rest = behind;
        let number = match len {
            2 => i64::from(u16::from_ne_bytes(field.try_into().ok()?)),
            4 => i64::from(i32::from_ne_bytes(field.try_into().ok()?)),
            _ => i64::from_ne_bytes(field.try_into().ok()?),
        };
        parts.push(format!("{name}={number}"));
    }
    Some(format!("{{{}}}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_as_in_c() {
        assert_eq!(quoted(b"a\"b\\\n\r\t\0x\x001\xff"), r#""a\"b\\\n\r\t\0x\0001\377""#);
    }

    #[test]
    fn structures_have_names() {
        let linger = [1, 0, 0, 0, 5, 0, 0, 0];
        assert_eq!(structure(&linger, STRUCTURES[0].1).as_deref(), Some("{l_onoff=1, l_linger=5}"));
        assert_eq!(structure(&linger[..7], STRUCTURES[0].1), None);
    }
}
