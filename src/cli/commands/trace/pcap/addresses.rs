//! Addresses of sockets as a packet has them. Those of AF_UNIX have none, so others stand for them, out of a part of the loopback
//! network that nothing else uses.

use super::frame::Frames;
use sockshim_core::tap::packet::Head;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The address of all sockets of AF_UNIX without a name; each has a port of its own.
const UNNAMED: Ipv4Addr = Ipv4Addr::new(127, 85, 0, 1);
/// The first address that stands for a name.
const FIRST: u32 = Ipv4Addr::new(127, 85, 0, 2).to_bits();
/// How many names have an address of their own.
const MOST: u32 = 0xfff0;
/// The port of every name. No protocol is known there, so that Wireshark looks at the bytes.
pub const PORT: u16 = 60_000;
/// The first port of a socket without a name.
const FIRST_PORT: u16 = 1024;
/// How many sockets are remembered by their ports: those of a connection keep theirs with it.
const REMEMBERED: usize = 100_000;

/// What stands for sockets of AF_UNIX.
#[derive(Default)]
pub struct StandIns {
    names: HashMap<Vec<u8>, SocketAddr>,
    ports: HashMap<u64, u16>,
    /// How many ports were given out before they begin again.
    next: u16,
    /// Whether the address of those without a name has one.
    is_named: bool,
}

impl StandIns {
    /// The address of a name.
    pub fn of_name(&mut self, name: &[u8], out: &mut dyn Frames) -> SocketAddr {
        if let Some(address) = self.names.get(name) {
            return *address;
        }
        let count = self.names.len() as u32 % MOST;
        let address = SocketAddr::from((Ipv4Addr::from_bits(FIRST + count), PORT));
        self.names.insert(name.to_vec(), address);
        out.name(address, &String::from_utf8_lossy(name));
        address
    }

    /// The address of the socket with this cookie, which has no name.
    pub fn unnamed(&mut self, cookie: u64, out: &mut dyn Frames) -> SocketAddr {
        if !std::mem::replace(&mut self.is_named, true) {
            out.name(SocketAddr::from((UNNAMED, 0)), "unix");
        }
        let next = self.next;
        let port = *self.ports.entry(cookie).or_insert_with(|| {
            self.next = (next + 1) % (u16::MAX - FIRST_PORT);
            FIRST_PORT + next
        });
        if self.ports.len() > REMEMBERED {
            self.ports.clear();
        }
        SocketAddr::from((UNNAMED, port))
    }
}

/// The name in an address of AF_UNIX, with `@` before one that is abstract; none if it has no name.
pub fn unix_name(address: &[u8]) -> Option<Vec<u8>> {
    match address.get(2..)? {
        [] => None,
        [0, name @ ..] => (!name.is_empty()).then(|| [b"@", name].concat()),
        path => Some(path.split(|byte| *byte == 0).next()?.to_vec()).filter(|path| !path.is_empty()),
    }
}

/// The address in a `struct sockaddr` of AF_INET or AF_INET6. One of IPv4 in one of IPv6 is one of IPv4.
pub fn inet(address: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = address.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let ip = match u16::from_ne_bytes(*family).into() {
        libc::AF_INET => IpAddr::from(*rest.first_chunk::<4>()?),
        libc::AF_INET6 => IpAddr::from(*rest.get(4..)?.first_chunk::<16>()?).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(*port)))
}

/// Both addresses of a datagram, as far as they are known. To one that is the machine's own it is sent from there.
pub fn both(head: &Head, from: Option<SocketAddr>, to: Option<SocketAddr>) -> (SocketAddr, SocketAddr) {
    let specific = [from, to].into_iter().flatten().find(|address| !address.ip().is_unspecified());
    let v6 = specific.map_or(i32::from(head.family) == libc::AF_INET6, |address| address.is_ipv6());
    let whole = |address: Option<SocketAddr>, other: Option<SocketAddr>| {
        let port = address.map_or(0, |address| address.port());
        let other = other.map(|other| other.ip()).filter(IpAddr::is_loopback);
        match address.map(|address| address.ip()).filter(|ip| !ip.is_unspecified()) {
            Some(ip) if ip.is_ipv6() == v6 => SocketAddr::new(ip, port),
            _ if v6 => {
                let ip = if other.is_some() { Ipv6Addr::LOCALHOST } else { Ipv6Addr::UNSPECIFIED };
                SocketAddr::from((ip, port))
            }
            _ => {
                let ip = if other.is_some() { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
                SocketAddr::from((ip, port))
            }
        }
    };
    (whole(from, to), whole(to, from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unix_sockets() {
        let name = |bytes: &[u8]| unix_name(bytes).map(|name| String::from_utf8(name).expect("text"));
        assert_eq!(name(b"\x01\0/run/a\0"), Some("/run/a".into()));
        assert_eq!(name(b"\x01\0\0ab\0c"), Some("@ab\0c".into()));
        assert_eq!((name(b"\x01\0"), name(b""), name(b"\x01\0\0")), (None, None, None));
    }

    #[test]
    fn ipv4_in_ipv6_is_ipv4() {
        let mut address = vec![10, 0, 0x1f, 0x90, 0, 0, 0, 0];
        address.extend("::ffff:127.0.0.1".parse::<Ipv6Addr>().expect("an address").octets());
        address.extend([0; 4]);
        assert_eq!(inet(&address), Some(SocketAddr::from(([127, 0, 0, 1], 8080))));
        assert_eq!(inet(&address[..20]), None);
    }
}
