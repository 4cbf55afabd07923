//! The part of a socket's state that calls change, and what an answered call changes in it.

use crate::net::ops::{Socket, SocketState};
use crate::net::sock::{Bound, TcpState};
use crate::verdict::Change;
use libc::c_int;

/// The part of a socket's state that calls change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    /// `sock->state`.
    pub socket: SocketState,
    /// `sk->sk_state`.
    pub sk: TcpState,
    /// Whether it has a local address.
    pub bound: Bound,
    /// Which directions are shut.
    pub shutdown: u8,
}

impl State {
    /// The states of a socket.
    pub fn of(socket: &Socket) -> State {
        State { socket: socket.state, sk: socket.sk.state, bound: socket.sk.bound, shutdown: socket.shutdown }
    }

    /// The state packed into four bytes, so that it can be replaced atomically.
    #[inline]
    pub fn pack(self) -> u32 {
        u32::from_le_bytes([self.socket as u8, self.sk as u8, self.bound as u8, self.shutdown])
    }

    /// The state that [`State::pack`] has packed.
    #[inline]
    pub fn unpack(word: u32) -> State {
        let [socket, sk, bound, shutdown] = word.to_le_bytes();
        State {
            socket: SocketState::of_number(socket),
            sk: TcpState::of_number(sk),
            bound: Bound::of_number(bound),
            shutdown,
        }
    }
}

/// The kinds of sockets, by how the kernel changes their state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SocketKind {
    /// TCP and MPTCP.
    Stream,
    /// UDP, ping and raw sockets.
    Datagram,
    /// AF_UNIX.
    Unix,
    /// AF_VSOCK.
    Vsock,
    /// AF_NETLINK.
    Netlink,
    /// All others: only the changes common to all kinds.
    Other,
}

fn kind(socket: &Socket) -> SocketKind {
    match (socket.sk.family, socket.ty) {
        (libc::AF_INET | libc::AF_INET6, libc::SOCK_STREAM) => SocketKind::Stream,
        (libc::AF_INET | libc::AF_INET6, libc::SOCK_DGRAM | libc::SOCK_RAW) => SocketKind::Datagram,
        (libc::AF_UNIX, _) => SocketKind::Unix,
        (libc::AF_VSOCK, _) => SocketKind::Vsock,
        (libc::AF_NETLINK, _) => SocketKind::Netlink,
        _ => SocketKind::Other,
    }
}

/// Whether the type has connections, which `sock->state` follows. Datagram sockets change only `sk_state`.
fn has_connections(socket: &Socket) -> bool {
    socket.ty == libc::SOCK_STREAM || socket.ty == libc::SOCK_SEQPACKET
}

/// The state after `change`, for this socket and answer (`None` is success).
pub fn commit(old: State, socket: &Socket, change: Change, errno: Option<c_int>) -> State {
    match (change, errno) {
        (Change::Bind, None) => State { bound: Bound::Yes, ..old },
        // IP_BIND_ADDRESS_NO_PORT may have postponed the port, or the socket may have got one after a connection had
        // ended.
        (Change::BindAny, None) if old.bound == Bound::Unknown || old.socket != SocketState::Unconnected => {
            State { bound: Bound::Unknown, ..old }
        }
        (Change::BindAny, None) => State { bound: Bound::Auto, ..old },
        (Change::Autobind, errno) => autobound(old, errno),
        (Change::Listen, None) => {
            let bound = match (kind(socket), old.bound) {
                (SocketKind::Stream, Bound::No | Bound::Gone) => Bound::Auto,
                (SocketKind::Stream, bound) => bound,
                _ => Bound::Yes,
            };
            State { socket: SocketState::Unconnected, sk: TcpState::Listen, bound, ..old }
        }
        (Change::Disconnect, None) => disconnect(old, socket),
        (Change::Shutdown(how), errno) => shutdown(old, socket, how, errno),
        (Change::Connect, None) => connected(old, socket),
        (Change::Connect, Some(errno)) => refused(old, socket, errno),
        // Whatever the answer, the handshake may have begun.
        (Change::FastOpen, _) if kind(socket) == SocketKind::Stream => {
            State { socket: SocketState::Unknown, ..unsettled(old) }
        }
        (Change::Unsettle, None) => unsettled(old),
        _ => old,
    }
}

/// What is certain of a new socket when its data calls are not seen: the first send binds a datagram socket.
pub fn unobserved(socket: &Socket) -> Socket {
    let mut socket = *socket;
    if matches!(kind(&socket), SocketKind::Datagram | SocketKind::Netlink) && socket.sk.bound == Bound::No {
        socket.sk.bound = Bound::Unknown;
    }
    socket
}

/// The socket that accept returns: the listener's type and ops, connected, with the listener's address. The port is
/// released with the connection, even if the program chose the listener's.
pub fn accepted(listener: &Socket) -> Socket {
    let mut socket = *listener;
    socket.state = SocketState::Connected;
    socket.sk.state = TcpState::Established;
    socket.shutdown = 0;
    socket.sk.bound = if kind(listener) == SocketKind::Stream { Bound::Auto } else { Bound::Yes };
    if i32::from(socket.sk.protocol) == libc::IPPROTO_MPTCP {
        // When the client does not speak MPTCP, the new socket is a TCP socket; so the new socket is asked.
        socket.ops = None;
    }
    socket
}

/// The state of an unconnected socket while connect() waits.
pub fn connecting(old: State, socket: &Socket) -> State {
    match (old.socket, old.sk) {
        (SocketState::Unconnected, TcpState::Close) if has_connections(socket) => waiting(old),
        _ => old,
    }
}

fn waiting(old: State) -> State {
    State { socket: SocketState::Connecting, sk: TcpState::SynSent, ..old }
}

fn unsettled(old: State) -> State {
    match old.bound {
        Bound::Yes => old,
        _ => State { bound: Bound::Unknown, ..old },
    }
}

/// The state after the kernel has tried to choose a port; EAGAIN means that it found none.
fn autobound(old: State, errno: Option<c_int>) -> State {
    match (old.bound, errno) {
        (Bound::No | Bound::Gone, Some(libc::EAGAIN)) => State { bound: Bound::Unknown, ..old },
        (Bound::No | Bound::Gone, _) => State { bound: Bound::Auto, ..old },
        _ => old,
    }
}

fn disconnect(old: State, socket: &Socket) -> State {
    let never_left = (old.socket, old.sk) == (SocketState::Unconnected, TcpState::Close);
    let bound = match (kind(socket), old.bound) {
        // A TCP socket that stays closed keeps its port; MPTCP's subflow may have been replaced.
        (SocketKind::Stream, Bound::Auto) if never_left => Bound::Auto,
        (SocketKind::Stream, Bound::Auto) if i32::from(socket.sk.protocol) == libc::IPPROTO_MPTCP => {
            Bound::Unknown
        }
        (SocketKind::Stream | SocketKind::Datagram, Bound::Auto) => Bound::Gone,
        (SocketKind::Stream, Bound::No) if !never_left => Bound::Gone,
        (_, bound) => bound,
    };
    let shutdown = if kind(socket) == SocketKind::Stream { 0 } else { old.shutdown };
    State { socket: SocketState::Unconnected, sk: TcpState::Close, bound, shutdown }
}

fn shutdown(old: State, socket: &Socket, how: c_int, errno: Option<c_int>) -> State {
    // SHUT_RD, SHUT_WR and SHUT_RDWR as the bits of sk_shutdown.
    let shutdown = old.shutdown | (how + 1) as u8 & 3;
    match (kind(socket), old.socket, errno) {
        (SocketKind::Stream, _, None) if old.sk == TcpState::Listen => match how {
            // The socket no longer listens, and loses a port that the kernel chose.
            libc::SHUT_RD | libc::SHUT_RDWR => disconnect(old, socket),
            _ => old,
        },
        // The connect was aborted, or had succeeded meanwhile.
        (SocketKind::Stream, SocketState::Connecting, None) => State { socket: SocketState::Unknown, ..old },
        // The connect had failed meanwhile, and only a disconnect brings the socket back.
        (SocketKind::Stream, SocketState::Connecting, Some(libc::ENOTCONN)) => {
            let bound = after_attempt(old.bound);
            State { socket: SocketState::Disconnecting, sk: TcpState::Close, bound, shutdown }
        }
        (SocketKind::Stream | SocketKind::Datagram, _, None | Some(libc::ENOTCONN)) => {
            State { shutdown, ..old }
        }
        (SocketKind::Unix, _, None) => State { shutdown, ..old },
        (SocketKind::Vsock, SocketState::Unconnected, _) => old,
        (SocketKind::Vsock, _, None) => State { socket: SocketState::Disconnecting, shutdown, ..old },
        (SocketKind::Vsock, _, Some(libc::ENOTCONN)) => State { socket: SocketState::Unknown, ..old },
        _ => old,
    }
}

fn connected(old: State, socket: &Socket) -> State {
    let bound = match (kind(socket), old.bound) {
        (SocketKind::Unix, bound) => bound,
        (SocketKind::Netlink, Bound::No) => Bound::Yes,
        (_, Bound::No | Bound::Gone) => Bound::Auto,
        (_, bound) => bound,
    };
    match has_connections(socket) {
        true => State { socket: SocketState::Connected, sk: TcpState::Established, bound, ..old },
        false => State { sk: TcpState::Established, bound, ..old },
    }
}

fn refused(old: State, socket: &Socket, errno: c_int) -> State {
    let kind = kind(socket);
    match (kind, old.socket, errno) {
        // The port is chosen before the address is checked.
        (SocketKind::Datagram, ..) => autobound(old, Some(errno)),
        // A signal ends the wait, not the handshake.
        (SocketKind::Stream, SocketState::Connected, _) => old,
        (SocketKind::Stream, _, libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => waiting(old),
        (SocketKind::Stream, SocketState::Connecting, libc::EISCONN) => connected(old, socket),
        (SocketKind::Stream, SocketState::Unknown, libc::EISCONN) if old.sk == TcpState::Established => {
            connected(old, socket)
        }
        (SocketKind::Stream, SocketState::Unknown, libc::EISCONN | libc::EINVAL) => old,
        (SocketKind::Stream, SocketState::Unconnected, _) if old.sk == TcpState::Close => {
            State { bound: after_attempt(old.bound), ..old }
        }
        (SocketKind::Stream, SocketState::Connecting | SocketState::Unknown, _) => State {
            socket: SocketState::Unconnected,
            sk: TcpState::Close,
            bound: after_attempt(old.bound),
            ..old
        },
        (SocketKind::Vsock, SocketState::Unconnected, libc::EINVAL) => old,
        (SocketKind::Vsock, _, libc::EINPROGRESS | libc::EALREADY) => {
            State { bound: if old.bound == Bound::No { Bound::Auto } else { old.bound }, ..waiting(old) }
        }
        (
            SocketKind::Vsock,
            SocketState::Unconnected,
            libc::ESOCKTNOSUPPORT | libc::ENODEV | libc::ENETUNREACH,
        ) => unsettled(old),
        (SocketKind::Vsock, ..) => State { socket: SocketState::Unknown, ..unsettled(old) },
        _ => old,
    }
}

/// After a failed connect: a port that the kernel chose may or may not have been kept.
fn after_attempt(bound: Bound) -> Bound {
    match bound {
        Bound::No => Bound::Gone,
        Bound::Auto => Bound::Unknown,
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::namespace::INIT_NET;

    fn socket(family: c_int, ty: c_int) -> (Socket, State) {
        let socket = Socket::alloc(INIT_NET.id, family, ty);
        (socket, State::of(&socket))
    }

    #[test]
    fn every_state_comes_back_from_its_word() {
        for bound in [Bound::No, Bound::Yes, Bound::Unknown, Bound::Auto, Bound::Gone] {
            for socket in SocketState::ALL {
                for sk in TcpState::ALL {
                    let state = State { socket, sk, bound, shutdown: 3 };
                    assert_eq!(State::unpack(state.pack()), state);
                }
            }
        }
    }

    #[test]
    fn a_nonblocking_connect_that_is_refused() {
        let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
        let connecting = commit(fresh, &tcp, Change::Connect, Some(libc::EINPROGRESS));
        assert_eq!((connecting.socket, connecting.sk), (SocketState::Connecting, TcpState::SynSent));
        let refused = commit(connecting, &tcp, Change::Connect, Some(libc::ECONNREFUSED));
        assert_eq!((refused.socket, refused.sk), (SocketState::Unconnected, TcpState::Close));
        let shut = commit(connecting, &tcp, Change::Shutdown(libc::SHUT_WR), Some(libc::ENOTCONN));
        assert_eq!(shut.socket, SocketState::Disconnecting);
    }

    #[test]
    fn datagram_sockets_connect_in_sk_state_only_and_bind_even_in_vain() {
        let (udp, fresh) = socket(libc::AF_INET, libc::SOCK_DGRAM);
        let connected = commit(fresh, &udp, Change::Connect, None);
        assert_eq!((connected.socket, connected.sk), (SocketState::Unconnected, TcpState::Established));
        let refused = commit(fresh, &udp, Change::Connect, Some(libc::EAFNOSUPPORT));
        assert_eq!((refused.sk, refused.bound), (TcpState::Close, Bound::Auto));
        assert_eq!(commit(refused, &udp, Change::Disconnect, None).bound, Bound::Gone);
    }

    #[test]
    fn after_a_fast_open_only_tcp_may_be_connected() {
        let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
        for errno in [None, Some(libc::EINPROGRESS), Some(libc::EOPNOTSUPP)] {
            let opened = commit(fresh, &tcp, Change::FastOpen, errno);
            assert_eq!((opened.socket, opened.bound), (SocketState::Unknown, Bound::Unknown));
        }
        let (udp, fresh) = socket(libc::AF_INET, libc::SOCK_DGRAM);
        assert_eq!(commit(fresh, &udp, Change::FastOpen, None).socket, fresh.socket);
    }

    #[test]
    fn shutdown_ends_listening_except_in_af_unix() {
        for (family, after) in [(libc::AF_INET, TcpState::Close), (libc::AF_UNIX, TcpState::Listen)] {
            let (stream, fresh) = socket(family, libc::SOCK_STREAM);
            let listening = commit(fresh, &stream, Change::Listen, None);
            assert_eq!(
                commit(listening, &stream, Change::Shutdown(libc::SHUT_WR), None).sk,
                TcpState::Listen
            );
            assert_eq!(commit(listening, &stream, Change::Shutdown(libc::SHUT_RD), None).sk, after);
        }
    }

    #[test]
    fn a_port_that_was_asked_for_survives_and_another_does_not() {
        let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
        for (bind, kept) in [(Change::Bind, Bound::Yes), (Change::BindAny, Bound::Gone)] {
            let bound = commit(fresh, &tcp, bind, None);
            let listening = commit(bound, &tcp, Change::Listen, None);
            assert_eq!(commit(listening, &tcp, Change::Shutdown(libc::SHUT_RDWR), None).bound, kept);
        }
    }

    #[test]
    fn failures_change_nothing() {
        let (tcp, fresh) = socket(libc::AF_INET, libc::SOCK_STREAM);
        for change in [Change::Bind, Change::Listen, Change::Disconnect, Change::Shutdown(2)] {
            assert_eq!(commit(fresh, &tcp, change, Some(libc::EINVAL)), fresh);
        }
    }

    #[test]
    fn an_accepted_socket_is_connected_under_the_listeners_address() {
        let (mut listener, _) = socket(libc::AF_INET, libc::SOCK_STREAM);
        listener.sk.state = TcpState::Listen;
        listener.sk.bound = Bound::Yes;
        let new = accepted(&listener);
        assert_eq!((new.state, new.sk.bound), (SocketState::Connected, Bound::Auto));
    }
}
