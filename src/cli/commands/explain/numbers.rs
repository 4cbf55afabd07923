//! Names and numbers of the command line.

use libc::c_int;
use sockshim_core::spelling::{self, ETHERNET, FAMILY_ALIASES, PROTOCOL_ALIASES, lookup};
use sockshim_core::uapi::{FAMILIES, NETLINK, Names, PROTOCOLS, TYPE_FLAGS, TYPES};

/// The FAMILY argument.
///
/// # Errors
/// A text that lists the known names.
pub fn family(text: &str) -> Result<c_int, String> {
    spelling::family(text)
        .ok_or_else(|| complaint("a number, or a family", &[("AF_", &[FAMILIES, FAMILY_ALIASES])]))
}

/// The TYPE argument: names and numbers joined with `|`.
///
/// # Errors
/// A text that lists the known names.
pub fn type_arg(text: &str) -> Result<c_int, String> {
    let bits = |part: &str| {
        let part = part.trim();
        spelling::socket_type(part).or_else(|| lookup(TYPE_FLAGS, "SOCK_", part))
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
    spelling::protocol(text).ok_or_else(|| {
        let known: [(&str, &[Names]); 3] =
            [("IPPROTO_", &[PROTOCOLS, PROTOCOL_ALIASES]), ("NETLINK_", &[NETLINK]), ("ETH_P_", &[ETHERNET])];
        complaint("a number, htons(NUMBER), or a protocol", &known)
    })
}

/// The name of an AF_PACKET protocol that was passed in host byte order by mistake.
pub fn is_missing_htons(family: c_int, protocol: c_int) -> Option<&'static str> {
    let known = ETHERNET.iter().find(|(number, _)| *number == protocol && family == libc::AF_PACKET);
    known.map(|(_, name)| name)
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
