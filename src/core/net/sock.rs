//! `struct sock`, `struct proto` and the states of sockets (`include/net/sock.h`), as plain data.

use crate::net::names::Func;
use libc::c_int;

/// `socket_state`: the state that the socket layer itself keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum SocketState {
    /// Not allocated.
    Free = 0,
    /// Not connected. A listening socket stays in this state.
    Unconnected = 1,
    /// connect() is under way.
    Connecting = 2,
    /// Connected.
    Connected = 3,
    /// Being shut down.
    Disconnecting = 4,
    /// Not known: the socket existed before it was tracked, or a call left it in one of several states.
    Unknown = 5,
}

impl SocketState {
    /// All states, at the kernel's numbers; the last is not one of the kernel's.
    pub const ALL: [SocketState; 6] = [
        SocketState::Free,
        SocketState::Unconnected,
        SocketState::Connecting,
        SocketState::Connected,
        SocketState::Disconnecting,
        SocketState::Unknown,
    ];

    /// The state with this number, without a branch. Only numbers of packed states are passed.
    #[inline]
    pub fn of_number(number: u8) -> SocketState {
        const BY_NUMBER: [SocketState; 8] = {
            let mut states = [SocketState::Free; 8];
            let mut index = 0;
            while index < SocketState::ALL.len() {
                states[index] = SocketState::ALL[index];
                index += 1;
            }
            states
        };
        BY_NUMBER[usize::from(number % 8)]
    }

    /// The kernel's spelling.
    pub fn name(self) -> &'static str {
        match self {
            SocketState::Free => "SS_FREE",
            SocketState::Unconnected => "SS_UNCONNECTED",
            SocketState::Connecting => "SS_CONNECTING",
            SocketState::Connected => "SS_CONNECTED",
            SocketState::Disconnecting => "SS_DISCONNECTING",
            SocketState::Unknown => "unknown",
        }
    }
}

/// `sk_state`. All families use the names of TCP's states (`include/net/tcp_states.h`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TcpState {
    /// Connected; also a connected UDP, raw or AF_UNIX datagram socket.
    Established = 1,
    /// Connecting.
    SynSent = 2,
    /// Half open.
    SynRecv = 3,
    /// Closed by us, FIN not yet acknowledged.
    FinWait1 = 4,
    /// Closed by us.
    FinWait2 = 5,
    /// Both closed, waiting.
    TimeWait = 6,
    /// Closed; also a socket that was never connected.
    Close = 7,
    /// Closed by the peer.
    CloseWait = 8,
    /// Both closed, FIN not yet acknowledged.
    LastAck = 9,
    /// Listening.
    Listen = 10,
    /// Both closing at once.
    Closing = 11,
    /// A request socket.
    NewSynRecv = 12,
}

impl TcpState {
    /// All states; the kernel's number is the index plus one.
    pub const ALL: [TcpState; 12] = [
        TcpState::Established,
        TcpState::SynSent,
        TcpState::SynRecv,
        TcpState::FinWait1,
        TcpState::FinWait2,
        TcpState::TimeWait,
        TcpState::Close,
        TcpState::CloseWait,
        TcpState::LastAck,
        TcpState::Listen,
        TcpState::Closing,
        TcpState::NewSynRecv,
    ];

    /// The state with this number, without a branch. Only numbers of packed states are passed.
    #[inline]
    pub fn of_number(number: u8) -> TcpState {
        const BY_NUMBER: [TcpState; 16] = {
            let mut states = [TcpState::Close; 16];
            let mut index = 0;
            while index < TcpState::ALL.len() {
                states[index + 1] = TcpState::ALL[index];
                index += 1;
            }
            states
        };
        BY_NUMBER[usize::from(number % 16)]
    }

    /// The kernel's spelling.
    pub fn name(self) -> &'static str {
        match self {
            TcpState::Established => "TCP_ESTABLISHED",
            TcpState::SynSent => "TCP_SYN_SENT",
            TcpState::SynRecv => "TCP_SYN_RECV",
            TcpState::FinWait1 => "TCP_FIN_WAIT1",
            TcpState::FinWait2 => "TCP_FIN_WAIT2",
            TcpState::TimeWait => "TCP_TIME_WAIT",
            TcpState::Close => "TCP_CLOSE",
            TcpState::CloseWait => "TCP_CLOSE_WAIT",
            TcpState::LastAck => "TCP_LAST_ACK",
            TcpState::Listen => "TCP_LISTEN",
            TcpState::Closing => "TCP_CLOSING",
            TcpState::NewSynRecv => "TCP_NEW_SYN_RECV",
        }
    }
}

/// The protocols whose functions are modelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// `tcp_prot`, `tcpv6_prot`.
    Tcp,
    /// `mptcp_prot`, `mptcp_v6_prot`.
    Mptcp,
    /// UDP and UDP-Lite.
    Udp,
    /// `ping_prot`, `pingv6_prot`.
    Ping,
    /// `raw_prot`, `rawv6_prot`.
    Raw,
    /// A protocol that is not modelled: only the host knows its answers.
    Other,
}

/// `struct proto`: the protocol below the ops, as the names of its functions.
pub struct Proto {
    /// The symbol, such as `tcp_prot`.
    pub symbol: &'static &'static str,
    /// `name`, as `/proc/net/protocols` and `system.sockprotoname` show it.
    pub name: &'static str,
    /// The protocol, if its functions are modelled.
    pub below: Below,
    /// `init`.
    pub init: Option<Func>,
    /// `connect`.
    pub connect: Option<Func>,
    /// `disconnect`.
    pub disconnect: Option<Func>,
    /// `bind`: replaces the family's own checks (raw and ping sockets).
    pub bind: Option<Func>,
    /// `get_port`: reserves the local port.
    pub get_port: Option<Func>,
    /// `accept`.
    pub accept: Option<Func>,
    /// `setsockopt`.
    pub setsockopt: Option<Func>,
    /// `getsockopt`.
    pub getsockopt: Option<Func>,
    /// `sendmsg`.
    pub sendmsg: Option<Func>,
    /// `recvmsg`.
    pub recvmsg: Option<Func>,
    /// `close`.
    pub close: Option<Func>,
}

/// A protocol without functions of its own: in most families outside inet, the ops do everything.
pub const NO_PROTO: Proto = Proto {
    symbol: &"",
    name: "",
    below: Below::Other,
    init: None,
    connect: None,
    disconnect: None,
    bind: None,
    get_port: None,
    accept: None,
    setsockopt: None,
    getsockopt: None,
    sendmsg: None,
    recvmsg: None,
    close: None,
};

/// Whether a socket has a local address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Bound {
    /// It has none.
    No = 0,
    /// It has one that the program asked for.
    Yes = 1,
    /// Not known: the socket existed before it was tracked.
    Unknown = 2,
    /// It has a port that the kernel chose. It is released when the connection ends.
    Auto = 3,
    /// It had a port that the kernel chose, and has none now.
    Gone = 4,
}

impl Bound {
    /// The value with this number, without a branch. Only numbers of packed states are passed.
    #[inline]
    pub fn of_number(number: u8) -> Bound {
        use Bound::{Auto, Gone, No, Unknown, Yes};
        const BY_NUMBER: [Bound; 8] = [No, Yes, Unknown, Auto, Gone, Unknown, Unknown, Unknown];
        BY_NUMBER[usize::from(number % 8)]
    }

    /// Whether a tracked call has bound the socket.
    pub fn is_bound(self) -> bool {
        matches!(self, Bound::Yes | Bound::Auto)
    }
}

/// `struct sock`.
#[derive(Clone, Copy)]
pub struct Sock {
    /// `sk_family`.
    pub family: c_int,
    /// `sk_protocol`, as SO_PROTOCOL reports it.
    pub protocol: u16,
    /// `sk_state`.
    pub state: TcpState,
    /// `sk_prot`; `None` until a create function has set it.
    pub prot: Option<&'static Proto>,
    /// Whether it has a local address.
    pub bound: Bound,
}

impl Sock {
    /// `sk_alloc`: closed, unbound, without a protocol.
    pub const fn alloc(family: c_int) -> Sock {
        Sock { family, protocol: 0, state: TcpState::Close, prot: None, bound: Bound::No }
    }
}
