//! What both ends tell, in every order.

use super::frame::{Flag, Frame, Frames, What};
use super::traffic::Traffic;
use sockshim_core::tap::packet::{Head, Kind};
use sockshim_core::tap::reader::Packet;
use std::net::SocketAddr;

/// The packets as they came: who sends, what flag, from which byte on, and what.
#[derive(Default)]
struct Seen {
    segments: Vec<(u16, Flag, u32, Vec<u8>)>,
    datagrams: Vec<Vec<u8>>,
    names: Vec<String>,
}

impl Frames for Seen {
    fn frame(&mut self, frame: Frame) {
        match frame.what {
            What::Udp => self.datagrams.push(frame.payload.to_vec()),
            What::Tcp { seq, flag, .. } => {
                self.segments.push((frame.from.port(), flag, seq, frame.payload.to_vec()));
            }
        }
    }

    fn name(&mut self, _: SocketAddr, name: &str) {
        self.names.push(name.into());
    }
}

impl Seen {
    /// The bytes that come from a port, put together by their numbers; each number is there once.
    fn stream(&self, port: u16) -> Vec<u8> {
        let of_port = || self.segments.iter().filter(|(from, ..)| *from == port);
        let first = of_port().find(|(_, flag, ..)| *flag == Flag::Syn).map_or(0, |(_, _, seq, _)| *seq);
        let mut bytes = Vec::new();
        for (_, _, seq, payload) in of_port().filter(|(.., payload)| !payload.is_empty()) {
            assert_eq!(seq.wrapping_sub(first).wrapping_sub(1) as usize, bytes.len());
            bytes.extend_from_slice(payload);
        }
        bytes
    }

    fn flags(&self) -> Vec<(u16, Flag)> {
        let flags = self.segments.iter().filter(|(_, flag, ..)| *flag != Flag::None);
        flags.map(|(from, flag, ..)| (*from, *flag)).collect()
    }
}

const CLIENT: u16 = 40_000;
const SERVER: u16 = 80;

fn address(port: u16) -> Vec<u8> {
    let mut address = vec![0; 16];
    address[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
    address[2..4].copy_from_slice(&port.to_be_bytes());
    address[4..8].copy_from_slice(&[127, 0, 0, 1]);
    address
}

/// A packet of the client's or the server's socket.
fn packet(kind: Kind, of_client: bool, data: &[u8]) -> Packet {
    let (local, peer) = if of_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let head = Head {
        kind,
        time: 0,
        cookie: if of_client { 1 } else { 2 },
        pid: 10,
        name: *b"test\0\0\0\0\0\0\0\0\0\0\0\0",
        fd: 3,
        family: libc::AF_INET as u8,
        ty: libc::SOCK_STREAM as u8,
        protocol: libc::IPPROTO_TCP as u16,
        moved: data.len() as u64,
        number: 0,
        shares: 0,
        local: 16,
        peer: 16,
        data: data.len() as u32,
    };
    Packet { head, local: address(local), peer: address(peer), data: data.to_vec() }
}

fn seen(packets: &[Packet]) -> Seen {
    let (mut traffic, mut seen) = (Traffic::default(), Seen::default());
    packets.iter().for_each(|packet| traffic.add(packet, &mut seen));
    seen
}

/// Numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

#[test]
fn in_whatever_order_both_ends_tell_each_byte_is_there_once() {
    let mut random = Random(1);
    for _ in 0..2000 {
        let bytes: Vec<u8> = (0..200).map(|_| random.below(256) as u8).collect();
        let mut ends = [Vec::new(), Vec::new()];
        for (end, (kind, of_client)) in ends.iter_mut().zip([(Kind::Sent, true), (Kind::Received, false)]) {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, others) = rest.split_at((1 + random.below(60)).min(rest.len()));
                end.push(packet(kind, of_client, piece));
                rest = others;
            }
        }
        let mut all = vec![packet(Kind::Connected, true, b"")];
        let [sent, received] = ends.map(|end| end.into_iter().peekable());
        let mut sources = [sent, received];
        while sources.iter_mut().any(|source| source.peek().is_some()) {
            all.extend(sources[random.below(2)].next());
        }
        let seen = seen(&all);
        assert_eq!(seen.stream(CLIENT), bytes);
        assert_eq!(seen.flags(), [(CLIENT, Flag::Syn), (SERVER, Flag::Syn)]);
    }
}

#[test]
fn what_the_sender_is_silent_about_the_receiver_tells() {
    let mut long = packet(Kind::Sent, true, b"first ");
    long.head.moved = 12;
    let packets = [
        packet(Kind::Connected, true, b""),
        long,
        packet(Kind::Accepted, false, b""),
        packet(Kind::Sent, true, b"third"),
        packet(Kind::Received, false, b"first second third"[..12].as_ref()),
        packet(Kind::Received, false, b"third"),
    ];
    let seen = seen(&packets);
    assert_eq!(String::from_utf8_lossy(&seen.stream(CLIENT)), "first secondthird");
}

#[test]
fn a_child_that_has_the_socket_too_keeps_the_connection() {
    let closed = |pid, shares, refs| {
        let mut packet = packet(Kind::Closed, false, b"");
        (packet.head.pid, packet.head.shares, packet.head.number) = (pid, shares, refs);
        packet
    };
    let ends = |packets: &[Packet]| {
        let all = [&[packet(Kind::Accepted, false, b"")], packets].concat();
        seen(&all).flags().contains(&(SERVER, Flag::Fin))
    };
    assert!(ends(&[closed(10, 0, 1)]));
    assert!(!ends(&[closed(10, 0, 2)]), "another descriptor");
    assert!(!ends(&[closed(10, 1, 1)]), "a child may have it");
    assert!(!ends(&[closed(11, 0, 1)]), "the parent has it");
    assert!(!ends(&[closed(10, 1, 1), closed(11, 0, 1)]), "and a grandchild too");
}

#[test]
fn the_end_of_a_direction_is_told_by_either_end() {
    let shut = |of_client, how| {
        let mut packet = packet(Kind::ShutDown, of_client, b"");
        packet.head.number = how;
        packet
    };
    let fins = |packets: &[Packet]| {
        let all =
            [&[packet(Kind::Connected, true, b""), packet(Kind::Accepted, false, b"")], packets].concat();
        let fins = seen(&all).flags().into_iter().filter(|(_, flag)| *flag == Flag::Fin);
        fins.map(|(from, _)| from).collect::<Vec<_>>()
    };
    assert_eq!(fins(&[shut(true, libc::SHUT_WR), packet(Kind::Received, false, b"")]), [CLIENT]);
    assert_eq!(fins(&[packet(Kind::Received, false, b""), shut(true, libc::SHUT_WR)]), [CLIENT]);
    // Who wants to receive no more receives nothing.
    assert!(fins(&[shut(false, libc::SHUT_RD), packet(Kind::Received, false, b"")]).is_empty());
    assert_eq!(fins(&[shut(false, libc::SHUT_RDWR), packet(Kind::Received, false, b"")]), [SERVER]);
}

#[test]
fn connecting_in_two_steps_is_one_connection() {
    let mut begun = packet(Kind::Connected, true, b"");
    begun.head.number = libc::EINPROGRESS;
    let accepted = packet(Kind::Accepted, false, b"");
    let connected = packet(Kind::Connected, true, b"");
    for packets in
        [[&begun, &accepted, &connected], [&accepted, &begun, &connected], [&begun, &connected, &accepted]]
    {
        assert_eq!(seen(&packets.map(Clone::clone)).flags(), [(CLIENT, Flag::Syn), (SERVER, Flag::Syn)]);
    }
    // After that it is another one.
    let again = [&begun, &connected, &accepted, &begun].map(Clone::clone);
    assert_eq!(seen(&again).flags().len(), 3);
}

#[test]
fn a_port_that_is_used_again_is_another_connection() {
    let again = |mut packet: Packet, cookie| {
        packet.head.cookie = cookie;
        packet
    };
    let seen = seen(&[
        packet(Kind::Connected, true, b""),
        packet(Kind::Accepted, false, b""),
        packet(Kind::Sent, true, b"one"),
        again(packet(Kind::Connected, true, b""), 3),
        again(packet(Kind::Accepted, false, b""), 4),
        again(packet(Kind::Received, false, b"two"), 4),
        packet(Kind::Received, false, b"one"),
        again(packet(Kind::Sent, true, b"two"), 3),
    ]);
    let payloads: Vec<_> =
        seen.segments.iter().filter(|(.., bytes)| !bytes.is_empty()).map(|(.., bytes)| &bytes[..]).collect();
    assert_eq!(payloads, [b"one", b"two"]);
    assert_eq!(seen.flags().iter().filter(|(_, flag)| *flag == Flag::Syn).count(), 4);
}

#[test]
fn datagrams_are_there_once_and_as_often_as_they_were_sent() {
    let datagram = |kind, of_client, data: &[u8]| {
        let mut packet = packet(kind, of_client, data);
        (packet.head.ty, packet.head.protocol) = (libc::SOCK_DGRAM as u8, libc::IPPROTO_UDP as u16);
        packet
    };
    let (sent, received) =
        (|data| datagram(Kind::Sent, true, data), |data| datagram(Kind::Received, false, data));
    let count = |packets: &[Packet]| seen(packets).datagrams.len();
    assert_eq!(count(&[sent(b"a"), received(b"a")]), 1);
    assert_eq!(count(&[received(b"a"), sent(b"a")]), 1);
    assert_eq!(count(&[sent(b"a"), sent(b"a"), received(b"a"), received(b"a")]), 2);
    assert_eq!(count(&[sent(b"a"), received(b"b")]), 2);
    assert_eq!(count(&[received(b""), received(b"")]), 2, "also empty ones");
    assert_eq!(count(&[sent(b"long"), received(b"lo")]), 1, "cut short");
    assert_eq!(count(&[sent(b"lo"), received(b"long")]), 2);
    // The same bytes back are another datagram.
    assert_eq!(count(&[sent(b"beat"), datagram(Kind::Received, true, b"beat")]), 2);
}
