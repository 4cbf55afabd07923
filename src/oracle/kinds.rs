//! The kinds of sockets, and addresses for them.

use crate::argument::Addr;
use libc::c_int;
use sockshim_core::uapi::SOCK_PACKET;

/// A kind of socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name that is printed.
    pub name: &'static str,
    /// The family for socket(2).
    pub family: c_int,
    /// The type for socket(2).
    pub ty: c_int,
    /// The protocol for socket(2).
    pub protocol: c_int,
}

const fn kind(name: &'static str, family: c_int, ty: c_int, protocol: c_int) -> Kind {
    Kind { name, family, ty, protocol }
}

/// All kinds.
pub const KINDS: &[Kind] = &[
    kind("tcp4", libc::AF_INET, libc::SOCK_STREAM, 0),
    kind("udp4", libc::AF_INET, libc::SOCK_DGRAM, 0),
    kind("udplite4", libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_UDPLITE),
    kind("ping4", libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP),
    kind("raw4", libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
    kind("rawraw4", libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW),
    kind("mptcp4", libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
    kind("inet_pkt", libc::AF_INET, SOCK_PACKET, 0),
    kind("tcp6", libc::AF_INET6, libc::SOCK_STREAM, 0),
    kind("udp6", libc::AF_INET6, libc::SOCK_DGRAM, 0),
    kind("udplite6", libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDPLITE),
    kind("ping6", libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_ICMPV6),
    kind("raw6", libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6),
    kind("mptcp6", libc::AF_INET6, libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
    kind("ustream", libc::AF_UNIX, libc::SOCK_STREAM, 0),
    kind("udgram", libc::AF_UNIX, libc::SOCK_DGRAM, 0),
    kind("uraw", libc::AF_UNIX, libc::SOCK_RAW, 0),
    kind("useq", libc::AF_UNIX, libc::SOCK_SEQPACKET, 0),
    kind("netlink", libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE),
    kind("nl_dgram", libc::AF_NETLINK, libc::SOCK_DGRAM, libc::NETLINK_GENERIC),
    kind("packet_raw", libc::AF_PACKET, libc::SOCK_RAW, 0),
    kind("packet_dgram", libc::AF_PACKET, libc::SOCK_DGRAM, 0),
    kind("packet_pkt", libc::AF_PACKET, SOCK_PACKET, 0),
    kind("vsock", libc::AF_VSOCK, libc::SOCK_STREAM, 0),
    kind("vsockseq", libc::AF_VSOCK, libc::SOCK_SEQPACKET, 0),
    kind("xdp", libc::AF_XDP, libc::SOCK_RAW, 0),
];

const LO4: [u8; 4] = [127, 0, 0, 1];
const LO6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// `VMADDR_CID_ANY` and `VMADDR_PORT_ANY`.
const ANY: u32 = u32::MAX;
/// The loopback device is the first one of every network namespace.
const LO: u32 = 1;

impl Kind {
    /// A complete address of this kind. Ports and names that must not clash depend on `unique`.
    pub fn local(&self, unique: u32) -> Addr {
        let port = if unique == 0 { 0 } else { 20_000 + (unique % 30_000) as u16 };
        match self.family {
            // A packet socket that was made as AF_INET has addresses of the same form.
            libc::AF_INET => Addr::inet(LO4, port),
            libc::AF_INET6 => Addr::inet6(LO6, port),
            libc::AF_UNIX => Addr::unix(&format!("sockshim-oracle-{}-{unique}", std::process::id())),
            libc::AF_NETLINK => Addr::netlink(unique, 0),
            libc::AF_PACKET => Addr::packet(if unique == 0 { 0 } else { LO }),
            libc::AF_VSOCK => Addr::vsock(ANY, if unique == 0 { ANY } else { 20_000 + unique }),
            _ => Addr::xdp(LO),
        }
    }

    /// The wildcard address: any address and port, or an automatic name.
    pub fn wildcard(&self) -> Addr {
        match self.family {
            libc::AF_INET => Addr::inet([0; 4], 0),
            libc::AF_INET6 => Addr::inet6([0; 16], 0),
            libc::AF_UNIX => Addr::unix("").with_len(2),
            _ => self.local(0),
        }
    }

    /// An address at which nobody listens.
    pub fn nobody(&self) -> Addr {
        match self.family {
            libc::AF_INET => Addr::inet(LO4, 1),
            libc::AF_INET6 => Addr::inet6(LO6, 1),
            libc::AF_UNIX => Addr::unix("nobody has this name"),
            // There is no virtual machine with this context id.
            libc::AF_VSOCK => Addr::vsock(77, 1),
            _ => self.local(0),
        }
    }
}
