//! Raw IPv6 sockets (`net/ipv6/raw.c`).

use crate::func;
use crate::net::ipv6::af_inet6::INET6_SOCKRAW_OPS;
use crate::net::protosw::{INET_PROTOSW_REUSE, InetProtosw};
use crate::net::sock::{NO_PROTO, Proto};

/// `rawv6_prot`.
pub static RAWV6_PROT: Proto = Proto {
    symbol: &"rawv6_prot",
    name: "RAWv6",
    init: Some(func!(rawv6_init_sk)),
    connect: Some(func!(ip6_datagram_connect_v6_only)),
    disconnect: Some(func!(__udp_disconnect)),
    bind: Some(func!(rawv6_bind)),
    setsockopt: Some(func!(rawv6_setsockopt)),
    getsockopt: Some(func!(rawv6_getsockopt)),
    sendmsg: Some(func!(rawv6_sendmsg)),
    recvmsg: Some(func!(rawv6_recvmsg)),
    close: Some(func!(rawv6_close)),
    ..NO_PROTO
};

/// The row of `inetsw6`: it takes any protocol.
pub static RAWV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"RAW",
    ty: libc::SOCK_RAW,
    protocol: libc::IPPROTO_IP,
    prot: &RAWV6_PROT,
    ops: &INET6_SOCKRAW_OPS,
    flags: INET_PROTOSW_REUSE,
};
