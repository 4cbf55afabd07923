//! What the sockets of both IP versions hand over to their protocol (`sock_common_*` of `net/core/sock.c`, and the
//! calls through `sk->sk_prot` in `net/ipv4/af_inet.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::core::sock::pass_to;
use crate::net::ipv4::ip_sockglue::{ip_getsockopt, ip_setsockopt};
use crate::net::ipv4::{ping, raw, tcp, udp};
use crate::net::ipv6;
use crate::net::ipv6::ipv6_sockglue::{ipv6_getsockopt, ipv6_setsockopt};
use crate::net::mptcp::protocol as mptcp;
use crate::net::ops::{Cx, Msg, NO_IOCTL, Opt, Socket, SocketState};
use crate::net::sock::{Proto, TcpState};
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// The protocols whose functions are modelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// `tcp_prot`, `tcpv6_prot`.
    Tcp,
    /// `mptcp_prot`, `mptcp_v6_prot`.
    Mptcp,
    /// UDP and UDP-Lite.
    Udp,
    /// `ping_prot`, `pingv6_prot`.
    Ping,
    /// `raw_prot`, `rawv6_prot`.
    Raw,
    /// One that only the host knows.
    Other,
}

/// Which of them a socket has.
pub fn below(sock: &Socket) -> Below {
    let Some(prot) = sock.sk.prot else { return Below::Other };
    let is = |known: &[&'static Proto]| known.iter().any(|known| std::ptr::eq(*known, prot));
    match () {
        () if is(&[&tcp::TCP_PROT, &ipv6::tcp::TCPV6_PROT]) => Below::Tcp,
        () if is(&[&mptcp::MPTCP_PROT, &mptcp::MPTCP_V6_PROT]) => Below::Mptcp,
        () if is(&[&udp::UDP_PROT, &ipv6::udp::UDPV6_PROT]) => Below::Udp,
        () if is(&[&udp::UDPLITE_PROT, &ipv6::udp::UDPLITEV6_PROT]) => Below::Udp,
        () if is(&[&ping::PING_PROT, &ipv6::ping::PINGV6_PROT]) => Below::Ping,
        () if is(&[&raw::RAW_PROT, &ipv6::raw::RAWV6_PROT]) => Below::Raw,
        () => Below::Other,
    }
}

/// Whether the socket speaks IPv6.
pub fn is_v6(sock: &Socket) -> bool {
    sock.sk.family == libc::AF_INET6
}

/// `sock_common_setsockopt`: hands over to the protocol.
pub fn sock_common_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.setsockopt));
    match (below(sock), opt.level) {
        (Below::Tcp, libc::SOL_TCP) => tcp::do_tcp_setsockopt(cx, opt),
        (Below::Mptcp, _) => mptcp::mptcp_setsockopt(cx, sock, opt),
        (Below::Udp, libc::SOL_UDP | libc::IPPROTO_UDPLITE) | (Below::Other, _) => asked,
        (Below::Raw, libc::SOL_RAW | libc::SOL_ICMPV6) => asked,
        _ if is_v6(sock) => ipv6_setsockopt(cx, sock, opt),
        _ => ip_setsockopt(cx, opt),
    }
}

/// `sock_common_getsockopt`: hands over to the protocol.
pub fn sock_common_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.getsockopt));
    match (below(sock), opt.level) {
        (Below::Tcp, libc::SOL_TCP) => tcp::do_tcp_getsockopt(cx, opt),
        (Below::Mptcp, _) => mptcp::mptcp_getsockopt(cx, sock, opt),
        (Below::Udp, libc::SOL_UDP | libc::IPPROTO_UDPLITE) | (Below::Other, _) => asked,
        (Below::Raw, libc::SOL_RAW | libc::SOL_ICMPV6) => asked,
        _ if is_v6(sock) => ipv6_getsockopt(cx, sock, opt),
        _ => ip_getsockopt(cx, opt),
    }
}

/// `inet_sendmsg`, which raw IPv6 sockets use too. A protocol with ports binds an unbound socket before it looks at
/// the message, so also when it then refuses it.
pub fn inet_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.sendmsg));
    let v6 = is_v6(sock);
    match below(sock) {
        Below::Tcp | Below::Mptcp => tcp::tcp_sendmsg(cx, sock, msg),
        Below::Udp if v6 => ipv6::udp::udpv6_sendmsg(cx, sock, msg).then(Change::Autobind),
        Below::Udp => udp::udp_sendmsg(cx, sock, msg).then(Change::Autobind),
        Below::Ping => ping::ping_common_sendmsg(cx, sock, msg).then(Change::Autobind),
        Below::Raw if v6 => ipv6::raw::rawv6_sendmsg(cx, sock, msg),
        Below::Raw => raw::raw_sendmsg(cx, sock, msg),
        Below::Other => asked,
    }
}

/// `inet_recvmsg` and `sock_common_recvmsg`.
pub fn inet_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let asked = pass_to(cx, sock.sk.prot.and_then(|prot| prot.recvmsg));
    match below(sock) {
        Below::Tcp => tcp::tcp_recvmsg(cx, sock, msg),
        Below::Mptcp => mptcp::mptcp_recvmsg(cx, sock, msg),
        Below::Udp => udp::udp_recvmsg(cx, sock, msg),
        Below::Ping | Below::Raw => raw::raw_recvmsg(cx, sock, msg),
        Below::Other => asked,
    }
}

/// `inet_ioctl` and `inet6_ioctl`: routes and addresses are the host's, queues the protocol's.
pub fn inet_ioctl(cx: &mut Cx, sock: &Socket, request: c_int) -> Verdict {
    const SIOCINQ: c_int = libc::FIONREAD as c_int;
    const SIOCOUTQ: c_int = libc::TIOCOUTQ as c_int;
    const SIOCATMARK: c_int = 0x8905;
    const SIOCOUTQNSD: c_int = 0x894b;
    match (below(sock), request) {
        (Below::Other, _) | (_, 0x890b..=0x894a | 0x894c..=0x8970) => {
            cx.ask(func!(inet_ioctl), &"routes, addresses and neighbours")
        }
        // MPTCP has sent nothing as long as it listens, and does not mind the question.
        (Below::Mptcp, SIOCOUTQ | SIOCOUTQNSD) => Verdict::ok(),
        (Below::Tcp | Below::Mptcp, SIOCINQ | SIOCOUTQ | SIOCOUTQNSD) => match sock.state {
            SocketState::Unknown => Verdict::ask(),
            _ if sock.sk.state == TcpState::Listen => Verdict::errno(Errno::EINVAL, Reason::BadState),
            _ => Verdict::ok(),
        },
        (Below::Tcp, SIOCATMARK) | (Below::Udp | Below::Raw, SIOCINQ | SIOCOUTQ) => Verdict::ok(),
        _ => NO_IOCTL,
    }
}
