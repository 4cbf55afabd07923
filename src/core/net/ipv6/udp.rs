//! UDP and UDP-Lite over IPv6 (`net/ipv6/udp.c`, `net/ipv6/udplite.c`).

use crate::func;
use crate::net::ipv6::af_inet6::INET6_DGRAM_OPS;
use crate::net::protosw::{INET_PROTOSW_PERMANENT, InetProtosw};
use crate::net::sock::{NO_PROTO, Proto};

/// `udpv6_prot`.
pub static UDPV6_PROT: Proto =
    Proto { symbol: &"udpv6_prot", name: "UDPv6", init: Some(func!(udpv6_init_sock)), ..UDPV6_COMMON };

/// `udplitev6_prot`.
pub static UDPLITEV6_PROT: Proto = Proto {
    symbol: &"udplitev6_prot",
    name: "UDPLITEv6",
    init: Some(func!(udplitev6_sk_init)),
    ..UDPV6_COMMON
};

const UDPV6_COMMON: Proto = Proto {
    connect: Some(func!(ip6_datagram_connect)),
    disconnect: Some(func!(udp_disconnect)),
    get_port: Some(func!(udp_v6_get_port)),
    setsockopt: Some(func!(udpv6_setsockopt)),
    getsockopt: Some(func!(udpv6_getsockopt)),
    sendmsg: Some(func!(udpv6_sendmsg)),
    recvmsg: Some(func!(udpv6_recvmsg)),
    close: Some(func!(udp_lib_close)),
    ..NO_PROTO
};

/// The row of `inetsw6` for UDP.
pub static UDPV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDP",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDP,
    prot: &UDPV6_PROT,
    ops: &INET6_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};

/// The row of `inetsw6` for UDP-Lite.
pub static UDPLITEV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDPLITE",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDPLITE,
    prot: &UDPLITEV6_PROT,
    ops: &INET6_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};
