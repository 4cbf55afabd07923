//! DCCP over both IP versions (`net/dccp`, in Linux until 6.15): rows and ops tables only. Its decisions are the host's.

use crate::func;
use crate::net::ipv4::af_inet::INET_OPS;
use crate::net::ipv4::connection::inet_accept;
use crate::net::ipv6::af_inet6::host_ops;
use crate::net::ops::ProtoOps;
use crate::net::protosw::InetProtosw;
use crate::net::sock::{NO_PROTO, Proto};
use crate::op;
use crate::uapi::SOCK_DCCP;

const COMMON: Proto = Proto {
    disconnect: Some(func!(dccp_disconnect)),
    get_port: Some(func!(inet_csk_get_port)),
    accept: Some(func!(inet_csk_accept)),
    setsockopt: Some(func!(dccp_setsockopt)),
    getsockopt: Some(func!(dccp_getsockopt)),
    sendmsg: Some(func!(dccp_sendmsg)),
    recvmsg: Some(func!(dccp_recvmsg)),
    close: Some(func!(dccp_close)),
    ..NO_PROTO
};

/// `dccp_v4_prot`.
pub static DCCP_V4_PROT: Proto = Proto {
    symbol: &"dccp_v4_prot",
    name: "DCCP",
    init: Some(func!(dccp_v4_init_sock)),
    connect: Some(func!(dccp_v4_connect)),
    ..COMMON
};
/// `dccp_v6_prot`.
pub static DCCP_V6_PROT: Proto = Proto {
    symbol: &"dccp_v6_prot",
    name: "DCCPv6",
    init: Some(func!(dccp_v6_init_sock)),
    connect: Some(func!(dccp_v6_connect)),
    ..COMMON
};

const OPS: ProtoOps = ProtoOps {
    connect: op!(inet_stream_connect, host connect),
    accept: op!(inet_accept),
    poll: Some(func!(dccp_poll)),
    listen: op!(inet_dccp_listen, host listen),
    shutdown: op!(inet_shutdown, host shutdown),
    setsockopt: Some(op!(sock_common_setsockopt, host option)),
    getsockopt: Some(op!(sock_common_getsockopt, host option)),
    splice_eof: None,
    ..INET_OPS
};

/// `inet_dccp_ops`.
pub static INET_DCCP_OPS: ProtoOps = ProtoOps { name: "inet_dccp_ops", ..OPS };
/// `inet6_dccp_ops`.
pub static INET6_DCCP_OPS: ProtoOps = ProtoOps { name: "inet6_dccp_ops", ..host_ops(OPS) };

const ROW: InetProtosw = InetProtosw {
    name: &"DCCP",
    ty: SOCK_DCCP,
    protocol: libc::IPPROTO_DCCP,
    prot: &DCCP_V4_PROT,
    ops: &INET_DCCP_OPS,
    flags: 0,
};

/// The row of `inetsw[SOCK_DCCP]`.
pub static DCCP: InetProtosw = ROW;
/// The row of `inetsw6[SOCK_DCCP]`.
pub static DCCP6: InetProtosw = InetProtosw { prot: &DCCP_V6_PROT, ops: &INET6_DCCP_OPS, ..ROW };
