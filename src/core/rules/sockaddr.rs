//! Socket addresses as rules see them.

use crate::net::address::{SIN6_LEN_RFC2133, SockAddr};
use libc::{AF_INET, AF_INET6, AF_UNIX, c_int};
use std::net::{Ipv4Addr, Ipv6Addr};

/// 127.0.0.1.
pub(super) const LOOPBACK_V4: u32 = 0x7f00_0001;
/// ::1.
pub(super) const LOOPBACK_V6: u128 = 1;

/// A socket address as a rule sees it. v4-mapped addresses are IPv4's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place<'a> {
    /// IPv4 address and port.
    V4(u32, u16),
    /// IPv6 address and port.
    V6(u128, u16),
    /// A path of AF_UNIX.
    Unix(&'a [u8]),
    /// A name of AF_UNIX without the leading NUL.
    Abstract(&'a [u8]),
    /// No address, or one that no TARGET describes.
    Other,
}

impl<'a> Place<'a> {
    /// What `bytes`, a `struct sockaddr`, say.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Place<'a> {
        let Some((family, rest)) = bytes.split_first_chunk() else { return Place::Other };
        match c_int::from(u16::from_ne_bytes(*family)) {
            AF_INET => match rest {
                [p, q, a, b, c, d, ..] => {
                    Place::V4(u32::from_be_bytes([*a, *b, *c, *d]), u16::from_be_bytes([*p, *q]))
                }
                _ => Place::Other,
            },
            AF_INET6 => match (rest, rest.get(6..).and_then(|rest| rest.first_chunk())) {
                ([p, q, ..], Some(address)) => {
                    Place::v6(u128::from_be_bytes(*address), u16::from_be_bytes([*p, *q]))
                }
                _ => Place::Other,
            },
            AF_UNIX => match rest {
                [] => Place::Other,
                [0, name @ ..] => Place::Abstract(name),
                _ => Place::Unix(rest.split(|byte| *byte == 0).next().unwrap_or(rest)),
            },
            _ => Place::Other,
        }
    }

    /// An IPv6 address, which may be a v4-mapped one.
    #[inline]
    fn v6(address: u128, port: u16) -> Place<'a> {
        match address >> 32 {
            0xffff => Place::V4(address as u32, port),
            _ => Place::V6(address, port),
        }
    }

    /// The same as where a call goes to: the unspecified address is loopback.
    #[inline]
    pub fn as_remote(self) -> Place<'a> {
        match self {
            Place::V4(0, port) => Place::V4(LOOPBACK_V4, port),
            Place::V6(0, port) => Place::V6(LOOPBACK_V6, port),
            place => place,
        }
    }
}

/// A `struct sockaddr_in`.
pub(super) fn of_v4(address: Ipv4Addr, port: u16) -> SockAddr {
    let mut addr = SockAddr::of_v4(address.octets());
    addr.buffer()[2..4].copy_from_slice(&port.to_be_bytes());
    addr
}

/// A `struct sockaddr_in6`.
pub(super) fn of_v6(address: Ipv6Addr, port: u16) -> SockAddr {
    let mut addr = SockAddr::EMPTY;
    let buffer = addr.buffer();
    buffer[..2].copy_from_slice(&(AF_INET6 as u16).to_ne_bytes());
    buffer[2..4].copy_from_slice(&port.to_be_bytes());
    buffer[8..SIN6_LEN_RFC2133].copy_from_slice(&address.octets());
    addr.set_len(size_of::<libc::sockaddr_in6>());
    addr
}

/// A `struct sockaddr_un` with these bytes behind the family; `None` if they are too many.
pub(super) fn of_unix(path: &[&[u8]]) -> Option<SockAddr> {
    let mut addr = SockAddr::EMPTY;
    let buffer = addr.buffer();
    buffer[..2].copy_from_slice(&(AF_UNIX as u16).to_ne_bytes());
    let mut len = 2;
    for part in path {
        buffer.get_mut(len..len + part.len())?.copy_from_slice(part);
        len += part.len();
    }
    addr.set_len(len);
    (len <= size_of::<libc::sockaddr_un>()).then_some(addr)
}

/// The families of sockets that can have this address.
pub(super) fn families_for(addr: &SockAddr) -> &'static [c_int] {
    match Place::of(addr.bytes()) {
        Place::V4(..) => &[AF_INET, AF_INET6],
        Place::V6(..) => &[AF_INET6],
        Place::Unix(_) | Place::Abstract(_) => &[AF_UNIX],
        Place::Other => &[],
    }
}

/// The same address for a socket of `family`.
pub(super) fn fitted(addr: &SockAddr, family: c_int) -> Option<SockAddr> {
    match (Place::of(addr.bytes()), family) {
        (Place::V4(v4, port), AF_INET) => Some(of_v4(v4.into(), port)),
        (Place::V4(v4, port), AF_INET6) => Some(of_v6(Ipv4Addr::from(v4).to_ipv6_mapped(), port)),
        (Place::V6(..), AF_INET6) | (Place::Unix(_) | Place::Abstract(_), AF_UNIX) => Some(*addr),
        _ => None,
    }
}
