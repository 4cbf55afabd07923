//! AF_PACKET (`net/packet/af_packet.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::core::sock::NO_OPS;
use crate::net::ops::{Cx, Msg, NO_IOCTL, NetProtoFamily, Opt, ProtoOps, Socket};
use crate::net::sock::{Bound, NO_PROTO, Proto};
use crate::op;
use crate::uapi::SOCK_PACKET;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// `packet_family_ops`.
pub static PACKET_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "packet_family_ops",
    family: libc::AF_PACKET,
    create: op!(packet_create),
    owner: None,
    ops: &[&PACKET_OPS, &PACKET_OPS_SPKT],
    prots: &[&PACKET_PROTO],
};

/// `packet_proto`.
pub static PACKET_PROTO: Proto = Proto { symbol: &"packet_proto", name: "PACKET", ..NO_PROTO };

/// The capability is checked before the type; any protocol is accepted, and SO_PROTOCOL stays 0.
fn packet_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    let good_type = matches!(sock.ty, libc::SOCK_DGRAM | libc::SOCK_RAW | SOCK_PACKET);
    if good_type {
        sock.ops = Some(if sock.ty == SOCK_PACKET { &PACKET_OPS_SPKT } else { &PACKET_OPS });
        sock.sk.prot = Some(&PACKET_PROTO);
        if protocol as u16 != 0 {
            // It receives from every device as soon as it exists.
            sock.sk.bound = Bound::Unknown;
        }
    }
    needs_net_raw(cx, || match good_type {
        true => Verdict::ok(),
        false => Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType),
    })
}

/// The CAP_NET_RAW check that comes before all others for packet and XDP sockets.
pub fn needs_net_raw(cx: &mut Cx, then: impl FnOnce() -> Verdict) -> Verdict {
    match cx.fact(func!(ns_capable), &"CAP_NET_RAW", cx.net.facts.net_raw()) {
        Some(true) => then(),
        Some(false) => Verdict::errno(Errno::EPERM, Reason::Privilege),
        None => Verdict::ask().because(Reason::Privilege),
    }
}

const BASE: ProtoOps = ProtoOps {
    family: libc::AF_PACKET,
    release: op!(packet_release, host plain),
    ioctl: op!(packet_ioctl),
    poll: Some(func!(datagram_poll)),
    gettstamp: Some(func!(sock_gettstamp)),
    recvmsg: op!(packet_recvmsg),
    ..NO_OPS
};

/// `packet_ops`.
pub static PACKET_OPS: ProtoOps = ProtoOps {
    name: "packet_ops",
    bind: op!(packet_bind),
    getname: op!(packet_getname),
    setsockopt: Some(op!(packet_setsockopt)),
    getsockopt: Some(op!(packet_getsockopt)),
    sendmsg: op!(packet_sendmsg),
    mmap: Some(func!(packet_mmap)),
    ..BASE
};

/// `packet_ops_spkt`: the obsolete SOCK_PACKET.
pub static PACKET_OPS_SPKT: ProtoOps = ProtoOps {
    name: "packet_ops_spkt",
    bind: op!(packet_bind_spkt),
    getname: op!(packet_getname_spkt),
    sendmsg: op!(packet_sendmsg_spkt),
    ..BASE
};

const EINVAL: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

/// `sizeof(struct sockaddr_ll)`.
const SOCKADDR_LL: usize = size_of::<libc::sockaddr_ll>();
/// `sizeof(struct sockaddr)`.
const SOCKADDR: usize = size_of::<libc::sockaddr>();

fn packet_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < SOCKADDR_LL || addr.family() != Some(libc::AF_PACKET) {
        return EINVAL;
    }
    match (addr.u32_at(4), sock.sk.bound) {
        // All devices. Only a fanout socket, which shares its packets with others, cannot be bound again.
        (0, Bound::No) => Verdict::ok().then(Change::Bind),
        _ => cx.ask(func!(dev_get_by_index_rcu), &"the network devices").then(Change::Bind),
    }
}

/// The address must be a `struct sockaddr` of exactly its size, which holds the device's name.
fn packet_bind_spkt(cx: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    match addr.bytes() {
        bytes if bytes.len() != SOCKADDR => EINVAL,
        [_, _, 0, ..] => Verdict::errno(Errno::ENODEV, Reason::BadAddress),
        _ => cx.ask(func!(dev_get_by_name_rcu), &"the network devices").then(Change::Bind),
    }
}

fn packet_getname(_: &mut Cx, _: &Socket, peer: c_int) -> Verdict {
    if peer == 1 { Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation) } else { Verdict::ok() }
}

fn packet_getname_spkt(cx: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    packet_getname(cx, sock, peer)
}

/// Without an address the socket must be bound to a device. The address's family is not checked.
fn packet_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    match &msg.name {
        Some(addr) if addr.len() < SOCKADDR_LL => EINVAL,
        None if sock.sk.bound == Bound::No => Verdict::errno(Errno::ENXIO, Reason::BadState),
        _ => cx.ask(func!(packet_snd), &"the network devices"),
    }
}

fn packet_sendmsg_spkt(cx: &mut Cx, _: &Socket, msg: &Msg) -> Verdict {
    match msg.name.as_ref().map(SockAddr::bytes) {
        None => Verdict::errno(Errno::ENOTCONN, Reason::BadAddress),
        Some(bytes) if bytes.len() < SOCKADDR => EINVAL,
        Some([_, _, 0, ..]) => Verdict::errno(Errno::ENODEV, Reason::BadAddress),
        Some(_) => cx.ask(func!(dev_get_by_name_rcu), &"the network devices"),
    }
}

/// Unknown flags are refused, and MSG_OOB is one of them.
fn packet_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    const MSG_CMSG_COMPAT: c_int = 1 << 31;
    const KNOWN: c_int =
        libc::MSG_PEEK | libc::MSG_DONTWAIT | libc::MSG_TRUNC | MSG_CMSG_COMPAT | libc::MSG_ERRQUEUE;
    if msg.has(!KNOWN) {
        return Verdict::errno(Errno::EINVAL, Reason::BadArgument);
    }
    match sock.sees_no_traffic() && msg.has(libc::MSG_DONTWAIT) && !msg.has(libc::MSG_ERRQUEUE) {
        true => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
        false => cx.ask(func!(skb_recv_datagram), &"what was received"),
    }
}

fn packet_ioctl(cx: &mut Cx, _: &Socket, request: c_int) -> Verdict {
    match request as u64 {
        libc::FIONREAD | libc::TIOCOUTQ => Verdict::ok(),
        0x890b..=0x8970 => cx.ask(func!(inet_ioctl), &"routes, addresses and neighbours"),
        _ => NO_IOCTL,
    }
}

fn packet_setsockopt(cx: &mut Cx, _: &Socket, opt: &Opt) -> Verdict {
    match opt.level {
        libc::SOL_PACKET => cx.ask(func!(packet_setsockopt), &"the option"),
        _ => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
    }
}

fn packet_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    packet_setsockopt(cx, sock, opt)
}
