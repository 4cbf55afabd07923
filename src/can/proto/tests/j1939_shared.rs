//! Sockets of one host with the same address, and promiscuous ones, CAN_J1939.

mod j1939_bus;

use j1939_bus::*;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, Frame};
use sockshim_can_proto::j1939::J1939;

const PGN: u32 = 0x1_2300;

fn ranked(addr: u8, rank: u32) -> J1939 {
    let mut socket = socket(addr);
    socket.set_rank(rank);
    socket
}

/// Who sent how many control frames.
fn controls(bus: &Bus, i: usize) -> usize {
    bus.frames
        .iter()
        .filter(|(from, frame)| *from == i && matches!(frame.id >> 16 & 0xff, 0xec | 0xc8))
        .count()
}

#[test]
fn of_two_sockets_with_an_address_one_answers_and_both_receive() {
    for len in [9, 1785, 5000] {
        let mut bus = Bus::new(vec![socket(0x20), ranked(0x30, 0), ranked(0x30, 1), ranked(0x30, 2)]);
        bus.send(0, &at(0x30, PGN), &message(1, len)).unwrap();
        bus.settle(5000);
        for got in &bus.got[1..] {
            assert_eq!(got.datagrams[0].data, message(1, len));
        }
        assert!(controls(&bus, 1) > 1 && controls(&bus, 2) == 0 && controls(&bus, 3) == 0);
        assert!(bus.got[0].errors.is_empty());
    }
}

#[test]
fn the_next_one_answers_if_the_first_does_not_want_it() {
    let mut first = J1939::new();
    first.bind(&at(0x30, 0x1200).bytes(), Ok(())).unwrap();
    let mut bus = Bus::new(vec![socket(0x20), first, ranked(0x30, 1), ranked(0x30, 2)]);
    bus.send(0, &at(0x30, PGN), &message(1, 100)).unwrap();
    bus.settle(5000);
    let counts: Vec<_> = bus.got.iter().map(|got| got.datagrams.len()).collect();
    assert_eq!((counts, controls(&bus, 2), controls(&bus, 3)), (vec![0, 0, 1, 1], 2, 0));
}

#[test]
fn a_listener_that_missed_something_harms_nobody() {
    let mut bus = Bus::new(vec![socket(0x20), ranked(0x30, 0), ranked(0x30, 1)]);
    for lost in 0..9 {
        let mut left = lost;
        bus.fate = Some(Box::new(move |_, to, _| {
            let lose = to == 2 && left == 0;
            left -= i32::from(to == 2);
            if lose { vec![] } else { vec![0] }
        }));
        bus.send(0, &at(0x30, PGN), &message(1, 40)).unwrap();
        bus.settle(3000);
        assert_eq!(bus.got[1].datagrams.pop().unwrap().data, message(1, 40));
        // Only the first answer is no loss: the data themselves say that somebody has answered.
        let whole = bus.got[2].datagrams.pop().is_none_or(|datagram| datagram.data == message(1, 40));
        assert!(whole && bus.got[0].errors.is_empty(), "{lost}");
    }
}

#[test]
fn two_of_the_same_rank_never_make_a_wrong_message() {
    for len in [9, 100, 1785, 5000] {
        let mut bus = Bus::new(vec![socket(0x20), socket(0x30), socket(0x30)]);
        bus.send(0, &at(0x30, PGN), &message(1, len)).unwrap();
        bus.settle(5000);
        let all = bus.got[1].datagrams.iter().chain(&bus.got[2].datagrams);
        assert!(all.into_iter().all(|datagram| datagram.data == message(1, len)));
        assert_eq!(bus.sockets[0].pending(), 0);
    }
}

#[test]
fn a_second_transfer_between_two_addresses_is_busy() {
    let mut bus = Bus::new(vec![broadcaster(0x20), broadcaster(0x20), socket(0x30), broadcaster(0x40)]);
    bus.send(0, &at(0xff, 0xfe00), &message(1, 20)).unwrap();
    bus.pass(10);
    assert_eq!(bus.send(1, &at(0xff, 0xfe00), &[1; 20]), Err(libc::EBUSY));
    assert_eq!(bus.send(1, &at(0xff, 0xfe00), &[1; 8]), Ok(8), "a single frame is not");
    assert_eq!(bus.send(1, &at(0x30, PGN), &[1; 20]), Ok(20), "nor is another destination");
    bus.pass(200);
    assert_eq!(bus.send(1, &at(0xff, 0xfe00), &message(2, 20)), Ok(20));
    bus.settle(3000);
    let data: Vec<_> = bus.got[3].datagrams.iter().map(|datagram| datagram.data.clone()).collect();
    assert_eq!(data, [vec![1; 8], message(1, 20), message(2, 20)]);
    bus.send(0, &at(0x44, PGN), &[1; 20]).unwrap();
    bus.pass(1);
    assert_eq!(bus.send(1, &at(0x44, PGN), &[1; 20]), Err(libc::EBUSY));
    bus.settle(3000);
    assert_eq!(bus.send(1, &at(0x44, PGN), &[1; 20]), Ok(20), "the abort ended it");
}

#[test]
fn promiscuous_sockets_get_frames_or_transfers() {
    let mut knows = promiscuous(socket(0x50));
    knows.set_neighbour(0x20, true);
    knows.set_neighbour(0x30, true);
    let mut bus = Bus::new(vec![socket(0x20), socket(0x30), promiscuous(socket(0x40)), knows]);
    bus.send(0, &at(0x30, PGN), &message(1, 2000)).unwrap();
    bus.settle(3000);
    let pgns: Vec<_> = bus.got[2].datagrams.iter().take(3).map(|datagram| datagram.source.pgn).collect();
    assert_eq!(pgns, [0xc800, 0xc800, 0xc800]);
    let [datagram] = &bus.got[3].datagrams[..] else { panic!("one message") };
    assert_eq!((&datagram.data, datagram.dest_addr), (&message(1, 2000), Some(0x30)));
    assert_eq!((controls(&bus, 2), controls(&bus, 3)), (0, 0));
}

#[test]
fn who_has_left_the_answers_to_another_stays_silent() {
    let mut bus = Bus::new(vec![socket(0x20), ranked(0x30, 0), ranked(0x30, 1)]);
    let mut first = true;
    bus.fate = Some(Box::new(move |_, to, _| {
        let deaf = to == 1 && !std::mem::take(&mut first);
        if deaf { vec![] } else { vec![0] }
    }));
    bus.send(0, &at(0x30, PGN), &message(1, 5000)).unwrap();
    bus.settle(5000);
    assert_eq!((&bus.got[0].errors[..], controls(&bus, 2)), (&[libc::EHOSTUNREACH][..], 0));
}

#[test]
fn only_the_first_answer_of_the_second_is_late() {
    let mut bus = Bus::new(vec![socket(0x20), ranked(0x30, 1)]);
    bus.send(0, &at(0x30, PGN), &message(1, 5000)).unwrap();
    bus.pass(9);
    assert_eq!(bus.frames.len(), 1);
    bus.pass(1);
    assert_eq!(bus.got[1].datagrams[0].data, message(1, 5000));
}

/// A frame from 0x20 to everybody.
fn from_another(pgn: u32, data: [u8; 8]) -> Frame {
    Frame::classic(CAN_EFF_FLAG | 6 << 26 | (pgn | 0xff) << 8 | 0x20, &data)
}

#[test]
fn what_another_sends_is_not_an_echo() {
    let mut bus = Bus::new(vec![broadcaster(0x20)]);
    bus.send(0, &at(0xff, 0xfe00), &message(1, 20)).unwrap();
    bus.inject(&from_another(0xec00, [0x20, 20, 0, 3, 0xff, 0x01, 0xfe, 0]));
    for number in 1..=3 {
        bus.inject(&from_another(0xeb00, [number; 8]));
    }
    bus.settle(1000);
    assert_eq!((bus.frames.len(), bus.sockets[0].pending()), (4, 0));
}

#[test]
fn a_refusal_ends_the_transfer_of_another() {
    let mut bus = Bus::new(vec![socket(0x20)]);
    let rts = [0x10, 20, 0, 3, 3, 0x00, 0x23, 0x01];
    bus.inject(&Frame::classic(CAN_EFF_FLAG | 0x18ec_3020, &rts));
    assert_eq!(bus.send(0, &at(0x30, PGN), &[1; 20]), Err(libc::EBUSY));
    let abort = [0xff, 1, 0xff, 0xff, 0xff, 0x00, 0x23, 0x01];
    bus.inject(&Frame::classic(CAN_EFF_FLAG | 0x18ec_2030, &abort));
    assert_eq!(bus.send(0, &at(0x30, PGN), &[1; 20]), Ok(20));
}
