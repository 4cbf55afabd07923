//! Broadcasts of CAN_J1939 that somebody spoils.

mod j1939_bus;

use j1939_bus::*;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, Frame};

/// A frame from 0x20 to everybody.
fn frame(pgn: u32, data: [u8; 8]) -> Frame {
    Frame::classic(CAN_EFF_FLAG | 6 << 26 | (pgn | 0xff) << 8 | 0x20, &data)
}

/// The start of 20 bytes in three packets.
fn bam() -> Frame {
    frame(0xec00, [0x20, 20, 0, 3, 0xff, 0x00, 0xfe, 0])
}

/// A packet that is full of one byte.
fn packet(number: u8, value: u8) -> Frame {
    let mut data = [value; 8];
    data[0] = number;
    frame(0xeb00, data)
}

/// What arrives.
fn after(frames: &[Frame]) -> Vec<Vec<u8>> {
    let mut bus = Bus::new(vec![broadcaster(0x30)]);
    frames.iter().for_each(|frame| bus.inject(frame));
    bus.settle(2000);
    assert!(bus.frames.is_empty(), "nobody answers a broadcast");
    bus.got.remove(0).datagrams.into_iter().map(|datagram| datagram.data).collect()
}

#[test]
fn packets_in_order_are_a_message() {
    let twice = [bam(), packet(1, 1), packet(1, 1), packet(2, 1), packet(3, 1)];
    assert_eq!(after(&twice), [[1; 20]]);
}

#[test]
fn a_gap_or_another_packet_spoils_it() {
    for packets in [
        [packet(1, 1), packet(3, 1), packet(2, 1), packet(3, 1)],
        [packet(1, 1), packet(1, 2), packet(2, 2), packet(3, 2)],
        [packet(2, 1), packet(1, 1), packet(2, 1), packet(3, 1)],
        [packet(1, 1), packet(0, 1), packet(2, 1), packet(3, 1)],
        [packet(1, 1), packet(4, 1), packet(2, 1), packet(3, 1)],
    ] {
        assert!(after(&[&[bam()][..], &packets].concat()).is_empty(), "{packets:?}");
    }
}

#[test]
fn a_new_one_takes_the_place_of_the_last() {
    let frames = [bam(), packet(1, 1), bam(), packet(1, 2), packet(2, 2), packet(3, 2)];
    assert_eq!(after(&frames), [[2; 20]]);
    let other = frame(0xec00, [0x20, 20, 0, 3, 0xff, 0x01, 0xfe, 0]);
    let same_start = [bam(), packet(1, 1), packet(2, 1), other, packet(1, 1), packet(2, 1), packet(3, 7)];
    assert_eq!(after(&same_start), [[&[1; 14][..], &[7; 6]].concat()], "of the other PGN");
}

#[test]
fn what_comes_after_750_ms_is_too_late() {
    let mut bus = Bus::new(vec![broadcaster(0x30)]);
    bus.inject(&bam());
    assert_eq!(bus.next(), Some(750 * MS));
    bus.inject(&packet(1, 1));
    bus.pass(750);
    bus.inject(&packet(2, 1));
    bus.inject(&packet(3, 1));
    assert_eq!(bus.next(), Some(1250 * MS), "it is kept for 500 ms as in the kernel");
    bus.settle(600);
    assert!(bus.got[0].datagrams.is_empty());
}
