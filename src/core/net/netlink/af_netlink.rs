//! AF_NETLINK (`net/netlink/af_netlink.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::core::sock::NO_OPS;
use crate::net::kmod::request_module;
use crate::net::ops::{Cx, Msg, NO_IOCTL, NetProtoFamily, Opt, ProtoOps, Socket};
use crate::net::path::Finding;
use crate::net::sock::{Bound, NO_PROTO, Proto};
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

/// The type is checked before the protocol. Only the kernel knows which protocols are registered (`nl_table[]`).
fn netlink_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    if sock.ty != libc::SOCK_RAW && sock.ty != libc::SOCK_DGRAM {
        return Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType);
    }
    if !(0..MAX_LINKS).contains(&protocol) {
        return Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol);
    }
    cx.path.step(func!(nl_table), Finding::Protocol(protocol));
    let verdict = match cx.fact(func!(nl_table), &"registered", cx.net.facts.nl_table(protocol)) {
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
    getname: op!(netlink_getname),
    poll: Some(func!(datagram_poll)),
    ioctl: op!(netlink_ioctl),
    setsockopt: Some(op!(netlink_setsockopt)),
    getsockopt: Some(op!(netlink_getsockopt)),
    sendmsg: op!(netlink_sendmsg),
    recvmsg: op!(netlink_recvmsg),
    ..NO_OPS
};

/// `sizeof(struct sockaddr_nl)`.
const SOCKADDR_NL: usize = 12;

const EINVAL: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

/// Whether the address is the kernel's: port id 0 and no groups, which needs no permission.
fn is_kernel(addr: &SockAddr) -> bool {
    addr.u32_at(4) == 0 && addr.u32_at(8) == 0
}

fn netlink_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < SOCKADDR_NL || addr.family() != Some(libc::AF_NETLINK) {
        return EINVAL;
    }
    match sock.sk.bound {
        // A bound socket's port id is never 0 and cannot be changed.
        Bound::Yes | Bound::Auto if is_kernel(addr) => Verdict::errno(Errno::EINVAL, Reason::BadState),
        Bound::No if is_kernel(addr) => {
            cx.path.step(func!(netlink_autobind), Finding::Passed);
            Verdict::ok().then(Change::Bind)
        }
        _ => cx
            .ask(func!(netlink_insert), &"the groups' permissions and the port ids in use")
            .then(Change::Bind),
    }
}

fn netlink_connect(cx: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    match addr.family() {
        Some(libc::AF_UNSPEC) => Verdict::ok().then(Change::Disconnect),
        Some(libc::AF_NETLINK) if addr.len() < SOCKADDR_NL => EINVAL,
        Some(libc::AF_NETLINK) if is_kernel(addr) => Verdict::ok().then(Change::Connect),
        Some(libc::AF_NETLINK) => {
            cx.ask(func!(netlink_allowed), &"the protocol's permissions").then(Change::Connect)
        }
        _ => EINVAL,
    }
}

/// Both names exist in every state.
fn netlink_getname(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    Verdict::ok()
}

fn netlink_ioctl(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    NO_IOCTL
}

fn netlink_setsockopt(cx: &mut Cx, _: &Socket, opt: &Opt) -> Verdict {
    match opt.level {
        libc::SOL_NETLINK => cx.ask(func!(netlink_setsockopt), &"the option"),
        _ => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
    }
}

fn netlink_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    netlink_setsockopt(cx, sock, opt)
}

/// MSG_OOB, then an empty message, then the address.
fn netlink_sendmsg(cx: &mut Cx, _: &Socket, msg: &Msg) -> Verdict {
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    if msg.len == 0 {
        return Verdict::errno(Errno::ENODATA, Reason::BadArgument);
    }
    match &msg.name {
        _ if msg.control => cx.ask(func!(__scm_send), &"the control messages"),
        Some(addr) if addr.is_empty() => {
            cx.ask(func!(netlink_unicast), &"the receiver").then(Change::Autobind)
        }
        Some(addr) if addr.len() < SOCKADDR_NL || addr.family() != Some(libc::AF_NETLINK) => EINVAL,
        _ => cx.ask(func!(netlink_unicast), &"the receiver").then(Change::Autobind),
    }
}

fn netlink_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    match sock.sees_no_traffic() && msg.has(libc::MSG_DONTWAIT) {
        true => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
        false => cx.ask(func!(skb_recv_datagram), &"what was received"),
    }
}
