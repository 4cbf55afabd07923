//! Multipath TCP over both IP versions (`net/mptcp/protocol.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::core::sock::pass_to;
use crate::net::ipv4::af_inet::{INET_OPS, INETSW};
use crate::net::ipv4::bind::bind_change;
use crate::net::ipv4::common::inet_ioctl;
use crate::net::ipv4::connection::{self, inet_getname, inet_listen, inet_shutdown};
use crate::net::ipv4::tcp::{do_tcp_getsockopt, do_tcp_setsockopt, no_connection};
use crate::net::ipv6::af_inet6::{INETSW6, inet6_bind, inet6_getname, inet6_sendmsg};
use crate::net::ops::{Cx, Msg, Opt, ProtoOps, Socket, SocketState};
use crate::net::protosw::{INET_PROTOSW_ICSK, InetProtosw};
use crate::net::sock::{Below, Bound, NO_PROTO, Proto, TcpState};
use crate::net::sockopt::{READ_ONLY, is_no_option};
use crate::op;
use crate::verdict::{Reason, Verdict};
use libc::c_int;

const STREAM: ProtoOps = ProtoOps {
    custom_sol_socket: true,
    bind: op!(mptcp_bind),
    connect: op!(inet_stream_connect),
    accept: op!(mptcp_stream_accept),
    poll: Some(func!(mptcp_poll)),
    listen: op!(mptcp_listen),
    shutdown: op!(inet_shutdown),
    setsockopt: Some(op!(sock_common_setsockopt)),
    getsockopt: Some(op!(sock_common_getsockopt)),
    recvmsg: op!(inet_recvmsg),
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
    ioctl: op!(inet6_ioctl),
    compat_ioctl: Some(func!(inet6_compat_ioctl)),
    sendmsg: op!(inet6_sendmsg),
    recvmsg: op!(inet6_recvmsg),
    ..STREAM
};

fn sock_common_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.setsockopt));
    mptcp_setsockopt(cx, sock, opt)
}

fn sock_common_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.getsockopt));
    mptcp_getsockopt(cx, sock, opt)
}

fn inet_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.recvmsg));
    mptcp_recvmsg(cx, sock, msg)
}

fn inet6_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    inet_recvmsg(cx, sock, msg)
}

fn inet6_ioctl(cx: &mut Cx, sock: &Socket, request: c_int) -> Verdict {
    inet_ioctl(cx, sock, request)
}

/// Binds the first subflow, a TCP socket of the same family, so TCP's address checks apply.
fn mptcp_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if sock.state != SocketState::Unconnected {
        // The first subflow is gone or has ended, so there is nothing to bind.
        return cx.ask(func!(__mptcp_nmpc_sk), &"the subflows").then(bind_change(addr));
    }
    let verdict = match sock.sk.family {
        libc::AF_INET6 => inet6_bind(cx, sock, addr),
        _ => (INET_OPS.bind.call)(cx, sock, addr),
    };
    of_subflow(sock, verdict)
}

fn inet_stream_connect(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    of_subflow(sock, connection::inet_stream_connect(cx, sock, addr))
}

/// A refusal of the subflow's. A socket that was disconnected may have lost its subflow for good, in older kernels: then it is
/// refused for that, so the host decides which refusal it is.
fn of_subflow(sock: &Socket, verdict: Verdict) -> Verdict {
    let was_disconnected = sock.state == SocketState::Unconnected && sock.sk.bound == Bound::Unknown;
    if was_disconnected && !verdict.may_succeed() { Verdict::ask() } else { verdict }
}

fn mptcp_listen(cx: &mut Cx, sock: &Socket, backlog: c_int) -> Verdict {
    inet_listen(cx, sock, backlog)
}

/// Accepts from the first subflow. When the client does not speak MPTCP, the new socket has TCP's ops; so the new
/// socket is asked for its protocol instead of inheriting it.
fn mptcp_stream_accept(cx: &mut Cx, sock: &Socket) -> Verdict {
    match (sock.state, sock.sk.state) {
        (SocketState::Unknown, TcpState::Close | TcpState::SynSent) | (_, TcpState::Listen) => {
            cx.ask(func!(mptcp_subflow_queue), &"the queue of connections")
        }
        _ => Verdict::errno(Errno::EINVAL, Reason::BadState),
    }
}

/// `mptcp_recvmsg`. MSG_OOB is not checked, and a receive of 0 bytes does not wait.
pub fn mptcp_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if sock.state != SocketState::Unconnected {
        return cx.ask(func!(mptcp_recvmsg), &"the connection");
    }
    if msg.has(libc::MSG_ERRQUEUE) {
        return match sock.sees_no_traffic() {
            true => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
            false => cx.ask(func!(inet_recv_error), &"the error queue"),
        };
    }
    match (sock.sk.state, msg.len) {
        (TcpState::Listen, _) => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
        (_, 0) => Verdict::ok(),
        _ => no_connection(cx, sock),
    }
}

/// `SOL_MPTCP`.
const SOL_MPTCP: c_int = 284;

/// `mptcp_setsockopt`, which also handles SOL_SOCKET. What it supports is known until the socket is connected.
pub fn mptcp_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    let idle = sock.state == SocketState::Unconnected;
    match (opt.level, opt.name) {
        _ if !idle => cx.ask(func!(__mptcp_tcp_fallback), &"whether the connection fell back to TCP"),
        (libc::SOL_SOCKET, name) if READ_ONLY.contains(&name) || is_no_option(name) => {
            Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation)
        }
        (libc::SOL_SOCKET, libc::SO_PEEK_OFF) => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
        (libc::SOL_SOCKET, libc::SO_REUSEADDR | libc::SO_KEEPALIVE | libc::SO_RCVLOWAT) => {
            opt.set_int().map_or_else(|refusal| refusal, |_| Verdict::ok())
        }
        (libc::SOL_TCP, _) => do_tcp_setsockopt(cx, opt),
        (libc::SOL_SOCKET | libc::SOL_IP | libc::SOL_IPV6 | SOL_MPTCP, _) => {
            cx.ask(func!(mptcp_setsockopt), &"the option")
        }
        _ => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
    }
}

/// `mptcp_getsockopt`.
pub fn mptcp_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    match (opt.level, opt.name) {
        _ if sock.state != SocketState::Unconnected => {
            cx.ask(func!(__mptcp_tcp_fallback), &"whether the connection fell back to TCP")
        }
        (libc::SOL_IPV6, libc::IPV6_V6ONLY) => opt.got(),
        (libc::SOL_TCP, _) => do_tcp_getsockopt(cx, opt),
        (libc::SOL_IP, libc::IP_TTL) => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
        (libc::SOL_IP | libc::SOL_IPV6 | SOL_MPTCP, _) => cx.ask(func!(mptcp_getsockopt), &"the option"),
        _ => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
    }
}

const MPTCP_COMMON: Proto = Proto {
    below: Below::Mptcp,
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

/// `mptcp_proto_init`: the row of AF_INET. No row clashes, so the only possible refusal is that another thread has
/// registered the same row meanwhile.
pub fn mptcp_proto_init() {
    let _ = INETSW.register(&MPTCP_PROTOSW);
}

/// `mptcp_proto_v6_init`: the row of AF_INET6.
pub fn mptcp_proto_v6_init() {
    let _ = INETSW6.register(&MPTCP_V6_PROTOSW);
}

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
