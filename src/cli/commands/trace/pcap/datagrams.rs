//! Datagrams: each is a packet. One that was sent and received by captured processes stands there once, where the first of them
//! has told of it.

use super::frame::{Frame, Frames, What, comment};
use sockshim_core::tap::packet::Kind;
use sockshim_core::tap::reader::Packet;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

/// How many different datagrams are kept in mind.
const MOST: usize = 1024;
/// The most bytes of a packet's datagram: 65,535 without the headers of IPv4 and UDP.
const LONGEST: usize = 65_507;

/// How much of a datagram is kept, to know it again where it was cut short.
const PREFIX: usize = 32;

/// The datagrams whose other end may still come.
#[derive(Default)]
pub struct Datagrams {
    known: VecDeque<Known>,
}

/// A datagram.
struct Known {
    is_unix: bool,
    /// Where from, if that is known, and where to.
    from: Option<SocketAddr>,
    to: SocketAddr,
    len: u64,
    hash: u64,
    prefix: Vec<u8>,
    /// How often it was sent, less how often it was received.
    balance: i64,
}

impl Datagrams {
    /// Takes a packet of a socket with these addresses.
    pub fn add(
        &mut self,
        packet: &Packet,
        own: SocketAddr,
        peer: SocketAddr,
        is_unix: bool,
        out: &mut dyn Frames,
    ) {
        let head = &packet.head;
        let is_sent = match head.kind {
            Kind::Sent => true,
            // From a socket of AF_UNIX that keeps messages apart, nothing means the end.
            Kind::Received if head.moved > 0 || i32::from(head.ty) == libc::SOCK_DGRAM => false,
            _ => return,
        };
        let (from, to) = if is_sent { (own, peer) } else { (peer, own) };
        // Who has received it may not know from where.
        let known_from = (is_sent || !packet.peer.is_empty()).then_some(from);
        if !self.is_new(Known::of(packet, is_unix, known_from, to), is_sent) {
            return;
        }
        let payload = &packet.data[..packet.data.len().min(LONGEST)];
        let mut comment = comment(head);
        if payload.len() < packet.data.len() {
            comment += &format!(", cut from {} bytes, which no packet has room for", packet.data.len());
        }
        out.frame(Frame {
            time: head.time,
            is_unix,
            from,
            to,
            what: What::Udp,
            payload,
            comment: &comment,
            is_sent,
        });
    }

    /// Whether nobody has told of it yet.
    fn is_new(&mut self, datagram: Known, is_sent: bool) -> bool {
        let to_many = datagram.to.ip().is_multicast();
        let Some(known) = self.known.iter_mut().rev().find(|known| known.is(&datagram, is_sent)) else {
            if self.known.len() == MOST {
                self.known.pop_front();
            }
            self.known.push_back(Known { balance: if is_sent { 1 } else { -1 }, ..datagram });
            return true;
        };
        let before = known.balance;
        match is_sent {
            true => known.balance += 1,
            // Any number of sockets receives it.
            false if to_many && before > 0 => {}
            false => known.balance -= 1,
        }
        if is_sent { before >= 0 } else { before <= 0 }
    }
}

impl Known {
    fn of(packet: &Packet, is_unix: bool, from: Option<SocketAddr>, to: SocketAddr) -> Known {
        let mut hasher = DefaultHasher::new();
        packet.data.hash(&mut hasher);
        let prefix = packet.data[..packet.data.len().min(PREFIX)].to_vec();
        Known { is_unix, from, to, len: packet.head.moved, hash: hasher.finish(), prefix, balance: 0 }
    }

    /// Whether the other one may be the same. What was received may be the beginning of what was sent.
    fn is(&self, other: &Known, is_sent: bool) -> bool {
        let whole = self.len == other.len && self.hash == other.hash;
        let cut =
            !is_sent && self.balance > 0 && other.len < self.len && self.prefix.starts_with(&other.prefix);
        (whole || cut)
            && self.is_unix == other.is_unix
            && self.from.zip(other.from).is_none_or(|(one, other)| may_be(one, other))
            && may_be(self.to, other.to)
    }
}

/// Whether two addresses may be the same.
fn may_be(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && (any || one.ip() == other.ip())
}
