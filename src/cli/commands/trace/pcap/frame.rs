//! One packet of the file, before its headers are made.

use sockshim_core::tap::packet::{Head, Kind};
use std::net::SocketAddr;

/// What a packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A segment of TCP.
    Tcp {
        /// Its sequence number, and the other side's that it acknowledges.
        seq: u32,
        /// See `seq`; none in the first segment of a connection.
        ack: Option<u32>,
        /// SYN, FIN and RST.
        flag: Flag,
    },
    /// A datagram.
    Udp,
}

/// The flag of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flag {
    /// None of these.
    None,
    /// The first segment of a side.
    Syn,
    /// The last one.
    Fin,
    /// The connection is refused.
    Rst,
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// CLOCK_REALTIME, in nanoseconds.
    pub time: u64,
    /// Whether its addresses stand for sockets of AF_UNIX.
    pub is_unix: bool,
    /// Who sends it. Both addresses are of one family.
    pub from: SocketAddr,
    /// Who gets it.
    pub to: SocketAddr,
    /// What it is.
    pub what: What,
    /// Its bytes.
    pub payload: &'a [u8],
    /// What else there is to say.
    pub comment: &'a str,
    /// Whether a process that is captured has sent it; it may be the receiver's that is.
    pub is_sent: bool,
}

/// Where packets go.
pub trait Frames {
    /// Takes a packet.
    fn frame(&mut self, frame: Frame);
    /// An address stands for this name from now on.
    fn name(&mut self, address: SocketAddr, name: &str);
}

/// The program, its process and the descriptor, which stand with each packet; and how much of the call's bytes is not there.
pub fn comment(head: &Head) -> String {
    let name = head.name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let missing = head.moved.saturating_sub(head.data.into());
    let missing = match head.kind {
        Kind::Sent | Kind::Received if missing > 0 => format!(", without {missing} of {} bytes", head.moved),
        _ => String::new(),
    };
    format!("{name}[{}] fd {}{missing}", head.pid, head.fd)
}
