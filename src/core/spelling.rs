//! The numbers of socket calls as people write them: in any case, with or without the prefix, or as numbers.

use crate::number_names;
use crate::uapi::{FAMILIES, NETLINK, Names, PROTOCOLS, TYPES, number_of};
use libc::c_int;

/// Other names of families.
pub const FAMILY_ALIASES: Names = number_names!(
    libc::AF_LOCAL => "AF_LOCAL",
    libc::AF_UNIX => "AF_FILE",
    libc::AF_NETLINK => "AF_ROUTE",
);

/// The name of protocol 0. The log writes 0 as a number.
pub const PROTOCOL_ALIASES: Names = number_names!(libc::IPPROTO_IP => "IPPROTO_IP");

/// The protocols of AF_PACKET that programs use, in host byte order.
pub const ETHERNET: Names = number_names!(
    libc::ETH_P_ALL => "ETH_P_ALL",
    libc::ETH_P_IP => "ETH_P_IP",
    libc::ETH_P_ARP => "ETH_P_ARP",
    libc::ETH_P_IPV6 => "ETH_P_IPV6",
    libc::ETH_P_8021Q => "ETH_P_8021Q",
    libc::ETH_P_MPLS_UC => "ETH_P_MPLS_UC",
    libc::ETH_P_PAE => "ETH_P_PAE",
    libc::ETH_P_LLDP => "ETH_P_LLDP",
);

/// A family: `inet`, `AF_INET`, `PF_INET`, `2`.
pub fn family(text: &str) -> Option<c_int> {
    let named = |prefix: &str, rest: &str| {
        lookup(FAMILIES, prefix, rest).or_else(|| lookup(FAMILY_ALIASES, prefix, rest))
    };
    number(text)
        .or_else(|| named("AF_", text))
        .or_else(|| without(text, "PF_").and_then(|rest| named("AF_", rest)))
}

/// A socket type without flags: `stream`, `SOCK_STREAM`, `1`.
pub fn socket_type(text: &str) -> Option<c_int> {
    number(text).or_else(|| lookup(TYPES, "SOCK_", text))
}

/// A protocol of any family: `tcp`, `IPPROTO_TCP`, `6`, `NETLINK_ROUTE`, `ETH_P_ARP`, `htons(ETH_P_ARP)`.
pub fn protocol(text: &str) -> Option<c_int> {
    let swapped = |text: &str| {
        let inner = without(text, "htons(")?.strip_suffix(')')?.trim();
        let host_order = number(inner).or_else(|| lookup(ETHERNET, "ETH_P_", inner))?;
        u16::try_from(host_order).ok().map(|number| c_int::from(number.to_be()))
    };
    number(text)
        .or_else(|| lookup(PROTOCOLS, "IPPROTO_", text))
        .or_else(|| lookup(PROTOCOL_ALIASES, "IPPROTO_", text))
        .or_else(|| lookup(NETLINK, "NETLINK_", text))
        // The prefix is required, because the rest may also be a protocol of AF_INET.
        .or_else(|| without(text, "ETH_P_").and_then(|rest| lookup(ETHERNET, "ETH_P_", rest)))
        .or_else(|| swapped(text))
}

/// A number as an int. A hexadecimal number is a pattern of 32 bits: 0xffffffff is -1.
pub fn number(text: &str) -> Option<c_int> {
    match without(text, "0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok().map(|bits| bits as c_int)
        }
        _ => text.parse().ok(),
    }
}

/// `text` without a prefix, which may be in upper or lower case.
pub fn without<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The number for a name in upper or lower case, with or without its prefix.
pub fn lookup(names: Names, prefix: &str, text: &str) -> Option<c_int> {
    let exact = number_of(names, text);
    exact.or_else(|| {
        let rest = without(text, prefix).unwrap_or(text);
        let same = |name: &str| without(name, prefix).is_some_and(|name| name.eq_ignore_ascii_case(rest));
        names.iter().find(|(_, name)| same(name)).map(|(number, _)| number)
    })
}
