//! Arguments as people write them: names for numbers, fields for addresses.
//!
//! What an argument means follows from its name in the hook table, so a new hook is decoded by naming its
//! parameters as its man page does.

use crate::net::address::SockAddr;
use crate::trace::event::{Event, Extra};
use crate::trace::line::Line;
use crate::uapi::{self, Bits, Named, Names, TypeArg};
use libc::c_int;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// What an argument stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// A signed number of 32 bits.
    Int32,
    /// An unsigned number of 32 bits.
    Uint32,
    /// A signed number of 64 bits.
    Int64,
    /// A length or a count.
    Uint64,
    /// A pointer.
    Pointer,
    /// A pointer to the parts of a message; their number is the next argument.
    Iov,
    /// A pointer to a message's header.
    Msg,
    /// A pointer to an array of headers; their number is the next argument.
    MsgVec,
    /// A pointer to a socket address, which the event may hold.
    Addr,
    /// A pointer to a text, which the event may hold.
    Text,
    /// The array of two descriptors, which the event may hold.
    Pair,
    /// A pointer to an option's value, which the event may hold.
    OptVal,
    /// An address family.
    Family,
    /// A socket type with its flags.
    Type,
    /// A protocol of the family in the first argument.
    Protocol,
    /// A level of socket options.
    Level,
    /// A socket option of the level in the second argument.
    OptName,
    /// What to shut down.
    How,
    /// A command of fcntl(2).
    Fcntl,
    /// A request of ioctl(2).
    Ioctl,
    /// An operation of epoll_ctl(2).
    Epoll,
    /// SOCK_NONBLOCK and SOCK_CLOEXEC.
    TypeFlags,
    /// Flags of close_range(2).
    CloseRangeFlags,
    /// Flags of the send and recv families.
    MsgFlags,
    /// Flags without names.
    Flags,
}

/// The meaning of a parameter, by the call that it belongs to, its name, and its type.
pub const fn meaning(call: &[u8], name: &[u8], ty: &[u8]) -> Meaning {
    match name {
        b"family" => Meaning::Family,
        b"type_" => Meaning::Type,
        b"protocol" => Meaning::Protocol,
        b"addr" => Meaning::Addr,
        b"path" | b"file" => Meaning::Text,
        b"sv" => Meaning::Pair,
        b"optval" => Meaning::OptVal,
        b"level" => Meaning::Level,
        b"optname" => Meaning::OptName,
        b"how" => Meaning::How,
        b"cmd" => Meaning::Fcntl,
        b"request" => Meaning::Ioctl,
        b"op" => Meaning::Epoll,
        b"flags" => flags_of(call),
        _ => type_meaning(ty),
    }
}

const fn type_meaning(ty: &[u8]) -> Meaning {
    match ty {
        b"*const iovec" => Meaning::Iov,
        b"*const msghdr" | b"*mut msghdr" => Meaning::Msg,
        b"*mut mmsghdr" => Meaning::MsgVec,
        [b'*', ..] => Meaning::Pointer,
        b"c_int" | b"pid_t" => Meaning::Int32,
        b"c_uint" | b"socklen_t" | b"uid_t" | b"gid_t" => Meaning::Uint32,
        b"size_t" | b"nfds_t" | b"c_ulong" => Meaning::Uint64,
        _ => Meaning::Int64,
    }
}

const fn flags_of(call: &[u8]) -> Meaning {
    match call {
        b"accept4" | b"dup3" | b"epoll_create1" => Meaning::TypeFlags,
        b"close_range" => Meaning::CloseRangeFlags,
        _ if contains(call, b"send") || contains(call, b"recv") => Meaning::MsgFlags,
        _ => Meaning::Flags,
    }
}

const fn contains(text: &[u8], part: &[u8; 4]) -> bool {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if let [second, third, fourth, ..] = tail
            && *first == part[0]
            && *second == part[1]
            && *third == part[2]
            && *fourth == part[3]
        {
            return true;
        }
        rest = tail;
    }
    false
}

/// A decoded argument.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A signed number.
    Int(i64),
    /// A length or a count.
    Uint(u64),
    /// A number with a name.
    Name(Names, c_int),
    /// Bits with names.
    Bits(Names, c_int),
    /// socket(2)'s type argument.
    Type(c_int),
    /// A pointer that was not followed.
    Pointer(u64),
    /// A socket address.
    Address(Address<'a>),
    /// A path.
    Text(&'a [u8]),
    /// Two descriptors.
    Pair([c_int; 2]),
}

/// The argument at `index`, which means `meaning`.
#[inline(always)]
pub fn argument(event: &Event, index: usize, meaning: Meaning) -> Value<'_> {
    let word = event.args[index];
    let int = word as c_int;
    match (meaning, event.extra) {
        (Meaning::Int32, _) => Value::Int(int.into()),
        (Meaning::Uint32, _) => Value::Uint(u64::from(word as u32)),
        (Meaning::Int64, _) => Value::Int(word),
        (Meaning::Uint64, _) => Value::Uint(word as u64),
        (Meaning::Addr, Extra::Address) => Value::Address(Address(&event.addr)),
        (Meaning::Text, Extra::Text) => Value::Text(event.addr.bytes()),
        (Meaning::Pair, Extra::Pair(pair)) => Value::Pair(pair),
        (Meaning::OptVal, Extra::Value(value)) => Value::Int(value.into()),
        (
            Meaning::Pointer
            | Meaning::Iov
            | Meaning::Msg
            | Meaning::MsgVec
            | Meaning::Addr
            | Meaning::Text
            | Meaning::Pair
            | Meaning::OptVal,
            _,
        ) => Value::Pointer(word as u64),
        (Meaning::Family, _) => Value::Name(uapi::FAMILIES, int),
        (Meaning::Type, _) => Value::Type(int),
        (Meaning::Protocol, _) => Value::Name(uapi::protocols_of(event.args[0] as c_int), int),
        (Meaning::Level, _) => Value::Name(uapi::LEVELS, int),
        (Meaning::OptName, _) => Value::Name(uapi::options_of(event.args[1] as c_int), int),
        (Meaning::How, _) => Value::Name(uapi::SHUT, int),
        (Meaning::Fcntl, _) => Value::Name(uapi::FCNTL, int),
        (Meaning::Ioctl, _) => Value::Name(uapi::IOCTL, int),
        (Meaning::Epoll, _) => Value::Name(uapi::EPOLL, int),
        (Meaning::TypeFlags, _) => Value::Bits(uapi::TYPE_FLAGS, int),
        (Meaning::CloseRangeFlags, _) => Value::Bits(uapi::CLOSE_RANGE, int),
        (Meaning::MsgFlags, _) => Value::Bits(uapi::MSG, int),
        (Meaning::Flags, _) => Value::Bits(uapi::Names::NONE, int),
    }
}

/// Bytes as text: what is not UTF-8 becomes U+FFFD.
pub struct Lossy<'a>(pub &'a [u8]);

impl fmt::Display for Lossy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.utf8_chunks().try_for_each(|chunk| {
            f.write_str(chunk.valid())?;
            if chunk.invalid().is_empty() { Ok(()) } else { f.write_str("\u{fffd}") }
        })
    }
}

/// A text in double quotes, its special characters escaped; made without a String, as the writer never allocates.
pub struct Quoted<T>(pub T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('"')?;
        write!(Escape(f), "{}", self.0)?;
        f.write_char('"')
    }
}

struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write!(self.0, "{}", text.escape_debug())
    }
}

impl Value<'_> {
    /// Writes it as text.
    pub fn text(&self, line: &mut Line) {
        match *self {
            Value::Int(number) => line.int(number),
            Value::Uint(number) => line.uint(number),
            Value::Name(names, number) => line.put(|out| Named(names, number).write(out)),
            Value::Bits(names, bits) => line.put(|out| Bits(names, bits).write(out)),
            Value::Type(ty) => line.put(|out| TypeArg(ty).write(out)),
            Value::Pointer(0) => line.text("NULL"),
            Value::Pointer(pointer) => line.hex(pointer),
            Value::Address(addr) => line.display(addr),
            Value::Text(text) => line.display(Quoted(Lossy(text))),
            Value::Pair([one, two]) => line.display(format_args!("[{one}, {two}]")),
        }
    }

    /// Writes it as a value of JSON.
    pub fn json(&self, line: &mut Line) {
        match *self {
            Value::Int(number) => line.int(number),
            Value::Uint(number) => line.uint(number),
            Value::Bits(_, 0) => line.text("\"0\""),
            Value::Pointer(0) => line.text("null"),
            Value::Pointer(pointer) => {
                line.text("\"");
                line.hex(pointer);
                line.text("\"");
            }
            Value::Address(addr) => addr.json(line),
            Value::Text(text) => line.foreign(Lossy(text)),
            Value::Pair([one, two]) => line.display(format_args!("[{one},{two}]")),
            _ => {
                line.text("\"");
                self.text(line);
                line.text("\"");
            }
        }
    }
}

/// A socket address by its fields.
#[derive(Clone, Copy)]
pub struct Address<'a>(pub &'a SockAddr);

/// One reading of an address.
enum Fields<'a> {
    Inet(Ipv4Addr, u16),
    Inet6(Ipv6Addr, u16),
    Unix(&'a [u8]),
    Netlink { pid: u32, groups: u32 },
    Packet { ifindex: u32 },
    Vsock { cid: u32, port: u32 },
    Raw(&'a [u8]),
}

impl<'a> Address<'a> {
    fn fields(&self) -> Fields<'a> {
        let addr = self.0;
        match (addr.family(), addr.len()) {
            (Some(libc::AF_INET), 16..) => Fields::Inet(addr.v4().into(), addr.port()),
            (Some(libc::AF_INET6), 24..) => Fields::Inet6(addr.v6().into(), addr.port()),
            (Some(libc::AF_UNIX), 2..) => Fields::Unix(&addr.bytes()[2..]),
            (Some(libc::AF_NETLINK), 12..) => Fields::Netlink { pid: addr.u32_at(4), groups: addr.u32_at(8) },
            (Some(libc::AF_PACKET), 8..) => Fields::Packet { ifindex: addr.u32_at(4) },
            (Some(libc::AF_VSOCK), 12..) => Fields::Vsock { cid: addr.u32_at(8), port: addr.u32_at(4) },
            _ => Fields::Raw(addr.bytes()),
        }
    }
}

/// A unix path as unix(7) writes it: an abstract name with `@` for its first byte, a file name up to its NUL.
struct UnixPath<'a>(&'a [u8]);

impl fmt::Display for UnixPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_first() {
            None => Ok(()),
            Some((0, name)) => write!(f, "@{}", Lossy(name)),
            Some(_) => write!(f, "{}", Lossy(self.0.split(|byte| *byte == 0).next().unwrap_or_default())),
        }
    }
}

struct HexBytes<'a>(&'a [u8]);

impl fmt::Display for HexBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.0.family().unwrap_or(0);
        write!(f, "{{{}", Named(uapi::FAMILIES, family))?;
        match self.fields() {
            Fields::Inet(ip, port) => write!(f, " {ip}:{port}")?,
            Fields::Inet6(ip, port) => write!(f, " [{ip}]:{port}")?,
            Fields::Unix(path) => write!(f, " {}", Quoted(UnixPath(path)))?,
            Fields::Netlink { pid, groups } => write!(f, " pid {pid} groups {groups:#x}")?,
            Fields::Packet { ifindex } => write!(f, " ifindex {ifindex}")?,
            Fields::Vsock { cid, port } => write!(f, " {cid}:{port}")?,
            Fields::Raw(bytes) => write!(f, " {}", HexBytes(bytes))?,
        }
        f.write_str("}")
    }
}

impl Address<'_> {
    fn json(self, line: &mut Line) {
        line.text("{\"family\":\"");
        line.put(|out| Named(uapi::FAMILIES, self.0.family().unwrap_or(0)).write(out));
        line.text("\"");
        match self.fields() {
            Fields::Inet(ip, port) => line.display(format_args!(",\"address\":\"{ip}\",\"port\":{port}")),
            Fields::Inet6(ip, port) => line.display(format_args!(",\"address\":\"{ip}\",\"port\":{port}")),
            Fields::Unix(path) => {
                line.text(",\"path\":");
                line.foreign(UnixPath(path));
            }
            Fields::Netlink { pid, groups } => {
                line.display(format_args!(",\"pid\":{pid},\"groups\":{groups}"));
            }
            Fields::Packet { ifindex } => line.display(format_args!(",\"ifindex\":{ifindex}")),
            Fields::Vsock { cid, port } => line.display(format_args!(",\"cid\":{cid},\"port\":{port}")),
            Fields::Raw(bytes) => line.display(format_args!(",\"bytes\":\"{}\"", HexBytes(bytes))),
        }
        line.text("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> (String, String) {
        let addr = SockAddr::new(bytes);
        let mut room = [0; 256];
        let mut line = Line::new(&mut room);
        Address(&addr).json(&mut line);
        (Address(&addr).to_string(), String::from_utf8(line.written().to_vec()).expect("UTF-8"))
    }

    #[test]
    fn addresses_of_each_family() {
        let (text, json) = shown(&[2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(text, "{AF_INET 127.0.0.1:8080}");
        assert_eq!(json, r#"{"family":"AF_INET","address":"127.0.0.1","port":8080}"#);
        assert_eq!(shown(b"\x01\0/run/a\0x").0, r#"{AF_UNIX "/run/a"}"#);
        assert_eq!(shown(b"\x01\0\0name").1, r#"{"family":"AF_UNIX","path":"@name"}"#);
        assert_eq!(shown(&[2, 0, 1]).0, "{AF_INET 020001}");
        assert_eq!(shown(&[]).0, "{AF_UNSPEC }");
        assert_eq!(shown(b"\x01\0a\xff\"").1, "{\"family\":\"AF_UNIX\",\"path\":\"a\u{fffd}\\\"\"}");
    }
}
