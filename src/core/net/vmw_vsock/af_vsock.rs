//! AF_VSOCK: sockets between a virtual machine and its host (`net/vmw_vsock/af_vsock.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::core::sock::NO_OPS;
use crate::net::differences::Difference;
use crate::net::ops::{Cx, Msg, NO_IOCTL, NetProtoFamily, Opt, ProtoOps, Socket, SocketState};
use crate::net::path::Finding;
use crate::net::sock::{Bound, NO_PROTO, Proto, TcpState};
use crate::net::sockopt::sock_setsockopt;
use crate::op;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// `vsock_family_ops`.
pub static VSOCK_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "vsock_family_ops",
    family: libc::AF_VSOCK,
    create: op!(vsock_create),
    owner: None,
    ops: &[&VSOCK_STREAM_OPS, &VSOCK_SEQPACKET_OPS, &VSOCK_DGRAM_OPS],
    prots: &[&VSOCK_PROTO],
};

/// `vsock_proto`.
pub static VSOCK_PROTO: Proto = Proto { symbol: &"vsock_proto", name: "AF_VSOCK", ..NO_PROTO };

/// The protocol is checked before the type. Datagrams need a transport that few machines have.
fn vsock_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    if protocol != 0 && protocol != libc::PF_VSOCK {
        return Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol);
    }
    sock.ops = Some(match sock.ty {
        libc::SOCK_STREAM => &VSOCK_STREAM_OPS,
        libc::SOCK_SEQPACKET => &VSOCK_SEQPACKET_OPS,
        libc::SOCK_DGRAM => &VSOCK_DGRAM_OPS,
        _ => return Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType),
    });
    sock.sk.prot = Some(&VSOCK_PROTO);
    cx.path.step(func!(__vsock_create), Finding::Passed);
    // The ops are set before anything is asked: whatever the answer, a socket that the kernel makes has them.
    let (exists, refusal) = match sock.ty {
        libc::SOCK_SEQPACKET => {
            (cx.since(func!(__vsock_create), Difference::VsockSeqpacket), Errno::ESOCKTNOSUPPORT)
        }
        libc::SOCK_DGRAM => {
            let transport = cx.net.facts.has_protocol(libc::AF_VSOCK, libc::SOCK_DGRAM, 0);
            (cx.fact(func!(vsock_assign_transport), &"transport_dgram", transport), Errno::ENODEV)
        }
        _ => return Verdict::ok(),
    };
    match exists {
        Some(true) => Verdict::ok(),
        Some(false) => Verdict::errno(refusal, Reason::NoType),
        None => Verdict::ask(),
    }
}

const BASE: ProtoOps = ProtoOps {
    family: libc::AF_VSOCK,
    release: op!(vsock_release, host plain),
    bind: op!(vsock_bind),
    getname: op!(vsock_getname),
    poll: Some(func!(vsock_poll)),
    ioctl: op!(vsock_ioctl),
    shutdown: op!(vsock_shutdown),
    read_skb: Some(func!(vsock_read_skb)),
    ..NO_OPS
};

const CONNECTIBLE: ProtoOps = ProtoOps {
    custom_sol_socket: true,
    connect: op!(vsock_connect),
    accept: op!(vsock_accept),
    listen: op!(vsock_listen),
    setsockopt: Some(op!(vsock_connectible_setsockopt)),
    getsockopt: Some(op!(vsock_connectible_getsockopt)),
    sendmsg: op!(vsock_connectible_sendmsg),
    recvmsg: op!(vsock_connectible_recvmsg),
    ..BASE
};

/// `vsock_stream_ops`.
pub static VSOCK_STREAM_OPS: ProtoOps =
    ProtoOps { name: "vsock_stream_ops", set_rcvlowat: Some(func!(vsock_set_rcvlowat)), ..CONNECTIBLE };

/// `vsock_seqpacket_ops`.
pub static VSOCK_SEQPACKET_OPS: ProtoOps = ProtoOps { name: "vsock_seqpacket_ops", ..CONNECTIBLE };

/// `vsock_dgram_ops`.
pub static VSOCK_DGRAM_OPS: ProtoOps = ProtoOps {
    name: "vsock_dgram_ops",
    connect: op!(vsock_dgram_connect, host connect),
    sendmsg: op!(vsock_dgram_sendmsg, host message),
    recvmsg: op!(vsock_dgram_recvmsg, host message),
    ..BASE
};

const BAD_STATE: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadState);
const BAD_ADDRESS: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

/// `vsock_addr_cast`: a whole address of the right family.
fn is_vsock(addr: &SockAddr) -> bool {
    addr.len() >= size_of::<libc::sockaddr_vm>() && addr.family() == Some(libc::AF_VSOCK)
}

fn vsock_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    const ANY: u32 = u32::MAX;
    if !is_vsock(addr) {
        return BAD_ADDRESS;
    }
    let (port, cid) = (addr.u32_at(4), addr.u32_at(8));
    match sock.sk.bound {
        Bound::Yes | Bound::Auto => BAD_STATE,
        Bound::No if (port, cid) == (ANY, ANY) => Verdict::ok().then(Change::Bind),
        _ => cx.ask(func!(__vsock_bind), &"the context ids and ports").then(Change::Bind),
    }
}

fn vsock_connect(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    match sock.state {
        // The transport changes the state when the peer closes.
        SocketState::Unconnected if sock.sk.state == TcpState::Listen || !is_vsock(addr) => BAD_ADDRESS,
        _ => cx.ask(func!(vsock_assign_transport), &"the transport and the peer").then(Change::Connect),
    }
}

fn vsock_accept(cx: &mut Cx, sock: &Socket) -> Verdict {
    match (sock.state, sock.sk.state) {
        (_, TcpState::Listen) => cx.ask(func!(vsock_dequeue_accept), &"the queue of connections"),
        (SocketState::Unknown, _) => Verdict::ask(),
        _ => BAD_STATE,
    }
}

fn vsock_listen(cx: &mut Cx, sock: &Socket, _backlog: c_int) -> Verdict {
    match (sock.state, sock.sk.bound) {
        (SocketState::Unconnected, Bound::Yes | Bound::Auto) => Verdict::ok().then(Change::Listen),
        (SocketState::Unconnected, Bound::No) => BAD_STATE,
        _ => cx.ask(func!(vsock_listen), &"what the transport made of the connection").then(Change::Listen),
    }
}

fn vsock_getname(cx: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    match (peer, sock.state) {
        (1, SocketState::Unconnected) => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
        (1, _) => cx.ask(func!(vsock_getname), &"what the transport made of the connection"),
        _ => Verdict::ok(),
    }
}

fn vsock_shutdown(cx: &mut Cx, sock: &Socket, how: c_int) -> Verdict {
    if !(0..=2).contains(&how) {
        return Verdict::errno(Errno::EINVAL, Reason::BadArgument);
    }
    if sock.state == SocketState::Unconnected && sock.ty != libc::SOCK_DGRAM {
        return Verdict::errno(Errno::ENOTCONN, Reason::BadState);
    }
    let asked = cx.ask(func!(vsock_shutdown), &"what the transport made of the connection");
    asked.then(Change::Shutdown(how))
}

/// The level's number is the family's.
const SOL_VSOCK: c_int = libc::AF_VSOCK;

fn vsock_connectible_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    match (opt.level, opt.name) {
        (libc::SOL_SOCKET, libc::SO_ZEROCOPY) | (SOL_VSOCK, _) => {
            cx.ask(func!(vsock_connectible_setsockopt), &"the option")
        }
        (libc::SOL_SOCKET, _) => sock_setsockopt(cx, sock, opt),
        _ => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
    }
}

fn vsock_connectible_getsockopt(cx: &mut Cx, _: &Socket, opt: &Opt) -> Verdict {
    match opt.level {
        SOL_VSOCK => cx.ask(func!(vsock_connectible_getsockopt), &"the option"),
        _ => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
    }
}

fn vsock_ioctl(cx: &mut Cx, _: &Socket, request: c_int) -> Verdict {
    match request as u64 {
        libc::FIONREAD | libc::TIOCOUTQ => cx.ask(func!(vsock_do_ioctl), &"what the transport can count"),
        _ => match cx.since(func!(vsock_ioctl), Difference::VsockIoctl) {
            Some(true) => NO_IOCTL,
            Some(false) => {
                cx.path.step(func!(sock_no_ioctl), Finding::Passed);
                Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation)
            }
            None => Verdict::ask(),
        },
    }
}

/// MSG_OOB, then the address that the socket cannot have, then the connection.
fn vsock_connectible_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let addressed = msg.name.is_some_and(|addr| !addr.is_empty());
    match sock.state {
        _ if msg.has(libc::MSG_OOB) => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
        SocketState::Unconnected if addressed => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
        SocketState::Unconnected => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
        _ => cx.ask(func!(vsock_connectible_sendmsg), &"what the transport made of the connection"),
    }
}

fn vsock_connectible_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    match sock.sees_no_traffic() {
        true if msg.has(libc::MSG_ERRQUEUE) => {
            match cx.since(func!(vsock_connectible_recvmsg), Difference::VsockErrorQueue) {
                Some(true) => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
                Some(false) => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
                None => Verdict::ask(),
            }
        }
        true => Verdict::errno(Errno::ENOTCONN, Reason::BadState),
        false => cx.ask(func!(vsock_connectible_recvmsg), &"what the transport made of the connection"),
    }
}
