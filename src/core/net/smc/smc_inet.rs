//! IPPROTO_SMC (`net/smc/smc_inet.c`): rows and ops tables only. Its decisions are the host's.

use crate::func;
use crate::net::core::sock::NO_OPS;
use crate::net::ops::ProtoOps;
use crate::net::protosw::InetProtosw;
use crate::net::sock::{NO_PROTO, Proto};
use crate::op;
use crate::uapi::IPPROTO_SMC;

/// `smc_inet_prot`.
pub static SMC_INET_PROT: Proto =
    Proto { symbol: &"smc_inet_prot", name: "INET_SMC", init: Some(func!(smc_inet_init_sock)), ..NO_PROTO };
/// `smc_inet6_prot`.
pub static SMC_INET6_PROT: Proto =
    Proto { symbol: &"smc_inet6_prot", name: "INET6_SMC", init: Some(func!(smc_inet_init_sock)), ..NO_PROTO };

const OPS: ProtoOps = ProtoOps {
    family: libc::AF_INET,
    release: op!(smc_release, host plain),
    bind: op!(smc_bind, host bind),
    connect: op!(smc_connect, host connect),
    accept: op!(smc_accept, host plain),
    getname: op!(smc_getname, host number),
    poll: Some(func!(smc_poll)),
    ioctl: op!(smc_ioctl, host number),
    listen: op!(smc_listen, host listen),
    shutdown: op!(smc_shutdown, host shutdown),
    setsockopt: Some(op!(smc_setsockopt, host option)),
    getsockopt: Some(op!(smc_getsockopt, host option)),
    sendmsg: op!(smc_sendmsg, host message),
    recvmsg: op!(smc_recvmsg, host message),
    splice_read: Some(func!(smc_splice_read)),
    ..NO_OPS
};

/// `smc_inet_stream_ops`.
pub static SMC_INET_STREAM_OPS: ProtoOps = ProtoOps { name: "smc_inet_stream_ops", ..OPS };
/// `smc_inet6_stream_ops`.
pub static SMC_INET6_STREAM_OPS: ProtoOps =
    ProtoOps { name: "smc_inet6_stream_ops", family: libc::AF_INET6, ..OPS };

const ROW: InetProtosw = InetProtosw {
    name: &"SMC",
    ty: libc::SOCK_STREAM,
    protocol: IPPROTO_SMC,
    prot: &SMC_INET_PROT,
    ops: &SMC_INET_STREAM_OPS,
    flags: 0,
};

/// The row of `inetsw`.
pub static SMC: InetProtosw = ROW;
/// The row of `inetsw6`.
pub static SMC6: InetProtosw = InetProtosw { prot: &SMC_INET6_PROT, ops: &SMC_INET6_STREAM_OPS, ..ROW };
