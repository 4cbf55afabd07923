//! Arguments as people write them: names for numbers, fields for addresses.

use crate::meaning::Meaning;
use crate::net::address::SockAddr;
use crate::trace::escape::{Lossy, Quoted};
use crate::trace::event::{Event, Extra};
use crate::trace::line::Line;
use crate::trace::sockaddr::DecodedAddress;
use crate::uapi::{self, Bits, Named, Names, TypeArg};
use libc::c_int;

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
    /// Two descriptors.
    Pair([c_int; 2]),
}

/// The argument at `index`, which means `meaning`.
#[inline(never)]
pub fn argument(event: &Event, index: usize, meaning: Meaning) -> Value<'_> {
    let word = event.args[index];
    let int = word as c_int;
    match (meaning, event.extra) {
        (Meaning::Int32, _) => Value::Int(int.into()),
        (Meaning::Uint32, _) => Value::Uint(u64::from(word as u32)),
        (Meaning::Int64, _) => Value::Int(word),
        (Meaning::Uint64, _) => Value::Uint(word as u64),
        (Meaning::Addr, Extra::Address) => Value::Address(address(event)),
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
        // Where the command has none, the register holds what was left there.
        (Meaning::FcntlArg, _) if uapi::FCNTL_WITHOUT.has(event.args[1] as c_int) => Value::Uint(0),
        (Meaning::FcntlArg, _) => Value::Uint(word as u64),
        (Meaning::Ioctl, _) => Value::Name(uapi::IOCTL, int),
        (Meaning::Epoll, _) => Value::Name(uapi::EPOLL, int),
        (Meaning::TypeFlags, _) => Value::Bits(uapi::TYPE_FLAGS, int),
        (Meaning::CloseRangeFlags, _) => Value::Bits(uapi::CLOSE_RANGE, int),
        (Meaning::MsgFlags, _) => Value::Bits(uapi::MSG, int),
        (Meaning::Flags, _) => Value::Bits(uapi::Names::NONE, int),
    }
}

/// The event's address, with the kind of socket that decides how its fields are read.
fn address(event: &Event) -> DecodedAddress<'_> {
    let names_device = event.socket.is_some_and(|socket| socket.ty == uapi::SOCK_PACKET);
    DecodedAddress { addr: &event.addr, names_device }
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
            Value::Pair([one, two]) => line.display(format_args!("[{one},{two}]")),
            _ => {
                line.text("\"");
                self.text(line);
                line.text("\"");
            }
        }
    }
}
