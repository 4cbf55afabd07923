//! Socket addresses in words.

use libc::c_int;
use sockshim_core::net::address::SockAddr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest `sun_path`.
const SUN_PATH: usize = 108;

/// An address in words, which may leave the host open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// `10.0.0.1:80`, `[::1]:80`.
    Inet(SocketAddr),
    /// `:80`: any address of the socket's own.
    Port(u16),
    /// `unix:/path`, `@name`: the bytes of `sun_path`.
    Unix(Vec<u8>),
}

impl Address {
    /// The address that a word is, if it is one. A number of an IPv4 address may stand alone, with port 0.
    pub fn parse(word: &str) -> Option<Address> {
        let unix = match (word.strip_prefix("unix:"), word.strip_prefix('@')) {
            (Some(path), _) if !path.is_empty() => Some([path.as_bytes(), b"\0"].concat()),
            (_, Some(name)) => Some([b"\0", name.as_bytes()].concat()),
            _ => None,
        };
        if let Some(path) = unix {
            return (path.len() <= SUN_PATH).then_some(Address::Unix(path));
        }
        if let Some(port) = word.strip_prefix(':').or_else(|| word.strip_prefix("*:")) {
            return port.parse().ok().map(Address::Port);
        }
        let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
        let with_port = word.parse::<SocketAddr>().ok();
        with_port.or_else(|| Some(SocketAddr::new(bare.parse::<IpAddr>().ok()?, 0))).map(Address::Inet)
    }

    /// The family of a socket that has such an address.
    pub fn family(&self) -> Option<c_int> {
        match self {
            Address::Inet(SocketAddr::V4(_)) => Some(libc::AF_INET),
            Address::Inet(SocketAddr::V6(_)) => Some(libc::AF_INET6),
            Address::Unix(_) => Some(libc::AF_UNIX),
            Address::Port(_) => None,
        }
    }

    /// The `struct sockaddr` for a socket of this family. An IPv4 address is v4-mapped for AF_INET6.
    pub fn of_family(&self, family: c_int) -> SockAddr {
        let address = match self {
            Address::Inet(address) => *address,
            Address::Port(port) if family == libc::AF_INET6 => (Ipv6Addr::UNSPECIFIED, *port).into(),
            Address::Port(port) => (Ipv4Addr::UNSPECIFIED, *port).into(),
            Address::Unix(path) => return of_parts(libc::AF_UNIX, &[path]),
        };
        let port = address.port().to_be_bytes();
        let v6 = |ip: Ipv6Addr| of_parts(libc::AF_INET6, &[&port, &[0; 4], &ip.octets(), &[0; 4]]);
        match address.ip() {
            IpAddr::V6(ip) => v6(ip),
            IpAddr::V4(ip) if family == libc::AF_INET6 => v6(ip.to_ipv6_mapped()),
            IpAddr::V4(ip) => of_parts(libc::AF_INET, &[&port, &ip.octets(), &[0; 8]]),
        }
    }
}

fn of_parts(family: c_int, parts: &[&[u8]]) -> SockAddr {
    SockAddr::new(&[&(family as u16).to_ne_bytes()[..], &parts.concat()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let bytes = |word: &str, family| {
            Address::parse(word).map(|address| address.of_family(family).bytes().to_vec())
        };
        let inet = |port: [u8; 2], ip: [u8; 4]| [&[2, 0][..], &port, &ip, &[0; 8]].concat();
        assert_eq!(bytes("10.0.0.1:80", libc::AF_INET), Some(inet([0, 80], [10, 0, 0, 1])));
        assert_eq!(bytes("10.0.0.1", libc::AF_INET), Some(inet([0, 0], [10, 0, 0, 1])));
        assert_eq!(bytes(":443", libc::AF_INET), Some(inet([1, 187], [0; 4])));
        let mapped = bytes("1.2.3.4:5", libc::AF_INET6).expect("an address");
        assert_eq!((mapped.len(), &mapped[18..24]), (28, &[255, 255, 1, 2, 3, 4][..]));
        assert_eq!(bytes("unix:/a", libc::AF_UNIX), Some(b"\x01\0/a\0".to_vec()));
        assert_eq!(bytes("@a", libc::AF_UNIX), Some(b"\x01\0\0a".to_vec()));
        assert_eq!(bytes("[::1]", libc::AF_INET6).map(|bytes| bytes[23]), Some(1));
        for word in ["", "unix:", ":", ":70000", "10.0.0:1", "stream", "host:80"] {
            assert_eq!(Address::parse(word), None, "{word}");
        }
    }
}
