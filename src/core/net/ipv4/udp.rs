//! UDP and UDP-Lite over IPv4 (`net/ipv4/udp.c`, `net/ipv4/udplite.c`).

use crate::func;
use crate::net::ipv4::af_inet::INET_DGRAM_OPS;
use crate::net::protosw::{INET_PROTOSW_PERMANENT, InetProtosw};
use crate::net::sock::{NO_PROTO, Proto};

/// `udp_prot`.
pub static UDP_PROT: Proto =
    Proto { symbol: &"udp_prot", name: "UDP", init: Some(func!(udp_init_sock)), ..UDP_COMMON };

/// `udplite_prot`.
pub static UDPLITE_PROT: Proto =
    Proto { symbol: &"udplite_prot", name: "UDP-Lite", init: Some(func!(udplite_sk_init)), ..UDP_COMMON };

const UDP_COMMON: Proto = Proto {
    connect: Some(func!(ip4_datagram_connect)),
    disconnect: Some(func!(udp_disconnect)),
    get_port: Some(func!(udp_v4_get_port)),
    setsockopt: Some(func!(udp_setsockopt)),
    getsockopt: Some(func!(udp_getsockopt)),
    sendmsg: Some(func!(udp_sendmsg)),
    recvmsg: Some(func!(udp_recvmsg)),
    close: Some(func!(udp_lib_close)),
    ..NO_PROTO
};

/// The row of `inetsw` for UDP.
pub static UDP_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDP",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDP,
    prot: &UDP_PROT,
    ops: &INET_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};

/// The row of `inetsw` for UDP-Lite.
pub static UDPLITE_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDPLITE",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDPLITE,
    prot: &UDPLITE_PROT,
    ops: &INET_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};
