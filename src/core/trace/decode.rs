//! Arguments as people write them: names for numbers, fields for addresses.
//!
//! What an argument means follows from its name in the hook table, so a new hook is decoded by naming its
//! parameters as its man page does.

use crate::net::address::SockAddr;
use crate::trace::event::{Event, Extra};
use crate::uapi::{self, Bits, Named, Names, TypeArg};
use libc::c_int;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

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
    Address(&'a SockAddr),
    /// A path.
    Text(&'a [u8]),
    /// Two descriptors.
    Pair([c_int; 2]),
}

/// The argument at `index`.
pub fn argument(event: &Event, index: usize) -> Value<'_> {
    let word = event.args[index];
    let int = word as c_int;
    let Some(param) = event.hook.params.get(index) else { return Value::Int(word) };
    match (param.name, event.extra) {
        ("family", _) => Value::Name(uapi::FAMILIES, int),
        ("type_", _) => Value::Type(int),
        ("protocol", _) => Value::Name(uapi::protocols_of(event.args[0] as c_int), int),
        ("addr", Extra::Address) => Value::Address(&event.addr),
        ("path" | "file", Extra::Text) => Value::Text(event.addr.bytes()),
        ("sv", Extra::Pair(pair)) => Value::Pair(pair),
        ("optval", Extra::Value(value)) => Value::Int(value.into()),
        ("level", _) => Value::Name(uapi::LEVELS, int),
        ("optname", _) => Value::Name(uapi::options_of(event.args[1] as c_int), int),
        ("how", _) => Value::Name(uapi::SHUT, int),
        ("cmd", _) => Value::Name(uapi::FCNTL, int),
        ("request", _) => Value::Name(uapi::IOCTL, int),
        ("op", _) => Value::Name(uapi::EPOLL, int),
        ("flags", _) => Value::Bits(flags_of(event.hook.name), int),
        _ if param.ty.starts_with('*') => Value::Pointer(word as u64),
        _ => number(param.ty, word),
    }
}

fn number(ty: &str, word: i64) -> Value<'static> {
    match ty {
        "c_int" | "pid_t" => Value::Int(i64::from(word as c_int)),
        "c_uint" | "socklen_t" | "uid_t" | "gid_t" => Value::Uint(u64::from(word as u32)),
        "size_t" | "nfds_t" | "c_ulong" => Value::Uint(word as u64),
        _ => Value::Int(word),
    }
}

fn flags_of(call: &str) -> Names {
    match call {
        "accept4" | "dup3" | "epoll_create1" => uapi::TYPE_FLAGS,
        "close_range" => uapi::CLOSE_RANGE,
        call if call.contains("send") || call.contains("recv") => uapi::MSG,
        _ => Names::NONE,
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

impl Serialize for Lossy<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Int(number) => write!(f, "{number}"),
            Value::Uint(number) => write!(f, "{number}"),
            Value::Name(names, number) => write!(f, "{}", Named(names, number)),
            Value::Bits(names, bits) => write!(f, "{}", Bits(names, bits)),
            Value::Type(ty) => write!(f, "{}", TypeArg(ty)),
            Value::Pointer(0) => f.write_str("NULL"),
            Value::Pointer(pointer) => write!(f, "{pointer:#x}"),
            Value::Address(addr) => write!(f, "{}", Address(addr)),
            Value::Text(text) => write!(f, "{}", Quoted(Lossy(text))),
            Value::Pair([one, two]) => write!(f, "[{one}, {two}]"),
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Value::Int(number) => serializer.serialize_i64(number),
            Value::Uint(number) => serializer.serialize_u64(number),
            Value::Pointer(0) => serializer.serialize_none(),
            Value::Address(addr) => Address(addr).serialize(serializer),
            Value::Text(text) => Lossy(text).serialize(serializer),
            Value::Pair(pair) => pair.serialize(serializer),
            _ => serializer.collect_str(self),
        }
    }
}

/// A socket address by its fields.
struct Address<'a>(&'a SockAddr);

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

/// A value that serde writes through its Display form.
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("family", &Shown(Named(uapi::FAMILIES, self.0.family().unwrap_or(0))))?;
        match self.fields() {
            Fields::Inet(ip, port) => {
                map.serialize_entry("address", &Shown(ip))?;
                map.serialize_entry("port", &port)?;
            }
            Fields::Inet6(ip, port) => {
                map.serialize_entry("address", &Shown(ip))?;
                map.serialize_entry("port", &port)?;
            }
            Fields::Unix(path) => map.serialize_entry("path", &Shown(UnixPath(path)))?,
            Fields::Netlink { pid, groups } => {
                map.serialize_entry("pid", &pid)?;
                map.serialize_entry("groups", &groups)?;
            }
            Fields::Packet { ifindex } => map.serialize_entry("ifindex", &ifindex)?,
            Fields::Vsock { cid, port } => {
                map.serialize_entry("cid", &cid)?;
                map.serialize_entry("port", &port)?;
            }
            Fields::Raw(bytes) => map.serialize_entry("bytes", &Shown(HexBytes(bytes)))?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> (String, String) {
        let addr = SockAddr::new(bytes);
        (Address(&addr).to_string(), serde_json::to_string(&Address(&addr)).expect("serializes"))
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
