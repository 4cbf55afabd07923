//! What a call that libc has answered changes in the socket's state.

use crate::fdtable::State;
use crate::net::ops::SocketState;
use crate::net::sock::{Bound, TcpState};
use crate::verdict::Change;
use libc::c_int;

/// The state after `change`, given the type and the answer (`None` is success).
pub fn commit(old: State, ty: c_int, change: Change, errno: Option<c_int>) -> State {
    match (change, errno) {
        (Change::Bind, None) => State { bound: Bound::Yes, ..old },
        (Change::Listen, None) => State { sk: TcpState::Listen, bound: Bound::Yes, ..old },
        (Change::Disconnect, None) => {
            State { socket: SocketState::Unconnected, sk: TcpState::Close, bound: Bound::Unknown }
        }
        // shutdown(SHUT_RD) ends listening; the port that an autobound listener had is gone with it.
        (Change::Shutdown(libc::SHUT_RD | libc::SHUT_RDWR), None) if old.sk == TcpState::Listen => {
            State { sk: TcpState::Close, bound: Bound::Unknown, ..old }
        }
        (Change::Connect, answer) => connect(old, ty, answer),
        _ => old,
    }
}

/// Whether the type has connections, which `sock->state` follows. Datagram sockets only change `sk_state`.
fn has_connections(ty: c_int) -> bool {
    ty == libc::SOCK_STREAM || ty == libc::SOCK_SEQPACKET
}

/// The state of an unconnected socket while connect() waits.
pub fn connecting(old: State, ty: c_int) -> State {
    match (old.socket, old.sk) {
        (SocketState::Unconnected, TcpState::Close) if has_connections(ty) => CONNECTING,
        _ => old,
    }
}

const CONNECTING: State = State { socket: SocketState::Connecting, sk: TcpState::SynSent, bound: Bound::Yes };

fn connect(old: State, ty: c_int, errno: Option<c_int>) -> State {
    match errno {
        None if has_connections(ty) => {
            State { socket: SocketState::Connected, sk: TcpState::Established, bound: Bound::Yes }
        }
        None => State { sk: TcpState::Established, bound: Bound::Yes, ..old },
        Some(_) if !has_connections(ty) => old,
        // A signal ends the wait, not the handshake.
        Some(libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => CONNECTING,
        Some(libc::EISCONN) if old.socket == SocketState::Connecting => {
            State { socket: SocketState::Connected, sk: TcpState::Established, ..old }
        }
        Some(_) if old.socket == SocketState::Connecting => {
            State { socket: SocketState::Unconnected, sk: TcpState::Close, ..old }
        }
        Some(_) => old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: State = State { socket: SocketState::Unconnected, sk: TcpState::Close, bound: Bound::No };

    #[test]
    fn a_nonblocking_connect_that_is_refused() {
        let connecting = commit(FRESH, libc::SOCK_STREAM, Change::Connect, Some(libc::EINPROGRESS));
        assert_eq!((connecting.socket, connecting.sk), (SocketState::Connecting, TcpState::SynSent));
        let refused = commit(connecting, libc::SOCK_STREAM, Change::Connect, Some(libc::ECONNREFUSED));
        assert_eq!((refused.socket, refused.sk), (SocketState::Unconnected, TcpState::Close));
    }

    #[test]
    fn datagram_sockets_connect_in_sk_state_only() {
        let connected = commit(FRESH, libc::SOCK_DGRAM, Change::Connect, None);
        assert_eq!((connected.socket, connected.sk), (SocketState::Unconnected, TcpState::Established));
    }

    #[test]
    fn shutdown_ends_listening() {
        let listening = commit(FRESH, libc::SOCK_STREAM, Change::Listen, None);
        assert_eq!(listening.sk, TcpState::Listen);
        assert_eq!(commit(listening, libc::SOCK_STREAM, Change::Shutdown(libc::SHUT_WR), None), listening);
        assert_eq!(
            commit(listening, libc::SOCK_STREAM, Change::Shutdown(libc::SHUT_RD), None).sk,
            TcpState::Close
        );
    }

    #[test]
    fn failures_change_nothing() {
        for change in [Change::Bind, Change::Listen, Change::Disconnect, Change::Shutdown(2)] {
            assert_eq!(commit(FRESH, libc::SOCK_STREAM, change, Some(libc::EINVAL)), FRESH);
        }
    }
}
