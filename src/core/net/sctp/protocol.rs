//! SCTP over both IP versions (`net/sctp/protocol.c`, `net/sctp/ipv6.c`): rows and ops tables only. Its decisions are
//! the host's.

use crate::func;
use crate::net::ipv4::af_inet::INET_OPS;
use crate::net::ipv4::connection::inet_accept;
use crate::net::ipv6::af_inet6::host_ops;
use crate::net::ops::ProtoOps;
use crate::net::protosw::InetProtosw;
use crate::net::sock::{NO_PROTO, Proto};
use crate::op;

const COMMON: Proto = Proto {
    init: Some(func!(sctp_init_sock)),
    disconnect: Some(func!(sctp_disconnect)),
    bind: Some(func!(sctp_bind)),
    accept: Some(func!(sctp_accept)),
    setsockopt: Some(func!(sctp_setsockopt)),
    getsockopt: Some(func!(sctp_getsockopt)),
    sendmsg: Some(func!(sctp_sendmsg)),
    recvmsg: Some(func!(sctp_recvmsg)),
    close: Some(func!(sctp_close)),
    ..NO_PROTO
};

/// `sctp_prot`.
pub static SCTP_PROT: Proto = Proto { symbol: &"sctp_prot", name: "SCTP", ..COMMON };
/// `sctpv6_prot`.
pub static SCTPV6_PROT: Proto =
    Proto { symbol: &"sctpv6_prot", name: "SCTPv6", init: Some(func!(sctp_v6_init_sock)), ..COMMON };

const OPS: ProtoOps = ProtoOps {
    connect: op!(sctp_inet_connect, host connect),
    accept: op!(inet_accept),
    poll: Some(func!(sctp_poll)),
    listen: op!(sctp_inet_listen, host listen),
    shutdown: op!(inet_shutdown, host shutdown),
    compat_ioctl: None,
    splice_eof: None,
    ..INET_OPS
};

/// `inet_seqpacket_ops`, also used for streams.
pub static INET_SEQPACKET_OPS: ProtoOps = ProtoOps {
    name: "inet_seqpacket_ops",
    getname: op!(inet_getname, host number),
    ioctl: op!(inet_ioctl, host number),
    ..OPS
};
/// `inet6_seqpacket_ops`.
pub static INET6_SEQPACKET_OPS: ProtoOps =
    ProtoOps { name: "inet6_seqpacket_ops", getname: op!(sctp_getname, host number), ..host_ops(OPS) };

const ROW: InetProtosw = InetProtosw {
    name: &"SCTP",
    ty: libc::SOCK_STREAM,
    protocol: libc::IPPROTO_SCTP,
    prot: &SCTP_PROT,
    ops: &INET_SEQPACKET_OPS,
    flags: 0,
};

/// The row of `inetsw[SOCK_STREAM]`.
pub static STREAM: InetProtosw = ROW;
/// The row of `inetsw[SOCK_SEQPACKET]`.
pub static SEQPACKET: InetProtosw = InetProtosw { ty: libc::SOCK_SEQPACKET, ..ROW };
/// The row of `inetsw6[SOCK_STREAM]`.
pub static STREAM6: InetProtosw = InetProtosw { prot: &SCTPV6_PROT, ops: &INET6_SEQPACKET_OPS, ..ROW };
/// The row of `inetsw6[SOCK_SEQPACKET]`.
pub static SEQPACKET6: InetProtosw =
    InetProtosw { ty: libc::SOCK_SEQPACKET, prot: &SCTPV6_PROT, ops: &INET6_SEQPACKET_OPS, ..ROW };
