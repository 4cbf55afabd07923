//! What the kernel says about a socket's state.
//!
//! # Safety
//! getsockname(2) writes to a local of the length that it is given.

use crate::sys;
use core::ffi::c_long;
use libc::c_int;
use sockshim_core::net::ops::{Socket, SocketState};
use sockshim_core::net::sock::TcpState;

/// The part of a socket's state that can be asked.
pub struct Observed {
    /// Whether it listens.
    pub listens: bool,
    /// Whether it has a peer.
    pub has_peer: bool,
}

/// Asks the kernel.
pub fn observe(fd: c_int) -> Observed {
    let listens = sys::getsockopt_int(fd, libc::SO_ACCEPTCONN) == Ok(1);
    Observed { listens, has_peer: !listens && sys::has_peer(fd) }
}

/// Sets the state that follows from the answers.
pub fn apply(observed: &Observed, socket: &mut Socket) {
    let has_connections = socket.ty == libc::SOCK_STREAM || socket.ty == libc::SOCK_SEQPACKET;
    let is_inet = matches!(socket.sk.family, libc::AF_INET | libc::AF_INET6);
    (socket.state, socket.sk.state) = match observed {
        Observed { listens: true, .. } => (SocketState::Unconnected, TcpState::Listen),
        // connect(2) may have been left with EINPROGRESS. Only the next one makes the socket connected, and nothing shows that.
        Observed { has_peer: true, .. } if has_connections && is_inet => {
            (SocketState::Unknown, TcpState::Established)
        }
        Observed { has_peer: true, .. } if has_connections => (SocketState::Connected, TcpState::Established),
        Observed { has_peer: true, .. } => (SocketState::Unconnected, TcpState::Established),
        // It may be connecting, or have been shut down.
        _ if has_connections => (SocketState::Unknown, TcpState::Close),
        _ => (SocketState::Unconnected, TcpState::Close),
    };
}

/// Whether the socket has a local address; `None` when getsockname(2) does not show that.
pub fn is_bound(fd: c_int, family: c_int) -> Option<bool> {
    let mut addr = [0_u8; 128];
    let mut len = addr.len() as libc::socklen_t;
    let args = [fd.into(), addr.as_mut_ptr() as c_long, &raw mut len as c_long, 0, 0, 0];
    // SAFETY: the buffer is a local of the length that is passed.
    if unsafe { sys::syscall(libc::SYS_getsockname, args) } != 0 {
        return None;
    }
    match family {
        libc::AF_INET | libc::AF_INET6 => Some(addr[2..4] != [0, 0]),
        libc::AF_UNIX => Some(len as usize > size_of::<libc::sa_family_t>()),
        _ => None,
    }
}
