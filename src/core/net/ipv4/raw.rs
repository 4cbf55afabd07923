//! Raw IPv4 sockets (`net/ipv4/raw.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ipv4::af_inet::INET_SOCKRAW_OPS;
use crate::net::ipv4::udp::to_peer;
use crate::net::ops::{Cx, Msg, Socket};
use crate::net::protosw::{INET_PROTOSW_REUSE, InetProtosw};
use crate::net::sock::{Below, NO_PROTO, Proto, TcpState};
use crate::verdict::{Change, Reason, Verdict};

/// `raw_prot`.
pub static RAW_PROT: Proto = Proto {
    below: Below::Raw,
    symbol: &"raw_prot",
    name: "RAW",
    init: Some(func!(raw_sk_init)),
    connect: Some(func!(ip4_datagram_connect)),
    disconnect: Some(func!(__udp_disconnect)),
    bind: Some(func!(raw_bind)),
    setsockopt: Some(func!(raw_setsockopt)),
    getsockopt: Some(func!(raw_getsockopt)),
    sendmsg: Some(func!(raw_sendmsg)),
    recvmsg: Some(func!(raw_recvmsg)),
    close: Some(func!(raw_close)),
    ..NO_PROTO
};

/// The row of `inetsw`: it accepts any protocol.
pub static RAW_PROTOSW: InetProtosw = InetProtosw {
    name: &"RAW",
    ty: libc::SOCK_RAW,
    protocol: libc::IPPROTO_IP,
    prot: &RAW_PROT,
    ops: &INET_SOCKRAW_OPS,
    flags: INET_PROTOSW_REUSE,
};

/// `raw_bind`: the family is not checked, and a bound socket can be bound again.
pub fn raw_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if sock.sk.state != TcpState::Close || addr.len() < 16 {
        return Verdict::errno(Errno::EINVAL, Reason::BadAddress);
    }
    match crate::net::ipv4::bind::is_local(cx, addr) {
        true => Verdict::ok().then(Change::Bind),
        false => cx.ask(func!(inet_addr_type_table), &"the local addresses").then(Change::Bind),
    }
}

/// `raw_sendmsg`.
pub fn raw_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if msg.len > 0xffff {
        return Verdict::errno(Errno::EMSGSIZE, Reason::BadArgument);
    }
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    match &msg.name {
        Some(addr) if addr.is_empty() => to_peer(cx, sock),
        Some(addr) if addr.len() < 16 => Verdict::errno(Errno::EINVAL, Reason::BadAddress),
        Some(addr) if !matches!(addr.family(), Some(libc::AF_INET | libc::AF_UNSPEC)) => {
            Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily)
        }
        Some(_) => cx.ask(func!(ip_route_output_flow), &"the route"),
        None => to_peer(cx, sock),
    }
}

/// `raw_recvmsg`, `rawv6_recvmsg` and `ping_recvmsg`: MSG_OOB is refused first. A raw socket receives as soon as it
/// exists.
pub fn raw_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    match sock.sees_no_traffic() && (msg.has(libc::MSG_DONTWAIT) || msg.has(libc::MSG_ERRQUEUE)) {
        true => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
        false => cx.ask(func!(skb_recv_datagram), &"what was received"),
    }
}
