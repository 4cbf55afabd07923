//! AF_VSOCK: sockets between a virtual machine and its host (`net/vmw_vsock/af_vsock.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ops::{Cx, NO_OPS, NetProtoFamily, ProtoOps, Socket, SocketState};
use crate::net::sock::{Bound, NO_PROTO, Proto, TcpState};
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

/// The protocol is tested before the type. Datagrams need a transport that few machines have, and many kernels
/// have no vsock at all, so only the host can promise success.
fn vsock_create(_: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    let refused = |errno, reason| Verdict::errno(errno, reason);
    if protocol != 0 && protocol != libc::PF_VSOCK {
        return if_present(refused(Errno::EPROTONOSUPPORT, Reason::NoProtocol));
    }
    let ops = match sock.ty {
        libc::SOCK_STREAM => &VSOCK_STREAM_OPS,
        libc::SOCK_SEQPACKET => &VSOCK_SEQPACKET_OPS,
        libc::SOCK_DGRAM => &VSOCK_DGRAM_OPS,
        _ => return if_present(refused(Errno::ESOCKTNOSUPPORT, Reason::NoType)),
    };
    sock.ops = Some(ops);
    sock.sk.prot = Some(&VSOCK_PROTO);
    Verdict::ask()
}

/// A refusal that holds only where the kernel has the family: elsewhere it is EAFNOSUPPORT.
fn if_present(verdict: Verdict) -> Verdict {
    Verdict::ask().because(verdict.reason)
}

const BASE: ProtoOps = ProtoOps {
    family: libc::AF_VSOCK,
    release: op!(vsock_release, host plain),
    bind: op!(vsock_bind),
    getname: op!(vsock_getname),
    poll: Some(func!(vsock_poll)),
    ioctl: op!(vsock_ioctl, host number),
    shutdown: op!(vsock_shutdown),
    read_skb: Some(func!(vsock_read_skb)),
    ..NO_OPS
};

const CONNECTIBLE: ProtoOps = ProtoOps {
    connect: op!(vsock_connect),
    accept: op!(vsock_accept),
    listen: op!(vsock_listen),
    setsockopt: Some(op!(vsock_connectible_setsockopt, host option)),
    getsockopt: Some(op!(vsock_connectible_getsockopt, host option)),
    sendmsg: op!(vsock_connectible_sendmsg, host number),
    recvmsg: op!(vsock_connectible_recvmsg, host number),
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
    sendmsg: op!(vsock_dgram_sendmsg, host number),
    recvmsg: op!(vsock_dgram_recvmsg, host number),
    ..BASE
};

const BAD_STATE: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadState);
const BAD_ADDRESS: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

/// `vsock_addr_cast`: the whole address, of the right family.
fn is_vsock(addr: &SockAddr) -> bool {
    addr.len() >= size_of::<libc::sockaddr_vm>() && addr.family() == Some(libc::AF_VSOCK)
}

fn vsock_bind(_: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    if is_vsock(addr) { Verdict::ask().then(Change::Bind) } else { BAD_ADDRESS }
}

fn vsock_connect(_: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    match sock.state {
        SocketState::Connected => Verdict::errno(Errno::EISCONN, Reason::BadState),
        SocketState::Unconnected if sock.sk.state != TcpState::Listen && !is_vsock(addr) => BAD_ADDRESS,
        _ => Verdict::ask().then(Change::Connect),
    }
}

fn vsock_accept(_: &mut Cx, sock: &Socket) -> Verdict {
    if sock.sk.state == TcpState::Listen { Verdict::ask() } else { BAD_STATE }
}

fn vsock_listen(_: &mut Cx, sock: &Socket, _backlog: c_int) -> Verdict {
    match (sock.state, sock.sk.bound) {
        (SocketState::Unconnected, Bound::Yes) => Verdict::ok().then(Change::Listen),
        (SocketState::Unconnected, Bound::Unknown) => Verdict::ask().then(Change::Listen),
        _ => BAD_STATE,
    }
}

fn vsock_getname(_: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    let alone = peer == 1 && sock.state == SocketState::Unconnected;
    if alone { Verdict::errno(Errno::ENOTCONN, Reason::BadState) } else { Verdict::ask() }
}

fn vsock_shutdown(_: &mut Cx, sock: &Socket, how: c_int) -> Verdict {
    if !(0..=2).contains(&how) {
        return Verdict::errno(Errno::EINVAL, Reason::BadArgument);
    }
    if sock.state == SocketState::Unconnected && sock.ty != libc::SOCK_DGRAM {
        return Verdict::errno(Errno::ENOTCONN, Reason::BadState);
    }
    Verdict::ask().then(Change::Shutdown(how))
}
