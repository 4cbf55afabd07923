//! TCP over IPv6 (`net/ipv6/tcp_ipv6.c`).

use crate::func;
use crate::net::ipv4::tcp::TCP_COMMON;
use crate::net::ipv6::af_inet6::INET6_STREAM_OPS;
use crate::net::protosw::{INET_PROTOSW_ICSK, INET_PROTOSW_PERMANENT, InetProtosw};
use crate::net::sock::Proto;

/// `tcpv6_prot`.
pub static TCPV6_PROT: Proto = Proto {
    symbol: &"tcpv6_prot",
    name: "TCPv6",
    init: Some(func!(tcp_v6_init_sock)),
    connect: Some(func!(tcp_v6_connect)),
    ..TCP_COMMON
};

/// The row of `inetsw6`.
pub static TCPV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"TCP",
    ty: libc::SOCK_STREAM,
    protocol: libc::IPPROTO_TCP,
    prot: &TCPV6_PROT,
    ops: &INET6_STREAM_OPS,
    flags: INET_PROTOSW_PERMANENT | INET_PROTOSW_ICSK,
};
