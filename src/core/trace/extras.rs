//! Members of `args` in JSON that are no parameters: what a call has moved, what came of it, and what a JSON string cannot express
//! of a text.

use crate::errno::Errno;
use crate::meaning::Meaning;
use crate::net::address::SockAddr;
use crate::resolve::Resolved;
use crate::trace::decode::{Value, ip};
use crate::trace::escape::Hex;
use crate::trace::event::Event;
use crate::trace::line::Line;
use crate::trace::parts::{self, Part};

/// The members that describe what a text argument's JSON string cannot express.
#[cold]
pub(super) fn text_extras(text: &SockAddr, line: &mut Line) {
    name_extras(text.bytes(), text.is_truncated(), line);
}

fn name_extras(bytes: &[u8], cut: bool, line: &mut Line) {
    if core::str::from_utf8(bytes).is_err() {
        extra("bytes", line);
        line.display(format_args!("\"{}\"", Hex(bytes)));
    }
    if cut {
        extra("truncated", line);
        line.text("true");
    }
}

/// The first bytes of what the call has moved or set, and the address that stands in a message's header.
#[cold]
pub(super) fn byte_extras(event: &Event, line: &mut Line) {
    for (part, key) in [(Part::Data, "data"), (Part::OptionValue, "value")] {
        if let Some((bytes, _)) = parts::get(&event.addr, part) {
            extra(key, line);
            line.display(format_args!("\"{}\"", Hex(bytes)));
        }
    }
    if event.hook.index_of(Meaning::Addr).is_none()
        && let Some((bytes, _)) = parts::get(&event.addr, Part::Address)
    {
        address_extra("name", bytes, line);
    }
}

/// An address that is no argument.
#[cold]
pub(super) fn address_extra(key: &str, bytes: &[u8], line: &mut Line) {
    extra(key, line);
    Value::Sockaddr(bytes).json(line);
}

/// What came of a call that asks for names or addresses, and what a JSON string cannot express of a host's name.
#[inline(never)]
pub(super) fn resolver_extras(event: &Event, resolved: Resolved, line: &mut Line) {
    if resolved.addresses > 0 {
        extra("addresses", line);
        line.uint(resolved.addresses.into());
    }
    if let Some((bytes, _)) = parts::get(&event.addr, Part::FirstAddress)
        && let Some(ip) = ip(bytes)
    {
        extra("address", line);
        Value::Ip(ip).json(line);
    }
    if let Some(number) = event.errno {
        extra("errno", line);
        errno(Errno(number), line);
    }
    if let Some((bytes, cut)) = parts::get(&event.addr, Part::Host) {
        name_extras(bytes, cut, line);
    }
}

/// A key of `args` that is not a parameter's name.
#[inline(never)]
pub(super) fn extra(key: &str, line: &mut Line) {
    line.text(if line.last() == Some(b'{') { "\"" } else { ",\"" });
    line.word(key);
    line.text("\":");
}

/// An error by its name, or as a string of digits when it has none.
#[inline]
pub(super) fn errno(errno: Errno, line: &mut Line) {
    match errno.name() {
        Some(name) => quoted(name, line),
        None => line.display(format_args!("\"{}\"", errno.0)),
    }
}

/// A name of the kernel's or sockshim's in quotes. None of them needs escaping.
pub(super) fn quoted(name: &str, line: &mut Line) {
    line.text("\"");
    line.word(name);
    line.text("\"");
}
