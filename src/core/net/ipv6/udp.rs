//! UDP and UDP-Lite over IPv6 (`net/ipv6/udp.c`, `net/ipv6/udplite.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SIN6_LEN_RFC2133;
use crate::net::ipv4::bind::MAPPED;
use crate::net::ipv4::udp::to_peer;
use crate::net::ipv6::af_inet6::INET6_DGRAM_OPS;
use crate::net::ops::{Cx, Msg, Socket};
use crate::net::protosw::{INET_PROTOSW_PERMANENT, InetProtosw};
use crate::net::sock::{Below, NO_PROTO, Proto, TcpState};
use crate::verdict::{Reason, Verdict};

/// `udpv6_prot`.
pub static UDPV6_PROT: Proto =
    Proto { symbol: &"udpv6_prot", name: "UDPv6", init: Some(func!(udpv6_init_sock)), ..UDPV6_COMMON };

/// `udplitev6_prot`.
pub static UDPLITEV6_PROT: Proto = Proto {
    symbol: &"udplitev6_prot",
    name: "UDPLITEv6",
    init: Some(func!(udplitev6_sk_init)),
    ..UDPV6_COMMON
};

const UDPV6_COMMON: Proto = Proto {
    below: Below::Udp,
    connect: Some(func!(ip6_datagram_connect)),
    disconnect: Some(func!(udp_disconnect)),
    get_port: Some(func!(udp_v6_get_port)),
    setsockopt: Some(func!(udpv6_setsockopt)),
    getsockopt: Some(func!(udpv6_getsockopt)),
    sendmsg: Some(func!(udpv6_sendmsg)),
    recvmsg: Some(func!(udpv6_recvmsg)),
    close: Some(func!(udp_lib_close)),
    ..NO_PROTO
};

/// The row of `inetsw6` for UDP.
pub static UDPV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDP",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDP,
    prot: &UDPV6_PROT,
    ops: &INET6_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};

/// The row of `inetsw6` for UDP-Lite.
pub static UDPLITEV6_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDPLITE",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDPLITE,
    prot: &UDPLITEV6_PROT,
    ops: &INET6_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};

/// `udpv6_sendmsg`: the address comes first. MSG_OOB is checked only when the destination is an IPv4 address.
pub fn udpv6_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    let bad_address = Verdict::errno(Errno::EINVAL, Reason::BadAddress);
    let Some(addr) = &msg.name else { return to_peer(cx, sock) };
    match addr.family() {
        Some(libc::AF_INET6) if addr.len() < SIN6_LEN_RFC2133 => bad_address,
        Some(libc::AF_INET6) if addr.v6()[..12] == MAPPED => {
            cx.ask(func!(udp_sendmsg), &"whether the socket is for IPv6 only")
        }
        Some(libc::AF_INET6) if addr.port() == 0 => bad_address,
        Some(libc::AF_INET6) => cx.ask(func!(ip6_sk_dst_lookup_flow), &"the route"),
        Some(libc::AF_INET) => cx.ask(func!(udp_sendmsg), &"whether the socket is for IPv6 only"),
        // The kernel then behaves as if no address was given.
        Some(libc::AF_UNSPEC) if sock.sk.state == TcpState::Close => {
            Verdict::errno(Errno::EDESTADDRREQ, Reason::BadState)
        }
        Some(libc::AF_UNSPEC) => cx.ask(func!(ip6_sk_dst_lookup_flow), &"the peer"),
        _ => bad_address,
    }
}
