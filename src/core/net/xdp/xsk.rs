//! AF_XDP (`net/xdp/xsk.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::ops::{Cx, NO_OPS, NetProtoFamily, ProtoOps, Socket};
use crate::net::packet::af_packet::needs_net_raw;
use crate::net::sock::{NO_PROTO, Proto};
use crate::op;
use crate::verdict::{Reason, Verdict};
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

/// Capability, type, protocol.
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
    bind: op!(xsk_bind, host bind),
    poll: Some(func!(xsk_poll)),
    setsockopt: Some(op!(xsk_setsockopt, host option)),
    getsockopt: Some(op!(xsk_getsockopt, host option)),
    sendmsg: op!(xsk_sendmsg, host number),
    recvmsg: op!(xsk_recvmsg, host number),
    mmap: Some(func!(xsk_mmap)),
    ..NO_OPS
};
