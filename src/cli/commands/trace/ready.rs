//! What poll(2) and epoll_wait(2) wait for and have found, as strace writes it.

use super::data::bytes;
use super::event::Event;
use super::sockets::Sockets;
use std::fmt::Write;

/// Bits of `struct pollfd`; those of `struct epoll_event` have the same names behind an E.
const BITS: [(u32, &str); 11] = [
    (0x1, "POLLIN"),
    (0x2, "POLLPRI"),
    (0x4, "POLLOUT"),
    (0x8, "POLLERR"),
    (0x10, "POLLHUP"),
    (0x20, "POLLNVAL"),
    (0x40, "POLLRDNORM"),
    (0x80, "POLLRDBAND"),
    (0x100, "POLLWRNORM"),
    (0x200, "POLLWRBAND"),
    (0x2000, "POLLRDHUP"),
];

/// The descriptors of a poll(2), each with what is wanted and what was found; with the names of their sockets.
pub fn polled(event: &Event, sockets: Option<&Sockets>) -> Option<String> {
    let bytes = bytes(event, "data")?;
    let shown = bytes.chunks_exact(8).map(|entry| {
        let fd = i32::from_ne_bytes(entry[..4].try_into().unwrap_or_default());
        let half = |at: usize| u32::from(u16::from_ne_bytes([entry[at], entry[at + 1]]));
        let name = sockets
            .and_then(|sockets| sockets.get(event.pid, fd))
            .map(|sock| format!("<{}>", sock.annotation()));
        let found = match half(6) {
            0 => String::new(),
            found => format!(", revents={}", flags(found, "")),
        };
        format!("{{fd={fd}{}, events={}{found}}}", name.unwrap_or_default(), flags(half(4), ""))
    });
    list(shown, event.int("nfds")?)
}

/// What epoll_wait(2) has found.
pub fn found(event: &Event) -> Option<String> {
    let bytes = bytes(event, "data")?;
    let shown = bytes.chunks_exact(12).map(|entry| {
        let events = u32::from_ne_bytes(entry[..4].try_into().unwrap_or_default());
        let data = u64::from_ne_bytes(entry[4..].try_into().unwrap_or_default());
        // Most programs keep a descriptor there, the others an address.
        let data = if data <= i32::MAX as u64 { data.to_string() } else { format!("{data:#x}") };
        format!("{{events={}, data={data}}}", flags(events, "E"))
    });
    list(shown, event.ret)
}

fn list(shown: impl Iterator<Item = String>, count: i64) -> Option<String> {
    let mut shown: Vec<String> = shown.collect();
    if (shown.len() as i64) < count {
        shown.push("...".into());
    }
    Some(format!("[{}]", shown.join(", ")))
}

fn flags(bits: u32, prefix: &str) -> String {
    let (mut text, mut rest) = (String::new(), bits);
    for (bit, name) in BITS.iter().filter(|(bit, _)| bits & bit != 0) {
        let _ = write!(text, "{}{prefix}{name}", if text.is_empty() { "" } else { "|" });
        rest &= !bit;
    }
    if rest != 0 || text.is_empty() {
        let _ = write!(text, "{}{rest:#x}", if text.is_empty() { "" } else { "|" });
    }
    if text == "0x0" { "0".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_have_names() {
        assert_eq!(flags(0x1, ""), "POLLIN");
        assert_eq!(flags(0x2005, "E"), "EPOLLIN|EPOLLOUT|EPOLLRDHUP");
        assert_eq!((flags(0, ""), flags(0x4001, "")), ("0".into(), "POLLIN|0x4000".into()));
    }
}
