//! Raw IPv6 sockets (`net/ipv6/raw.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::{SIN6_LEN_RFC2133, SockAddr};
use crate::net::ipv4::bind::is_local;
use crate::net::ipv4::udp::to_peer;
use crate::net::ipv6::af_inet6::INET6_SOCKRAW_OPS;
use crate::net::ops::{Cx, Msg, Socket};
use crate::net::protosw::{INET_PROTOSW_REUSE, InetProtosw};
use crate::net::sock::{Below, NO_PROTO, Proto, TcpState};
use crate::verdict::{Change, Reason, Verdict};

/// `rawv6_prot`.
pub static RAWV6_PROT: Proto = Proto {
    below: Below::Raw,
    symbol: &"rawv6_prot",
    name: "RAWv6",
    init: Some(func!(rawv6_init_sk)),
    connect: Some(func!(ip6_datagram_connect_v6_only)),
    disconnect: Some(func!(__udp_disconnect)),
    bind: Some(func!(rawv6_bind)),
    setsockopt: Some(func!(rawv6_setsockopt)),
    getsockopt: Some(func!(rawv6_getsockopt)),
    sendmsg: Some(func!(rawv6_sendmsg)),
    recvmsg: Some(func!(rawv6_recvmsg)),
    close: Some(func!(rawv6_close)),
    ..NO_PROTO
};

/// The row of `inetsw6`: it accepts any protocol.
pub static RAWV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"RAW",
    ty: libc::SOCK_RAW,
    protocol: libc::IPPROTO_IP,
    prot: &RAWV6_PROT,
    ops: &INET6_SOCKRAW_OPS,
    flags: INET_PROTOSW_REUSE,
};

/// `rawv6_bind`. Unlike other IPv6 sockets it answers EINVAL for another family.
pub fn rawv6_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if addr.len() < SIN6_LEN_RFC2133 || addr.family() != Some(libc::AF_INET6) {
        return Verdict::errno(Errno::EINVAL, Reason::BadAddress);
    }
    match (is_local(cx, addr), sock.sk.state) {
        (true, TcpState::Close) => Verdict::ok().then(Change::Bind),
        (true, _) => Verdict::errno(Errno::EINVAL, Reason::BadState),
        (false, _) => cx.ask(func!(ipv6_chk_addr), &"the local addresses").then(Change::Bind),
    }
}

/// `rawv6_sendmsg`.
pub fn rawv6_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if msg.len > i32::MAX as u64 {
        return Verdict::errno(Errno::EMSGSIZE, Reason::BadArgument);
    }
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    match &msg.name {
        Some(addr) if addr.len() < SIN6_LEN_RFC2133 => Verdict::errno(Errno::EINVAL, Reason::BadAddress),
        Some(addr) if !matches!(addr.family(), Some(libc::AF_INET6 | libc::AF_UNSPEC)) => {
            Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily)
        }
        Some(_) => cx.ask(func!(ip6_dst_lookup_flow), &"the route"),
        None => to_peer(cx, sock),
    }
}
