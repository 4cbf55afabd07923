//! Raw IPv4 sockets (`net/ipv4/raw.c`).

use crate::func;
use crate::net::ipv4::af_inet::INET_SOCKRAW_OPS;
use crate::net::protosw::{INET_PROTOSW_REUSE, InetProtosw};
use crate::net::sock::{NO_PROTO, Proto};

/// `raw_prot`.
pub static RAW_PROT: Proto = Proto {
    symbol: &"raw_prot",
    name: "RAW",
    init: Some(func!(raw_sk_init)),
    connect: Some(func!(ip4_datagram_connect)),
    disconnect: Some(func!(__udp_disconnect)),
    bind: Some(func!(raw_bind)),
    setsockopt: Some(func!(raw_setsockopt)),
    getsockopt: Some(func!(raw_getsockopt)),
    sendmsg: Some(func!(raw_sendmsg)),
    recvmsg: Some(func!(raw_recvmsg)),
    close: Some(func!(raw_close)),
    ..NO_PROTO
};

/// The row of `inetsw`: it takes any protocol.
pub static RAW_PROTOSW: InetProtosw = InetProtosw {
    name: &"RAW",
    ty: libc::SOCK_RAW,
    protocol: libc::IPPROTO_IP,
    prot: &RAW_PROT,
    ops: &INET_SOCKRAW_OPS,
    flags: INET_PROTOSW_REUSE,
};
