//! bind(2) for both IP versions (`__inet_bind` in `net/ipv4/af_inet.c`): address, privilege, state, port.

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ipv4::common::{Below, below, is_v6};
use crate::net::ipv4::ping::ping_bind;
use crate::net::ipv4::raw;
use crate::net::ops::{Cx, Socket, SocketState};
use crate::net::path::Finding;
use crate::net::sock::{Bound, TcpState};
use crate::verdict::{Change, Reason, Verdict};
use libc::c_int;

const EINVAL: Verdict = Verdict::errno(Errno::EINVAL, Reason::BadAddress);

/// `inet_bind`. Raw and ping sockets have a bind of their own.
pub fn inet_bind(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    if let Some(bind) = sock.sk.prot.and_then(|prot| prot.bind) {
        cx.path.step(bind, Finding::Passed);
        return match below(sock) {
            Below::Raw => raw::raw_bind(cx, sock, addr),
            Below::Ping => ping_bind(cx, sock, addr),
            _ => Verdict::ask().then(Change::Bind),
        };
    }
    if addr.len() < 16 {
        return EINVAL;
    }
    cx.path.step(func!(__inet_bind), Finding::Passed);
    match addr.family() {
        Some(libc::AF_INET) => {}
        // Old programs leave the family out. The kernel accepts that for the wildcard address only.
        Some(libc::AF_UNSPEC) if addr.v4() == [0; 4] => {}
        _ => return Verdict::errno(Errno::EAFNOSUPPORT, Reason::WrongFamily),
    }
    let local = has_address(cx, sock, addr);
    let verdict = may_use_port(cx, addr.port()).unwrap_or_else(|| bind_port(cx, sock, addr, Some(local)));
    if local { verdict } else { Verdict::ask().then(bind_change(addr)) }
}

/// What binding to this address changes: a port that the kernel chose is released with the connection.
pub fn bind_change(addr: &SockAddr) -> Change {
    if addr.port() == 0 { Change::BindAny } else { Change::Bind }
}

/// Whether the address can certainly be bound: the wildcard, or an address of the namespace.
#[inline]
pub fn is_local(cx: &mut Cx, addr: &SockAddr) -> bool {
    let (addr, func) = match addr.family() {
        Some(libc::AF_INET6) if addr.v6() == [0; 16] => return true,
        // Link-local, multicast and mapped addresses have further conditions.
        Some(libc::AF_INET6) if addr.v6()[0] >= 0xfe || addr.v6()[..12] == MAPPED => return false,
        Some(libc::AF_INET6) => (*addr, func!(ipv6_chk_addr)),
        _ if addr.v4() == [0; 4] => return true,
        _ => (SockAddr::of_v4(addr.v4()), func!(inet_addr_type_table)),
    };
    let fact = cx.net.facts.has_address(&addr);
    fact.is_some() && cx.fact(func, &"local address", fact) == Some(true)
}

/// The first 96 bits of an IPv4 address in IPv6.
pub const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// The verdict for a port below the privileged limit; `None` when the port may be used.
pub fn may_use_port(cx: &mut Cx, port: u16) -> Option<Verdict> {
    if port == 0 {
        return None;
    }
    let here = func!(inet_port_requires_bind_service);
    let facts = cx.net.facts;
    let privileged = cx
        .fact(here, &"net.ipv4.ip_unprivileged_port_start", facts.unprivileged_port_start())
        .map(|start| c_int::from(port) < start);
    let allowed = match privileged {
        Some(false) => Some(true),
        Some(true) => cx.fact(func!(ns_capable), &"CAP_NET_BIND_SERVICE", facts.net_bind_service()),
        None => None,
    };
    match allowed {
        Some(true) => None,
        Some(false) => Some(Verdict::errno(Errno::EACCES, Reason::Privilege)),
        None => Some(Verdict::ask().then(Change::Bind)),
    }
}

/// Whether the address can certainly be bound; else the path says that the host decides.
fn has_address(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> bool {
    let local = is_local(cx, addr);
    if !local {
        let func = if is_v6(sock) { func!(ipv6_chk_addr) } else { func!(inet_addr_type_table) };
        cx.path.step(func, Finding::Host(&"the local addresses"));
    }
    local
}

/// The last part of bind: a socket that is in use or has a port cannot be bound again. Then IPv6 looks at the address, which IPv4
/// has done before, and the protocol reserves the port.
pub fn bind_port(cx: &mut Cx, sock: &Socket, addr: &SockAddr, local: Option<bool>) -> Verdict {
    let in_use = is_in_use(sock);
    match in_use {
        Some(true) => return Verdict::errno(Errno::EINVAL, Reason::BadState),
        Some(false) => {}
        None => {
            let finding = Finding::Host(&"whether its port went with the connection");
            cx.path.step(func!(__inet_bind), finding);
        }
    }
    let local = local.unwrap_or_else(|| has_address(cx, sock, addr));
    let verdict = get_port(cx, sock, addr);
    if local && in_use.is_some() { verdict } else { Verdict::ask().then(bind_change(addr)) }
}

/// `sk_prot->get_port`: the protocol reserves the port, and only the host knows which ports are taken.
fn get_port(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    let get_port = sock.sk.prot.and_then(|prot| prot.get_port).unwrap_or(func!(get_port));
    match (below(sock), addr.port()) {
        (Below::Other, _) => cx.ask(get_port, &"the protocol").then(bind_change(addr)),
        (_, 0) => {
            cx.path.step(get_port, Finding::Passed);
            Verdict::ok().then(Change::BindAny)
        }
        _ => cx.ask(get_port, &"the ports in use").then(Change::Bind),
    }
}

/// Whether the socket has a port or is not closed; `None` when unknown. A connection can end at any time, and then
/// releases a port that the kernel chose.
fn is_in_use(sock: &Socket) -> Option<bool> {
    let idle = sock.state == SocketState::Unconnected;
    match (sock.sk.bound, sock.sk.state) {
        (Bound::Yes, _) => Some(true),
        (_, TcpState::Listen | TcpState::Established) if idle => Some(true),
        (Bound::Auto, TcpState::Close) if idle => Some(true),
        (Bound::No | Bound::Gone, TcpState::Close) if idle => Some(false),
        _ => None,
    }
}
