//! TCP over IPv4 (`net/ipv4/tcp_ipv4.c`).

use crate::func;
use crate::net::ipv4::af_inet::INET_STREAM_OPS;
use crate::net::protosw::{INET_PROTOSW_ICSK, INET_PROTOSW_PERMANENT, InetProtosw};
use crate::net::sock::{NO_PROTO, Proto};

/// `tcp_prot`.
pub static TCP_PROT: Proto = Proto {
    symbol: &"tcp_prot",
    name: "TCP",
    init: Some(func!(tcp_v4_init_sock)),
    connect: Some(func!(tcp_v4_connect)),
    ..TCP_COMMON
};

/// What TCP does alike over both IP versions.
pub const TCP_COMMON: Proto = Proto {
    disconnect: Some(func!(tcp_disconnect)),
    get_port: Some(func!(inet_csk_get_port)),
    accept: Some(func!(inet_csk_accept)),
    setsockopt: Some(func!(tcp_setsockopt)),
    getsockopt: Some(func!(tcp_getsockopt)),
    sendmsg: Some(func!(tcp_sendmsg)),
    recvmsg: Some(func!(tcp_recvmsg)),
    close: Some(func!(tcp_close)),
    ..NO_PROTO
};

/// The row of `inetsw`.
pub static TCP_PROTOSW: InetProtosw = InetProtosw {
    name: &"TCP",
    ty: libc::SOCK_STREAM,
    protocol: libc::IPPROTO_TCP,
    prot: &TCP_PROT,
    ops: &INET_STREAM_OPS,
    flags: INET_PROTOSW_PERMANENT | INET_PROTOSW_ICSK,
};
