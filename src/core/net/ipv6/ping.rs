//! Ping sockets over IPv6 (`net/ipv6/ping.c`). They share IPv4's group range.

use crate::func;
use crate::net::ipv6::af_inet6::INET6_SOCKRAW_OPS;
use crate::net::protosw::{INET_PROTOSW_REUSE, InetProtosw};
use crate::net::sock::{Below, NO_PROTO, Proto};

/// `pingv6_prot`.
pub static PINGV6_PROT: Proto = Proto {
    below: Below::Ping,
    symbol: &"pingv6_prot",
    name: "PINGv6",
    init: Some(func!(ping_init_sock)),
    connect: Some(func!(ip6_datagram_connect_v6_only)),
    disconnect: Some(func!(__udp_disconnect)),
    bind: Some(func!(ping_bind)),
    get_port: Some(func!(ping_get_port)),
    setsockopt: Some(func!(ipv6_setsockopt)),
    getsockopt: Some(func!(ipv6_getsockopt)),
    sendmsg: Some(func!(ping_v6_sendmsg)),
    recvmsg: Some(func!(ping_recvmsg)),
    close: Some(func!(ping_close)),
    ..NO_PROTO
};

/// The row of `inetsw6`.
pub static PINGV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"PING",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_ICMPV6,
    prot: &PINGV6_PROT,
    ops: &INET6_SOCKRAW_OPS,
    flags: INET_PROTOSW_REUSE,
};
