//! The state of a socket as the kernel shows it, compared with the state that the tables keep.

use crate::subject::Subject;
use libc::c_int;
use sockshim_core::net::ops::{Socket, SocketState};
use sockshim_core::net::sock::{Bound, TcpState};
use sockshim_sys as sys;

/// Compares what can be observed with system calls.
///
/// # Errors
/// The difference, in words.
pub fn observe(subject: &Subject) -> Result<(), String> {
    let Some(sock) = subject.sock() else { return Ok(()) };
    if sock.state == SocketState::Unknown {
        return Ok(());
    }
    let difference = |what: String| {
        Err(format!("{what}, the tables say {:?}", (sock.state, sock.sk.state, sock.sk.bound)))
    };
    let listening = sys::getsockopt_int(subject.fd, libc::SO_ACCEPTCONN) == Ok(1);
    if listening != (sock.sk.state == TcpState::Listen) {
        return difference(format!("SO_ACCEPTCONN is {listening}"));
    }
    if let Some(state) = tcp_state(subject.fd, &sock)
        && !may_be(&sock).contains(&state)
    {
        return difference(format!("TCP_INFO says {}", state.name()));
    }
    match (has_name(subject, &sock), sock.sk.bound) {
        // A connecting socket has a port, and a netlink socket shows an address without being bound.
        (Some(true), Bound::No)
            if sock.state != SocketState::Connecting && sock.sk.family != libc::AF_NETLINK =>
        {
            difference("it has a name".to_string())
        }
        (Some(false), Bound::Yes) => difference("it has no name".to_string()),
        (Some(false), Bound::Auto) if sock.state == SocketState::Unconnected => {
            difference("it has no name".to_string())
        }
        _ => Ok(()),
    }
}

/// `tcpi_state` of a TCP socket.
fn tcp_state(fd: c_int, sock: &Socket) -> Option<TcpState> {
    if sock.sk.prot.is_none_or(|prot| !matches!(*prot.symbol, "tcp_prot" | "tcpv6_prot")) {
        return None;
    }
    let (mut info, mut len) = ([0_u8; 8], 8_u32);
    let args = [fd.into(), libc::SOL_TCP.into(), libc::TCP_INFO.into(), info.as_mut_ptr() as i64];
    // SAFETY: the buffer is as long as it is said to be; the kernel copies no more.
    unsafe {
        crate::kernel::call(libc::SYS_getsockopt, &[args[0], args[1], args[2], args[3], &raw mut len as i64])
    }
    .ok()?;
    TcpState::ALL.get(usize::from(info[0]).checked_sub(1)?).copied()
}

/// The states that a connection may have reached without a call on this socket.
fn may_be(sock: &Socket) -> Vec<TcpState> {
    match (sock.state, sock.sk.state) {
        (SocketState::Unconnected, state) => vec![state],
        (SocketState::Disconnecting, _) => vec![TcpState::Close],
        (SocketState::Connecting, _) => without(&[TcpState::Listen]),
        _ => without(&[TcpState::Listen, TcpState::SynSent]),
    }
}

fn without(states: &[TcpState]) -> Vec<TcpState> {
    TcpState::ALL.into_iter().filter(|state| !states.contains(state)).collect()
}

/// Whether getsockname shows an address or a port.
fn has_name(subject: &Subject, sock: &Socket) -> Option<bool> {
    let name = subject.name()?;
    match sock.sk.family {
        libc::AF_INET | libc::AF_INET6 if sock.ty != libc::SOCK_RAW => Some(name[2..4] != [0, 0]),
        libc::AF_UNIX => Some(name.len() > 2),
        libc::AF_NETLINK => Some(name[4..8] != [0; 4]),
        _ => None,
    }
}
