//! AF_UNIX (`net/unix/af_unix.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::core::sock::NO_OPS;
use crate::net::ops::{Cx, Msg, NO_IOCTL, NetProtoFamily, Opt, ProtoOps, Socket};
use crate::net::path::Finding;
use crate::net::sock::{Bound, NO_PROTO, Proto, TcpState};
use crate::net::sockopt::sock_setsockopt;
use crate::op;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// `unix_family_ops`.
pub static UNIX_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "unix_family_ops",
    family: libc::AF_UNIX,
    create: op!(unix_create),
    owner: None,
    ops: &[&UNIX_STREAM_OPS, &UNIX_DGRAM_OPS, &UNIX_SEQPACKET_OPS],
    prots: &[&UNIX_STREAM_PROTO, &UNIX_DGRAM_PROTO],
};

/// `unix_stream_proto`.
pub static UNIX_STREAM_PROTO: Proto = Proto { symbol: &"unix_stream_proto", name: "UNIX-STREAM", ..NO_PROTO };
/// `unix_dgram_proto`, of datagram and seqpacket sockets.
pub static UNIX_DGRAM_PROTO: Proto = Proto { symbol: &"unix_dgram_proto", name: "UNIX", ..NO_PROTO };

/// The protocol is checked before the type. SOCK_RAW silently becomes SOCK_DGRAM, and SO_PROTOCOL stays 0.
fn unix_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    if protocol != 0 && protocol != libc::PF_UNIX {
        return Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol);
    }
    if sock.ty == libc::SOCK_RAW {
        sock.ty = libc::SOCK_DGRAM;
        cx.path.step(func!(unix_create), Finding::TypeBecomes(libc::SOCK_DGRAM as u8));
    }
    let (ops, prot) = match sock.ty {
        libc::SOCK_STREAM => (&UNIX_STREAM_OPS, &UNIX_STREAM_PROTO),
        libc::SOCK_DGRAM => (&UNIX_DGRAM_OPS, &UNIX_DGRAM_PROTO),
        libc::SOCK_SEQPACKET => (&UNIX_SEQPACKET_OPS, &UNIX_DGRAM_PROTO),
        _ => return Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType),
    };
    sock.ops = Some(ops);
    sock.sk.prot = Some(prot);
    cx.path.step(func!(unix_create1), Finding::Passed);
    Verdict::ok()
}

const UNIX_OPS: ProtoOps = ProtoOps {
    family: libc::AF_UNIX,
    release: op!(unix_release, host plain),
    bind: op!(unix_bind),
    socketpair: op!(unix_socketpair),
    getname: op!(unix_getname),
    ioctl: op!(unix_ioctl),
    compat_ioctl: Some(func!(unix_compat_ioctl)),
    shutdown: op!(unix_shutdown),
    show_fdinfo: Some(func!(unix_show_fdinfo)),
    set_peek_off: Some(func!(sk_set_peek_off)),
    ..NO_OPS
};

/// `unix_stream_ops`.
pub static UNIX_STREAM_OPS: ProtoOps = ProtoOps {
    name: "unix_stream_ops",
    custom_sol_socket: true,
    connect: op!(unix_stream_connect),
    accept: op!(unix_accept),
    poll: Some(func!(unix_poll)),
    listen: op!(unix_listen),
    setsockopt: Some(op!(unix_setsockopt)),
    sendmsg: op!(unix_stream_sendmsg),
    recvmsg: op!(unix_stream_recvmsg),
    splice_read: Some(func!(unix_stream_splice_read)),
    read_skb: Some(func!(unix_stream_read_skb)),
    ..UNIX_OPS
};

/// `unix_dgram_ops`.
pub static UNIX_DGRAM_OPS: ProtoOps = ProtoOps {
    name: "unix_dgram_ops",
    connect: op!(unix_dgram_connect),
    poll: Some(func!(unix_dgram_poll)),
    sendmsg: op!(unix_dgram_sendmsg),
    recvmsg: op!(unix_dgram_recvmsg),
    read_skb: Some(func!(unix_read_skb)),
    ..UNIX_OPS
};

/// `unix_seqpacket_ops`.
pub static UNIX_SEQPACKET_OPS: ProtoOps = ProtoOps {
    name: "unix_seqpacket_ops",
    connect: op!(unix_stream_connect),
    accept: op!(unix_accept),
    poll: Some(func!(unix_dgram_poll)),
    listen: op!(unix_listen),
    sendmsg: op!(unix_seqpacket_sendmsg),
    recvmsg: op!(unix_seqpacket_recvmsg),
    ..UNIX_OPS
};

const BAD_ADDRESS: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);
const BAD_STATE: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadState);

/// `unix_validate_addr`: more than the family, at most `struct sockaddr_un`.
fn unix_validate_addr(addr: &SockAddr) -> Result<(), Verdict> {
    let fits = (3..=size_of::<libc::sockaddr_un>()).contains(&addr.len());
    if fits && addr.family() == Some(libc::AF_UNIX) { Ok(()) } else { Err(BAD_ADDRESS) }
}

fn unix_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() == 2 && addr.family() == Some(libc::AF_UNIX) {
        // A socket that has a name keeps it without an error.
        cx.path.step(func!(unix_autobind), Finding::Passed);
        return Verdict::ok().then(Change::Bind);
    }
    if let Err(verdict) = unix_validate_addr(addr) {
        return verdict;
    }
    if addr.bytes()[2] != 0 {
        // The kernel reports an existing file before a socket that is already bound.
        return cx.ask(func!(unix_bind_bsd), &"the file system").then(Change::Bind);
    }
    match sock.sk.bound {
        Bound::Yes => {
            cx.path.step(func!(unix_bind_abstract), Finding::Passed);
            BAD_STATE
        }
        _ => cx.ask(func!(unix_bind_abstract), &"the names in use").then(Change::Bind),
    }
}

fn unix_socketpair(_: &mut Cx, _: &Socket, _: &Socket) -> Verdict {
    Verdict::ok()
}

fn unix_listen(_: &mut Cx, sock: &Socket, _backlog: c_int) -> Verdict {
    match (sock.sk.bound, sock.sk.state) {
        (_, TcpState::Established) => BAD_STATE,
        (Bound::Yes, _) => Verdict::ok().then(Change::Listen),
        (Bound::Unknown, _) => Verdict::ask().then(Change::Listen),
        _ => BAD_STATE,
    }
}

fn unix_stream_connect(cx: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    match unix_validate_addr(addr) {
        Err(verdict) => verdict,
        // The peer is looked up before the socket's own state is checked, so the state alone predicts nothing.
        Ok(()) => cx.ask(func!(unix_find_other), &"the peer").then(Change::Connect),
    }
}

fn unix_dgram_connect(cx: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < 2 {
        return BAD_ADDRESS;
    }
    if addr.family() == Some(libc::AF_UNSPEC) {
        return Verdict::ok().then(Change::Disconnect);
    }
    match unix_validate_addr(addr) {
        Err(verdict) => verdict,
        Ok(()) => cx.ask(func!(unix_find_other), &"the peer").then(Change::Connect),
    }
}

fn unix_accept(cx: &mut Cx, sock: &Socket) -> Verdict {
    match sock.sk.state {
        TcpState::Listen => cx.ask(func!(skb_recv_datagram), &"the queue of connections"),
        _ => BAD_STATE,
    }
}

/// A stream keeps its peer's name even when the peer is gone; a datagram socket drops a dead peer when it sends.
fn unix_getname(cx: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    match (peer, sock.sk.state) {
        (1, TcpState::Established) if sock.ty != libc::SOCK_DGRAM => Verdict::ok(),
        (1, TcpState::Established) => cx.ask(func!(unix_peer_get), &"the peer"),
        (1, _) => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
        _ => Verdict::ok(),
    }
}

fn unix_shutdown(_: &mut Cx, _: &Socket, how: c_int) -> Verdict {
    if (0..=2).contains(&how) {
        Verdict::ok().then(Change::Shutdown(how))
    } else {
        Verdict::errno(Errno::EINVAL, Reason::BadArgument)
    }
}

/// Streams have one option of their own; no level but SOL_SOCKET exists.
fn unix_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    match opt.level {
        libc::SOL_SOCKET => sock_setsockopt(cx, sock, opt),
        _ => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
    }
}

fn unix_ioctl(cx: &mut Cx, sock: &Socket, request: c_int) -> Verdict {
    const SIOCINQ: c_int = libc::FIONREAD as c_int;
    const SIOCOUTQ: c_int = libc::TIOCOUTQ as c_int;
    const SIOCATMARK: c_int = 0x8905;
    const SIOCUNIXFILE: c_int = 0x89e0;
    match request {
        SIOCOUTQ => Verdict::ok(),
        SIOCINQ if sock.sk.state == TcpState::Listen => BAD_STATE,
        SIOCINQ => Verdict::ok(),
        SIOCATMARK if sock.ty == libc::SOCK_STREAM => {
            cx.ask(func!(unix_ioctl), &"whether the kernel has urgent data for AF_UNIX")
        }
        SIOCATMARK | SIOCUNIXFILE => cx.ask(func!(unix_ioctl), &"how the kernel was built"),
        _ => NO_IOCTL,
    }
}

const NOT_CONNECTED: Verdict = Verdict::errno(Errno::ENOTCONN, Reason::BadState);

/// `scm_send`: control messages are checked before the message.
fn with_control(cx: &mut Cx) -> Verdict {
    cx.ask(func!(__scm_send), &"the control messages")
}

/// MSG_OOB, then the address that a stream cannot have, then the peer.
fn unix_stream_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let connected = sock.sk.state == TcpState::Established;
    if msg.control {
        return with_control(cx);
    }
    if msg.has(libc::MSG_OOB) {
        // Kernels without urgent data for AF_UNIX answer EOPNOTSUPP.
        return cx.ask(func!(unix_stream_sendmsg), &"whether the kernel has urgent data for AF_UNIX");
    }
    match &msg.name {
        Some(addr) if !addr.is_empty() => {
            let errno = if connected { Errno::EISCONN } else { Errno::EOPNOTSUPP };
            Verdict::errno(errno, Reason::BadState)
        }
        _ if connected => cx.ask(func!(unix_stream_sendmsg), &"the peer"),
        _ => NOT_CONNECTED,
    }
}

fn unix_dgram_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    /// A message up to this size fits any send buffer.
    const SURELY_FITS: u64 = 1024;
    if msg.control {
        return with_control(cx);
    }
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    match &msg.name {
        Some(addr) if !addr.is_empty() => match unix_validate_addr(addr) {
            Err(verdict) => verdict,
            Ok(()) => cx.ask(func!(unix_find_other), &"the peer"),
        },
        // Since Linux 6.14 the send buffer is checked before the peer, and a socket whose sending is shut has none.
        _ if sock.shutdown & 2 != 0 => cx.ask(func!(sock_alloc_send_pskb), &"what is looked at first"),
        _ if sock.sk.state != TcpState::Established && msg.len <= SURELY_FITS => NOT_CONNECTED,
        _ => cx.ask(func!(unix_peer_get), &"the peer"),
    }
}

/// The address is ignored.
fn unix_seqpacket_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    match sock.sk.state {
        TcpState::Established => unix_dgram_sendmsg(cx, sock, &Msg { name: None, ..*msg }),
        _ => NOT_CONNECTED,
    }
}

/// Unlike every other stream, it answers EINVAL without a connection.
fn unix_stream_recvmsg(cx: &mut Cx, sock: &Socket, _: &Msg) -> Verdict {
    match sock.sk.state {
        TcpState::Established => cx.ask(func!(unix_stream_read_generic), &"what was received"),
        _ => BAD_STATE,
    }
}

fn unix_dgram_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    match sock.sees_no_traffic() && msg.has(libc::MSG_DONTWAIT) {
        true => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
        false => cx.ask(func!(__skb_try_recv_datagram), &"what was received"),
    }
}

fn unix_seqpacket_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    match sock.sk.state {
        TcpState::Established => unix_dgram_recvmsg(cx, sock, msg),
        _ => NOT_CONNECTED,
    }
}
