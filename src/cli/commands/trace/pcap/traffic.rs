//! Which packets of the tap belong together, by the kind of their socket.

use super::addresses::{StandIns, both, inet, unix_name};
use super::datagrams::Datagrams;
use super::frame::Frames;
use super::pairs::Pairs;
use super::streams::{Ends, Streams};
use sockshim_core::tap::packet::Kind;
use sockshim_core::tap::reader::Packet;

/// All sockets whose packets were seen.
#[derive(Default)]
pub struct Traffic {
    stand_ins: StandIns,
    pairs: Pairs,
    streams: Streams,
    datagrams: Datagrams,
    other: u64,
}

/// The kinds of sockets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Stream,
    Datagram,
    UnixStream,
    UnixDatagram,
    Other,
}

impl Sort {
    fn of(packet: &Packet) -> Sort {
        let head = &packet.head;
        match (head.family.into(), head.ty.into(), head.protocol.into()) {
            (libc::AF_UNIX, libc::SOCK_STREAM, _) => Sort::UnixStream,
            (libc::AF_UNIX, _, _) => Sort::UnixDatagram,
            (_, libc::SOCK_STREAM, libc::IPPROTO_TCP | libc::IPPROTO_MPTCP) => Sort::Stream,
            (_, libc::SOCK_DGRAM, libc::IPPROTO_UDP | libc::IPPROTO_UDPLITE) => Sort::Datagram,
            _ => Sort::Other,
        }
    }
}

impl Traffic {
    /// How many packets were of sockets that are neither.
    pub fn other(&self) -> u64 {
        self.other
    }

    /// How many pieces of streams nobody has told.
    pub fn gaps(&self) -> u64 {
        self.streams.gaps()
    }

    /// Nothing comes any more.
    pub fn end(&mut self, out: &mut dyn Frames) {
        self.streams.end(out);
    }

    /// Takes the next packet.
    pub fn add(&mut self, packet: &Packet, out: &mut dyn Frames) {
        match Sort::of(packet) {
            Sort::Other => self.other += u64::from(matches!(packet.head.kind, Kind::Sent | Kind::Received)),
            Sort::Stream => {
                let ends = inet(&packet.local).zip(inet(&packet.peer));
                let ends = ends.map(|(own, peer)| both(&packet.head, Some(own), Some(peer)));
                let ends = ends.map(|(own, peer)| Ends { own, peer, other: None, is_unix: false });
                self.streams.add(packet, ends, out);
            }
            Sort::Datagram => {
                let (own, peer) = (inet(&packet.local), inet(&packet.peer));
                let (own, peer) = both(&packet.head, own, peer);
                self.datagrams.add(packet, own, peer, false, out);
            }
            Sort::UnixStream => {
                let ends = self.unix_ends(packet, out);
                self.streams.add(packet, Some(ends), out);
                self.forget(packet);
            }
            Sort::UnixDatagram => {
                let ends = self.unix_ends(packet, out);
                self.datagrams.add(packet, ends.own, ends.peer, true, out);
                self.forget(packet);
            }
        }
    }

    fn unix_ends(&mut self, packet: &Packet, out: &mut dyn Frames) -> Ends {
        let (head, cookie) = (&packet.head, packet.head.cookie);
        let [own, peer] = [&packet.local, &packet.peer].map(|address| unix_name(address));
        match (head.kind, &own, &peer) {
            (Kind::Paired, ..) => self.pairs.join(cookie, head.moved),
            (Kind::Connected, _, Some(name)) if head.number == 0 => {
                self.pairs.connected(name, head.pid, cookie)
            }
            (Kind::Accepted, Some(name), _) => self.pairs.accepted(name, head.number, cookie),
            _ => {}
        }
        let other = self.pairs.other(cookie);
        let mut stand_in = |name: Option<Vec<u8>>, cookie| match name {
            Some(name) => self.stand_ins.of_name(&name, out),
            None => self.stand_ins.unnamed(cookie, out),
        };
        let own = stand_in(own, cookie);
        // Some socket that was never seen.
        let peer = stand_in(peer, other.unwrap_or(!cookie));
        Ends { own, peer, other, is_unix: true }
    }

    fn forget(&mut self, packet: &Packet) {
        if packet.head.kind == Kind::Closed {
            self.pairs.forget(packet.head.cookie);
        }
    }
}
