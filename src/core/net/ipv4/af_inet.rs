//! AF_INET: `inetsw`, its ops tables and their handlers (`net/ipv4/af_inet.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::mptcp::protocol::{MPTCP_PROT, MPTCP_PROTOSW, MPTCP_STREAM_OPS};
use crate::net::ops::{Cx, NO_OPS, NetProtoFamily, ProtoOps, Socket, SocketState};
use crate::net::path::{Finding, Func};
use crate::net::protosw::{INET_PROTOSW_REUSE, Protosw};
use crate::net::sock::{Bound, TcpState, pass_to, sock_common_getsockopt, sock_common_setsockopt};
use crate::net::{ipv4::ping::PING_PROT, ipv4::ping::PING_PROTOSW, ipv4::raw, ipv4::tcp, ipv4::udp};
use crate::op;
use crate::uapi::IPPROTO_MAX;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// `inetsw[]`: the protocols of AF_INET by socket type.
pub static INETSW: Protosw = Protosw::new();

/// `inet_init`: registers the static array, then what the protocols' own initialisers add, in boot order.
pub fn inet_init() {
    let boot_order = [
        &tcp::TCP_PROTOSW,
        &udp::UDP_PROTOSW,
        &PING_PROTOSW,
        &raw::RAW_PROTOSW,
        &MPTCP_PROTOSW,
        &udp::UDPLITE_PROTOSW,
    ];
    for entry in boot_order {
        // The lists are empty and no two rows clash, so nothing can be refused.
        let _ = INETSW.register(entry);
    }
}

/// `inet_family_ops`.
pub static INET_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "inet_family_ops",
    family: libc::AF_INET,
    create: op!(inet_create),
    owner: None,
    ops: &[&INET_STREAM_OPS, &INET_DGRAM_OPS, &INET_SOCKRAW_OPS, &MPTCP_STREAM_OPS],
    prots: &[&tcp::TCP_PROT, &udp::UDP_PROT, &udp::UDPLITE_PROT, &PING_PROT, &raw::RAW_PROT, &MPTCP_PROT],
};

fn inet_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    create(cx, sock, protocol, &INETSW, func!(inet_create))
}

/// The algorithm that `inet_create` and `inet6_create` share: range, walk, capability, sock, `prot->init`.
pub fn create(cx: &mut Cx, sock: &mut Socket, protocol: c_int, sw: &Protosw, create: Func) -> Verdict {
    if !(0..IPPROTO_MAX).contains(&protocol) {
        return Verdict::errno(Errno::EINVAL, Reason::BadProtocol);
    }
    let found = match sw.lookup(cx, create, sock.sk.family, sock.ty, protocol) {
        Ok(found) => found,
        Err(errno) => {
            let reason = if errno == Errno::ESOCKTNOSUPPORT { Reason::NoType } else { Reason::NoProtocol };
            return unless_the_kernel_has_more(errno, reason, protocol);
        }
    };
    let mut verdict = Verdict::ok();
    if sock.ty == libc::SOCK_RAW {
        cx.path.step(func!(ns_capable), Finding::Host(&"CAP_NET_RAW"));
        match cx.net.facts.net_raw() {
            Some(true) => {}
            Some(false) => return Verdict::errno(Errno::EPERM, Reason::Privilege),
            None => verdict = Verdict::ask().because(Reason::Privilege),
        }
    }
    sock.ops = Some(found.entry.ops);
    sock.sk.prot = Some(found.entry.prot);
    sock.sk.protocol = found.protocol as u16;
    if sock.ty == libc::SOCK_RAW {
        // A raw socket's "port" is its protocol, so it counts as bound from the start.
        sock.sk.bound = Bound::Unknown;
    }
    cx.path.step(func!(sk_alloc), Finding::Protocol(found.protocol));
    if let Some(init) = found.entry.prot.init {
        cx.path.step(init, Finding::Passed);
    }
    match found.entry.flags & INET_PROTOSW_REUSE != 0 && sock.ty == libc::SOCK_DGRAM {
        // Ping sockets: the group range, which holds for root too.
        true => match cx.net.facts.ping_group() {
            Some(true) => verdict,
            Some(false) => Verdict::errno(Errno::EACCES, Reason::Privilege),
            None => Verdict::ask().because(Reason::Privilege),
        },
        false if found.protocol == libc::IPPROTO_MPTCP && sock.ty == libc::SOCK_STREAM => {
            match cx.net.facts.mptcp_enabled() {
                Some(true) => verdict,
                Some(false) => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoProtocol),
                None => Verdict::ask(),
            }
        }
        false => verdict,
    }
}

/// Some protocols come with modules of the kernel; only their absence from every kernel can be predicted.
fn unless_the_kernel_has_more(errno: Errno, reason: Reason, protocol: c_int) -> Verdict {
    const FROM_MODULES: [c_int; 3] = [libc::IPPROTO_SCTP, 115, 256];
    let wildcard_of_sctp = errno == Errno::ESOCKTNOSUPPORT && protocol == 0;
    if FROM_MODULES.contains(&protocol) || wildcard_of_sctp {
        return Verdict::ask().because(Reason::HostFamily);
    }
    Verdict::errno(errno, reason)
}

/// What the three tables of AF_INET have in common.
pub const INET_OPS: ProtoOps = ProtoOps {
    family: libc::AF_INET,
    release: op!(inet_release),
    bind: op!(inet_bind),
    getname: op!(inet_getname),
    ioctl: op!(inet_ioctl, host number),
    compat_ioctl: Some(func!(inet_compat_ioctl)),
    gettstamp: Some(func!(sock_gettstamp)),
    shutdown: op!(inet_shutdown),
    setsockopt: Some(op!(sock_common_setsockopt)),
    getsockopt: Some(op!(sock_common_getsockopt)),
    sendmsg: op!(inet_sendmsg),
    recvmsg: op!(inet_recvmsg),
    splice_eof: Some(func!(inet_splice_eof)),
    ..NO_OPS
};

/// `inet_stream_ops`: TCP.
pub static INET_STREAM_OPS: ProtoOps = ProtoOps { name: "inet_stream_ops", ..STREAM_OPS };

/// What TCP has in common over both IP versions.
pub const STREAM_OPS: ProtoOps = ProtoOps {
    connect: op!(inet_stream_connect),
    accept: op!(inet_accept),
    listen: op!(inet_listen),
    poll: Some(func!(tcp_poll)),
    mmap: Some(func!(tcp_mmap)),
    splice_read: Some(func!(tcp_splice_read)),
    set_peek_off: Some(func!(sk_set_peek_off)),
    peek_len: Some(func!(tcp_peek_len)),
    read_sock: Some(func!(tcp_read_sock)),
    read_skb: Some(func!(tcp_read_skb)),
    sendmsg_locked: Some(func!(tcp_sendmsg_locked)),
    set_rcvlowat: Some(func!(tcp_set_rcvlowat)),
    ..INET_OPS
};

/// `inet_dgram_ops`: UDP and UDP-Lite.
pub static INET_DGRAM_OPS: ProtoOps = ProtoOps {
    name: "inet_dgram_ops",
    connect: op!(inet_dgram_connect),
    poll: Some(func!(udp_poll)),
    set_peek_off: Some(func!(udp_set_peek_off)),
    read_skb: Some(func!(udp_read_skb)),
    ..INET_OPS
};

/// `inet_sockraw_ops`: raw and ping sockets.
pub static INET_SOCKRAW_OPS: ProtoOps = ProtoOps {
    name: "inet_sockraw_ops",
    connect: op!(inet_dgram_connect),
    poll: Some(func!(datagram_poll)),
    ..INET_OPS
};

const EINVAL: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

/// `inet_release`: closes through the protocol.
pub fn inet_release(cx: &mut Cx, sock: &Socket) -> Verdict {
    pass_to(cx, sock.sk.prot.and_then(|prot| prot.close))
}

fn inet_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if let Some(bind) = sock.sk.prot.and_then(|prot| prot.bind) {
        cx.path.step(bind, Finding::Passed);
        return if addr.len() < 16 { EINVAL } else { Verdict::ask().then(Change::Bind) };
    }
    if addr.len() < 16 {
        return EINVAL;
    }
    cx.path.step(func!(__inet_bind), Finding::Passed);
    match addr.family() {
        Some(libc::AF_INET) => {}
        // Old programs leave the family out; that is accepted for the wildcard address only.
        Some(libc::AF_UNSPEC) if addr.v4() == [0; 4] => {}
        _ => return Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily),
    }
    rebind(sock, addr.port(), addr.v4() == [0; 4] || addr.v4()[0] == 127)
        .unwrap_or_else(|| bind_port(cx, sock))
}

/// A socket that is bound already, or in use, cannot be bound again. Whether the address is a local one is tested
/// before that, so only addresses that always are allow the prediction; likewise privileged ports.
pub fn rebind(sock: &Socket, port: u16, surely_local: bool) -> Option<Verdict> {
    let unprivileged = port == 0 || port >= 1024;
    let in_use = sock.sk.bound == Bound::Yes || sock.sk.state == TcpState::Listen;
    (in_use && surely_local && unprivileged).then_some(Verdict::errno(Errno::EINVAL, Reason::BadState))
}

/// The end of bind: the protocol reserves the port, and only the host knows which are taken.
pub fn bind_port(cx: &mut Cx, sock: &Socket) -> Verdict {
    pass_to(cx, sock.sk.prot.and_then(|prot| prot.get_port)).then(Change::Bind)
}

/// `inet_listen`: only an unconnected stream socket that is closed or listening already.
pub fn inet_listen(cx: &mut Cx, sock: &Socket, _backlog: c_int) -> Verdict {
    let wrong = Verdict::errno(Errno::EINVAL, Reason::BadState);
    if sock.state != SocketState::Unconnected || sock.ty != libc::SOCK_STREAM {
        return wrong;
    }
    match sock.sk.state {
        // Listening again only sets the backlog.
        TcpState::Listen => Verdict::ok(),
        TcpState::Close => {
            cx.path.step(func!(inet_csk_listen_start), Finding::Passed);
            Verdict::ask().then(Change::Listen)
        }
        _ => wrong,
    }
}

/// `inet_accept`: asks the protocol for a connection.
pub fn inet_accept(cx: &mut Cx, sock: &Socket) -> Verdict {
    let verdict = pass_to(cx, sock.sk.prot.and_then(|prot| prot.accept));
    match sock.sk.state {
        TcpState::Listen => verdict,
        _ => Verdict::errno(Errno::EINVAL, Reason::BadState),
    }
}

/// `inet_stream_connect`, which IPv6 and MPTCP use too.
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
        // Whether it has connected meanwhile only the host knows.
        SocketState::Connecting => Verdict::ask().then(Change::Connect),
        SocketState::Unconnected if sock.sk.state == TcpState::Close => {
            let verdict = pass_to(cx, sock.sk.prot.and_then(|prot| prot.connect));
            peer_address(sock, addr).unwrap_or_else(|| verdict.then(Change::Connect))
        }
        SocketState::Unconnected => Verdict::errno(Errno::EISCONN, Reason::BadState),
        _ => Verdict::errno(Errno::EINVAL, Reason::BadState),
    }
}

/// The checks of `tcp_v4_connect` and `tcp_v6_connect` on the address: length, then family.
fn peer_address(sock: &Socket, addr: &SockAddr) -> Option<Verdict> {
    let min = if sock.sk.family == libc::AF_INET6 { 24 } else { 16 };
    if addr.len() < min {
        return Some(EINVAL);
    }
    let wrong = addr.family() != Some(sock.sk.family);
    wrong.then_some(Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily))
}

/// `inet_dgram_connect`, which IPv6 uses too.
pub fn inet_dgram_connect(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < 2 {
        return EINVAL;
    }
    if addr.family() == Some(libc::AF_UNSPEC) {
        let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.disconnect));
        return Verdict::ok().then(Change::Disconnect);
    }
    let verdict = pass_to(cx, sock.sk.prot.and_then(|prot| prot.connect));
    // A v6 datagram socket takes an IPv4 address as a mapped one.
    if sock.sk.family == libc::AF_INET6 && addr.family() == Some(libc::AF_INET) {
        return verdict.then(Change::Connect);
    }
    peer_address(sock, addr).unwrap_or_else(|| verdict.then(Change::Connect))
}

/// `inet_getname`: a peer's name needs a peer.
pub fn inet_getname(_: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    let alone = sock.state == SocketState::Unconnected && sock.sk.state == TcpState::Close;
    if peer == 1 && alone { Verdict::errno(Errno::ENOTCONN, Reason::BadState) } else { Verdict::ask() }
}

/// `inet_shutdown`: an unconnected socket says ENOTCONN, although the direction is shut all the same.
pub fn inet_shutdown(_: &mut Cx, sock: &Socket, how: c_int) -> Verdict {
    if !(0..=2).contains(&how) {
        return Verdict::errno(Errno::EINVAL, Reason::BadArgument);
    }
    if sock.state == SocketState::Unconnected && sock.sk.state == TcpState::Close {
        return Verdict::errno(Errno::ENOTCONN, Reason::BadState);
    }
    Verdict::ask().then(Change::Shutdown(how))
}

/// `inet_sendmsg`, which raw IPv6 sockets use too.
pub fn inet_sendmsg(cx: &mut Cx, sock: &Socket, _flags: c_int) -> Verdict {
    pass_to(cx, sock.sk.prot.and_then(|prot| prot.sendmsg))
}

/// `inet_recvmsg`.
pub fn inet_recvmsg(cx: &mut Cx, sock: &Socket, _flags: c_int) -> Verdict {
    pass_to(cx, sock.sk.prot.and_then(|prot| prot.recvmsg))
}
