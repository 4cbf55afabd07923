//! TARGET as text.

use crate::rules::call::{Call, CallSet};
use crate::rules::glob::Glob;
use crate::rules::target::{BEYOND, LOOPBACK, Ports, Target};
use crate::rules::text::wrong::{Wrong, quoted};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is expected where no TARGET stands.
const EXPECTED: &str =
    "expected ADDR[/LEN][:PORT[-PORT]], [V6][/LEN]:PORT, *[:PORT], loopback, unix:GLOB or @GLOB";

/// Adds what `text` means in a rule about `calls`: an address, for `resolve` the glob of a host name, and where both can
/// be meant, both.
pub(in crate::rules) fn push_targets(
    text: &str,
    calls: CallSet,
    list: &mut Vec<Target>,
) -> Result<(), Wrong> {
    let others = calls.without(CallSet::of(&[Call::Resolve]));
    let host = if calls.has(Call::Resolve) { host(text)? } else { None };
    if others.is_empty() {
        let host = host.ok_or_else(|| {
            Wrong::new(
                "not a host name: ".to_string() + &quoted(text),
                "expected a name or a glob, such as *.example.com",
            )
        })?;
        list.push(host);
        return Ok(());
    }
    match address(text) {
        Ok(target) => list.push(target),
        Err(_) if host.is_some() => {}
        Err(wrong) => return Err(wrong),
    }
    list.extend(host);
    Ok(())
}

/// The glob of a host name, if the text can be one.
fn host(text: &str) -> Result<Option<Target>, Wrong> {
    if text.is_empty() || text.contains(['/', ':', '@', ' ']) {
        return Ok(None);
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    Ok(Some(Target::Host(glob(&text.to_ascii_lowercase(), 0)?)))
}

/// A glob that begins at `at`.
pub(in crate::rules) fn glob(text: &str, at: usize) -> Result<Glob, Wrong> {
    let wrong = |(index, what)| {
        let rest = text.get(index..).and_then(|rest| rest.get(..1)).unwrap_or_default();
        Wrong::new(what, "a \\ before it takes it as it is").at(at + index, rest)
    };
    Glob::new(text).map_err(wrong)
}

/// An address.
fn address(text: &str) -> Result<Target, Wrong> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(Target::Unix(glob(path, 5)?));
    }
    if let Some(name) = text.strip_prefix('@') {
        return Ok(Target::Abstract(glob(name, 1)?));
    }
    if let Some((address, port)) = v6_or_port(text) {
        let help = format!("write [{address}]:{port} for port {port}, or [{text}] for the address");
        return Err(Wrong::new("an address, or an address and a port: ".to_string() + &quoted(text), help));
    }
    let (address, at) = match (text.starts_with('['), text.rfind([':', ']'])) {
        // [V6]/LEN has its colon behind the brackets. An address in brackets has one, and so has V4.
        (false, Some(_)) if is_bare_v6(text) => (text, text.len()),
        (_, Some(colon)) if text.as_bytes().get(colon) == Some(&b':') => (&text[..colon], colon + 1),
        _ => (text, text.len()),
    };
    let ports = match text.get(at..) {
        Some(ports) if at > address.len() => self::ports(ports, at)?,
        _ => Ports::ALL,
    };
    match address {
        "*" => return Ok(Target::Any { ports }),
        LOOPBACK => return Ok(Target::Loopback { ports }),
        BEYOND => return Ok(Target::Beyond { ports }),
        _ => {}
    }
    Ok(Target::Inet { net: net(address, text)?, ports })
}

/// The parts of a text that is an IPv6 address and, but for its last part, also another one with a port.
fn v6_or_port(text: &str) -> Option<(&str, &str)> {
    let (address, port) = text.rsplit_once(':')?;
    let both = text.parse::<Ipv6Addr>().is_ok() && address.parse::<Ipv6Addr>().is_ok();
    (both && port.parse::<u16>().is_ok()).then_some((address, port))
}

/// Whether the whole text is an IPv6 address or network without brackets, so that no colon of it begins a port.
fn is_bare_v6(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or(text);
    !text.split_once('/').is_some_and(|(_, len)| len.contains(':')) && address.parse::<Ipv6Addr>().is_ok()
}

/// `ADDR[/LEN]`, the beginning of `text`.
fn net(address: &str, text: &str) -> Result<IpNet, Wrong> {
    let (ip, len) = match address.split_once('/') {
        Some((ip, len)) => (ip, Some(len)),
        None => (address, None),
    };
    let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']'));
    let parsed = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => ip.parse::<IpAddr>().ok(),
    };
    let Some(parsed) = parsed else {
        let is_name = ip.bytes().any(|byte| byte.is_ascii_alphabetic()) && !ip.contains([':', '[', ' ']);
        let help =
            if is_name { "expected an address: host names are for rules about resolve" } else { EXPECTED };
        return Err(Wrong::new("not an address: ".to_string() + &quoted(text), help));
    };
    let most = if parsed.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS } as u8;
    let len = match len {
        None => most,
        Some(len) => super::number::whole(len)
            .ok()
            .and_then(|len| u8::try_from(len).ok())
            .filter(|len| *len <= most)
            .ok_or_else(|| {
                let what = "no such prefix length: ".to_string() + &quoted(len);
                let help = "expected a number of bits from 0 to ".to_string() + &most.to_string();
                Wrong::new(what, help).at(ip.len() + 1, len)
            })?,
    };
    Ok(unmapped(parsed, len))
}

/// The network, with v4-mapped addresses as IPv4's. `len` is not above the most.
fn unmapped(address: IpAddr, len: u8) -> IpNet {
    const MAPPED: u8 = (Ipv6Addr::BITS - Ipv4Addr::BITS) as u8;
    let (address, len) = match address {
        IpAddr::V6(v6) => match (v6.to_ipv4_mapped(), len.checked_sub(MAPPED)) {
            (Some(v4), Some(len)) => (IpAddr::V4(v4), len),
            _ => (address, len),
        },
        IpAddr::V4(_) => (address, len),
    };
    IpNet::new(address, len).map_or_else(|_| address.into(), |net| net.trunc())
}

/// `PORT[-PORT]`, which begins at `at`.
fn ports(text: &str, at: usize) -> Result<Ports, Wrong> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let wrong = || {
        Wrong::new(
            "no such port: ".to_string() + &quoted(text),
            "expected PORT or PORT-PORT, from 0 to 65535",
        )
        .at(at, text)
    };
    let (first, last) = (port(first).ok_or_else(wrong)?, port(last).ok_or_else(wrong)?);
    if first > last {
        return Err(Wrong::new("the last port is below the first", "").at(at, text));
    }
    Ok(Ports { first, last })
}

/// A port.
pub(super) fn port(text: &str) -> Option<u16> {
    super::number::whole(text).ok().and_then(|port| u16::try_from(port).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, calls: &[Call]) -> Result<String, Wrong> {
        let mut list = Vec::new();
        push_targets(text, CallSet::of(calls), &mut list)?;
        Ok(list.iter().map(Target::to_string).collect::<Vec<_>>().join(" and "))
    }

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.0.0.0/8:5432", "10.0.0.0/8:5432"),
            ("10.0.0.0/8:1-2", "10.0.0.0/8:1-2"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::1", "[::1]"),
            ("::1/128", "[::1]"),
            ("[::1]", "[::1]"),
            ("[::1]:80", "[::1]:80"),
            ("fe80::/10", "[fe80::]/10"),
            ("[fe80::]/10:80", "[fe80::]/10:80"),
            ("[fe80::]/10", "[fe80::]/10"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("[::ffff:10.0.0.0]/104:7", "10.0.0.0/8:7"),
            ("::/0", "[::]/0"),
            ("*", "*"),
            ("*:80", "*:80"),
            ("*:0-65535", "*"),
            ("*:8000-8999", "*:8000-8999"),
            ("loopback", "loopback"),
            ("loopback:53", "loopback:53"),
            ("beyond-loopback", "beyond-loopback"),
            ("unix:/run/*.sock", "unix:/run/*.sock"),
            ("unix:", "unix:"),
            ("@x*", "@x*"),
        ] {
            assert_eq!(one(text, &[Call::Connect]).expect(text), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_address() {
        for (text, at) in [
            ("", None),
            ("10.0.0", None),
            ("10.0.0.256", None),
            ("10.0.0.0/33", Some(9..11)),
            ("10.0.0.0/", Some(9..9)),
            ("10.0.0.0/+8", Some(9..11)),
            ("::1/129", Some(4..7)),
            ("[::1]/129:80", Some(6..9)),
            ("*:70000", Some(2..7)),
            ("*:", Some(2..2)),
            ("*:5-4", Some(2..5)),
            ("*:-4", Some(2..4)),
            ("localhost:80", None),
            ("example.com", None),
            ("[10.0.0.1]:80", None),
            ("[::1", None),
            ("::1]", None),
            ("unix:/{a", Some(6..7)),
            ("@[", Some(1..2)),
        ] {
            let wrong = one(text, &[Call::Connect]).expect_err(text);
            assert_eq!(wrong.at, at, "{text}: {}", wrong.what);
        }
        let wrong = one("example.com", &[Call::Connect]).expect_err("a name");
        assert_eq!(wrong.help, "expected an address: host names are for rules about resolve");
    }

    #[test]
    fn hosts() {
        assert_eq!(one("*.Example.com.", &[Call::Resolve]).expect("a glob"), "*.example.com");
        assert_eq!(one("loopback", &[Call::Resolve]).expect("a glob"), "loopback");
        for text in ["", "a/b", "unix:/a", "@a", "10.0.0.1:80", "[a"] {
            assert!(one(text, &[Call::Resolve]).is_err(), "{text}");
        }
        let both = [Call::Connect, Call::Resolve];
        assert_eq!(one("*", &both).expect("both"), "* and *");
        assert_eq!(one("10.0.0.1", &both).expect("both"), "10.0.0.1 and 10.0.0.1");
        assert_eq!(one("10.0.0.0/8", &both).expect("a net"), "10.0.0.0/8");
        assert_eq!(one("db.local", &both).expect("a name"), "db.local");
    }
}
