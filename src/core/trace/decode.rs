//! Arguments as people write them: names for numbers, fields for addresses.

use crate::meaning::Meaning;
use crate::net::address::SockAddr;
use crate::resolve;
use crate::trace::escape::{Lossy, Quoted};
use crate::trace::event::{Event, Extra};
use crate::trace::line::Line;
use crate::trace::parts::{self, Part, Piece};
use crate::trace::sockaddr::DecodedAddress;
use crate::uapi::{self, Bits, Named, Names, TypeArg};
use libc::c_int;
use std::net::IpAddr;

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
    Address(DecodedAddress<'a>),
    /// A path, which may be truncated.
    Text(&'a SockAddr),
    /// A part of an event that has several texts.
    Part(Piece<'a>),
    /// An address of the internet.
    Ip(IpAddr),
    /// A socket address as bytes.
    Sockaddr(&'a [u8]),
    /// getaddrinfo(3)'s hints: flags, family, type, protocol.
    Hints([c_int; 4]),
    /// Two descriptors.
    Pair([c_int; 2]),
}

/// The argument at `index`, which means `meaning`.
#[inline(never)]
pub fn argument(event: &Event, index: usize, meaning: Meaning) -> Value<'_> {
    // What is behind the words that are kept is decoded from something else.
    let word = event.args.get(index).copied().unwrap_or(0);
    let int = word as c_int;
    if let Some(part) = event.resolved().and_then(|resolved| asked(event, meaning, resolved.error)) {
        return part;
    }
    match (meaning, event.extra) {
        (Meaning::Int32, _) => Value::Int(int.into()),
        (Meaning::Uint32, _) => Value::Uint(u64::from(word as u32)),
        (Meaning::Int64, _) => Value::Int(word),
        (Meaning::Uint64, _) => Value::Uint(word as u64),
        // Whoever wants no address gets none, but the log may have it.
        (Meaning::Addr, Extra::Address) if word != 0 => Value::Address(address(event)),
        (Meaning::Addr, Extra::Bytes) => match parts::get(&event.addr, Part::Address) {
            Some((bytes, _)) => Value::Sockaddr(bytes),
            None => Value::Pointer(word as u64),
        },
        (Meaning::Text, Extra::Text) if event.addr.is_readable() => Value::Text(&event.addr),
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
            | Meaning::OptVal
            | Meaning::HostName
            | Meaning::Service
            | Meaning::Hints
            | Meaning::HostAddress
            | Meaning::HostOut
            | Meaning::ServiceOut
            | Meaning::HostError,
            _,
        ) => Value::Pointer(word as u64),
        (Meaning::Family, _) => Value::Name(uapi::FAMILIES, int),
        (Meaning::Type, _) => Value::Type(int),
        (Meaning::Protocol, _) => Value::Name(uapi::protocols_of(event.args[0] as c_int), int),
        (Meaning::Level, _) => Value::Name(uapi::LEVELS, int),
        (Meaning::OptName, _) => Value::Name(uapi::options_of(event.args[1] as c_int), int),
        (Meaning::How, _) => Value::Name(uapi::SHUT, int),
        (Meaning::Fcntl, _) => Value::Name(uapi::FCNTL, int),
        // Where the command has none, the register holds what was left there.
        (Meaning::FcntlArg, _) if uapi::FCNTL_WITHOUT.has(event.args[1] as c_int) => Value::Uint(0),
        (Meaning::FcntlArg, _) => Value::Uint(word as u64),
        (Meaning::Ioctl, _) => Value::Name(uapi::IOCTL, int),
        (Meaning::Epoll, _) => Value::Name(uapi::EPOLL, int),
        (Meaning::TypeFlags, _) => Value::Bits(uapi::TYPE_FLAGS, int),
        (Meaning::CloseRangeFlags, _) => Value::Bits(uapi::CLOSE_RANGE, int),
        (Meaning::MsgFlags, _) => Value::Bits(uapi::MSG, int),
        (Meaning::Flags, _) => Value::Bits(uapi::Names::NONE, int),
        (Meaning::NameFlags, _) => Value::Bits(resolve::NAME_FLAGS, int),
    }
}

/// An argument of a call that asks for names or addresses, if the event holds a copy.
fn asked(event: &Event, meaning: Meaning, error: c_int) -> Option<Value<'_>> {
    let part = |part| parts::get(&event.addr, part);
    Some(match meaning {
        Meaning::HostName => Value::Part(part(Part::Host)?),
        Meaning::Service => Value::Part(part(Part::Service)?),
        Meaning::HostOut => Value::Part(part(Part::HostFound)?),
        Meaning::ServiceOut => Value::Part(part(Part::ServiceFound)?),
        Meaning::Hints => Value::Hints(event.hints()?),
        Meaning::Addr => Value::Sockaddr(part(Part::Address)?.0),
        Meaning::HostAddress => Value::Ip(ip(part(Part::Address)?.0)?),
        Meaning::HostError => Value::Name(resolve::HOST_ERRORS, error),
        _ => return None,
    })
}

/// The address in 4 or 16 bytes.
#[inline(never)]
pub fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

/// The event's address, with the kind of socket that decides how its fields are read.
fn address(event: &Event) -> DecodedAddress<'_> {
    let names_device = event.socket.is_some_and(|socket| socket.ty == uapi::SOCK_PACKET);
    DecodedAddress { addr: &event.addr, names_device }
}

/// An address of a socket that is not known.
fn decoded(addr: &SockAddr) -> DecodedAddress<'_> {
    DecodedAddress { addr, names_device: false }
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
            Value::Text(text) => {
                line.display(Quoted(text.bytes()));
                if text.is_truncated() {
                    line.text("…");
                }
            }
            Value::Part((bytes, cut)) => {
                line.display(Quoted(bytes));
                if cut {
                    line.text("…");
                }
            }
            Value::Ip(ip) => line.display(ip),
            Value::Sockaddr(bytes) => line.display(decoded(&SockAddr::new(bytes))),
            Value::Hints([flags, family, ty, protocol]) => {
                line.text("{");
                line.put(|out| Named(uapi::FAMILIES, family).write(out));
                if ty != 0 {
                    line.text(" ");
                    line.put(|out| TypeArg(ty).write(out));
                }
                if protocol != 0 {
                    line.text(" ");
                    line.put(|out| Named(uapi::PROTOCOLS, protocol).write(out));
                }
                if flags != 0 {
                    line.text(" ");
                    line.put(|out| Bits(resolve::HINT_FLAGS, flags).write(out));
                }
                line.text("}");
            }
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
            Value::Text(text) => line.foreign(Lossy(text.bytes())),
            Value::Part((bytes, _)) => line.foreign(Lossy(bytes)),
            Value::Sockaddr(bytes) => decoded(&SockAddr::new(bytes)).json(line),
            Value::Hints([flags, family, ty, protocol]) => {
                line.text("{\"flags\":\"");
                line.put(|out| Bits(resolve::HINT_FLAGS, flags).write(out));
                line.text("\",\"family\":\"");
                line.put(|out| Named(uapi::FAMILIES, family).write(out));
                line.text("\",\"socktype\":\"");
                line.put(|out| TypeArg(ty).write(out));
                line.text("\",\"protocol\":\"");
                line.put(|out| Named(uapi::PROTOCOLS, protocol).write(out));
                line.text("\"}");
            }
            Value::Pair([one, two]) => line.display(format_args!("[{one},{two}]")),
            _ => {
                line.text("\"");
                self.text(line);
                line.text("\"");
            }
        }
    }
}
