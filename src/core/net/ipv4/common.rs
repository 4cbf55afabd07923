//! How the sockets of both IP versions call their protocol (`sock_common_*` of `net/core/sock.c`, and the calls
//! through `sk->sk_prot` in `net/ipv4/af_inet.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::core::sock::pass_to;
use crate::net::ipv4::ip_sockglue::{ip_getsockopt, ip_setsockopt};
use crate::net::ipv4::{ping, raw, tcp, udp};
use crate::net::ops::{Cx, Msg, NO_IOCTL, Opt, Socket, SocketState};
pub use crate::net::sock::Below;
use crate::net::sock::TcpState;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// The socket's protocol.
#[inline]
pub fn below(sock: &Socket) -> Below {
    sock.sk.prot.map_or(Below::Other, |prot| prot.below)
}

/// Whether the socket is an IPv6 socket.
pub fn is_v6(sock: &Socket) -> bool {
    sock.sk.family == libc::AF_INET6
}

/// `sock_common_setsockopt`: calls the protocol, which also handles IP's options.
pub fn sock_common_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    protocol_setsockopt(cx, sock, opt).unwrap_or_else(|| ip_setsockopt(cx, opt))
}

/// `sock_common_getsockopt`: calls the protocol, which also handles IP's options.
pub fn sock_common_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    protocol_getsockopt(cx, sock, opt).unwrap_or_else(|| ip_getsockopt(cx, opt))
}

/// The protocol's own answer, for both IP versions; `None` when it passes the option on to IP.
pub fn protocol_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Option<Verdict> {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.setsockopt));
    match (below(sock), opt.level) {
        (Below::Tcp, libc::SOL_TCP) => Some(tcp::do_tcp_setsockopt(cx, opt)),
        (below, level) => is_host_level(below, level).then_some(asked),
    }
}

/// See [`protocol_setsockopt`].
pub fn protocol_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Option<Verdict> {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.getsockopt));
    match (below(sock), opt.level) {
        (Below::Tcp, libc::SOL_TCP) => Some(tcp::do_tcp_getsockopt(cx, opt)),
        (below, level) => is_host_level(below, level).then_some(asked),
    }
}

/// Whether the protocol has options at this level whose answers only the host knows.
fn is_host_level(below: Below, level: c_int) -> bool {
    match below {
        Below::Udp => matches!(level, libc::SOL_UDP | libc::IPPROTO_UDPLITE),
        Below::Raw => matches!(level, libc::SOL_RAW | libc::SOL_ICMPV6),
        Below::Other => true,
        _ => false,
    }
}

/// `inet_sendmsg`. A protocol with ports binds an unbound socket before it looks at the message, and so also when it
/// then refuses the message.
pub fn inet_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.sendmsg));
    match below(sock) {
        Below::Tcp | Below::Mptcp => tcp::tcp_sendmsg(cx, sock, msg),
        Below::Udp => udp::udp_sendmsg(cx, sock, msg).then(Change::Autobind),
        Below::Ping => ping::ping_common_sendmsg(cx, sock, msg).then(Change::Autobind),
        Below::Raw => raw::raw_sendmsg(cx, sock, msg),
        Below::Other => asked,
    }
}

/// `inet_recvmsg` and `sock_common_recvmsg`, of both IP versions.
pub fn inet_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.recvmsg));
    match below(sock) {
        Below::Tcp => tcp::tcp_recvmsg(cx, sock, msg),
        Below::Udp => udp::udp_recvmsg(cx, sock, msg),
        Below::Ping | Below::Raw => raw::raw_recvmsg(cx, sock, msg),
        Below::Mptcp | Below::Other => asked,
    }
}

/// `inet_ioctl` and `inet6_ioctl`. Requests about routes and addresses are the host's, those about queues the
/// protocol's.
pub fn inet_ioctl(cx: &mut Cx, sock: &Socket, request: c_int) -> Verdict {
    const SIOCINQ: c_int = libc::FIONREAD as c_int;
    const SIOCOUTQ: c_int = libc::TIOCOUTQ as c_int;
    const SIOCATMARK: c_int = 0x8905;
    const SIOCOUTQNSD: c_int = 0x894b;
    match (below(sock), request) {
        (Below::Other, _) | (_, 0x890b..=0x894a | 0x894c..=0x8970) => {
            cx.ask(func!(inet_ioctl), &"routes, addresses and neighbours")
        }
        // A listening MPTCP socket has sent nothing, and answers 0 where TCP answers EINVAL.
        (Below::Mptcp, SIOCOUTQ | SIOCOUTQNSD) => Verdict::ok(),
        (Below::Tcp | Below::Mptcp, SIOCINQ | SIOCOUTQ | SIOCOUTQNSD) => match sock.sk.state {
            TcpState::Listen => Verdict::errno(Errno::EINVAL, Reason::BadState),
            TcpState::Established => Verdict::ok(),
            _ if sock.state == SocketState::Unknown => Verdict::ask(),
            _ => Verdict::ok(),
        },
        (Below::Tcp, SIOCATMARK) | (Below::Udp | Below::Raw, SIOCINQ | SIOCOUTQ) => Verdict::ok(),
        _ => NO_IOCTL,
    }
}
