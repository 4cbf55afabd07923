//! AF_XDP (`net/xdp/xsk.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::core::sock::NO_OPS;
use crate::net::differences::Difference;
use crate::net::ops::{Cx, Msg, NetProtoFamily, Opt, ProtoOps, Socket};
use crate::net::packet::af_packet::needs_net_raw;
use crate::net::path::Finding;
use crate::net::sock::{Bound, NO_PROTO, Proto};
use crate::op;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// `xsk_family_ops`.
pub static XSK_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "xsk_family_ops",
    family: libc::AF_XDP,
    create: op!(xsk_create),
    owner: None,
    ops: &[&XSK_PROTO_OPS],
    prots: &[&XSK_PROTO],
};

/// `xsk_proto`.
pub static XSK_PROTO: Proto = Proto { symbol: &"xsk_proto", name: "XDP", ..NO_PROTO };

/// Checks the capability, then the type, then the protocol.
fn xsk_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    let refusal = match (sock.ty, protocol) {
        (libc::SOCK_RAW, 0) => None,
        (libc::SOCK_RAW, _) => Some(Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol)),
        _ => Some(Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType)),
    };
    if refusal.is_none() {
        sock.ops = Some(&XSK_PROTO_OPS);
        sock.sk.prot = Some(&XSK_PROTO);
    }
    needs_net_raw(cx, || refusal.unwrap_or(Verdict::ok()))
}

/// `xsk_proto_ops`.
pub static XSK_PROTO_OPS: ProtoOps = ProtoOps {
    name: "xsk_proto_ops",
    family: libc::AF_XDP,
    release: op!(xsk_release, host plain),
    bind: op!(xsk_bind),
    poll: Some(func!(xsk_poll)),
    setsockopt: Some(op!(xsk_setsockopt)),
    getsockopt: Some(op!(xsk_getsockopt)),
    sendmsg: op!(xsk_sendmsg),
    recvmsg: op!(xsk_recvmsg),
    mmap: Some(func!(xsk_mmap)),
    ..NO_OPS
};

/// `sizeof(struct sockaddr_xdp)`.
const SOCKADDR_XDP: usize = 16;

fn xsk_bind(cx: &mut Cx, _: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < SOCKADDR_XDP || addr.family() != Some(libc::AF_XDP) {
        return Verdict::errno(Errno::EINVAL, Reason::BadAddress);
    }
    cx.ask(func!(xsk_bind), &"the network devices and the rings").then(Change::Bind)
}

/// Nothing can be sent or received before the socket is bound to a device.
fn xsk_sendmsg(cx: &mut Cx, sock: &Socket, _: &Msg) -> Verdict {
    match sock.sk.bound {
        Bound::No => Verdict::errno(Errno::ENXIO, Reason::BadState),
        _ => cx.ask(func!(xsk_check_common), &"the device"),
    }
}

fn xsk_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    match cx.since(func!(xsk_recvmsg), Difference::XskRecvmsg) {
        Some(true) => xsk_sendmsg(cx, sock, msg),
        Some(false) => {
            cx.path.step(func!(sock_no_recvmsg), Finding::Passed);
            Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation)
        }
        None => Verdict::ask(),
    }
}

fn xsk_setsockopt(cx: &mut Cx, _: &Socket, opt: &Opt) -> Verdict {
    match opt.level {
        libc::SOL_XDP => cx.ask(func!(xsk_setsockopt), &"the option"),
        _ => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
    }
}

fn xsk_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    xsk_setsockopt(cx, sock, opt)
}
