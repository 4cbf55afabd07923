//! Names and numbers of the command line.

use libc::c_int;
use sockshim_core::number_names;
use sockshim_core::uapi::{FAMILIES, NETLINK, Names, PROTOCOLS, TYPE_FLAGS, TYPES, number_of};

/// Alternative names of families.
const FAMILY_ALIASES: Names = number_names!(
    libc::AF_LOCAL => "AF_LOCAL",
    libc::AF_UNIX => "AF_FILE",
    libc::AF_NETLINK => "AF_ROUTE",
);

/// The name of protocol 0. The log writes 0 as a number.
const PROTOCOL_ALIASES: Names = number_names!(libc::IPPROTO_IP => "IPPROTO_IP");

/// The protocols of AF_PACKET that programs use, in host byte order.
const ETHERNET: Names = number_names!(
    libc::ETH_P_ALL => "ETH_P_ALL",
    libc::ETH_P_IP => "ETH_P_IP",
    libc::ETH_P_ARP => "ETH_P_ARP",
    libc::ETH_P_IPV6 => "ETH_P_IPV6",
    libc::ETH_P_8021Q => "ETH_P_8021Q",
    libc::ETH_P_MPLS_UC => "ETH_P_MPLS_UC",
    libc::ETH_P_PAE => "ETH_P_PAE",
    libc::ETH_P_LLDP => "ETH_P_LLDP",
);

/// The FAMILY argument.
///
/// # Errors
/// A text that lists the known names.
pub fn family(text: &str) -> Result<c_int, String> {
    let named = || {
        let of =
            |prefix: &str| lookup(FAMILIES, prefix, text).or_else(|| lookup(FAMILY_ALIASES, prefix, text));
        of("AF_")
            .or_else(|| without(text, "PF_").and_then(|rest| lookup(FAMILIES, "AF_", rest)))
            .or_else(|| without(text, "PF_").and_then(|rest| lookup(FAMILY_ALIASES, "AF_", rest)))
    };
    number(text)
        .or_else(named)
        .ok_or_else(|| complaint("a number, or a family", &[("AF_", &[FAMILIES, FAMILY_ALIASES])]))
}

/// The TYPE argument: names and numbers joined with `|`.
///
/// # Errors
/// A text that lists the known names.
pub fn type_arg(text: &str) -> Result<c_int, String> {
    let bits = |part: &str| {
        let part = part.trim();
        number(part).or_else(|| lookup(TYPES, "SOCK_", part)).or_else(|| lookup(TYPE_FLAGS, "SOCK_", part))
    };
    text.split('|').try_fold(0, |so_far, part| Some(so_far | bits(part)?)).ok_or_else(|| {
        complaint("a number, or a type, with flags after '|'", &[("SOCK_", &[TYPES, TYPE_FLAGS])])
    })
}

/// The PROTOCOL argument. Every name is accepted for every family, because a program can pass any constant.
///
/// # Errors
/// A text that lists the known names.
pub fn protocol(text: &str) -> Result<c_int, String> {
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
        .ok_or_else(|| {
            let known: [(&str, &[Names]); 3] = [
                ("IPPROTO_", &[PROTOCOLS, PROTOCOL_ALIASES]),
                ("NETLINK_", &[NETLINK]),
                ("ETH_P_", &[ETHERNET]),
            ];
            complaint("a number, htons(NUMBER), or a protocol", &known)
        })
}

/// The name of an AF_PACKET protocol that was passed in host byte order by mistake.
pub fn is_missing_htons(family: c_int, protocol: c_int) -> Option<&'static str> {
    let known = ETHERNET.iter().find(|(number, _)| *number == protocol && family == libc::AF_PACKET);
    known.map(|(_, name)| name)
}

/// A number as an int. A hexadecimal number is a pattern of 32 bits: 0xffffffff is -1.
fn number(text: &str) -> Option<c_int> {
    match without(text, "0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok().map(|bits| bits as c_int)
        }
        _ => text.parse().ok(),
    }
}

/// `text` without a prefix, which may be in upper or lower case.
fn without<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A name in upper or lower case, with or without its prefix.
fn lookup(names: Names, prefix: &str, text: &str) -> Option<c_int> {
    let exact = number_of(names, text);
    exact.or_else(|| {
        let rest = without(text, prefix).unwrap_or(text);
        let same = |name: &str| without(name, prefix).is_some_and(|name| name.eq_ignore_ascii_case(rest));
        names.iter().find(|(_, name)| same(name)).map(|(number, _)| number)
    })
}

/// The width of the lists of names.
const WIDTH: usize = 100;

/// An error message that lists what would have been understood.
fn complaint(expected: &str, known: &[(&str, &[Names])]) -> String {
    let mut text = format!("expected {expected}, in any case and with or without the prefix:");
    for (prefix, tables) in known {
        text.push_str(&format!("\n  {prefix}"));
        let mut column = prefix.len() + 2;
        for (_, name) in tables.iter().flat_map(|names| names.iter()) {
            let name = name.strip_prefix(prefix).unwrap_or(name);
            if column + 1 + name.len() > WIDTH {
                text.push_str("\n   ");
                column = 3;
            }
            text.push_str(&format!(" {name}"));
            column += 1 + name.len();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for text in ["AF_INET", "af_inet", "inet", "INET", "PF_INET", "pf_inet", "2", "0x2", "0X2"] {
            assert_eq!(family(text), Ok(2), "{text}");
        }
        for (text, number) in [("local", 1), ("PF_FILE", 1), ("AF_ROUTE", 16), ("decnet", 12), ("mctp", 45)] {
            assert_eq!(family(text), Ok(number), "{text}");
        }
        for (text, number) in [("-1", -1), ("0xffffffff", -1), ("2147483647", c_int::MAX), ("+2", 2)] {
            assert_eq!(family(text), Ok(number), "{text}");
        }
        for text in
            ["", "AF_", "AF_AF_INET", "inet4", "0x", "0x+2", "4294967296", "2147483648", "２", "SOCK_STREAM"]
        {
            assert!(family(text).is_err_and(|error| error.contains(" INET ")), "{text}");
        }
    }

    #[test]
    fn types_and_flags() {
        let nonblock = libc::SOCK_NONBLOCK;
        for text in ["SOCK_STREAM|SOCK_NONBLOCK", "stream|nonblock", "stream | 0x800", "2048|1"] {
            assert_eq!(type_arg(text), Ok(1 | nonblock), "{text}");
        }
        for (text, number) in [("-1", -1), ("SOCK_PACKET", 10), ("dccp", 6), ("cloexec", libc::SOCK_CLOEXEC)]
        {
            assert_eq!(type_arg(text), Ok(number), "{text}");
        }
        for text in ["", "stream|", "|stream", "stream,nonblock", "AF_INET", "tcp"] {
            assert!(type_arg(text).is_err_and(|error| error.contains(" STREAM ")), "{text}");
        }
    }

    #[test]
    fn protocols() {
        for (text, number) in
            [("tcp", 6), ("IPPROTO_MPTCP", 262), ("262", 262), ("-1", -1), ("0", 0), ("ip", 0)]
        {
            assert_eq!(protocol(text), Ok(number), "{text}");
        }
        for (text, number) in [("NETLINK_ROUTE", 0), ("netlink_generic", 16), ("kobject_uevent", 15)] {
            assert_eq!(protocol(text), Ok(number), "{text}");
        }
        // ETH_P_IPV6 is not IPPROTO_IPV6, and htons() without an argument is not a number.
        for (text, number) in
            [("ipv6", 41), ("ETH_P_IPV6", 0x86dd), ("htons(ETH_P_ALL)", 0x300), ("HTONS(3)", 0x300)]
        {
            assert_eq!(protocol(text), Ok(number), "{text}");
        }
        for text in ["", "tcpp", "htons(", "htons()", "htons(70000)", "AF_INET", "IPPROTO_", "NETLINK_TCP"] {
            let error = protocol(text).expect_err(text);
            assert!(
                error.contains(" TCP ") && error.contains(" ROUTE ") && error.contains(" ARP "),
                "{error}"
            );
        }
    }

    /// A short name must not mean two different numbers.
    #[test]
    fn no_name_is_in_two_tables() {
        for (_, name) in NETLINK.iter() {
            let short = name.strip_prefix("NETLINK_").expect("the prefix");
            assert_eq!(lookup(PROTOCOLS, "IPPROTO_", short), None, "{short}");
        }
    }

    #[test]
    fn every_name_of_the_tables_is_understood() {
        type Parse = fn(&str) -> Result<c_int, String>;
        let tables: [(Names, &str, Parse); 5] = [
            (FAMILIES, "AF_", family),
            (TYPES, "SOCK_", type_arg),
            (TYPE_FLAGS, "SOCK_", type_arg),
            (PROTOCOLS, "IPPROTO_", protocol),
            (NETLINK, "NETLINK_", protocol),
        ];
        for (names, prefix, parse) in tables {
            for (number, name) in names.iter() {
                let short = name.strip_prefix(prefix).expect("the prefix");
                assert_eq!((parse(name), parse(&short.to_lowercase())), (Ok(number), Ok(number)), "{name}");
            }
        }
    }
}
