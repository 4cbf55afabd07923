//! AF_UNIX (`net/unix/af_unix.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ops::{Cx, NO_OPS, NetProtoFamily, ProtoOps, Socket, SocketState};
use crate::net::path::Finding;
use crate::net::sock::{Bound, NO_PROTO, Proto, TcpState};
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

/// The protocol is tested before the type. SOCK_RAW quietly becomes SOCK_DGRAM, and SO_PROTOCOL stays 0.
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
    ioctl: op!(unix_ioctl, host number),
    compat_ioctl: Some(func!(unix_compat_ioctl)),
    shutdown: op!(unix_shutdown),
    show_fdinfo: Some(func!(unix_show_fdinfo)),
    set_peek_off: Some(func!(sk_set_peek_off)),
    ..NO_OPS
};

/// `unix_stream_ops`.
pub static UNIX_STREAM_OPS: ProtoOps = ProtoOps {
    name: "unix_stream_ops",
    connect: op!(unix_stream_connect),
    accept: op!(unix_accept),
    poll: Some(func!(unix_poll)),
    listen: op!(unix_listen),
    setsockopt: Some(op!(unix_setsockopt, host option)),
    sendmsg: op!(unix_stream_sendmsg, host number),
    recvmsg: op!(unix_stream_recvmsg, host number),
    splice_read: Some(func!(unix_stream_splice_read)),
    read_skb: Some(func!(unix_stream_read_skb)),
    ..UNIX_OPS
};

/// `unix_dgram_ops`.
pub static UNIX_DGRAM_OPS: ProtoOps = ProtoOps {
    name: "unix_dgram_ops",
    connect: op!(unix_dgram_connect),
    poll: Some(func!(unix_dgram_poll)),
    sendmsg: op!(unix_dgram_sendmsg, host number),
    recvmsg: op!(unix_dgram_recvmsg, host number),
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
    sendmsg: op!(unix_seqpacket_sendmsg, host number),
    recvmsg: op!(unix_seqpacket_recvmsg, host number),
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
        cx.path.step(func!(unix_autobind), Finding::Passed);
        return Verdict::ask().then(Change::Bind);
    }
    if let Err(verdict) = unix_validate_addr(addr) {
        return verdict;
    }
    if addr.bytes()[2] == 0 {
        cx.path.step(func!(unix_bind_abstract), Finding::Passed);
        if sock.sk.bound == Bound::Yes {
            return BAD_STATE;
        }
    } else {
        // An existing file is noticed before a socket that is bound already.
        cx.path.step(func!(unix_bind_bsd), Finding::Passed);
    }
    Verdict::ask().then(Change::Bind)
}

fn unix_socketpair(_: &mut Cx, _: &Socket, _: &Socket) -> Verdict {
    Verdict::ok()
}

fn unix_listen(_: &mut Cx, sock: &Socket, _backlog: c_int) -> Verdict {
    match (sock.sk.bound, sock.sk.state) {
        (Bound::No, _) => BAD_STATE,
        (Bound::Unknown, _) => Verdict::ask().then(Change::Listen),
        (Bound::Yes, TcpState::Close | TcpState::Listen) => Verdict::ok().then(Change::Listen),
        (Bound::Yes, _) => BAD_STATE,
    }
}

fn unix_stream_connect(cx: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    match unix_validate_addr(addr) {
        Err(verdict) => verdict,
        Ok(()) => {
            // The peer is looked up before the own state is judged, so the state alone predicts nothing.
            cx.path.step(func!(unix_find_other), Finding::Passed);
            Verdict::ask().then(Change::Connect)
        }
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
        Ok(()) => {
            cx.path.step(func!(unix_find_other), Finding::Passed);
            Verdict::ask().then(Change::Connect)
        }
    }
}

fn unix_accept(_: &mut Cx, sock: &Socket) -> Verdict {
    if sock.sk.state == TcpState::Listen { Verdict::ask() } else { BAD_STATE }
}

fn unix_getname(_: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    let alone = sock.state == SocketState::Unconnected && sock.sk.state != TcpState::Established;
    if peer == 1 && alone { Verdict::errno(Errno::ENOTCONN, Reason::BadState) } else { Verdict::ask() }
}

fn unix_shutdown(_: &mut Cx, _: &Socket, how: c_int) -> Verdict {
    if (0..=2).contains(&how) {
        Verdict::ok().then(Change::Shutdown(how))
    } else {
        Verdict::errno(Errno::EINVAL, Reason::BadArgument)
    }
}
