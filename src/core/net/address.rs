//! Socket addresses as values, copied once from the program.

use crate::uapi::SOCKADDR_STORAGE;
use libc::c_int;
use std::fmt;

/// The shortest IPv6 address that every call accepts: without the scope id, as in RFC 2133.
pub const SIN6_LEN_RFC2133: usize = 24;

/// `struct sockaddr` with its length, as `move_addr_to_kernel` takes it.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SockAddr {
    // The first two bytes are those of `head`.
    len: u8,
    truncated: bool,
    /// Last, so that what is behind a short address need not be copied.
    bytes: [u8; SOCKADDR_STORAGE],
}

impl SockAddr {
    /// An address of no bytes.
    pub const EMPTY: SockAddr = SockAddr { bytes: [0; SOCKADDR_STORAGE], len: 0, truncated: false };

    /// How many bytes of a value belong to an address of this length.
    pub const fn used(len: usize) -> usize {
        core::mem::offset_of!(SockAddr, bytes) + len
    }

    /// The address in `bytes`, cut at `sizeof(struct sockaddr_storage)`.
    pub fn new(bytes: &[u8]) -> SockAddr {
        let mut addr = SockAddr::EMPTY;
        let len = bytes.len().min(SOCKADDR_STORAGE);
        addr.bytes[..len].copy_from_slice(&bytes[..len]);
        addr.len = len as u8;
        addr.truncated = len < bytes.len();
        addr
    }

    /// An AF_INET address with port 0.
    pub fn of_v4(octets: [u8; 4]) -> SockAddr {
        let mut addr = SockAddr::EMPTY;
        addr.bytes[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
        addr.bytes[4..8].copy_from_slice(&octets);
        addr.len = size_of::<libc::sockaddr_in>() as u8;
        addr
    }

    /// The AF_INET6 loopback address with port 0.
    pub fn of_v6_loopback() -> SockAddr {
        let mut addr = SockAddr::EMPTY;
        addr.bytes[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
        addr.bytes[23] = 1;
        addr.len = size_of::<libc::sockaddr_in6>() as u8;
        addr
    }

    /// The v4-mapped AF_INET6 address of an IPv4 one, with port 0.
    pub fn of_v4_mapped(octets: [u8; 4]) -> SockAddr {
        let mut addr = SockAddr::of_v6_loopback();
        addr.bytes[18..20].copy_from_slice(&[0xff; 2]);
        addr.bytes[20..24].copy_from_slice(&octets);
        addr
    }

    /// The bytes of a value that stand before those of its address.
    pub const fn head(len: u8, truncated: bool) -> [u8; SockAddr::used(0)] {
        [len, truncated as u8]
    }

    /// The buffer for a copy of up to `sizeof(struct sockaddr_storage)` bytes; [`SockAddr::set_len`] then says how
    /// many are valid.
    pub fn buffer(&mut self) -> &mut [u8; SOCKADDR_STORAGE] {
        &mut self.bytes
    }

    /// Sets how many bytes of the buffer are valid.
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(SOCKADDR_STORAGE) as u8;
    }

    /// Records that the original is longer than this copy.
    pub fn set_truncated(&mut self) {
        self.truncated = true;
    }

    /// Whether the original is longer than this copy.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether the part of the original that was not copied could be read.
    pub fn is_readable(&self) -> bool {
        self.len > 0 || !self.truncated
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `sa_family`, if the address is long enough to have one.
    pub fn family(&self) -> Option<c_int> {
        (self.len >= 2).then(|| c_int::from(u16::from_ne_bytes([self.bytes[0], self.bytes[1]])))
    }

    /// The port of an AF_INET or AF_INET6 address, in host order.
    pub fn port(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    /// The four bytes of an AF_INET address.
    pub fn v4(&self) -> [u8; 4] {
        let mut octets = [0; 4];
        octets.copy_from_slice(&self.bytes[4..8]);
        octets
    }

    /// The sixteen bytes of an AF_INET6 address.
    pub fn v6(&self) -> [u8; 16] {
        let mut octets = [0; 16];
        octets.copy_from_slice(&self.bytes[8..24]);
        octets
    }

    /// Whether it is an AF_INET6 address that stands for an IPv4 one.
    pub fn is_v4_mapped(&self) -> bool {
        let prefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        self.family() == Some(libc::AF_INET6) && self.is_inet() && self.v6().starts_with(&prefix)
    }

    /// Whether it is the AF_INET or AF_INET6 address that stands for any of the host's.
    pub fn is_unspecified(&self) -> bool {
        match self.family() {
            _ if !self.is_inet() => false,
            Some(libc::AF_INET) => self.v4() == [0; 4],
            _ => self.v6() == [0; 16] || (self.is_v4_mapped() && self.v6().ends_with(&[0; 4])),
        }
    }

    /// Whether it is an AF_INET or AF_INET6 address.
    pub fn is_inet(&self) -> bool {
        match self.family() {
            Some(libc::AF_INET) => self.len() >= size_of::<libc::sockaddr_in>(),
            Some(libc::AF_INET6) => self.len() >= SIN6_LEN_RFC2133,
            _ => false,
        }
    }

    /// The same AF_INET or AF_INET6 address with another port.
    pub fn with_port(mut self, port: u16) -> SockAddr {
        self.bytes[2..4].copy_from_slice(&port.to_be_bytes());
        self
    }

    /// The same address of another family.
    pub fn with_family(mut self, family: c_int) -> SockAddr {
        self.bytes[..2].copy_from_slice(&(family as u16).to_ne_bytes());
        self
    }

    /// The four-byte number at `offset`, in host order.
    pub fn u32_at(&self, offset: usize) -> u32 {
        let mut word = [0; 4];
        word.copy_from_slice(&self.bytes[offset..offset + 4]);
        u32::from_ne_bytes(word)
    }
}

/// By the bytes that are valid.
impl PartialEq for SockAddr {
    fn eq(&self, other: &SockAddr) -> bool {
        self.bytes() == other.bytes() && self.truncated == other.truncated
    }
}

/// The bytes that are valid.
impl fmt::Debug for SockAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}
