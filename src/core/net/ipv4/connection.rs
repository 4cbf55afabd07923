//! Connections of both IP versions (`net/ipv4/af_inet.c`): listen, accept, connect, names, shutdown.

use crate::errno::Errno;
use crate::func;
use crate::net::address::{SIN6_LEN_RFC2133, SockAddr};
use crate::net::core::sock::pass_to;
use crate::net::ipv4::common::{Below, below, is_v6};
use crate::net::ops::{Cx, Socket, SocketState};
use crate::net::path::Finding;
use crate::net::sock::{Bound, TcpState};
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

const EINVAL: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

/// `inet_listen`: only an unconnected stream socket that is closed or listening already.
pub fn inet_listen(cx: &mut Cx, sock: &Socket, _backlog: c_int) -> Verdict {
    let wrong = Verdict::errno(Errno::EINVAL, Reason::BadState);
    match (sock.state, sock.sk.state) {
        _ if sock.ty != libc::SOCK_STREAM => wrong,
        (SocketState::Unknown, TcpState::Established) => wrong,
        (SocketState::Unknown, _) => Verdict::ask().then(Change::Listen),
        // A second listen only sets the backlog, unless another thread is faster and ends the first.
        (SocketState::Unconnected, TcpState::Listen) => Verdict::ok().then(Change::Listen),
        (SocketState::Unconnected, TcpState::Close) => {
            let here = func!(inet_csk_listen_start);
            match sock.sk.bound {
                Bound::Yes | Bound::Unknown => cx.ask(here, &"the ports in use").then(Change::Listen),
                _ => {
                    cx.path.step(here, Finding::Passed);
                    Verdict::ok().then(Change::Listen)
                }
            }
        }
        _ => wrong,
    }
}

/// `inet_accept`: asks the protocol for a connection.
pub fn inet_accept(cx: &mut Cx, sock: &Socket) -> Verdict {
    let verdict = pass_to(cx, sock.sk.prot.and_then(|prot| prot.accept));
    match (sock.state, sock.sk.state) {
        (SocketState::Unknown, TcpState::Close | TcpState::SynSent) => verdict,
        (_, TcpState::Listen) => cx.ask(func!(reqsk_queue_remove), &"the queue of connections"),
        _ => Verdict::errno(Errno::EINVAL, Reason::BadState),
    }
}

/// `inet_stream_connect`, also used by IPv6 and MPTCP.
pub fn inet_stream_connect(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    cx.path.step(func!(__inet_stream_connect), Finding::State(sock.state, sock.sk.state));
    if addr.len() < 2 {
        return EINVAL;
    }
    if addr.family() == Some(libc::AF_UNSPEC) {
        let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.disconnect));
        return Verdict::ok().then(Change::Disconnect);
    }
    match sock.state {
        SocketState::Connected => Verdict::errno(Errno::EISCONN, Reason::BadState),
        SocketState::Connecting | SocketState::Unknown => {
            cx.ask(func!(inet_wait_for_connect), &"the peer").then(Change::Connect)
        }
        SocketState::Unconnected if sock.sk.state == TcpState::Close => {
            let connect = sock.sk.prot.and_then(|prot| prot.connect).unwrap_or(func!(connect));
            let min = if is_v6(sock) { SIN6_LEN_RFC2133 } else { 16 };
            if addr.len() < min {
                return EINVAL;
            }
            if addr.family() != Some(sock.sk.family) {
                return Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily);
            }
            cx.ask(connect, &"the route and the peer").then(Change::Connect)
        }
        SocketState::Unconnected => Verdict::errno(Errno::EISCONN, Reason::BadState),
        _ => Verdict::errno(Errno::EINVAL, Reason::BadState),
    }
}

/// `inet_dgram_connect`, also used by IPv6. An unbound socket gets a port before the address is checked, and so also
/// when the address is then refused.
pub fn inet_dgram_connect(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < 2 {
        return EINVAL;
    }
    if addr.family() == Some(libc::AF_UNSPEC) {
        let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.disconnect));
        return Verdict::ok().then(Change::Disconnect);
    }
    let connect = sock.sk.prot.and_then(|prot| prot.connect).unwrap_or(func!(connect));
    let family = addr.family().unwrap_or(libc::AF_UNSPEC);
    let wrong_family = Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily);
    let verdict = match (is_v6(sock), below(sock)) {
        (_, Below::Other) => cx.ask(connect, &"the protocol"),
        (false, _) if addr.len() < 16 => EINVAL,
        (false, _) if family != libc::AF_INET => wrong_family,
        // Raw and ping sockets check the family before the length.
        (true, Below::Raw | Below::Ping) if family != libc::AF_INET6 => wrong_family,
        (true, Below::Udp) if family == libc::AF_INET && addr.len() < 16 => EINVAL,
        (true, Below::Udp) if family == libc::AF_INET => {
            cx.ask(connect, &"whether the socket is for IPv6 only")
        }
        (true, _) if addr.len() < SIN6_LEN_RFC2133 => EINVAL,
        (true, _) if family != libc::AF_INET6 => wrong_family,
        _ => cx.ask(connect, &"the route"),
    };
    verdict.then(Change::Connect)
}

/// `inet_getname`: a peer's name requires a peer.
pub fn inet_getname(cx: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    let alone = matches!(
        (sock.state, sock.sk.state),
        (SocketState::Unconnected, TcpState::Close | TcpState::Listen) | (SocketState::Disconnecting, _)
    );
    match peer {
        1 if alone => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
        1 => cx.ask(func!(inet_getname), &"whether the connection still is"),
        _ => Verdict::ok(),
    }
}

/// `inet_shutdown`: an unconnected socket answers ENOTCONN, although the direction is shut all the same.
pub fn inet_shutdown(cx: &mut Cx, sock: &Socket, how: c_int) -> Verdict {
    if !(0..=2).contains(&how) {
        return Verdict::errno(Errno::EINVAL, Reason::BadArgument);
    }
    let verdict = match (sock.state, sock.sk.state) {
        (SocketState::Unconnected, TcpState::Close) | (SocketState::Disconnecting, _) => {
            Verdict::errno(Errno::ENOTCONN, Reason::BadState)
        }
        (SocketState::Unconnected, _) => Verdict::ok(),
        _ => cx.ask(func!(inet_shutdown), &"whether the connection still is"),
    };
    verdict.then(Change::Shutdown(how))
}
