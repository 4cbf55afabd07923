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

/// What of a socket never changes and decides how calls change the rest.
#[derive(Clone, Copy)]
pub struct Sort {
    /// `sk->sk_family`.
    pub family: c_int,
    /// `sock->type`.
    pub ty: c_int,
    /// `sk->sk_protocol`.
    pub protocol: u16,
}

impl From<&Socket> for Sort {
    fn from(socket: &Socket) -> Sort {
        Sort { family: socket.sk.family, ty: socket.ty, protocol: socket.sk.protocol }
    }
}

fn kind(sort: Sort) -> SocketKind {
    match (sort.family, sort.ty) {
        (libc::AF_INET | libc::AF_INET6, libc::SOCK_STREAM) => SocketKind::Stream,
        (libc::AF_INET | libc::AF_INET6, libc::SOCK_DGRAM | libc::SOCK_RAW) => SocketKind::Datagram,
        (libc::AF_UNIX, _) => SocketKind::Unix,
        (libc::AF_VSOCK, _) => SocketKind::Vsock,
        (libc::AF_NETLINK, _) => SocketKind::Netlink,
        _ => SocketKind::Other,
    }
}

/// Whether the type has connections, which `sock->state` follows. Datagram sockets change only `sk_state`.
fn has_connections(sort: Sort) -> bool {
    sort.ty == libc::SOCK_STREAM || sort.ty == libc::SOCK_SEQPACKET
}

/// The state after `change`, for this sort of socket and answer (`None` is success).
pub fn commit(old: State, sort: Sort, change: Change, errno: Option<c_int>) -> State {
    match (change, errno) {
        (Change::Bind, None) => bound(old, false),
        (Change::BindAny, None) => bound(old, true),
        (Change::Autobind, errno) => autobound(old, errno),
        (Change::Listen, None) => listening(old, sort),
        (Change::Disconnect, None) => disconnect(old, sort),
        (Change::Shutdown(how), errno) => shutdown(old, sort, how, errno),
        (Change::Connect, None) => connected(old, sort),
        (Change::Connect, Some(errno)) => refused(old, sort, errno),
        // Whatever the answer, the handshake may have begun.
        (Change::FastOpen, _) if kind(sort) == SocketKind::Stream => {
            State { socket: SocketState::Unknown, ..unsettled(old) }
        }
        (Change::Unsettle, None) => unsettled(old),
        _ => old,
    }
}

/// What is certain of a new socket when its data calls are not seen: the first send binds a datagram socket.
pub fn unobserved(socket: &Socket) -> Socket {
    let mut socket = *socket;
    socket.sk.bound = born(State::of(&socket), (&socket).into()).bound;
    socket
}

/// The same for its states.
#[inline]
pub fn born(state: State, sort: Sort) -> State {
    match (kind(sort), state.bound) {
        (SocketKind::Datagram | SocketKind::Netlink, Bound::No) => State { bound: Bound::Unknown, ..state },
        _ => state,
    }
}

/// The states of a socket that a listener of this sort has accepted.
#[inline]
pub fn of_accepted(listener: Sort) -> State {
    let bound = if kind(listener) == SocketKind::Stream { Bound::Auto } else { Bound::Yes };
    State { socket: SocketState::Connected, sk: TcpState::Established, bound, shutdown: 0 }
}

/// The socket that accept returns: the listener's type and ops, connected, with the listener's address. The port is
/// released with the connection, even if the program chose the listener's.
pub fn accepted(listener: &Socket) -> Socket {
    let mut socket = *listener;
    let State { socket: state, sk, bound, shutdown } = of_accepted(listener.into());
    (socket.state, socket.sk.state, socket.sk.bound, socket.shutdown) = (state, sk, bound, shutdown);
    if i32::from(socket.sk.protocol) == libc::IPPROTO_MPTCP {
        // When the client does not speak MPTCP, the new socket is a TCP socket; so the new socket is asked.
        socket.ops = None;
    }
    socket
}

/// The state of an unconnected socket while connect() waits.
#[inline]
pub fn connecting(old: State, sort: Sort) -> State {
    match (old.socket, old.sk) {
        (SocketState::Unconnected, TcpState::Close) if has_connections(sort) => waiting(old),
        _ => old,
    }
}

/// The state of a socket whose connect has been left with EINPROGRESS.
#[inline]
pub fn waiting(old: State) -> State {
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

/// The state after a connect to AF_UNSPEC.
pub fn disconnect(old: State, sort: Sort) -> State {
    let never_left = (old.socket, old.sk) == (SocketState::Unconnected, TcpState::Close);
    let bound = match (kind(sort), old.bound) {
        // A TCP socket that stays closed keeps its port; MPTCP's subflow may have been replaced.
        (SocketKind::Stream, Bound::Auto) if never_left => Bound::Auto,
        (SocketKind::Stream, Bound::Auto) if i32::from(sort.protocol) == libc::IPPROTO_MPTCP => {
            Bound::Unknown
        }
        (SocketKind::Stream | SocketKind::Datagram, Bound::Auto) => Bound::Gone,
        (SocketKind::Stream, Bound::No) if !never_left => Bound::Gone,
        (_, bound) => bound,
    };
    let shutdown = if kind(sort) == SocketKind::Stream { 0 } else { old.shutdown };
    State { socket: SocketState::Unconnected, sk: TcpState::Close, bound, shutdown }
}

/// The state after bind, to `any` port or to one that the program has named.
#[inline]
pub fn bound(old: State, any: bool) -> State {
    let bound = match any {
        false => Bound::Yes,
        // IP_BIND_ADDRESS_NO_PORT may have postponed the port, or the socket may have got one after a connection had
        // ended.
        true if old.bound == Bound::Unknown || old.socket != SocketState::Unconnected => Bound::Unknown,
        true => Bound::Auto,
    };
    State { bound, ..old }
}

/// The state after listen.
#[inline]
pub fn listening(old: State, sort: Sort) -> State {
    let bound = match (kind(sort), old.bound) {
        (SocketKind::Stream, Bound::No | Bound::Gone) => Bound::Auto,
        (SocketKind::Stream, bound) => bound,
        _ => Bound::Yes,
    };
    State { socket: SocketState::Unconnected, sk: TcpState::Listen, bound, ..old }
}

/// The state after shutdown.
#[inline]
pub fn shutdown(old: State, sort: Sort, how: c_int, errno: Option<c_int>) -> State {
    // SHUT_RD, SHUT_WR and SHUT_RDWR as the bits of sk_shutdown.
    let shutdown = old.shutdown | (how + 1) as u8 & 3;
    match (kind(sort), old.socket, errno) {
        (SocketKind::Stream, _, None) if old.sk == TcpState::Listen => match how {
            // The socket no longer listens, and loses a port that the kernel chose.
            libc::SHUT_RD | libc::SHUT_RDWR => disconnect(old, sort),
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

/// The state after connect.
#[inline]
pub fn connected(old: State, sort: Sort) -> State {
    let bound = match (kind(sort), old.bound) {
        (SocketKind::Unix, bound) => bound,
        (SocketKind::Netlink, Bound::No) => Bound::Yes,
        (_, Bound::No | Bound::Gone) => Bound::Auto,
        (_, bound) => bound,
    };
    match has_connections(sort) {
        true => State { socket: SocketState::Connected, sk: TcpState::Established, bound, ..old },
        false => State { sk: TcpState::Established, bound, ..old },
    }
}

fn refused(old: State, sort: Sort, errno: c_int) -> State {
    let kind = kind(sort);
    match (kind, old.socket, errno) {
        // The port is chosen before the address is checked.
        (SocketKind::Datagram, ..) => autobound(old, Some(errno)),
        // A signal ends the wait, not the handshake.
        (SocketKind::Stream, SocketState::Connected, _) => old,
        (SocketKind::Stream, _, libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => waiting(old),
        (SocketKind::Stream, SocketState::Connecting, libc::EISCONN) => connected(old, sort),
        (SocketKind::Stream, SocketState::Unknown, libc::EISCONN) if old.sk == TcpState::Established => {
            connected(old, sort)
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
mod tests;
