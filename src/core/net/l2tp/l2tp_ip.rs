//! L2TP directly over IP (`net/l2tp/l2tp_ip.c`, `net/l2tp/l2tp_ip6.c`): rows and ops tables only. Its decisions are
//! the host's.

use crate::func;
use crate::net::core::sock::NO_OPS;
use crate::net::ipv6::af_inet6::host_ops;
use crate::net::ops::ProtoOps;
use crate::net::protosw::InetProtosw;
use crate::net::sock::{NO_PROTO, Proto};
use crate::op;
use crate::uapi::IPPROTO_L2TP;

/// `l2tp_ip_prot`.
pub static L2TP_IP_PROT: Proto = Proto {
    symbol: &"l2tp_ip_prot",
    name: "L2TP/IP",
    init: Some(func!(l2tp_ip_open)),
    connect: Some(func!(l2tp_ip_connect)),
    disconnect: Some(func!(l2tp_ip_disconnect)),
    bind: Some(func!(l2tp_ip_bind)),
    setsockopt: Some(func!(ip_setsockopt)),
    getsockopt: Some(func!(ip_getsockopt)),
    sendmsg: Some(func!(l2tp_ip_sendmsg)),
    recvmsg: Some(func!(l2tp_ip_recvmsg)),
    close: Some(func!(l2tp_ip_close)),
    ..NO_PROTO
};
/// `l2tp_ip6_prot`.
pub static L2TP_IP6_PROT: Proto = Proto {
    symbol: &"l2tp_ip6_prot",
    name: "L2TP/IPv6",
    init: Some(func!(l2tp_ip6_open)),
    connect: Some(func!(l2tp_ip6_connect)),
    disconnect: Some(func!(l2tp_ip6_disconnect)),
    bind: Some(func!(l2tp_ip6_bind)),
    setsockopt: Some(func!(ipv6_setsockopt)),
    getsockopt: Some(func!(ipv6_getsockopt)),
    sendmsg: Some(func!(l2tp_ip6_sendmsg)),
    recvmsg: Some(func!(l2tp_ip6_recvmsg)),
    close: Some(func!(l2tp_ip6_close)),
    ..NO_PROTO
};

const OPS: ProtoOps = ProtoOps {
    family: libc::AF_INET,
    release: op!(inet_release, host plain),
    bind: op!(inet_bind, host bind),
    connect: op!(inet_dgram_connect, host connect),
    getname: op!(l2tp_ip_getname, host number),
    poll: Some(func!(datagram_poll)),
    ioctl: op!(inet_ioctl, host number),
    gettstamp: Some(func!(sock_gettstamp)),
    shutdown: op!(inet_shutdown, host shutdown),
    setsockopt: Some(op!(sock_common_setsockopt, host option)),
    getsockopt: Some(op!(sock_common_getsockopt, host option)),
    sendmsg: op!(inet_sendmsg, host message),
    recvmsg: op!(sock_common_recvmsg, host message),
    ..NO_OPS
};

/// `l2tp_ip_ops`.
pub static L2TP_IP_OPS: ProtoOps = ProtoOps { name: "l2tp_ip_ops", ..OPS };
/// `l2tp_ip6_ops`.
pub static L2TP_IP6_OPS: ProtoOps =
    ProtoOps { name: "l2tp_ip6_ops", getname: op!(l2tp_ip6_getname, host number), ..host_ops(OPS) };

const ROW: InetProtosw = InetProtosw {
    name: &"L2TP",
    ty: libc::SOCK_DGRAM,
    protocol: IPPROTO_L2TP,
    prot: &L2TP_IP_PROT,
    ops: &L2TP_IP_OPS,
    flags: 0,
};

/// The row of `inetsw`.
pub static L2TP: InetProtosw = ROW;
/// The row of `inetsw6`.
pub static L2TP6: InetProtosw = InetProtosw { prot: &L2TP_IP6_PROT, ops: &L2TP_IP6_OPS, ..ROW };
