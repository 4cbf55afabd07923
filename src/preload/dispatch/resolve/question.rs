//! What a call asks for, from the program's memory into the event. Each copy is made by the kernel, so a bad pointer is
//! left for libc to find.

use crate::call::Ticket;
use crate::memory;
use core::fmt::{self, Write};
use core::net::IpAddr;
use libc::c_int;
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::decode::ip;
use sockshim_core::trace::parts::{self, ADDRESS_ROOM, Part};

/// The longest name that is read: no name of DNS is longer.
const LONGEST: usize = 255;
/// The longest service that is read, `NI_MAXSERV`.
const LONGEST_SERVICE: usize = 32;

/// The host that a call is about: a name, or an address as numbers.
pub struct Host {
    bytes: [u8; LONGEST],
    len: u8,
    is_known: bool,
    is_address: bool,
}

impl Host {
    const NONE: Host = Host { bytes: [0; LONGEST], len: 0, is_known: false, is_address: false };

    /// The name that is asked for, or the address whose name is asked for. `None` if there is none, as in
    /// getaddrinfo(3) for a server, or if it cannot be read. Of a name that is too long for DNS, its beginning.
    pub fn name(&self) -> Option<&[u8]> {
        self.is_known.then(|| &self.bytes[..self.len.into()])
    }

    /// Whether a name is asked for, not an address.
    pub fn is_address(&self) -> bool {
        self.is_address
    }

    /// The host of an address.
    fn of(address: IpAddr) -> Host {
        let mut host = Host { is_known: true, is_address: true, ..Host::NONE };
        // No address is longer than the buffer.
        let _ = write!(host, "{address}");
        host
    }
}

impl Write for Host {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let begin = usize::from(self.len);
        let end = begin + text.len();
        self.bytes.get_mut(begin..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end as u8;
        Ok(())
    }
}

/// The name at the argument `index`. It is read last of all, because it gets the room that is left.
pub fn name(t: &mut Ticket, index: usize) -> Host {
    let mut host = Host::NONE;
    if t.word(index) != 0
        && let Some((len, whole)) = memory::beginning(t.word(index), &mut host.bytes)
    {
        (host.len, host.is_known) = (len as u8, true);
        parts::push(&mut t.event.addr, Part::Host, (&host.bytes[..len], !whole), ADDRESS_ROOM);
    }
    host
}

/// The service at the argument `index`.
pub fn service(t: &mut Ticket, index: usize) {
    let mut text = [0; LONGEST_SERVICE];
    if t.word(index) != 0
        && let Some((len, whole)) = memory::beginning(t.word(index), &mut text)
    {
        parts::push(&mut t.event.addr, Part::Service, (&text[..len], !whole), ADDRESS_ROOM);
    }
}

/// The hints at the argument `index`: the first four numbers of a `struct addrinfo`.
pub fn hints(t: &mut Ticket, index: usize) {
    if t.word(index) != 0
        && let Some(hints) = memory::value::<[c_int; 4]>(t.page(), t.word(index))
    {
        t.event.set_hints(hints);
    }
}

/// The bytes of an address at the argument `index`, whose length is the argument `len`.
pub fn address(t: &mut Ticket, index: usize, len: usize) -> Host {
    let mut bytes = [0; 16];
    let Some(bytes) = bytes.get_mut(..t.word(len) as u32 as usize) else { return Host::NONE };
    if !memory::bytes(t.page(), t.word(index), bytes) {
        return Host::NONE;
    }
    parts::push(&mut t.event.addr, Part::Address, (bytes, false), ADDRESS_ROOM);
    ip(bytes).map_or(Host::NONE, Host::of)
}

/// The socket address at the argument `index`, whose length is the argument `len`.
pub fn socket_address(t: &mut Ticket, index: usize, len: usize) -> Host {
    let mut addr = SockAddr::EMPTY;
    if memory::sockaddr(t.page(), t.word(index), t.int(len), &mut addr) != Some(Ok(())) {
        return Host::NONE;
    }
    // Programs pass the length of a `sockaddr_storage`.
    let (used, host) = match addr.family() {
        Some(libc::AF_INET) => (size_of::<libc::sockaddr_in>(), Some(IpAddr::from(addr.v4()))),
        Some(libc::AF_INET6) => (size_of::<libc::sockaddr_in6>(), Some(IpAddr::from(addr.v6()))),
        _ => (size_of::<libc::sockaddr_un>(), None),
    };
    let bytes = &addr.bytes()[..addr.len().min(used)];
    parts::push(&mut t.event.addr, Part::Address, (bytes, false), 0);
    host.filter(|_| addr.len() >= used).map_or(Host::NONE, Host::of)
}
