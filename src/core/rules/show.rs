//! Rules as text, in the words of a rule file.

use crate::errno::Errno;
use crate::net::address::SockAddr;
use crate::rules::rule::{Keys, Rule, Scope};
use crate::rules::sockaddr::Place;
use crate::rules::text::number;
use crate::rules::verb::{SockOption, Verb};
use crate::uapi::{FAMILIES, LEVELS, NETLINK, Named, Names, PROTOCOLS, TYPES, name_of, options_of};
use libc::c_int;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// On one line: the keys, the verb, and when it fires. A list is joined with `|`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Keys { families, types, protocols, remote, local, programs, uids, optnames } = &self.keys;
        write!(f, "{}", self.calls)?;
        let protocol = |protocol: &c_int| spelt_protocol(families, *protocol);
        list(f, "", families, |family| spelt_family(*family))?;
        list(f, "", types, |ty| spelt_type(*ty))?;
        list(f, "", protocols, protocol)?;
        list(f, "remote=", remote, ToString::to_string)?;
        list(f, "local=", local, ToString::to_string)?;
        list(f, "program=", programs, ToString::to_string)?;
        list(f, "uid=", uids, ToString::to_string)?;
        list(f, "optname=", optnames, |(level, name)| spelt_optname(*level, *name))?;
        write!(f, " → {}", self.verb)?;
        if let Some(when) = self.when {
            write!(f, " when {when}")?;
        }
        if let Some(chance) = self.chance {
            write!(f, " {chance}")?;
        }
        f.write_str(if self.scope == Scope::Tree { " scope tree" } else { "" })
    }
}

/// In the words of a rule file, without quotation marks.
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())?;
        let modifier = |is_set: bool, name: &'static str| if is_set { name } else { "" };
        match self {
            Verb::Allow | Verb::Files => Ok(()),
            Verb::Fail { errno, asynchronous, force } => {
                let (asynchronous, force) = (modifier(*asynchronous, " async"), modifier(*force, " force"));
                write!(f, " {}{asynchronous}{force}", spelt_errno(*errno))
            }
            Verb::FailName { eai } => write!(f, " {}", Named(number::EAI, *eai)),
            Verb::Limit(bytes) => write!(f, " {bytes}"),
            Verb::Delay { nanoseconds } => write!(f, " {}", spelt_duration(*nanoseconds)),
            Verb::To { address, hide } => write!(f, " {}{}", Written(address), modifier(*hide, " hide")),
            Verb::Become { family, ty, protocol, fallback } => {
                let sort = spelt_sort(*family, *ty, *protocol);
                write!(f, " {sort}{}", modifier(!*fallback, " fallback=false"))
            }
            Verb::Option(options) => options.iter().try_for_each(|option| {
                write!(f, " {}={}", spelt_optname(option.level, option.name), spelt_value(option))
            }),
        }
    }
}

/// A list of a rule's, if there is one.
fn list<T>(f: &mut fmt::Formatter, key: &str, list: &[T], one: impl Fn(&T) -> String) -> fmt::Result {
    for (index, item) in list.iter().enumerate() {
        f.write_str(if index == 0 { " " } else { "|" })?;
        f.write_str(if index == 0 { key } else { "" })?;
        f.write_str(&one(item))?;
    }
    Ok(())
}

/// A family's name.
fn spelt_family(family: c_int) -> String {
    spelt(FAMILIES, "AF_", family)
}

/// A type's name.
fn spelt_type(ty: c_int) -> String {
    spelt(TYPES, "SOCK_", ty)
}

/// A number's name as people write it, else the number.
fn spelt(names: Names, prefix: &str, number: c_int) -> String {
    match name_of(names, number) {
        Some(name) => name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase(),
        None => number.to_string(),
    }
}

/// A protocol's name among sockets of these families.
fn spelt_protocol(families: &[c_int], protocol: c_int) -> String {
    match families {
        [libc::AF_NETLINK] => spelt(NETLINK, "NETLINK_", protocol),
        [] => spelt(PROTOCOLS, "IPPROTO_", protocol),
        _ if families.iter().all(|family| matches!(*family, libc::AF_INET | libc::AF_INET6)) => {
            spelt(PROTOCOLS, "IPPROTO_", protocol)
        }
        _ => protocol.to_string(),
    }
}

/// A socket option as it is written in a rule.
fn spelt_optname(level: c_int, name: c_int) -> String {
    format!("{}/{}", Named(LEVELS, level), Named(options_of(level), name))
}

/// An address as it is written in a rule.
struct Written<'a>(&'a SockAddr);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Place::of(self.0.bytes()) {
            Place::V4(ip, port) => write!(f, "{}:{port}", Ipv4Addr::from(ip)),
            Place::V6(ip, port) => write!(f, "[{}]:{port}", Ipv6Addr::from(ip)),
            Place::Unix(path) => write!(f, "unix:{}", String::from_utf8_lossy(path)),
            Place::Abstract(name) => write!(f, "@{}", String::from_utf8_lossy(name)),
            Place::Other => f.write_str("?"),
        }
    }
}

/// Whether the value of an option is a name.
fn is_text(option: &SockOption) -> bool {
    let (level, name) = (option.level, option.name);
    matches!(
        (level, name),
        (libc::SOL_TCP, libc::TCP_CONGESTION | libc::TCP_ULP) | (libc::SOL_SOCKET, libc::SO_BINDTODEVICE)
    )
}

/// A duration with the largest unit that needs no fraction.
fn spelt_duration(nanoseconds: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let fits = |(unit, _): &&(u64, &str)| nanoseconds.is_multiple_of(*unit);
    let (unit, name) = UNITS.iter().find(fits).unwrap_or(&(1, "ns"));
    (nanoseconds / unit).to_string() + name
}

/// An option's value as it is written in a rule.
fn spelt_value(option: &SockOption) -> String {
    let value = &*option.value;
    match value.as_chunks() {
        ([seconds, microseconds], []) if number::is_timeout(option) => {
            let [seconds, microseconds] = [seconds, microseconds].map(|word| u64::from_ne_bytes(*word));
            spelt_duration(
                seconds.saturating_mul(1_000_000_000).saturating_add(microseconds.saturating_mul(1_000)),
            )
        }
        _ => match value.as_chunks() {
            (ints, []) if !is_text(option) => {
                let ints = ints.iter().map(|int| i32::from_ne_bytes(*int).to_string());
                ints.collect::<Vec<_>>().join(",")
            }
            _ => String::from_utf8_lossy(value).into_owned(),
        },
    }
}

fn spelt_errno(errno: Errno) -> String {
    errno.name().map_or_else(|| errno.0.to_string(), str::to_string)
}

/// FAMILY/TYPE/PROTOCOL.
fn spelt_sort(family: Option<c_int>, ty: Option<c_int>, protocol: Option<c_int>) -> String {
    let own = || String::from("*");
    let protocol_among: &[c_int] = match &family {
        Some(family) => std::slice::from_ref(family),
        None => &[],
    };
    [
        family.map_or_else(own, spelt_family),
        ty.map_or_else(own, spelt_type),
        protocol.map_or_else(own, |protocol| spelt_protocol(protocol_among, protocol)),
    ]
    .join("/")
}

#[cfg(test)]
mod tests {
    use crate::rules::file;

    fn shown(text: &str) -> String {
        let contents = file::parse(format!("[[rule]]\n{text}").as_bytes(), "rules.toml");
        contents.map(|contents| contents.rules[0].to_string()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn keys_and_verbs() {
        for (text, line) in [
            (
                "call = 'connect'\nfamily = 'AF_INET'\ntype = 1\nprotocol = 'tcp'\nremote = '10.0.0.0/8:5432'\n\
                 fail = 'ECONNREFUSED'\nwhen = '1..2'",
                "connect inet stream tcp remote=10.0.0.0/8:5432 → fail ECONNREFUSED when 1..2",
            ),
            (
                "call = ['send', 'connect']\nremote = ['unix:/a*', '@b']\nlocal = '*:1-2'\nprogram = 'psql'\nuid = [0, 7]\n\
                 chance = 0.5\nseed = 3\nscope = 'tree'\nallow = true",
                "connect|send remote=unix:/a*|@b local=*:1-2 program=psql uid=0|7 → allow chance 0.5 seed 3 scope tree",
            ),
            ("call = 'connect'\nfail = 'ETIMEDOUT'\nasync = true", "connect → fail ETIMEDOUT async"),
            ("call = 'recv'\nfail = 'EWOULDBLOCK'\nforce = true", "recv → fail EAGAIN force"),
            (
                "call = 'resolve'\nremote='*.a.b'\nfail = 'EAI_NONAME'",
                "resolve remote=*.a.b → fail EAI_NONAME",
            ),
            ("call = 'send'\nlimit = 1", "send → limit 1"),
            ("call = 'accept'\ndelay = '1m 30s 5ms'", "accept → delay 90005ms"),
            ("call = 'bind'\nto = '[::1]:80'\nhide = true", "bind → to [::1]:80 hide"),
            (
                "call = 'socket'\nbecome = '*/stream/mptcp'\nfallback = false",
                "socket → become */stream/mptcp fallback=false",
            ),
            (
                "call = 'socket'\noption = { SO_KEEPALIVE = true, TCP_CONGESTION = 'reno', SO_LINGER = [1, 5], \
                 SO_RCVTIMEO = '1500ms', \"99/1\" = -1 }",
                "socket → option SOL_SOCKET/SO_KEEPALIVE=1 SOL_TCP/TCP_CONGESTION=reno SOL_SOCKET/SO_LINGER=1,5 \
                 SOL_SOCKET/SO_RCVTIMEO=1500ms 99/1=-1",
            ),
            (
                "call = ['setsockopt', 'getsockopt']\noptname = ['SO_REUSEPORT', 'TCP_NODELAY']\nfail = 'ENOPROTOOPT'",
                "setsockopt|getsockopt optname=SOL_SOCKET/SO_REUSEPORT|SOL_TCP/TCP_NODELAY → fail ENOPROTOOPT",
            ),
            (
                "call = 'socket'\nfamily = 'netlink'\nprotocol = 'netlink_route'\nfail = 4000",
                "socket netlink route → fail 4000",
            ),
            ("call = 'resolve'\nfiles = true", "resolve → files"),
        ] {
            assert_eq!(shown(text), line);
        }
    }
}
