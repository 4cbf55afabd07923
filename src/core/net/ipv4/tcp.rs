//! TCP over IPv4 (`net/ipv4/tcp_ipv4.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::ipv4::af_inet::INET_STREAM_OPS;
use crate::net::ops::{Cx, Msg, Opt, Socket, SocketState};
use crate::net::protosw::{INET_PROTOSW_ICSK, INET_PROTOSW_PERMANENT, InetProtosw};
use crate::net::sock::{Below, NO_PROTO, Proto, TcpState};
use crate::verdict::{Change, Reason, Verdict};

/// `tcp_prot`.
pub static TCP_PROT: Proto = Proto {
    symbol: &"tcp_prot",
    name: "TCP",
    init: Some(func!(tcp_v4_init_sock)),
    connect: Some(func!(tcp_v4_connect)),
    ..TCP_COMMON
};

/// What TCP has in common over both IP versions.
pub const TCP_COMMON: Proto = Proto {
    below: Below::Tcp,
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

/// Whether the socket has never started to connect, or listens.
fn is_idle(sock: &Socket) -> bool {
    sock.state == SocketState::Unconnected
}

/// `tcp_sendmsg`, also for MPTCP: without a connection a send fails, even with an address. With MSG_FASTOPEN the call
/// is a connect.
pub fn tcp_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if msg.has(libc::MSG_FASTOPEN) {
        return cx.ask(func!(tcp_sendmsg_fastopen), &"the peer").then(Change::FastOpen);
    }
    match is_idle(sock) {
        true => Verdict::errno(Errno::EPIPE, Reason::BadState),
        false => cx.ask(func!(tcp_sendmsg_locked), &"the connection"),
    }
}

/// `tcp_recvmsg`.
pub fn tcp_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if !is_idle(sock) {
        return cx.ask(func!(tcp_recvmsg_locked), &"the connection");
    }
    if msg.has(libc::MSG_ERRQUEUE) {
        return match sock.sees_no_traffic() {
            true => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
            false => cx.ask(func!(inet_recv_error), &"the error queue"),
        };
    }
    if sock.sk.state == TcpState::Listen {
        return Verdict::errno(Errno::ENOTCONN, Reason::BadState);
    }
    if msg.has(libc::MSG_OOB) {
        return match sock.sees_no_traffic() {
            true => Verdict::errno(Errno::EINVAL, Reason::BadState),
            false => cx.ask(func!(tcp_recv_urg), &"urgent data"),
        };
    }
    no_connection(cx, sock)
}

/// recv without a connection: end of data if receiving was shut (even by a shutdown that failed), else an error.
pub fn no_connection(cx: &mut Cx, sock: &Socket) -> Verdict {
    match (sock.sees_no_traffic(), sock.shutdown & 1) {
        (_, 1) => Verdict::ok(),
        (true, _) => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
        // An earlier connection may have left its end of data or an error behind.
        (false, _) => cx.ask(func!(tcp_recvmsg_locked), &"the end of an earlier connection"),
    }
}

/// `tcp_splice_read`. Unlike `tcp_recvmsg` it does not check for a listening socket.
pub fn tcp_splice_read(cx: &mut Cx, sock: &Socket) -> Verdict {
    match is_idle(sock) && sock.sk.state == TcpState::Close {
        true => no_connection(cx, sock),
        false => cx.ask(func!(__tcp_splice_read), &"the connection"),
    }
}

/// `do_tcp_setsockopt`.
#[inline]
pub fn do_tcp_setsockopt(cx: &mut Cx, opt: &Opt) -> Verdict {
    match opt.name {
        libc::TCP_NODELAY => opt.set_int().map_or_else(|refusal| refusal, |_| Verdict::ok()),
        _ => cx.ask(func!(do_tcp_setsockopt), &"the option"),
    }
}

/// `do_tcp_getsockopt`.
#[inline]
pub fn do_tcp_getsockopt(cx: &mut Cx, opt: &Opt) -> Verdict {
    match opt.name {
        libc::TCP_NODELAY => opt.got(),
        _ => cx.ask(func!(do_tcp_getsockopt), &"the option"),
    }
}
