//! AF_INET6: `inetsw6` and its ops tables (`net/ipv6/af_inet6.c`). Much is shared with [`crate::net::ipv4::af_inet`].

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ipv4::af_inet::{
    self, INET_OPS, STREAM_OPS, bind_port, inet_dgram_connect, inet_getname, inet_recvmsg, inet_release,
    inet_sendmsg,
};
use crate::net::ipv6::{ping, raw, tcp, udp};
use crate::net::mptcp::protocol::{MPTCP_V6_PROT, MPTCP_V6_PROTOSW, MPTCP_V6_STREAM_OPS};
use crate::net::ops::{Cx, NetProtoFamily, ProtoOps, Socket};
use crate::net::path::Finding;
use crate::net::protosw::Protosw;
use crate::net::sock::sock_common_recvmsg;
use crate::op;
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

/// `inetsw6[]`: the protocols of AF_INET6 by socket type.
pub static INETSW6: Protosw = Protosw::new();

/// `inet6_init`: the initialisers of the protocols, in boot order.
pub fn inet6_init() {
    let boot_order = [
        &raw::RAWV6_PROTOSW,
        &udp::UDPV6_PROTOSW,
        &udp::UDPLITEV6_PROTOSW,
        &tcp::TCPV6_PROTOSW,
        &ping::PINGV6_PROTOSW,
        &MPTCP_V6_PROTOSW,
    ];
    for entry in boot_order {
        // The lists are empty and no two rows clash, so nothing can be refused.
        let _ = INETSW6.register(entry);
    }
}

/// `inet6_family_ops`.
pub static INET6_FAMILY_OPS: NetProtoFamily = NetProtoFamily {
    name: "inet6_family_ops",
    family: libc::AF_INET6,
    create: op!(inet6_create),
    owner: None,
    ops: &[&INET6_STREAM_OPS, &INET6_DGRAM_OPS, &INET6_SOCKRAW_OPS, &MPTCP_V6_STREAM_OPS],
    prots: &[
        &tcp::TCPV6_PROT,
        &udp::UDPV6_PROT,
        &udp::UDPLITEV6_PROT,
        &ping::PINGV6_PROT,
        &raw::RAWV6_PROT,
        &MPTCP_V6_PROT,
    ],
};

fn inet6_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    af_inet::create(cx, sock, protocol, &INETSW6, func!(inet6_create))
}

/// `inet6_stream_ops`: TCP.
pub static INET6_STREAM_OPS: ProtoOps = ProtoOps {
    name: "inet6_stream_ops",
    family: libc::AF_INET6,
    release: op!(inet6_release),
    bind: op!(inet6_bind),
    getname: op!(inet6_getname),
    ioctl: op!(inet6_ioctl, host number),
    compat_ioctl: Some(func!(inet6_compat_ioctl)),
    sendmsg: op!(inet6_sendmsg),
    recvmsg: op!(inet6_recvmsg),
    ..STREAM_OPS
};

/// `inet6_dgram_ops`: UDP and UDP-Lite. Unlike IPv4's it has no `splice_eof`.
pub static INET6_DGRAM_OPS: ProtoOps = ProtoOps {
    name: "inet6_dgram_ops",
    family: libc::AF_INET6,
    release: op!(inet6_release),
    bind: op!(inet6_bind),
    connect: op!(inet_dgram_connect),
    getname: op!(inet6_getname),
    poll: Some(func!(udp_poll)),
    ioctl: op!(inet6_ioctl, host number),
    compat_ioctl: Some(func!(inet6_compat_ioctl)),
    sendmsg: op!(inet6_sendmsg),
    recvmsg: op!(inet6_recvmsg),
    splice_eof: None,
    set_peek_off: Some(func!(udp_set_peek_off)),
    read_skb: Some(func!(udp_read_skb)),
    ..INET_OPS
};

/// `inet6_sockraw_ops`: raw and ping sockets, which send through IPv4's `inet_sendmsg`.
pub static INET6_SOCKRAW_OPS: ProtoOps = ProtoOps {
    name: "inet6_sockraw_ops",
    poll: Some(func!(datagram_poll)),
    sendmsg: op!(inet_sendmsg),
    recvmsg: op!(sock_common_recvmsg),
    set_peek_off: None,
    read_skb: None,
    family: libc::AF_INET6,
    release: op!(inet6_release),
    bind: op!(inet6_bind),
    connect: op!(inet_dgram_connect),
    getname: op!(inet6_getname),
    ioctl: op!(inet6_ioctl, host number),
    compat_ioctl: Some(func!(inet6_compat_ioctl)),
    splice_eof: None,
    ..INET_OPS
};

fn inet6_release(cx: &mut Cx, sock: &Socket) -> Verdict {
    cx.path.step(func!(inet_release), Finding::Passed);
    inet_release(cx, sock)
}

/// `inet6_getname`.
pub fn inet6_getname(cx: &mut Cx, sock: &Socket, peer: c_int) -> Verdict {
    inet_getname(cx, sock, peer)
}

/// `inet6_bind`. There is no allowance for AF_UNSPEC here.
pub fn inet6_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    let short = Verdict::errno(Errno::EINVAL, Reason::BadAddress);
    if let Some(bind) = sock.sk.prot.and_then(|prot| prot.bind) {
        cx.path.step(bind, Finding::Passed);
        return if addr.len() < 24 { short } else { Verdict::ask().then(Change::Bind) };
    }
    if addr.len() < 24 {
        return short;
    }
    cx.path.step(func!(__inet6_bind), Finding::Passed);
    if addr.family() != Some(libc::AF_INET6) {
        return Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily);
    }
    let any = addr.v6() == [0; 16];
    af_inet::rebind(sock, addr.port(), any).unwrap_or_else(|| bind_port(cx, sock))
}

fn inet6_sendmsg(cx: &mut Cx, sock: &Socket, flags: c_int) -> Verdict {
    inet_sendmsg(cx, sock, flags)
}

fn inet6_recvmsg(cx: &mut Cx, sock: &Socket, flags: c_int) -> Verdict {
    inet_recvmsg(cx, sock, flags)
}
