//! AF_INET6: `inetsw6` and its ops tables (`net/ipv6/af_inet6.c`). It shares much with [`crate::net::ipv4::af_inet`].

use crate::errno::Errno;
use crate::func;
use crate::net::address::{SIN6_LEN_RFC2133, SockAddr};
use crate::net::core::sock::pass_to;
use crate::net::ipv4::af_inet::{INET_OPS, STREAM_OPS, inet_release};
use crate::net::ipv4::bind::{bind_port, may_use_port};
use crate::net::ipv4::common::{
    Below, below, inet_ioctl, inet_recvmsg, inet_sendmsg, protocol_getsockopt, protocol_setsockopt,
};
use crate::net::ipv4::connection::{inet_dgram_connect, inet_getname};
use crate::net::ipv4::ping::ping_bind;
use crate::net::ipv6::ipv6_sockglue::{ipv6_getsockopt, ipv6_setsockopt};
use crate::net::ipv6::{ping, raw, tcp, udp};
use crate::net::ops::{Cx, Msg, Op, Opt, ProtoOps, Socket};
use crate::net::path::{Finding, Path};
use crate::net::protosw::{InetProtosw, Protosw};
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
    ];
    for entry in boot_order {
        // No two rows clash, so the only possible refusal is that another thread has registered the same row
        // meanwhile.
        let _ = INETSW6.register(entry);
    }
}

/// `inet6_register_protosw`. Unlike IPv4's it returns the error: 0, -EINVAL for a type out of range, -EPERM when a
/// permanent entry has the protocol. (-ENOBUFS is sockshim's alone, for a list that has changed too often.)
pub fn inet6_register_protosw(entry: &'static InetProtosw) -> c_int {
    INETSW6.register(entry).map_or_else(|errno| -errno.0, |()| 0)
}

/// `inet6_unregister_protosw`. A permanent entry is kept: the kernel only logs that, and here the path records it.
pub fn inet6_unregister_protosw(path: &mut Path, entry: &'static InetProtosw) {
    if let Err(errno) = INETSW6.unregister(entry) {
        path.step(func!(inet6_unregister_protosw), Finding::Errno(errno));
    }
}

/// The ops of a protocol over both IP versions, as they are over this one. What it decides is the host's business.
pub const fn host_ops(ops: ProtoOps) -> ProtoOps {
    ProtoOps {
        family: libc::AF_INET6,
        release: op!(inet6_release, host plain),
        bind: op!(inet6_bind, host bind),
        ioctl: op!(inet6_ioctl, host number),
        compat_ioctl: Some(func!(inet6_compat_ioctl)),
        ..ops
    }
}

/// IPv4's ops as they are over IPv6.
const fn own_ops(ops: ProtoOps) -> ProtoOps {
    ProtoOps {
        family: libc::AF_INET6,
        release: op!(inet6_release),
        bind: op!(inet6_bind),
        getname: op!(inet6_getname),
        ioctl: op!(inet6_ioctl),
        compat_ioctl: Some(func!(inet6_compat_ioctl)),
        setsockopt: Some(op!(sock_common_setsockopt)),
        getsockopt: Some(op!(sock_common_getsockopt)),
        sendmsg: op!(inet6_sendmsg),
        recvmsg: op!(inet6_recvmsg),
        ..ops
    }
}

/// `inet6_stream_ops`: TCP.
pub static INET6_STREAM_OPS: ProtoOps = ProtoOps { name: "inet6_stream_ops", ..own_ops(STREAM_OPS) };

/// `inet6_dgram_ops`: UDP and UDP-Lite. Unlike IPv4's it has no `splice_eof`.
pub static INET6_DGRAM_OPS: ProtoOps = ProtoOps {
    name: "inet6_dgram_ops",
    connect: op!(inet_dgram_connect),
    poll: Some(func!(udp_poll)),
    splice_eof: None,
    set_peek_off: Some(func!(udp_set_peek_off)),
    read_skb: Some(func!(udp_read_skb)),
    ..own_ops(INET_OPS)
};

/// `inet6_sockraw_ops`: raw and ping sockets, which send through IPv4's `inet_sendmsg`.
pub static INET6_SOCKRAW_OPS: ProtoOps = ProtoOps {
    name: "inet6_sockraw_ops",
    poll: Some(func!(datagram_poll)),
    setsockopt: Some(op!(sock_common_setsockopt)),
    getsockopt: Some(op!(sock_common_getsockopt)),
    sendmsg: Op { func: func!(inet_sendmsg), call: inet6_sendmsg },
    recvmsg: op!(sock_common_recvmsg),
    set_peek_off: None,
    read_skb: None,
    family: libc::AF_INET6,
    release: op!(inet6_release),
    bind: op!(inet6_bind),
    connect: op!(inet_dgram_connect),
    getname: op!(inet6_getname),
    ioctl: op!(inet6_ioctl),
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

/// `inet6_bind`. Unlike IPv4's it does not accept AF_UNSPEC, and it checks the socket's state before the address.
pub fn inet6_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    let short = Verdict::errno(Errno::EINVAL, Reason::BadAddress);
    if let Some(bind) = sock.sk.prot.and_then(|prot| prot.bind) {
        cx.path.step(bind, Finding::Passed);
        return match below(sock) {
            Below::Raw => raw::rawv6_bind(cx, sock, addr),
            Below::Ping => ping_bind(cx, sock, addr),
            _ => Verdict::ask().then(Change::Bind),
        };
    }
    if addr.len() < SIN6_LEN_RFC2133 {
        return short;
    }
    cx.path.step(func!(__inet6_bind), Finding::Passed);
    if addr.family() != Some(libc::AF_INET6) {
        return Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily);
    }
    let multicast = addr.v6()[0] == 0xff;
    if multicast && sock.ty == libc::SOCK_STREAM {
        return short;
    }
    // The address is only looked at when the socket can be bound.
    may_use_port(cx, addr.port()).unwrap_or_else(|| bind_port(cx, sock, addr, None))
}

/// `inet6_ioctl`.
fn inet6_ioctl(cx: &mut Cx, sock: &Socket, request: c_int) -> Verdict {
    inet_ioctl(cx, sock, request)
}

/// `sock_common_setsockopt`: calls the protocol, which also handles IPv6's options.
fn sock_common_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    protocol_setsockopt(cx, sock, opt).unwrap_or_else(|| ipv6_setsockopt(cx, sock, opt))
}

/// `sock_common_getsockopt`: calls the protocol, which also handles IPv6's options.
fn sock_common_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    protocol_getsockopt(cx, sock, opt).unwrap_or_else(|| ipv6_getsockopt(cx, sock, opt))
}

/// `inet6_sendmsg`, and IPv4's `inet_sendmsg`, which raw and ping sockets use. UDP and raw sockets have an own IPv6
/// `sendmsg`.
pub fn inet6_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    match below(sock) {
        Below::Udp => {
            let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.sendmsg));
            udp::udpv6_sendmsg(cx, sock, msg).then(Change::Autobind)
        }
        Below::Raw => {
            let _ = pass_to(cx, sock.sk.prot.and_then(|prot| prot.sendmsg));
            raw::rawv6_sendmsg(cx, sock, msg)
        }
        _ => inet_sendmsg(cx, sock, msg),
    }
}

/// `inet6_recvmsg`.
pub fn inet6_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    inet_recvmsg(cx, sock, msg)
}

/// `sock_common_recvmsg`: calls the protocol.
fn sock_common_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    inet_recvmsg(cx, sock, msg)
}
