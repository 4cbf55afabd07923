//! CAN_J1939 (`net/can/j1939/`): messages of any length between addresses and NAMEs, in one frame, with the transport protocol
//! (TP, up to 1785 bytes) or the extended one (ETP, up to 117,440,505).
//!
//! | here | in the kernel |
//! |---|---|
//! | [`uapi`] | `include/uapi/linux/can/j1939.h` |
//! | [`Sock`], in `socket.rs` | `socket.c`: names, options, the checks of each call, what a socket receives |
//! | `ecu.rs` | `address-claim.c`, `bus.c`: which NAME has which address |
//! | `link.rs` | `main.c`: from a message to a frame |
//! | `session.rs`, `send.rs`, `recv.rs`, `queue.rs`, `run.rs` | `transport.c`: transfers, their timers and their order |
//! | `errqueue.rs` | `j1939_sk_errqueue`: progress and errors |
//! | `others.rs` | the part of the list of sessions that belongs to other sockets |
//!
//! 1. The program's process checks bind, connect, options and the address of a message in its own [`Sock`].
//! 2. Its engine has a [`J1939`], to which it passes the same requests, the frames of the bus, and the time.
//! 3. After each of these calls the engine takes what there is from [`poll`](J1939::poll), and asks
//!    [`next_timer`](J1939::next_timer) when to call [`timer`](J1939::timer).
//! 4. A socket that is closed goes on until nothing is [`pending`](J1939::pending), as close(2) waits for in the kernel.
//!
//! # Sockets of one host
//!
//! The kernel has one list of sessions and one of NAMEs for each interface. Here every socket has its own, and sees what
//! others do on the bus. That is the same as long as no two sockets have the same address. If they have:
//!
//! * Both receive a message in one frame, a broadcast, and a transfer. But two sockets that answer an RTS would confuse its
//!   sender: the second CTS starts the block again, or ends the transfer. So the engine tells each its
//!   [rank](J1939::set_rank) among the sockets with its address. The first answers at once; each of the others waits ten
//!   milliseconds for each before it. Who sees another's answer from its own address listens from then on, and delivers when
//!   the other has acknowledged the whole. So one answers, whoever is alive and wants the message; if it dies, the sender gets
//!   its timeout. Two of the same rank may spoil a transfer, which is then an error and never a wrong message.
//! * A listener that has missed a packet gives up its copy alone.
//! * Two transfers of the same kind between the same addresses: EBUSY for the second, as in the kernel, if it has seen the
//!   first. If both began at the same moment, the receiver refuses both.
//! * A claim that was made before a socket existed can be [told](J1939::learn) to it.
//! * A promiscuous socket gets the transfers between other sockets of the host whole, as in the kernel, if it knows
//!   [their addresses](J1939::set_neighbour); those of others frame by frame.
//!
//! # Own frames
//!
//! The kernel's sessions go by what they see of themselves on the bus. Here a frame is seen as soon as it is given out:
//! otherwise an answer might overtake it. What comes back from the bus is ignored.
//!
//! # Where this is not what the kernel does
//!
//! * A message of no bytes is sent. In the kernel it blocks the socket's queue for ever.
//! * What could make one message of two ends the transfer instead: data after an abort, a packet that comes again with other
//!   data, a broadcast with a gap, a new broadcast before the last has ended, a TP transfer with fewer packets than bytes.
//! * An abort of reason 0 is an error.
//! * Nothing limits a received transfer but the protocol; the kernel refuses what it cannot allocate in one piece.
//! * A sender does not wait for the echo of a single frame, so it never gives up after ten seconds.

mod cb;
mod control;
mod ecu;
mod errqueue;
mod link;
mod machine;
mod others;
mod queue;
mod recv;
mod run;
mod send;
mod session;
mod socket;
pub mod uapi;

pub use ecu::Claim;
pub use errqueue::Report;
pub use machine::J1939;
pub use socket::Sock;
pub use uapi::{Filter, Sockaddr};

use crate::Errno;
use crate::frame::Frame;

/// What comes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// A frame for the bus. The order counts.
    Frame(Frame),
    /// A message for the program.
    Datagram(Datagram),
    /// A message for the error queue.
    Report(Report),
    /// `sk_err`: the next call of the program that sends or receives gives this errno, once, or SO_ERROR does. sendmsg has made
    /// its checks of the address before.
    Error(Errno),
}

/// A message that has been received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datagram {
    /// The data.
    pub data: Vec<u8>,
    /// Who sent it, with its PGN: `msg_name`.
    pub source: Sockaddr,
    /// For whom: [`SCM_J1939_DEST_ADDR`](uapi::SCM_J1939_DEST_ADDR). Not for broadcasts.
    pub dest_addr: Option<u8>,
    /// For which NAME, if that address has one: [`SCM_J1939_DEST_NAME`](uapi::SCM_J1939_DEST_NAME).
    pub dest_name: Option<u64>,
    /// Its priority: [`SCM_J1939_PRIO`](uapi::SCM_J1939_PRIO).
    pub priority: u8,
    /// MSG_DONTROUTE is set, as for every single frame of this host; in the kernel transfers do not have it.
    pub dontroute: bool,
}
