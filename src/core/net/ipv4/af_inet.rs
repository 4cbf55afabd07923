//! AF_INET: `inetsw`, its ops tables and their handlers (`net/ipv4/af_inet.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::core::sock::NO_OPS;
use crate::net::core::sock::pass_to;
use crate::net::ipv4::bind::inet_bind;
use crate::net::ipv4::common::{
    Below, inet_ioctl, inet_recvmsg, inet_sendmsg, sock_common_getsockopt, sock_common_setsockopt,
};
use crate::net::ipv4::connection::{
    inet_accept, inet_dgram_connect, inet_getname, inet_listen, inet_shutdown, inet_stream_connect,
};
use crate::net::ipv4::ping::PING_PROTOSW;
use crate::net::ipv4::{raw, tcp, udp};
use crate::net::namespace::Fact;
use crate::net::ops::{Cx, ProtoOps, Socket};
use crate::net::path::{Finding, Func, Path};
use crate::net::protosw::{InetProtosw, Protosw, ProtoswLookup};
use crate::net::sock::Bound;
use crate::op;
use crate::verdict::{Reason, Verdict};
use libc::c_int;

/// `inetsw[]`: the protocols of AF_INET by socket type.
pub static INETSW: Protosw = Protosw::new();

/// `inet_init`: registers the static array, then the rows that the protocols' own initialisers add, in boot order.
pub fn inet_init() {
    let boot_order =
        [&tcp::TCP_PROTOSW, &udp::UDP_PROTOSW, &PING_PROTOSW, &raw::RAW_PROTOSW, &udp::UDPLITE_PROTOSW];
    for entry in boot_order {
        // No two rows clash, so the only possible refusal is that another thread has registered the same row
        // meanwhile.
        let _ = INETSW.register(entry);
    }
}

/// `inet_register_protosw`. It returns nothing: the kernel only logs a refusal, and here the path records it.
pub fn inet_register_protosw(path: &mut Path, entry: &'static InetProtosw) {
    if let Err(errno) = INETSW.register(entry) {
        path.step(func!(inet_register_protosw), Finding::Errno(errno));
    }
}

/// `inet_unregister_protosw`, likewise: a permanent entry is kept.
pub fn inet_unregister_protosw(path: &mut Path, entry: &'static InetProtosw) {
    if let Err(errno) = INETSW.unregister(entry) {
        path.step(func!(inet_unregister_protosw), Finding::Errno(errno));
    }
}

/// Every supported kernel has protocols up to this number (`IPPROTO_RAW`), and an `sk_protocol` of 16 bits.
const IPPROTO_LEAST: c_int = 256;

/// What differs between `inet_create` and `inet6_create`.
pub struct Create {
    /// The function's name.
    pub func: Func,
    /// The lists that it walks.
    pub sw: &'static Protosw,
    /// The rows that kernel modules add to these lists.
    pub modules: &'static [&'static InetProtosw],
}

/// What `inet_create` and `inet6_create` share: range, walk, capability, sock, `prot->init`.
pub fn create(cx: &mut Cx, sock: &mut Socket, protocol: c_int, create: &Create) -> Verdict {
    let &Create { func: create, sw, modules } = create;
    let in_range = match protocol {
        ..0 | 0x1_0000.. => Some(false),
        0..IPPROTO_LEAST => Some(true),
        _ => cx.fact(create, &"IPPROTO_MAX", cx.net.facts.ipproto_max()).map(|max| protocol < max),
    };
    match in_range {
        Some(true) => {}
        Some(false) => return Verdict::errno(Errno::EINVAL, Reason::BadProtocol),
        None => return Verdict::ask().because(Reason::BadProtocol),
    }
    let found = match sw.lookup(cx, modules, create, (sock.sk.family, sock.ty, protocol)) {
        ProtoswLookup::Found(found) => found,
        ProtoswLookup::None(Errno::ESOCKTNOSUPPORT) => {
            return Verdict::errno(Errno::ESOCKTNOSUPPORT, Reason::NoType);
        }
        ProtoswLookup::None(errno) => return Verdict::errno(errno, Reason::NoProtocol),
        ProtoswLookup::Unknown => return Verdict::ask().because(Reason::HostFamily),
    };
    let mut verdict = Verdict::ok();
    if sock.ty == libc::SOCK_RAW {
        match cx.fact(func!(ns_capable), &"CAP_NET_RAW", cx.net.facts.net_raw()) {
            Some(true) => {}
            Some(false) => return Verdict::errno(Errno::EPERM, Reason::Privilege),
            None => verdict = Verdict::ask().because(Reason::Privilege),
        }
    }
    sock.ops = Some(found.entry.ops);
    sock.sk.prot = Some(found.entry.prot);
    sock.sk.protocol = found.protocol as u16;
    if sock.ty == libc::SOCK_RAW {
        // A raw socket's "port" is its protocol, so it counts as bound from the start.
        sock.sk.bound = Bound::Unknown;
    }
    cx.path.step(func!(sk_alloc), Finding::Protocol(found.protocol));
    match init(cx, sock) {
        Some(refusal) => refusal,
        None => verdict,
    }
}

/// `prot->init` where it can fail, and the protocols that are build options of the kernel.
fn init(cx: &mut Cx, sock: &Socket) -> Option<Verdict> {
    let prot = sock.sk.prot?;
    let init = prot.init?;
    if matches!(prot.below, Below::Tcp | Below::Raw | Below::Other) {
        cx.path.step(init, Finding::Passed);
        return None;
    }
    let facts = cx.net.facts;
    let (name, fact, refusal): (_, _, _) = match prot.below {
        // The group range applies to root too.
        Below::Ping => (
            &"net.ipv4.ping_group_range",
            facts.ping_group(),
            Verdict::errno(Errno::EACCES, Reason::Privilege),
        ),
        Below::Mptcp => match facts.mptcp_enabled() {
            enabled @ Some(_) => {
                (&"net.mptcp.enabled", enabled, Verdict::errno(Errno::ENOPROTOOPT, Reason::NoProtocol))
            }
            // No file and no socket: is the kernel built without it?
            None => build_option(cx, sock, &"MPTCP", libc::IPPROTO_MPTCP),
        },
        Below::Udp if i32::from(sock.sk.protocol) == libc::IPPROTO_UDPLITE => {
            build_option(cx, sock, &"UDPLITE", libc::IPPROTO_UDPLITE)
        }
        _ => {
            cx.path.step(init, Finding::Passed);
            return None;
        }
    };
    match cx.fact(init, name, fact) {
        Some(true) => None,
        Some(false) => Some(refusal),
        None => Some(Verdict::ask().because(refusal.reason)),
    }
}

/// A protocol that a kernel can be built without, and the refusal then.
fn build_option(
    cx: &Cx,
    sock: &Socket,
    name: &'static &'static str,
    protocol: c_int,
) -> (&'static &'static str, Fact<bool>, Verdict) {
    let has = cx.net.facts.has_protocol(sock.sk.family, sock.ty, protocol);
    (name, has, Verdict::errno(Errno::EPROTONOSUPPORT, Reason::NoProtocol))
}

/// What the three ops tables of AF_INET have in common.
pub const INET_OPS: ProtoOps = ProtoOps {
    family: libc::AF_INET,
    release: op!(inet_release),
    bind: op!(inet_bind),
    getname: op!(inet_getname),
    ioctl: op!(inet_ioctl),
    compat_ioctl: Some(func!(inet_compat_ioctl)),
    gettstamp: Some(func!(sock_gettstamp)),
    shutdown: op!(inet_shutdown),
    setsockopt: Some(op!(sock_common_setsockopt)),
    getsockopt: Some(op!(sock_common_getsockopt)),
    sendmsg: op!(inet_sendmsg),
    recvmsg: op!(inet_recvmsg),
    splice_eof: Some(func!(inet_splice_eof)),
    ..NO_OPS
};

/// `inet_stream_ops`: TCP.
pub static INET_STREAM_OPS: ProtoOps = ProtoOps { name: "inet_stream_ops", ..STREAM_OPS };

/// What the TCP ops tables of both IP versions have in common.
pub const STREAM_OPS: ProtoOps = ProtoOps {
    connect: op!(inet_stream_connect),
    accept: op!(inet_accept),
    listen: op!(inet_listen),
    poll: Some(func!(tcp_poll)),
    mmap: Some(func!(tcp_mmap)),
    splice_read: Some(func!(tcp_splice_read)),
    set_peek_off: Some(func!(sk_set_peek_off)),
    peek_len: Some(func!(tcp_peek_len)),
    read_sock: Some(func!(tcp_read_sock)),
    read_skb: Some(func!(tcp_read_skb)),
    sendmsg_locked: Some(func!(tcp_sendmsg_locked)),
    set_rcvlowat: Some(func!(tcp_set_rcvlowat)),
    ..INET_OPS
};

/// `inet_dgram_ops`: UDP and UDP-Lite.
pub static INET_DGRAM_OPS: ProtoOps = ProtoOps {
    name: "inet_dgram_ops",
    connect: op!(inet_dgram_connect),
    poll: Some(func!(udp_poll)),
    set_peek_off: Some(func!(udp_set_peek_off)),
    read_skb: Some(func!(udp_read_skb)),
    ..INET_OPS
};

/// `inet_sockraw_ops`: raw and ping sockets.
pub static INET_SOCKRAW_OPS: ProtoOps = ProtoOps {
    name: "inet_sockraw_ops",
    connect: op!(inet_dgram_connect),
    poll: Some(func!(datagram_poll)),
    ..INET_OPS
};

/// `inet_release`: closes the socket through its protocol.
pub fn inet_release(cx: &mut Cx, sock: &Socket) -> Verdict {
    pass_to(cx, sock.sk.prot.and_then(|prot| prot.close))
}
