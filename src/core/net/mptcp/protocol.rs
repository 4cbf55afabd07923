//! Multipath TCP over both IP versions (`net/mptcp/protocol.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ipv4::af_inet::{
    INET_OPS, inet_getname, inet_listen, inet_recvmsg, inet_sendmsg, inet_shutdown, inet_stream_connect,
};
use crate::net::ipv6::af_inet6::{inet6_bind, inet6_getname};
use crate::net::ops::{Cx, ProtoOps, Socket};
use crate::net::protosw::{INET_PROTOSW_ICSK, InetProtosw};
use crate::net::sock::{NO_PROTO, Proto, TcpState};
use crate::op;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

const STREAM: ProtoOps = ProtoOps {
    bind: op!(mptcp_bind),
    connect: op!(inet_stream_connect),
    accept: op!(mptcp_stream_accept),
    poll: Some(func!(mptcp_poll)),
    listen: op!(mptcp_listen),
    shutdown: op!(inet_shutdown),
    compat_ioctl: None,
    splice_eof: None,
    set_rcvlowat: Some(func!(mptcp_set_rcvlowat)),
    ..INET_OPS
};

/// `mptcp_stream_ops`.
pub static MPTCP_STREAM_OPS: ProtoOps =
    ProtoOps { name: "mptcp_stream_ops", getname: op!(inet_getname), ..STREAM };

/// `mptcp_v6_stream_ops`. Unlike IPv4's it has a `compat_ioctl`.
pub static MPTCP_V6_STREAM_OPS: ProtoOps = ProtoOps {
    name: "mptcp_v6_stream_ops",
    family: libc::AF_INET6,
    release: op!(inet6_release, host plain),
    getname: op!(inet6_getname),
    ioctl: op!(inet6_ioctl, host number),
    compat_ioctl: Some(func!(inet6_compat_ioctl)),
    sendmsg: op!(inet6_sendmsg),
    recvmsg: op!(inet6_recvmsg),
    ..STREAM
};

fn inet6_sendmsg(cx: &mut Cx, sock: &Socket, flags: c_int) -> Verdict {
    inet_sendmsg(cx, sock, flags)
}

fn inet6_recvmsg(cx: &mut Cx, sock: &Socket, flags: c_int) -> Verdict {
    inet_recvmsg(cx, sock, flags)
}

/// Binds the first subflow, which is a TCP socket of the same family: its address checks apply.
fn mptcp_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    match sock.sk.family {
        libc::AF_INET6 => inet6_bind(cx, sock, addr),
        _ => (INET_OPS.bind.call)(cx, sock, addr),
    }
}

fn mptcp_listen(cx: &mut Cx, sock: &Socket, backlog: c_int) -> Verdict {
    inet_listen(cx, sock, backlog)
}

/// Accepts from the first subflow. A client without MPTCP yields a socket with TCP's ops, so the new socket is
/// asked for its protocol instead of inheriting it.
fn mptcp_stream_accept(_: &mut Cx, sock: &Socket) -> Verdict {
    match sock.sk.state {
        TcpState::Listen => Verdict::ask().then(Change::None),
        _ => Verdict::errno(Errno::EINVAL, Reason::BadState),
    }
}

const MPTCP_COMMON: Proto = Proto {
    init: Some(func!(mptcp_init_sock)),
    connect: Some(func!(mptcp_connect)),
    disconnect: Some(func!(mptcp_disconnect)),
    get_port: Some(func!(mptcp_get_port)),
    setsockopt: Some(func!(mptcp_setsockopt)),
    getsockopt: Some(func!(mptcp_getsockopt)),
    sendmsg: Some(func!(mptcp_sendmsg)),
    recvmsg: Some(func!(mptcp_recvmsg)),
    close: Some(func!(mptcp_close)),
    ..NO_PROTO
};

/// `mptcp_prot`.
pub static MPTCP_PROT: Proto = Proto { symbol: &"mptcp_prot", name: "MPTCP", ..MPTCP_COMMON };

/// `mptcp_v6_prot`.
pub static MPTCP_V6_PROT: Proto = Proto { symbol: &"mptcp_v6_prot", name: "MPTCPv6", ..MPTCP_COMMON };

/// The row of `inetsw`.
pub static MPTCP_PROTOSW: InetProtosw = InetProtosw { prot: &MPTCP_PROT, ops: &MPTCP_STREAM_OPS, ..ROW };

/// The row of `inetsw6`.
pub static MPTCP_V6_PROTOSW: InetProtosw =
    InetProtosw { prot: &MPTCP_V6_PROT, ops: &MPTCP_V6_STREAM_OPS, ..ROW };

const ROW: InetProtosw = InetProtosw {
    name: &"MPTCP",
    ty: libc::SOCK_STREAM,
    protocol: libc::IPPROTO_MPTCP,
    prot: &MPTCP_PROT,
    ops: &MPTCP_STREAM_OPS,
    flags: INET_PROTOSW_ICSK,
};
