//! UDP and UDP-Lite over IPv4 (`net/ipv4/udp.c`, `net/ipv4/udplite.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::ipv4::af_inet::INET_DGRAM_OPS;
use crate::net::ops::{Cx, Msg, Socket};
use crate::net::protosw::{INET_PROTOSW_PERMANENT, InetProtosw};
use crate::net::sock::{Below, NO_PROTO, Proto, TcpState};
use crate::verdict::{Reason, Verdict};

/// `udp_prot`.
pub static UDP_PROT: Proto =
    Proto { symbol: &"udp_prot", name: "UDP", init: Some(func!(udp_init_sock)), ..UDP_COMMON };

/// `udplite_prot`.
pub static UDPLITE_PROT: Proto =
    Proto { symbol: &"udplite_prot", name: "UDP-Lite", init: Some(func!(udplite_sk_init)), ..UDP_COMMON };

const UDP_COMMON: Proto = Proto {
    below: Below::Udp,
    connect: Some(func!(ip4_datagram_connect)),
    disconnect: Some(func!(udp_disconnect)),
    get_port: Some(func!(udp_v4_get_port)),
    setsockopt: Some(func!(udp_setsockopt)),
    getsockopt: Some(func!(udp_getsockopt)),
    sendmsg: Some(func!(udp_sendmsg)),
    recvmsg: Some(func!(udp_recvmsg)),
    close: Some(func!(udp_lib_close)),
    ..NO_PROTO
};

/// The row of `inetsw` for UDP.
pub static UDP_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDP",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDP,
    prot: &UDP_PROT,
    ops: &INET_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};

/// The row of `inetsw` for UDP-Lite.
pub static UDPLITE_PROTOSW: InetProtosw = InetProtosw {
    name: &"UDPLITE",
    ty: libc::SOCK_DGRAM,
    protocol: libc::IPPROTO_UDPLITE,
    prot: &UDPLITE_PROT,
    ops: &INET_DGRAM_OPS,
    flags: INET_PROTOSW_PERMANENT,
};

/// The largest value of the 16-bit length field.
const LONGEST: u64 = 0xffff;

/// `udp_sendmsg`: length, MSG_OOB, address, and only then whether there is a peer.
pub fn udp_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    if msg.len > LONGEST {
        return Verdict::errno(Errno::EMSGSIZE, Reason::BadArgument);
    }
    if msg.has(libc::MSG_OOB) {
        return Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation);
    }
    match &msg.name {
        Some(addr) if addr.len() < 16 => return Verdict::errno(Errno::EINVAL, Reason::BadAddress),
        Some(addr) if !matches!(addr.family(), Some(libc::AF_INET | libc::AF_UNSPEC)) => {
            return Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily);
        }
        Some(addr) if addr.port() == 0 => return Verdict::errno(Errno::EINVAL, Reason::BadAddress),
        Some(_) => {}
        None => return to_peer(cx, sock),
    }
    cx.ask(func!(ip_route_output_flow), &"the route")
}

/// Sending without an address requires a peer.
pub fn to_peer(cx: &mut Cx, sock: &Socket) -> Verdict {
    match sock.sk.state {
        TcpState::Close => Verdict::errno(Errno::EDESTADDRREQ, Reason::BadState),
        _ => cx.ask(func!(ip_route_output_flow), &"the peer"),
    }
}

/// `udp_recvmsg`, also for IPv6. UDP has no urgent data, so MSG_OOB is not checked.
pub fn udp_recvmsg(cx: &mut Cx, sock: &Socket, msg: &Msg) -> Verdict {
    match sock.sees_no_traffic() && (msg.has(libc::MSG_DONTWAIT) || msg.has(libc::MSG_ERRQUEUE)) {
        true => Verdict::errno(Errno::EAGAIN, Reason::WouldBlock),
        false => cx.ask(func!(__skb_recv_udp), &"what was received"),
    }
}
