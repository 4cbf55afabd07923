//! Transfers of CAN_J1939: the frames, the timers and the errors of TP and ETP.

mod j1939_bus;

use j1939_bus::*;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, Frame};
use sockshim_can_proto::j1939::J1939;

const PGN: u32 = 0x1_2300;

fn pair() -> Bus {
    Bus::new(vec![socket(0x20), socket(0x30)])
}

/// A control or data frame between 0x20 and 0x30.
fn frame(pgn: u32, from: u8, to: u8, data: [u8; 8]) -> Frame {
    Frame::classic(CAN_EFF_FLAG | 6 << 26 | (pgn | u32::from(to)) << 8 | u32::from(from), &data)
}

/// The same about `PGN`.
fn control(pgn: u32, from: u8, to: u8, start: [u8; 5]) -> Frame {
    let [a, b, c, d, e] = start;
    frame(pgn, from, to, [a, b, c, d, e, 0x00, 0x23, 0x01])
}

fn bytes(frame: Frame) -> (u32, Vec<u8>) {
    (frame.id & 0x1fff_ffff, frame.data().to_vec())
}

#[test]
fn twenty_bytes_are_three_packets() {
    let mut bus = pair();
    let data = message(1, 20);
    assert_eq!(bus.send(0, &at(0x30, PGN), &data), Ok(20));
    bus.settle(2000);
    let packet = |number: u8, part: &[u8]| {
        let mut packet = [0xff; 8];
        packet[0] = number;
        packet[1..=part.len()].copy_from_slice(part);
        bytes(frame(0xeb00, 0x20, 0x30, packet))
    };
    let expected = [
        bytes(control(0xec00, 0x20, 0x30, [0x10, 20, 0, 3, 3])),
        bytes(control(0xec00, 0x30, 0x20, [0x11, 3, 1, 0xff, 0xff])),
        packet(1, &data[..7]),
        packet(2, &data[7..14]),
        packet(3, &data[14..]),
        bytes(control(0xec00, 0x30, 0x20, [0x13, 20, 0, 3, 0xff])),
    ];
    assert_eq!(bus.sent(), expected);
    let [datagram] = &bus.got[1].datagrams[..] else { panic!("one message") };
    // Of a longer message the kernel does not say where it came.
    let mut from = at(0x20, PGN);
    from.ifindex = 0;
    assert_eq!((&datagram.data, datagram.source, datagram.dest_addr), (&data, from, Some(0x30)));
    assert!(!datagram.dontroute && bus.got[0].errors.is_empty());
    assert_eq!((bus.sockets[0].pending(), bus.sockets[0].next_timer()), (0, None));
}

#[test]
fn a_broadcast_takes_its_time() {
    let mut bus = Bus::new(vec![broadcaster(0x20), broadcaster(0x30), socket(0x40)]);
    let data = message(2, 16);
    bus.send(0, &at(0xff, 0xfe_00), &data).unwrap();
    assert_eq!(bus.frames.len(), 1);
    assert_eq!(bus.frames[0].1.data(), [0x20, 16, 0, 3, 0xff, 0x00, 0xfe, 0x00]);
    for number in 1..=3 {
        bus.pass(49);
        assert_eq!(bus.frames.len(), number);
        bus.pass(1);
        assert_eq!(bus.frames[number].1.data()[0], number as u8);
    }
    bus.settle(0);
    assert_eq!(bus.got[1].datagrams[0].data, data);
    assert_eq!(bus.got[1].datagrams[0].dest_addr, None);
    assert_eq!(bus.got[0].datagrams.len(), 1, "of a transfer its sender gets a copy, in the kernel too");
    assert!(bus.got[2].datagrams.is_empty());
}

#[test]
fn etp_goes_in_blocks_with_offsets() {
    let mut bus = pair();
    let data = message(3, 4000);
    bus.send(0, &at(0x30, PGN), &data).unwrap();
    bus.settle(2000);
    assert_eq!(bus.got[1].datagrams[0].data, data);
    let controls: Vec<_> = bus.sent().into_iter().filter(|(id, _)| id >> 8 & 0xff00 == 0xc800).collect();
    let expected = [
        control(0xc800, 0x20, 0x30, [0x14, 0xa0, 0x0f, 0, 0]),
        control(0xc800, 0x30, 0x20, [0x15, 255, 1, 0, 0]),
        control(0xc800, 0x20, 0x30, [0x16, 255, 0, 0, 0]),
        control(0xc800, 0x30, 0x20, [0x15, 255, 0, 1, 0]),
        control(0xc800, 0x20, 0x30, [0x16, 255, 255, 0, 0]),
        control(0xc800, 0x30, 0x20, [0x15, 62, 255, 1, 0]),
        control(0xc800, 0x20, 0x30, [0x16, 62, 254, 1, 0]),
        control(0xc800, 0x30, 0x20, [0x17, 0xa0, 0x0f, 0, 0]),
    ];
    assert_eq!(controls, expected.map(bytes));
}

#[test]
fn every_length_arrives() {
    let mut bus = pair();
    bus.record = false;
    let lens = (0..=60).chain(1770..=1800).chain(3560..=3580).chain([100_000]);
    for len in lens {
        let data = message(len as u32, len);
        bus.send(0, &at(0x30, PGN), &data).unwrap();
        bus.settle(5000);
        assert_eq!(bus.got[1].datagrams.pop().map(|datagram| datagram.data), Some(data), "{len}");
    }
    assert!(bus.got.iter().all(|got| got.errors.is_empty()));
}

#[test]
fn small_blocks_do_too() {
    for block in [1, 2, 7, 100, 254] {
        let mut bus = pair();
        bus.sockets[1].set_block(block);
        for len in [9, 20, 1785, 1786, 6000] {
            let data = message(len as u32, len);
            bus.send(0, &at(0x30, PGN), &data).unwrap();
            bus.settle(5000);
            assert_eq!(bus.got[1].datagrams.pop().map(|datagram| datagram.data), Some(data), "{block} {len}");
        }
    }
}

#[test]
fn messages_keep_their_order() {
    let mut bus = pair();
    for (i, len) in [20, 5, 3000, 0, 8, 1785].into_iter().enumerate() {
        bus.send(0, &at(0x30, PGN), &message(i as u32, len)).unwrap();
    }
    assert_eq!(bus.sockets[0].pending(), 6);
    bus.settle(5000);
    let lens: Vec<_> = bus.got[1].datagrams.iter().map(|datagram| datagram.data.len()).collect();
    assert_eq!(lens, [20, 5, 3000, 0, 8, 1785]);
    assert_eq!((bus.sockets[0].pending(), bus.sockets[0].queued()), (0, 0));
}

#[test]
fn nobody_there_is_a_timeout_after_1250_ms() {
    let mut bus = pair();
    bus.send(0, &at(0x44, PGN), &[0; 9]).unwrap();
    bus.pass(1249);
    assert!(bus.got[0].errors.is_empty());
    bus.pass(1);
    assert_eq!(bus.got[0].errors, [libc::EHOSTUNREACH]);
    let abort = bytes(control(0xec00, 0x20, 0x44, [0xff, 3, 0xff, 0xff, 0xff]));
    assert_eq!(bus.sent().last(), Some(&abort));
    assert_eq!((bus.sockets[0].pending(), bus.sockets[0].next_timer()), (0, None));
}

#[test]
fn after_an_error_the_next_message_waits_a_little() {
    let mut bus = pair();
    bus.send(0, &at(0x44, PGN), &[0; 9]).unwrap();
    bus.send(0, &at(0x30, PGN), &[7; 9]).unwrap();
    bus.pass(1259);
    assert_eq!(bus.frames.len(), 2);
    bus.settle(30);
    assert_eq!(bus.got[1].datagrams[0].data, [7; 9]);
}

/// What the sender does when it gets this as an answer to its RTS.
fn sender_after(answers: &[Frame]) -> (Bus, Vec<(u32, Vec<u8>)>) {
    let mut bus = Bus::new(vec![socket(0x20)]);
    bus.send(0, &at(0x30, PGN), &message(4, 20)).unwrap();
    for answer in answers {
        bus.inject(answer);
    }
    let sent = bus.sent();
    (bus, sent)
}

#[test]
fn a_sender_refuses_wrong_answers() {
    let cts = |start| control(0xec00, 0x30, 0x20, start);
    for (answers, reason, errno) in [
        (vec![cts([0x11, 3, 0, 0xff, 0xff])], 5, libc::ENOTRECOVERABLE),
        (vec![cts([0x11, 4, 1, 0xff, 0xff])], 5, libc::ENOTRECOVERABLE),
        (vec![cts([0x11, 0, 1, 0xff, 0xff]), cts([0x11, 3, 1, 0xff, 0xff])], 8, libc::EPROTO),
        (vec![cts([0x11, 3, 1, 0xff, 0xff]), cts([0x11, 3, 1, 0xff, 0xff])], 5, libc::ENOTRECOVERABLE),
    ] {
        let (bus, sent) = sender_after(&answers);
        assert_eq!(bus.got[0].errors, [errno], "{answers:?}");
        assert_eq!(sent.last().unwrap().1[..2], [0xff, reason]);
        assert_eq!(bus.sockets[0].pending(), 0);
    }
    let other = frame(0xec00, 0x30, 0x20, [0x11, 3, 1, 0xff, 0xff, 0, 0x24, 1]);
    let (bus, sent) = sender_after(&[other]);
    assert_eq!(sent.last().unwrap().1, [0xff, 14, 0xff, 0xff, 0xff, 0, 0x24, 1]);
    assert_eq!(bus.sockets[0].pending(), 1, "the transfer goes on");
}

#[test]
fn a_hold_ends_after_550_ms() {
    let (mut bus, _) = sender_after(&[control(0xec00, 0x30, 0x20, [0x11, 0, 1, 0xff, 0xff])]);
    bus.pass(549);
    assert!(bus.got[0].errors.is_empty());
    bus.pass(1);
    assert_eq!(bus.got[0].errors, [libc::EHOSTUNREACH]);
}

#[test]
fn an_abort_is_an_error_of_its_reason() {
    let errnos = [
        libc::EPROTO, // The kernel: none.
        libc::EALREADY,
        libc::EMSGSIZE,
        libc::EHOSTUNREACH,
        libc::EBADMSG,
        libc::ENOTRECOVERABLE,
        libc::ENOTCONN,
        libc::EILSEQ,
        libc::EPROTO,
    ];
    for (reason, errno) in errnos.into_iter().enumerate() {
        let abort = control(0xec00, 0x30, 0x20, [0xff, reason as u8, 0xff, 0xff, 0xff]);
        let (bus, _) = sender_after(&[abort]);
        assert_eq!((&bus.got[0].errors[..], bus.sockets[0].pending()), (&[errno][..], 0));
    }
}

/// What a receiver sends after these frames.
fn receiver_after(frames: &[Frame]) -> (Bus, Vec<Vec<u8>>) {
    let mut bus = Bus::new(vec![socket(0x30)]);
    for frame in frames {
        bus.inject(frame);
    }
    let sent = bus.sent().into_iter().map(|(_, data)| data).collect();
    (bus, sent)
}

#[test]
fn a_receiver_refuses_wrong_sizes() {
    let abort = vec![vec![0xff, 5, 0xff, 0xff, 0xff, 0x00, 0x23, 0x01]];
    for rts in [
        control(0xec00, 0x20, 0x30, [0x10, 8, 0, 2, 2]),
        control(0xec00, 0x20, 0x30, [0x10, 0xfa, 0x06, 255, 255]),
        control(0xec00, 0x20, 0x30, [0x10, 20, 0, 2, 2]),
        control(0xc800, 0x20, 0x30, [0x14, 0xf9, 0x06, 0, 0]),
        control(0xc800, 0x20, 0x30, [0x14, 0xfa, 0xff, 0xff, 0x06]),
        control(0xc800, 0x20, 0x30, [0x14, 0, 0, 0, 0x80]),
    ] {
        assert_eq!(receiver_after(&[rts]).1, abort, "{rts:?}");
    }
    let most = control(0xc800, 0x20, 0x30, [0x14, 0xf9, 0xff, 0xff, 0x06]);
    assert_eq!(receiver_after(&[most]).1[0][0], 0x15);
}

#[test]
fn a_receiver_is_particular_about_data() {
    let rts = control(0xec00, 0x20, 0x30, [0x10, 20, 0, 3, 3]);
    let data = |number| frame(0xeb00, 0x20, 0x30, [number, 1, 2, 3, 4, 5, 6, 7]);
    let other = frame(0xeb00, 0x20, 0x30, [1, 7, 7, 7, 7, 7, 7, 7]);
    let short = Frame::classic(data(1).id, &[1, 2, 3]);
    let busy = frame(0xec00, 0x20, 0x30, [0x10, 20, 0, 3, 3, 0, 0x24, 1]);
    for (frames, reason) in [
        (vec![data(0)], 5),
        (vec![data(4)], 5),
        (vec![short], 6),
        (vec![data(1), other], 8),
        (vec![data(1), rts], 1),
        (vec![busy], 1),
        (vec![data(1), data(2), data(3), data(3)], 5),
    ] {
        let (bus, sent) = receiver_after(&[vec![rts], frames.clone()].concat());
        assert_eq!(
            sent.iter().filter(|data| data[0] == 0xff).map(|data| data[1]).next(),
            match reason {
                5 if frames.len() == 4 => None,
                reason => Some(reason),
            }
        );
        assert_eq!(bus.got[0].datagrams.len(), usize::from(frames.len() == 4), "complete with the third");
    }
}

#[test]
fn a_receiver_waits_750_ms_for_data() {
    let rts = control(0xec00, 0x20, 0x30, [0x10, 20, 0, 3, 3]);
    let (mut bus, _) = receiver_after(&[rts, frame(0xeb00, 0x20, 0x30, [1; 8])]);
    bus.pass(749);
    assert!(bus.frames.is_empty());
    bus.pass(1);
    assert_eq!(bus.sent()[0].1, [0xff, 3, 0xff, 0xff, 0xff, 0x00, 0x23, 0x01]);
    assert_eq!(bus.sockets[0].next_timer(), None);
}

#[test]
fn a_receiver_asks_for_no_more_than_the_sender_allows() {
    for (allowed, count) in [(0, 0), (1, 1), (2, 2), (3, 3), (200, 3)] {
        let (_, sent) = receiver_after(&[control(0xec00, 0x20, 0x30, [0x10, 20, 0, 3, allowed])]);
        assert_eq!(sent[0][..3], [0x11, count, 1]);
    }
}

#[test]
fn who_does_not_want_it_does_not_answer() {
    let mut other = J1939::new();
    other.bind(&at(0x30, 0x1200).bytes(), Ok(())).unwrap();
    let mut bus = Bus::new(vec![socket(0x20), other]);
    bus.send(0, &at(0x30, PGN), &[1; 100]).unwrap();
    bus.settle(2000);
    assert_eq!((&bus.got[0].errors[..], bus.frames.len()), (&[libc::EHOSTUNREACH][..], 2));
}

#[test]
fn transfers_run_beside_each_other() {
    let mut bus = Bus::new((0..4).map(|i| broadcaster(0x20 + i)).collect());
    let mut expected = vec![Vec::new(); 4];
    for from in 0..4u8 {
        for to in (0..4u8).filter(|to| *to != from) {
            let data = message(u32::from(from * 4 + to), 2000 + usize::from(to));
            bus.send(from.into(), &at(0x20 + to, PGN), &data).unwrap();
            expected[usize::from(to)].push(data);
        }
        let data = message(99 + u32::from(from), 30);
        bus.send(from.into(), &at(0xff, 0xfe00), &data).unwrap();
        expected.iter_mut().for_each(|all| all.push(data.clone()));
    }
    bus.settle(10_000);
    for (got, mut expected) in bus.got.into_iter().zip(expected) {
        let mut data: Vec<_> = got.datagrams.into_iter().map(|datagram| datagram.data).collect();
        data.sort();
        expected.sort();
        assert!(data == expected && got.errors.is_empty());
    }
}

#[test]
fn a_full_bus_is_tried_again_and_then_given_up() {
    let mut bus = pair();
    bus.sockets[0].set_room(0);
    bus.send(0, &at(0x30, PGN), &[1; 20]).unwrap();
    bus.send(0, &at(0x30, PGN), &[1; 5]).unwrap();
    bus.pass(300);
    bus.sockets[0].set_room(3);
    bus.pass(50);
    bus.sockets[0].set_room(usize::MAX);
    bus.settle(100);
    assert_eq!(bus.got[1].datagrams.len(), 2);
    bus.sockets[0].set_room(0);
    bus.send(0, &at(0x30, PGN), &[1; 20]).unwrap();
    bus.settle(3000);
    assert_eq!(bus.sockets[0].pending(), 0);
}

#[test]
fn a_message_may_come_in_parts() {
    let mut bus = pair();
    let (data, to) = (message(5, 10_000), at(0x30, PGN));
    let socket = &mut bus.sockets[0];
    assert_eq!(socket.send_part(0, Some(&to), 10_000, &data[..1000]), Ok(0), "less than a piece");
    assert_eq!(socket.send_part(0, Some(&to), 10_000, &data[..4000]), Ok(3570));
    assert_eq!(socket.incomplete(), Some(6430));
    assert_eq!(socket.send(0, Some(&to), &[1]), Err(libc::EIO));
    bus.collect(0);
    bus.pass(100);
    assert_eq!(bus.sockets[0].send_part(bus.now, Some(&to), 6430, &data[3570..]), Ok(6430));
    assert_eq!(bus.sockets[0].incomplete(), None);
    bus.collect(0);
    bus.settle(2000);
    assert_eq!(bus.got[1].datagrams[0].data, data);
    let socket = &mut bus.sockets[0];
    assert_eq!(socket.send_part(bus.now, Some(&to), 10_000, &data[..3570]), Ok(3570));
    bus.collect(0);
    bus.settle(5000);
    assert_eq!(bus.sockets[0].incomplete(), None, "nobody went on with it");
    assert_eq!(bus.got[1].datagrams.len(), 1);
}

#[test]
fn a_socket_may_send_to_itself() {
    let mut bus = Bus::new(vec![socket(0x20)]);
    bus.send(0, &at(0x20, PGN), &[1; 5]).unwrap();
    bus.send(0, &at(0x20, PGN), &message(6, 3000)).unwrap();
    bus.settle(2000);
    let [datagram] = &bus.got[0].datagrams[..] else { panic!("of single frames it gets no copy") };
    assert_eq!(datagram.data, message(6, 3000));
}

#[test]
fn a_short_control_frame_is_a_message() {
    let frame = Frame::classic(CAN_EFF_FLAG | 0x1cec_3020, &[0x10, 20, 0, 3, 3, 0, 0x23]);
    let (bus, sent) = receiver_after(&[frame]);
    assert_eq!((bus.got[0].datagrams.len(), sent.len()), (1, 0));
}
