//! Ping sockets: ICMP echo without privilege (`net/ipv4/ping.c`).

use crate::func;
use crate::net::ipv4::af_inet::INET_SOCKRAW_OPS;
use crate::net::protosw::{INET_PROTOSW_REUSE, InetProtosw};
use crate::net::sock::{NO_PROTO, Proto};

/// `ping_prot`.
pub static PING_PROT: Proto = Proto {
    symbol: &"ping_prot",
    name: "PING",
    init: Some(func!(ping_init_sock)),
    connect: Some(func!(ip4_datagram_connect)),
    disconnect: Some(func!(__udp_disconnect)),
    bind: Some(func!(ping_bind)),
    get_port: Some(func!(ping_get_port)),
    setsockopt: Some(func!(ip_setsockopt)),
    getsockopt: Some(func!(ip_getsockopt)),
    sendmsg: Some(func!(ping_v4_sendmsg)),
    recvmsg: Some(func!(ping_recvmsg)),
    close: Some(func!(ping_close)),
    ..NO_PROTO
};

/// The row of `inetsw`.
pub static PING_PROTOSW: InetProtosw = InetProtosw {
    name: &"PING",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_ICMP,
    prot: &PING_PROT,
    ops: &INET_SOCKRAW_OPS,
    flags: INET_PROTOSW_REUSE,
};
