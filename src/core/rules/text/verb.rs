//! Verbs and what stands beside them, as text.

use crate::rules::call::{Call, CallSet};
use crate::rules::rule::Scope;
use crate::rules::text::wrong::{Wrong, quoted};
use crate::rules::text::{address, number, sort};
use crate::rules::verb::{SockOption, Verb};
use libc::c_int;

/// `fail`: an error of the system calls, or of a look-up if the rule is about nothing else.
pub(in crate::rules) fn fail(text: &str, calls: CallSet) -> Result<Verb, Wrong> {
    if calls.is_within(&[Call::Resolve]) {
        return Ok(Verb::FailName { eai: number::eai(text)? });
    }
    Ok(Verb::Fail { errno: number::errno(text)?, asynchronous: false, force: false })
}

/// `limit`.
pub(in crate::rules) fn limit(text: &str) -> Result<Verb, Wrong> {
    number::limit(text).map(Verb::Limit)
}

/// `delay`.
pub(in crate::rules) fn delay(text: &str) -> Result<Verb, Wrong> {
    number::duration(text).map(|nanoseconds| Verb::Delay { nanoseconds })
}

/// `to`.
pub(in crate::rules) fn to(text: &str) -> Result<Verb, Wrong> {
    address::address(text).map(|address| Verb::To { address, hide: false })
}

/// `become`: FAMILY/TYPE/PROTOCOL, where `*` is the program's own.
pub(in crate::rules) fn become_(text: &str) -> Result<Verb, Wrong> {
    let mut parts = text.split('/');
    let (Some(family), Some(ty), Some(protocol), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Wrong::new(
            "not a kind of socket: ".to_string() + &quoted(text),
            "expected FAMILY/TYPE/PROTOCOL, such as inet/stream/mptcp",
        ));
    };
    let own = |text: &str, at: usize, read: fn(&str) -> Result<c_int, Wrong>| match text {
        "*" => Ok(None),
        _ => read(text).map(Some).map_err(|wrong| wrong.at(at, text)),
    };
    Ok(Verb::Become {
        family: own(family, 0, sort::family)?,
        ty: own(ty, family.len() + 1, sort::socket_type)?,
        protocol: own(protocol, family.len() + ty.len() + 2, sort::protocol)?,
        fallback: true,
    })
}

/// `scope`.
pub(in crate::rules) fn scope(text: &str) -> Result<Scope, Wrong> {
    match text {
        "process" => Ok(Scope::Process),
        "tree" => Ok(Scope::Tree),
        _ => {
            let known = ["process", "tree"].into_iter();
            Err(Wrong::unknown("scope", text, known, "process or tree"))
        }
    }
}

/// A number of an option's value, as an int.
pub(in crate::rules) fn option(text: &str, bytes: &mut Vec<u8>) -> Result<(), Wrong> {
    let number = text
        .parse::<i64>()
        .ok()
        .filter(|number| i32::try_from(*number).is_ok() || u32::try_from(*number).is_ok());
    let number = number.ok_or_else(|| {
        Wrong::new("not an int: ".to_string() + &quoted(text), "expected a number of 32 bits")
    })?;
    bytes.extend((number as u32).to_ne_bytes());
    Ok(())
}

/// An option's value that is written as a text: the text itself, or for SO_RCVTIMEO and SO_SNDTIMEO a duration.
pub(in crate::rules) fn option_value(
    level: c_int,
    name: c_int,
    text: &str,
    bytes: &mut Vec<u8>,
) -> Result<(), Wrong> {
    let option = SockOption { level, name, value: Box::default() };
    if number::is_timeout(&option) {
        let nanoseconds = number::duration(text)?;
        bytes.extend((nanoseconds / 1_000_000_000).to_ne_bytes());
        bytes.extend((nanoseconds % 1_000_000_000 / 1_000).to_ne_bytes());
        return Ok(());
    }
    match text.parse::<i64>() {
        // A number in quotation marks is more probably one than a name.
        Ok(_) => self::option(text, bytes),
        Err(_) => {
            bytes.extend(text.as_bytes());
            Ok(())
        }
    }
}
