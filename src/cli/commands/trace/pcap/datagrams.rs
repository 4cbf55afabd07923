//! Datagrams: each is a packet. One that was sent and received by captured processes stands there once, where the first of them
//! has told of it.

use super::frame::{Frame, Frames, What, comment};
use sockshim_core::tap::packet::Kind;
use sockshim_core::tap::reader::Packet;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

/// How many different datagrams are kept in mind.
const MOST: usize = 65_536;
/// The most bytes of a packet's datagram: 65,535 without the headers of IPv4 and UDP.
const LONGEST: usize = 65_507;

/// The datagrams whose other end may still come.
#[derive(Default)]
pub struct Datagrams {
    /// How often each was sent, less how often it was received.
    balance: HashMap<u64, i64>,
    /// In the order in which they came.
    known: VecDeque<u64>,
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
        if !self.is_new(key(packet, is_unix, to), is_sent, to.ip().is_multicast()) {
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

    fn is_new(&mut self, key: u64, is_sent: bool, to_many: bool) -> bool {
        if self.known.len() == MOST
            && !self.balance.contains_key(&key)
            && let Some(oldest) = self.known.pop_front()
        {
            self.balance.remove(&oldest);
        }
        let balance = self.balance.entry(key).or_insert_with(|| {
            self.known.push_back(key);
            0
        });
        let before = *balance;
        match is_sent {
            true => *balance += 1,
            // Any number of sockets receives it.
            false if to_many && before > 0 => {}
            false => *balance -= 1,
        }
        if is_sent { before >= 0 } else { before <= 0 }
    }
}

/// What both ends of a datagram have in common: where it goes to, and its bytes.
fn key(packet: &Packet, is_unix: bool, to: SocketAddr) -> u64 {
    let mut hasher = DefaultHasher::new();
    (is_unix, if is_unix { 0 } else { to.port() }, packet.head.moved, &packet.data).hash(&mut hasher);
    hasher.finish()
}
