//! Calls, families, types, protocols, and what they are called in a rule.

use crate::rules::call::Call;
use crate::rules::text::wrong::Wrong;
use crate::spelling::{self, FAMILY_ALIASES};
use crate::uapi::{FAMILIES, NETLINK, Names, PROTOCOLS, TYPES};
use libc::c_int;

/// A call.
pub(in crate::rules) fn call(text: &str) -> Result<Call, Wrong> {
    let known = || Call::ALL.into_iter().map(Call::name);
    Call::of_name(text).ok_or_else(|| {
        let all: Vec<_> = known().collect();
        Wrong::unknown("call", text, known(), &("one of: ".to_string() + &all.join(" ")))
    })
}

/// The first number that is no socket type, of any kernel.
const TYPES_END: c_int = 16;

/// The number after the last family, of the kernel or of a module (`NPROTO` of module.h's host).
const FAMILIES_END: c_int = 64;

/// A family.
pub(in crate::rules) fn family(text: &str) -> Result<c_int, Wrong> {
    spelling::family(text).filter(|family| (0..FAMILIES_END).contains(family)).ok_or_else(|| {
        let known = short("AF_", FAMILIES).chain(short("AF_", FAMILY_ALIASES));
        Wrong::unknown("family", text, known, "a family such as inet, inet6 or unix, or its number")
    })
}

/// A type.
pub(in crate::rules) fn socket_type(text: &str) -> Result<c_int, Wrong> {
    spelling::socket_type(text).filter(|ty| (0..TYPES_END).contains(ty)).ok_or_else(|| {
        let known = short("SOCK_", TYPES);
        Wrong::unknown("type", text, known, "a type such as stream, dgram or raw, or its number")
    })
}

/// A protocol.
pub(in crate::rules) fn protocol(text: &str) -> Result<c_int, Wrong> {
    spelling::protocol(text).filter(|protocol| *protocol >= 0).ok_or_else(|| {
        let known = short("IPPROTO_", PROTOCOLS).chain(short("NETLINK_", NETLINK));
        Wrong::unknown("protocol", text, known, "a protocol such as tcp, udp or mptcp, or its number")
    })
}

/// The names without their prefix.
fn short(prefix: &'static str, names: Names) -> impl Iterator<Item = &'static str> {
    names.iter().map(move |(_, name)| name.strip_prefix(prefix).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_form() {
        for text in ["inet6", "AF_INET6", "PF_INET6", "Inet6", "10"] {
            assert_eq!(family(text).ok(), Some(10), "{text}");
        }
        for text in ["dgram", "SOCK_DGRAM", "2"] {
            assert_eq!(socket_type(text).ok(), Some(2), "{text}");
        }
        for text in ["mptcp", "IPPROTO_MPTCP", "262"] {
            assert_eq!(protocol(text).ok(), Some(262), "{text}");
        }
        for text in ["64", "-1", "inett", ""] {
            assert!(family(text).is_err(), "{text}");
        }
        assert!(socket_type("16").is_err() && socket_type("2048").is_err() && protocol("-1").is_err());
    }

    #[test]
    fn did_you_mean() {
        assert_eq!(family("inte").map_err(|wrong| wrong.help), Err("did you mean inet?".into()));
        assert_eq!(call("conect").map_err(|wrong| wrong.help), Err("did you mean connect?".into()));
        assert!(call("open").is_err_and(|wrong| wrong.help.ends_with("resolve io_uring_setup")));
    }
}
