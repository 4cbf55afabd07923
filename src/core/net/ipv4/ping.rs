//! Ping sockets: ICMP echo without privilege (`net/ipv4/ping.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ipv4::af_inet::INET_SOCKRAW_OPS;
use crate::net::ipv4::bind::{bind_change, is_local};
use crate::net::ops::{Cx, Msg, Socket};
use crate::net::path::Finding;
use crate::net::protosw::{INET_PROTOSW_REUSE, InetProtosw};
use crate::net::sock::{Below, Bound, NO_PROTO, Proto};
use crate::verdict::{Change, Reason, Verdict};

/// `ping_prot`.
pub static PING_PROT: Proto = Proto {
    below: Below::Ping,
    symbol: &"ping_prot",
    name: "PING",
    init: Some(func!(ping_init_sock)),
    connect: Some(func!(ip4_datagram_connect)),
    disconnect: Some(func!(__udp_disconnect)),
    bind: Some(func!(ping_bind)),
    get_port: Some(func!(ping_get_port)),
    setsockopt: Some(func!(ip_setsockopt)),
    getsockopt: Some(func!(ip_getsockopt)),
    sendmsg: Some(func!(ping_v4_sendmsg)),
    recvmsg: Some(func!(ping_recvmsg)),
    close: Some(func!(ping_close)),
    ..NO_PROTO
};

/// The row of `inetsw`.
pub static PING_PROTOSW: InetProtosw = InetProtosw {
    name: &"PING",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_ICMP,
    prot: &PING_PROT,
    ops: &INET_SOCKRAW_OPS,
    flags: INET_PROTOSW_REUSE,
};

/// `ping_bind`, for both IP versions. It checks that the address is whole, its family, whether it is local, and last
/// whether the socket already has an identifier (its port). Whether it is connected does not matter.
pub fn ping_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    let v6 = sock.sk.family == libc::AF_INET6;
    let whole = if v6 { size_of::<libc::sockaddr_in6>() } else { size_of::<libc::sockaddr_in>() };
    if addr.len() < whole {
        return Verdict::errno(Errno::EINVAL, Reason::BadAddress);
    }
    match addr.family() {
        Some(family) if family == sock.sk.family => {}
        Some(libc::AF_UNSPEC) if !v6 && addr.v4() == [0; 4] => {}
        _ => return Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily),
    }
    let local = is_local(cx, addr);
    if !local {
        cx.path.step(func!(ping_check_bind_addr), Finding::Host(&"the local addresses"));
    }
    let verdict = match sock.sk.bound {
        Bound::Yes | Bound::Auto => Verdict::errno(Errno::EINVAL, Reason::BadState),
        Bound::No | Bound::Gone if addr.port() == 0 => Verdict::ok().then(Change::BindAny),
        _ => cx.ask(func!(ping_get_port), &"the identifiers in use").then(bind_change(addr)),
    };
    if local { verdict } else { Verdict::ask().then(bind_change(addr)) }
}

/// `ping_common_sendmsg`: the ICMP header in the message is checked before the address.
pub fn ping_common_sendmsg(cx: &mut Cx, _: &Socket, msg: &Msg) -> Verdict {
    const ICMP_HEADER: u64 = 8;
    if msg.len > 0xffff {
        return Verdict::errno(Errno::EMSGSIZE, Reason::BadArgument);
    }
    if msg.len < ICMP_HEADER {
        return Verdict::errno(Errno::EINVAL, Reason::BadArgument);
    }
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    cx.ask(func!(ping_supported), &"the ICMP header in the message")
}
