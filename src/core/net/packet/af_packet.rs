//! AF_PACKET (`net/packet/af_packet.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ops::{Cx, NO_OPS, NetProtoFamily, ProtoOps, Socket};
use crate::net::path::Finding;
use crate::net::sock::{NO_PROTO, Proto};
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

/// The capability comes first, then the type; any protocol is taken, and SO_PROTOCOL stays 0.
fn packet_create(cx: &mut Cx, sock: &mut Socket, _protocol: c_int) -> Verdict {
    let good_type = matches!(sock.ty, libc::SOCK_DGRAM | libc::SOCK_RAW | SOCK_PACKET);
    if good_type {
        sock.ops = Some(if sock.ty == SOCK_PACKET { &PACKET_OPS_SPKT } else { &PACKET_OPS });
        sock.sk.prot = Some(&PACKET_PROTO);
    }
    needs_net_raw(cx, || match good_type {
        true => Verdict::ok(),
        false => Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType),
    })
}

/// The CAP_NET_RAW test that comes before all others in packet and XDP sockets.
pub fn needs_net_raw(cx: &mut Cx, then: impl FnOnce() -> Verdict) -> Verdict {
    cx.path.step(func!(ns_capable), Finding::Host(&"CAP_NET_RAW"));
    match cx.net.facts.net_raw() {
        Some(true) => then(),
        Some(false) => Verdict::errno(Errno::EPERM, Reason::Privilege),
        None => Verdict::ask().because(Reason::Privilege),
    }
}

const BASE: ProtoOps = ProtoOps {
    family: libc::AF_PACKET,
    release: op!(packet_release, host plain),
    ioctl: op!(packet_ioctl, host number),
    poll: Some(func!(datagram_poll)),
    gettstamp: Some(func!(sock_gettstamp)),
    recvmsg: op!(packet_recvmsg, host number),
    ..NO_OPS
};

/// `packet_ops`.
pub static PACKET_OPS: ProtoOps = ProtoOps {
    name: "packet_ops",
    bind: op!(packet_bind),
    getname: op!(packet_getname),
    setsockopt: Some(op!(packet_setsockopt, host option)),
    getsockopt: Some(op!(packet_getsockopt, host option)),
    sendmsg: op!(packet_sendmsg, host number),
    mmap: Some(func!(packet_mmap)),
    ..BASE
};

/// `packet_ops_spkt`: the obsolete SOCK_PACKET.
pub static PACKET_OPS_SPKT: ProtoOps = ProtoOps {
    name: "packet_ops_spkt",
    bind: op!(packet_bind_spkt),
    getname: op!(packet_getname_spkt, host number),
    sendmsg: op!(packet_sendmsg_spkt, host number),
    ..BASE
};

const EINVAL: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

fn packet_bind(_: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < size_of::<libc::sockaddr_ll>() || addr.family() != Some(libc::AF_PACKET) {
        return EINVAL;
    }
    Verdict::ask().then(Change::Bind)
}

fn packet_bind_spkt(_: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() == size_of::<libc::sockaddr>() { Verdict::ask().then(Change::Bind) } else { EINVAL }
}

fn packet_getname(_: &mut Cx, _: &Socket, peer: c_int) -> Verdict {
    if peer == 1 { Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation) } else { Verdict::ask() }
}
