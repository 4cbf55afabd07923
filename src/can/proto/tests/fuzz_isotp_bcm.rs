//! Random options, frames, requests and times: nothing panics, and what comes out are frames and messages.

mod dice;

use dice::Dice;
use proptest::prelude::*;
use sockshim_can_proto::bcm::{self, Bcm, BcmMsgHead, BcmTimeval, MHSIZ, Origin};
use sockshim_can_proto::frame::{CAN_MTU, CANFD_MTU, Frame, LENGTHS};
use sockshim_can_proto::isotp::{self, Isotp, IsotpOptions, Options};

const IDS: [u32; 6] = [1, 2, 0x8000_0001, 0x4000_0001, 0x2000_0001, 0x801];

/// A frame of any kind, with a length that need not be one of CAN FD, and anything behind its data.
fn frame(dice: &mut Dice) -> Frame {
    let fd = dice.percent(50);
    let len = dice.below(if fd { 65 } else { 9 }) as u8;
    let len = if dice.percent(50) { dice.one(if fd { &[8, 12, 64] } else { &[8] }) } else { len };
    let mut data: [u8; 64] = dice.bytes(64).try_into().unwrap();
    if dice.percent(80) {
        // What could be ISO-TP.
        let at = dice.below(2) as usize;
        data[0] = dice.one(&[0, data[0]]);
        data[at] = dice.one(&[0, 0x10, 0x20, 0x30]) | dice.one(&[0, 1, 2, data[at] & 0xf]);
        data[at + 1] = dice.one(&[0, 1, 20, data[at + 1]]);
    }
    Frame { id: dice.one(&IDS), len, flags: dice.next() as u8, rest: [0; 2], data, fd }
}

/// A frame that the machine sends is one that an interface takes.
fn check_frame(frame: &Frame) {
    let (len, bytes) = frame.bytes();
    assert_eq!(Frame::of_bytes(&bytes[..len]).as_ref(), Some(frame));
}

fn fuzz_isotp(seed: u64, steps: u64) {
    let dice = &mut Dice::new(seed);
    let mut options = Options::default().with_max_pdu_size(dice.one(&[0, 10_000, usize::MAX]));
    for _ in 0..dice.below(8) {
        let name = dice.below(7) as i32;
        let len = dice.one(&[0, 1, 3, 4, 12, 13]);
        let value = dice.bytes(len);
        let _ = options.set(dice.percent(5), name, &value);
        let _ = options.get(name, dice.below(20) as i32 - 2);
    }
    if dice.percent(70) {
        let opt = IsotpOptions {
            flags: 1 << dice.below(14) | 1 << dice.below(14),
            ext_address: 0,
            ..*options.opt()
        };
        let _ = options.set(false, isotp::CAN_ISOTP_OPTS, &opt.bytes());
    }
    let ll = [dice.one(&[16, 72]), dice.one(&LENGTHS), dice.one(&[0, 1])];
    let _ = options.set(false, isotp::CAN_ISOTP_LL_OPTS, &ll);
    let name = dice.bytes(20);
    let _ = isotp::bind(&options, false, &name, |_| Some(72));
    let mut machine = Isotp::new(options, dice.one(&IDS), dice.one(&IDS));
    let (mut now, mut last) = (0, None);
    for _ in 0..steps {
        match dice.below(8) {
            0 => {
                let longest = dice.one(&[8, 64, 9000]);
                let len = dice.below(longest) as usize;
                let pdu = dice.bytes(len);
                let expected =
                    if machine.is_idle() { options.check_pdu(pdu.len()) } else { Err(libc::EAGAIN) };
                assert_eq!(machine.send(now, &pdu), expected);
            }
            1 => now += dice.one(&[1, 50_000, 100_000_000, 3_000_000_000]),
            2 => now = machine.next_timer().unwrap_or(now).max(now),
            3 | 4 if last.is_some() => machine.receive(now, &last.unwrap(), true),
            5 if dice.percent(5) => machine.cancel(),
            6 if dice.percent(1) => machine.release(),
            _ => machine.receive(now, &frame(dice), dice.percent(10)),
        }
        if dice.percent(50) {
            machine.timer(now);
            assert!(machine.next_timer().is_none_or(|timer| timer > now));
        }
        while let Some(output) = machine.output() {
            match output {
                isotp::Output::Frame(sent) => {
                    check_frame(&sent);
                    assert_eq!(usize::from(options.ll().mtu), sent.bytes().0);
                    assert!(sent.len <= options.ll().tx_dl.max(8) && LENGTHS.contains(&sent.len));
                    last = Some(sent);
                }
                isotp::Output::Pdu(pdu) => assert!(!pdu.is_empty() && pdu.len() <= options.max_pdu_size()),
                isotp::Output::Error(errno) => assert!(errno > 0),
                isotp::Output::Done(_) => {}
            }
        }
        assert!(machine.is_idle() || machine.next_timer().is_some(), "a sender hangs");
    }
}

/// A request that is nearly a good one, or anything.
fn request(dice: &mut Dice) -> Vec<u8> {
    if dice.percent(3) {
        let len = dice.below(200) as usize;
        return dice.bytes(len);
    }
    let mut time = || match dice.below(10) {
        0 => BcmTimeval { tv_sec: dice.next() as i64, tv_usec: dice.next() as i64 },
        1..5 => BcmTimeval::default(),
        _ => BcmTimeval::micros(dice.below(30_000) as u32),
    };
    let (ival1, ival2) = (time(), time());
    let head = BcmMsgHead {
        opcode: dice.below(10) as u32,
        flags: (dice.next() & dice.next()) as u32 & 0xfff | dice.one(&[0, 3]),
        count: dice.below(4) as u32,
        ival1,
        ival2,
        can_id: dice.one(&IDS),
        nframes: dice.one(&[0, 1, 1, 2, 3, 256, 257, 300, u32::MAX]),
    };
    let there = if dice.percent(90) { head.nframes.min(300) } else { dice.below(4) as u32 };
    let mut bytes = head.bytes().to_vec();
    for _ in 0..there {
        let frame = Frame { fd: head.fd(), ..frame(dice) };
        let (len, frame) = frame.bytes();
        bytes.extend_from_slice(&frame[..len]);
        if dice.percent(95) {
            let len = bytes.len();
            bytes[len - head.cfsiz() + 4] %= 9;
        }
    }
    if dice.percent(2) {
        bytes.pop();
    }
    bytes
}

fn fuzz_bcm(seed: u64, steps: u64) {
    let dice = &mut Dice::new(seed);
    let mut machine = Bcm::new();
    let mut now = 0;
    for _ in 0..steps {
        match dice.below(4) {
            0 => {
                let (ifindex, bytes) = (dice.below(3) as i32, request(dice));
                let answer = machine.request(now, ifindex, &bytes);
                match bcm::check(ifindex, &bytes) {
                    Ok(size) => assert!(answer.is_err() || answer == Ok(size) && size <= bytes.len()),
                    Err(errno) => assert_eq!(answer, Err(errno)),
                }
            }
            1 => now += dice.one(&[1, 1_000_000, 40_000_000, 1_000_000_000_000]),
            2 => now = machine.next_timer().unwrap_or(now).max(now).min(1 << 60),
            _ => {
                let origin = dice.one(&[Origin::Remote, Origin::Local, Origin::Own]);
                let (ifindex, frame) = (dice.below(3) as i32 + 1, frame(dice));
                machine.receive(now, ifindex, &frame, origin);
                let fits = |wish: bcm::Subscription| {
                    wish.can_id == frame.id && wish.fd == frame.fd && [0, ifindex].contains(&wish.ifindex)
                };
                let wanted = machine.subscriptions().any(fits);
                let quiet = machine.output().inspect(check_output).is_none();
                assert!(wanted || quiet, "a frame that nobody has subscribed to");
            }
        }
        if dice.percent(70) {
            machine.timer(now);
            assert!(machine.next_timer().is_none_or(|timer| timer > now));
        }
        while let Some(output) = machine.output() {
            check_output(&output);
        }
    }
}

fn check_output(output: &bcm::Output) {
    match output {
        bcm::Output::Frame { ifindex, frame } => {
            assert_ne!(*ifindex, 0);
            check_frame(frame);
        }
        bcm::Output::Message(message) => {
            let head = BcmMsgHead::of_bytes(&message.bytes).unwrap();
            assert_eq!(message.bytes.len(), MHSIZ + head.nframes as usize * head.cfsiz());
            assert!([CAN_MTU, CANFD_MTU].contains(&head.cfsiz()) && (8..=12).contains(&head.opcode));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn isotp_survives(seed: u64, steps in 1_u64..400) {
        fuzz_isotp(seed, steps);
    }

    #[test]
    fn bcm_survives(seed: u64, steps in 1_u64..400) {
        fuzz_bcm(seed, steps);
    }
}

/// Ten million steps.
#[test]
#[ignore = "takes seconds"]
fn isotp_survives_for_a_long_time() {
    (0..10_000).for_each(|seed| fuzz_isotp(seed, 1000));
}

/// Ten million steps.
#[test]
#[ignore = "takes seconds"]
fn bcm_survives_for_a_long_time() {
    (0..10_000).for_each(|seed| fuzz_bcm(seed, 1000));
}
