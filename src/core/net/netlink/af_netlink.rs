//! AF_NETLINK (`net/netlink/af_netlink.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::module::request_module;
use crate::net::ops::{Cx, NO_OPS, NetProtoFamily, ProtoOps, Socket};
use crate::net::path::Finding;
use crate::net::sock::{NO_PROTO, Proto};
use crate::op;
use crate::uapi::MAX_LINKS;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// `netlink_family_ops`.
pub static NETLINK_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "netlink_family_ops",
    family: libc::AF_NETLINK,
    create: op!(netlink_create),
    owner: None,
    ops: &[&NETLINK_OPS],
    prots: &[&NETLINK_PROTO],
};

/// `netlink_proto`.
pub static NETLINK_PROTO: Proto = Proto { symbol: &"netlink_proto", name: "NETLINK", ..NO_PROTO };

/// The type is tested before the protocol. Which protocols are registered (`nl_table[]`) is the kernel's to say.
fn netlink_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    if sock.ty != libc::SOCK_RAW && sock.ty != libc::SOCK_DGRAM {
        return Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType);
    }
    if !(0..MAX_LINKS).contains(&protocol) {
        return Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol);
    }
    cx.path.step(func!(nl_table), Finding::Protocol(protocol));
    let verdict = match cx.net.facts.has_netlink(protocol) {
        Some(true) => Verdict::ok(),
        Some(false) => {
            request_module(cx.path, libc::AF_NETLINK, Some(protocol), None);
            return Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol);
        }
        None => Verdict::ask(),
    };
    sock.ops = Some(&NETLINK_OPS);
    sock.sk.prot = Some(&NETLINK_PROTO);
    sock.sk.protocol = protocol as u16;
    verdict
}

/// `netlink_ops`.
pub static NETLINK_OPS: ProtoOps = ProtoOps {
    name: "netlink_ops",
    family: libc::AF_NETLINK,
    release: op!(netlink_release, host plain),
    bind: op!(netlink_bind),
    connect: op!(netlink_connect),
    getname: op!(netlink_getname, host number),
    poll: Some(func!(datagram_poll)),
    ioctl: op!(netlink_ioctl, host number),
    setsockopt: Some(op!(netlink_setsockopt, host option)),
    getsockopt: Some(op!(netlink_getsockopt, host option)),
    sendmsg: op!(netlink_sendmsg, host number),
    recvmsg: op!(netlink_recvmsg, host number),
    ..NO_OPS
};

/// `sizeof(struct sockaddr_nl)`.
const SOCKADDR_NL: usize = 12;

const EINVAL: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

fn netlink_bind(_: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < SOCKADDR_NL || addr.family() != Some(libc::AF_NETLINK) {
        return EINVAL;
    }
    Verdict::ask().then(Change::Bind)
}

fn netlink_connect(_: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    match addr.family() {
        Some(libc::AF_UNSPEC) => Verdict::ok().then(Change::Disconnect),
        Some(libc::AF_NETLINK) if addr.len() >= SOCKADDR_NL => Verdict::ask().then(Change::Connect),
        _ => EINVAL,
    }
}
