//! AF_INET and AF_INET6 as families: the part of `net/ipv4/af_inet.c` and `net/ipv6/af_inet6.c` that must know the
//! protocols of every folder. It imports the protocols, and they import `af_inet` and `af_inet6`, so it stands apart
//! from these.

use crate::func;
use crate::net::ipv4::af_inet::{self, Create, INETSW, create};
use crate::net::ipv6::af_inet6::{self, INETSW6};
use crate::net::mptcp::protocol as mptcp;
use crate::net::ops::{Cx, NetProtoFamily, Socket};
use crate::net::protosw::InetProtosw;
use crate::net::{dccp::proto as dccp, l2tp::l2tp_ip as l2tp, sctp::protocol as sctp, smc::smc_inet as smc};
use crate::net::{ipv4, ipv6};
use crate::op;
use crate::verdict::Verdict;
use libc::c_int;

/// `inet_family_ops`.
pub static INET_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "inet_family_ops",
    family: libc::AF_INET,
    create: op!(inet_create),
    owner: None,
    ops: &[
        &af_inet::INET_STREAM_OPS,
        &af_inet::INET_DGRAM_OPS,
        &af_inet::INET_SOCKRAW_OPS,
        &mptcp::MPTCP_STREAM_OPS,
        &sctp::INET_SEQPACKET_OPS,
        &smc::SMC_INET_STREAM_OPS,
        &l2tp::L2TP_IP_OPS,
        &dccp::INET_DCCP_OPS,
    ],
    prots: &[
        &ipv4::tcp::TCP_PROT,
        &ipv4::udp::UDP_PROT,
        &ipv4::udp::UDPLITE_PROT,
        &ipv4::ping::PING_PROT,
        &ipv4::raw::RAW_PROT,
        &mptcp::MPTCP_PROT,
        &sctp::SCTP_PROT,
        &smc::SMC_INET_PROT,
        &l2tp::L2TP_IP_PROT,
        &dccp::DCCP_V4_PROT,
    ],
};

/// `inet6_family_ops`.
pub static INET6_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "inet6_family_ops",
    family: libc::AF_INET6,
    create: op!(inet6_create),
    owner: None,
    ops: &[
        &af_inet6::INET6_STREAM_OPS,
        &af_inet6::INET6_DGRAM_OPS,
        &af_inet6::INET6_SOCKRAW_OPS,
        &mptcp::MPTCP_V6_STREAM_OPS,
        &sctp::INET6_SEQPACKET_OPS,
        &smc::SMC_INET6_STREAM_OPS,
        &l2tp::L2TP_IP6_OPS,
        &dccp::INET6_DCCP_OPS,
    ],
    prots: &[
        &ipv6::tcp::TCPV6_PROT,
        &ipv6::udp::UDPV6_PROT,
        &ipv6::udp::UDPLITEV6_PROT,
        &ipv6::ping::PINGV6_PROT,
        &ipv6::raw::RAWV6_PROT,
        &mptcp::MPTCP_V6_PROT,
        &sctp::SCTPV6_PROT,
        &smc::SMC_INET6_PROT,
        &l2tp::L2TP_IP6_PROT,
        &dccp::DCCP_V6_PROT,
    ],
};

/// The rows that kernel modules add to `inetsw`.
pub static INETSW_MODULES: [&InetProtosw; 5] =
    [&sctp::STREAM, &smc::SMC, &l2tp::L2TP, &sctp::SEQPACKET, &dccp::DCCP];

/// The rows that kernel modules add to `inetsw6`.
pub static INETSW6_MODULES: [&InetProtosw; 5] =
    [&sctp::STREAM6, &smc::SMC6, &l2tp::L2TP6, &sctp::SEQPACKET6, &dccp::DCCP6];

static INET_CREATE: Create = Create { func: func!(inet_create), sw: &INETSW, modules: &INETSW_MODULES };
static INET6_CREATE: Create = Create { func: func!(inet6_create), sw: &INETSW6, modules: &INETSW6_MODULES };

fn inet_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    create(cx, sock, protocol, &INET_CREATE)
}

fn inet6_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    create(cx, sock, protocol, &INET6_CREATE)
}
