//! Sockets of one host with the same address, promiscuous ones, and the error queue, CAN_J1939.

mod j1939_bus;

use j1939_bus::*;
use sockshim_can_proto::j1939::uapi::*;
use sockshim_can_proto::j1939::{J1939, Report};

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

/// What reports say: `ee_info`, origin, errno, transfer.
fn rows(reports: &[Report]) -> Vec<(u32, u8, i32, u32)> {
    reports.iter().map(|report| (report.info, report.origin, report.errno, report.data)).collect()
}

#[test]
fn the_error_queue_follows_a_transfer() {
    let mut bus = Bus::new(vec![with_errqueue(socket(0x20)), with_errqueue(socket(0x30))]);
    bus.send(0, &at(0x30, PGN), &[1; 8]).unwrap();
    bus.send(0, &at(0x30, PGN), &message(1, 4000)).unwrap();
    bus.settle(3000);
    let (sched, ack) = (1, 2);
    let expected = [(sched, 4, libc::ENOMSG, 0), (ack, 4, libc::ENOMSG, 0)];
    let then = [(sched, 4, libc::ENOMSG, 1), (sched, 4, libc::ENOMSG, 1), (ack, 4, libc::ENOMSG, 1)];
    assert_eq!(rows(&bus.got[0].reports), [&expected[..], &then].concat());
    let acked = bus.got[0].reports.iter().map(|report| {
        assert_eq!(report.attributes[..4], [8, 0, 1, 0]);
        u32::from_ne_bytes(report.attributes[4..].try_into().unwrap())
    });
    assert_eq!(acked.collect::<Vec<_>>(), [8, 8, 1785, 3570, 4000]);
    let dpo = (J1939_EE_INFO_RX_DPO, 1, libc::ENOMSG, 0);
    assert_eq!(rows(&bus.got[1].reports), [(J1939_EE_INFO_RX_RTS, 1, libc::ENOMSG, 0), dpo, dpo, dpo]);
    let rts = &bus.got[1].reports[0];
    let mut attributes = vec![8, 0, 2, 0, 0xa0, 0x0f, 0, 0, 8, 0, 3, 0, 0x00, 0x23, 0x01, 0];
    attributes.extend([&[12, 0, 4, 0][..], &[0; 8], &[12, 0, 5, 0], &[0; 8]].concat());
    attributes.extend([5, 0, 6, 0, 0x20, 0, 0, 0, 5, 0, 7, 0, 0x30, 0, 0, 0]);
    assert_eq!(rts.attributes, attributes);
    let err = rts.extended_err();
    assert_eq!(err, [42, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn the_error_queue_has_errors_instead_of_the_socket() {
    let mut bus = Bus::new(vec![with_errqueue(socket(0x20)), with_errqueue(socket(0x30))]);
    bus.send(0, &at(0x44, PGN), &[1; 9]).unwrap();
    bus.settle(3000);
    assert_eq!(rows(&bus.got[0].reports), [(J1939_EE_INFO_TX_ABORT, 1, libc::EHOSTUNREACH, 0)]);
    assert!(bus.got[0].errors.is_empty());
    bus.fate = Some(Box::new(|_, _, frame| if frame.data()[0] == 2 { vec![] } else { vec![0] }));
    bus.send(0, &at(0x30, PGN), &[1; 20]).unwrap();
    bus.settle(3000);
    let abort = (J1939_EE_INFO_RX_ABORT, 1, libc::EHOSTUNREACH, 0);
    let [rts, aborts @ ..] = &rows(&bus.got[1].reports)[..] else { panic!("reports") };
    assert_eq!(rts.0, J1939_EE_INFO_RX_RTS);
    assert!(!aborts.is_empty() && aborts.iter().all(|row| *row == abort), "{aborts:?}");
    bus.sockets[1].set_timestamping(0);
    bus.got[1].reports.clear();
    bus.send(0, &at(0x30, PGN), &[1; 20]).unwrap();
    bus.settle(3000);
    assert!(bus.got[1].reports.is_empty(), "nobody asked");
}
