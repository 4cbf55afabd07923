//! One test for each behaviour, frame by frame.

use libc::{EAGAIN, EBADMSG, EILSEQ, EINVAL, EMSGSIZE};

use super::*;
use crate::frame::{CAN_EFF_FLAG, CAN_ERR_FLAG, CAN_RTR_FLAG, CANFD_BRS, CANFD_FDF};

const MS: Nanos = 1_000_000;

fn options(flags: u32) -> Options {
    with(IsotpOptions { flags, ..*Options::default().opt() })
}

fn with(opt: IsotpOptions) -> Options {
    let mut options = Options::default();
    options.set(false, CAN_ISOTP_OPTS, &opt.bytes()).unwrap();
    options
}

fn machine(options: Options) -> Isotp {
    Isotp::new(options, 0x321, 0x123)
}

fn fd(tx_dl: u8) -> Options {
    let mut options = Options::default();
    options.set(false, CAN_ISOTP_LL_OPTS, &[72, tx_dl, CANFD_BRS]).unwrap();
    options
}

fn outputs(isotp: &mut Isotp) -> Vec<Output> {
    std::iter::from_fn(|| isotp.output()).collect()
}

/// The one frame that there is now.
#[track_caller]
fn frame(isotp: &mut Isotp) -> Frame {
    match outputs(isotp)[..] {
        [Output::Frame(frame)] => frame,
        ref other => panic!("{other:?}"),
    }
}

/// The data of the one frame that there is now.
#[track_caller]
fn data(isotp: &mut Isotp) -> Vec<u8> {
    frame(isotp).data().to_vec()
}

/// A classic frame comes.
fn hear(isotp: &mut Isotp, now: Nanos, data: &[u8]) {
    isotp.receive(now, &Frame::classic(0x321, data), false);
}

/// A PDU of these bytes: 0, 1, 2, …
fn pdu(len: usize) -> Vec<u8> {
    (0..len).map(|at| at as u8).collect()
}

#[test]
fn a_single_frame_ends_with_its_echo() {
    let mut isotp = machine(Options::default());
    isotp.send(0, &[1, 2, 3]).unwrap();
    let sent = frame(&mut isotp);
    assert_eq!((sent.id, sent.data(), sent.fd), (0x123, &[3, 1, 2, 3][..], false));
    assert!(!isotp.is_idle());
    assert_eq!(isotp.send(0, &[1]), Err(EAGAIN));
    assert_eq!(isotp.next_timer(), Some(ISOTP_ECHO_TIMEOUT));
    isotp.receive(1, &Frame::classic(0x123, &[2, 1, 2]), true);
    isotp.receive(1, &sent, false);
    assert!(!isotp.is_idle());
    isotp.receive(1, &sent, true);
    assert_eq!(outputs(&mut isotp), [Output::Done(Ok(()))]);
    assert!(isotp.is_idle() && isotp.next_timer().is_none());
}

#[test]
fn a_missing_echo_is_ecomm_after_two_seconds() {
    let mut isotp = machine(Options::default());
    isotp.send(5, &[1]).unwrap();
    let sent = frame(&mut isotp);
    isotp.timer(5 + ISOTP_ECHO_TIMEOUT - 1);
    assert_eq!(outputs(&mut isotp), []);
    isotp.timer(5 + ISOTP_ECHO_TIMEOUT);
    assert_eq!(outputs(&mut isotp), [Output::Error(ECOMM), Output::Done(Err(ECOMM))]);
    isotp.receive(u64::MAX, &sent, true);
    assert_eq!(outputs(&mut isotp), []);
}

#[test]
fn missing_flow_control_is_ecomm_after_one_second() {
    let mut isotp = machine(Options::default());
    isotp.send(0, &pdu(8)).unwrap();
    assert_eq!(data(&mut isotp), [0x10, 8, 0, 1, 2, 3, 4, 5]);
    isotp.timer(ISOTP_FC_TIMEOUT);
    assert_eq!(outputs(&mut isotp), [Output::Error(ECOMM), Output::Done(Err(ECOMM))]);
}

#[test]
fn sizes_that_cannot_be_sent() {
    let mut isotp = machine(Options::default());
    for (len, result) in [(0, Err(EINVAL)), (8301, Err(EINVAL)), (8300, Ok(()))] {
        assert_eq!(isotp.send(0, &pdu(len)), result, "{len}");
    }
    let sf = options(CAN_ISOTP_SF_BROADCAST | CAN_ISOTP_EXTEND_ADDR);
    assert_eq!((sf.check_pdu(6), sf.check_pdu(7)), (Ok(()), Err(EINVAL)));
    let larger = Options::default().with_max_pdu_size(66_000);
    assert_eq!((larger.check_pdu(66_000), larger.check_pdu(66_001)), (Ok(()), Err(EINVAL)));
}

/// Sends a PDU in small blocks and returns when each frame went.
fn times(options: Options, len: usize, fc: [u8; 3]) -> Vec<Nanos> {
    let mut isotp = machine(options);
    isotp.send(0, &pdu(len)).unwrap();
    outputs(&mut isotp);
    hear(&mut isotp, 0, &fc);
    let (mut now, mut times) = (0, Vec::new());
    loop {
        match outputs(&mut isotp)[..] {
            [Output::Frame(sent)] => {
                times.push(now);
                isotp.receive(now, &sent, true);
                now = isotp.tx.gap_timer.unwrap_or(now);
                isotp.timer(now);
                if isotp.tx.state == TxState::WaitFc {
                    now += 7;
                    hear(&mut isotp, now, &[0x30, 200, 200]);
                }
            }
            [Output::Done(Ok(()))] => return times,
            ref other => panic!("{other:?}"),
        }
    }
}

#[test]
fn gaps_are_frame_txtime_and_stmin() {
    let zero = with(IsotpOptions { frame_txtime: CAN_ISOTP_FRAME_TXTIME_ZERO, ..*Options::default().opt() });
    let mut forced = options(CAN_ISOTP_FORCE_TXSTMIN);
    forced.set(false, CAN_ISOTP_TX_STMIN, &7_u32.to_ne_bytes()).unwrap();
    let cases = [
        (Options::default(), 0, 50_000),
        (Options::default(), 3, 3 * MS + 50_000),
        (Options::default(), 0xf1, 150_000),
        (Options::default(), 0xf9, 950_000),
        (Options::default(), 0xf0, 127 * MS + 50_000),
        (Options::default(), 0x80, 127 * MS + 50_000),
        (Options::default(), 0xfa, 127 * MS + 50_000),
        (zero, 0, 0),
        (zero, 0x7f, 127 * MS),
        (forced, 100, 50_007),
    ];
    for (options, stmin, gap) in cases {
        assert_eq!(times(options, 20, [0x30, 0, stmin]), [0, gap], "{stmin:#x}");
    }
}

#[test]
fn blocks_wait_for_flow_control_whose_parameters_count_once() {
    assert_eq!(times(Options::default(), 6 + 7 * 4, [0x30, 2, 0]), [0, 50_000, 50_007, 100_007]);
    // With DYN_FC_PARMS the second one lifts the block size, and reserved STmin is 127 ms.
    let gap = 127 * MS + 50_000;
    let dynamic = options(CAN_ISOTP_DYN_FC_PARMS);
    assert_eq!(times(dynamic, 6 + 7 * 5, [0x30, 2, 0]), [0, 50_000, 50_007, 50_007 + gap, 50_007 + 2 * gap]);
}

#[test]
fn flow_control_can_wait_overflow_and_be_wrong() {
    let cases: [(u32, &[u8], &[Output]); 5] = [
        (0, &[0x32, 0, 0], &[Output::Error(EMSGSIZE), Output::Done(Err(EMSGSIZE))]),
        (0, &[0x33, 0, 0], &[Output::Done(Ok(()))]),
        (0, &[0x30, 0], &[Output::Error(EBADMSG), Output::Done(Err(EBADMSG))]),
        (CAN_ISOTP_CHK_PAD_LEN, &[0x30, 0, 0, 0], &[Output::Error(EBADMSG), Output::Done(Err(EBADMSG))]),
        (CAN_ISOTP_EXTEND_ADDR, &[0, 0x30, 0], &[Output::Error(EBADMSG), Output::Done(Err(EBADMSG))]),
    ];
    for (flags, fc, expected) in cases {
        let mut isotp = machine(options(flags));
        isotp.send(0, &pdu(20)).unwrap();
        outputs(&mut isotp);
        for at in 1..20 {
            let wait: &[u8] =
                if flags & CAN_ISOTP_EXTEND_ADDR != 0 { &[0, 0x31, 0, 0] } else { &[0x31, 0, 0] };
            hear(&mut isotp, at, wait);
            assert_eq!((outputs(&mut isotp), isotp.next_timer()), (vec![], Some(at + ISOTP_FC_TIMEOUT)));
        }
        hear(&mut isotp, 20, fc);
        assert_eq!(outputs(&mut isotp), expected, "{fc:?}");
        assert!(isotp.is_idle());
    }
}

#[test]
fn a_long_pdu_comes_in_blocks() {
    let mut receiver = Options::default();
    receiver.set(false, CAN_ISOTP_RECV_FC, &[2, 0xf3, 9]).unwrap();
    let mut isotp = machine(receiver);
    hear(&mut isotp, 0, &[0x10, 22, 0, 1, 2, 3, 4, 5]);
    assert_eq!(data(&mut isotp), [0x30, 2, 0xf3]);
    hear(&mut isotp, 1, &[0x21, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(outputs(&mut isotp), []);
    assert_eq!(isotp.next_timer(), Some(1 + ISOTP_FC_TIMEOUT));
    hear(&mut isotp, 2, &[0x22, 13, 14, 15, 16, 17, 18, 19]);
    assert_eq!(data(&mut isotp), [0x30, 2, 0xf3]);
    hear(&mut isotp, 3, &[0x23, 20, 21]);
    assert_eq!(outputs(&mut isotp), [Output::Pdu(pdu(22))]);
    assert_eq!(isotp.next_timer(), None);
}

#[test]
fn a_reception_ends_with_etimedout_or_eilseq() {
    let mut isotp = machine(Options::default());
    hear(&mut isotp, 0, &[0x10, 22, 0, 1, 2, 3, 4, 5]);
    outputs(&mut isotp);
    isotp.timer(ISOTP_FC_TIMEOUT);
    assert_eq!(outputs(&mut isotp), [Output::Error(ETIMEDOUT)]);
    hear(&mut isotp, 0, &[0x10, 22, 0, 1, 2, 3, 4, 5]);
    outputs(&mut isotp);
    hear(&mut isotp, 0, &[0x22, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(outputs(&mut isotp), [Output::Error(EILSEQ)]);
    hear(&mut isotp, 0, &[0x21, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((outputs(&mut isotp), isotp.next_timer()), (vec![], None));
}

#[test]
fn frames_of_a_wrong_length_are_ignored() {
    let mut isotp = machine(Options::default());
    for wrong in
        [&[0x10, 22, 0][..], &[0x10, 5, 0, 0, 0, 0, 0, 0], &[0, 1], &[8; 8], &[3, 1, 2], &[], &[0x40; 8]]
    {
        hear(&mut isotp, 0, wrong);
        assert_eq!(outputs(&mut isotp), [], "{wrong:?}");
    }
    hear(&mut isotp, 0, &[0x10, 22, 0, 1, 2, 3, 4, 5]);
    outputs(&mut isotp);
    // Not the last one, so it is too short; the kernel's timer stops until the next.
    hear(&mut isotp, 0, &[0x21, 6, 7, 8, 9, 10, 11]);
    assert_eq!((outputs(&mut isotp), isotp.next_timer()), (vec![], None));
    hear(&mut isotp, 0, &[0x21, 6, 7, 8, 9, 10, 11, 12]);
    assert_eq!(isotp.next_timer(), Some(ISOTP_FC_TIMEOUT));
}

#[test]
fn too_long_for_the_receiver_is_overflow() {
    let mut isotp = machine(Options::default());
    hear(&mut isotp, 0, &[0x10, 0, 0, 0, 0x20, 0x6d, 0, 0]);
    assert_eq!(data(&mut isotp), [0x32, 0, 0]);
    assert_eq!(isotp.next_timer(), None);
    hear(&mut isotp, 0, &[0x10, 0, 0, 0, 0x20, 0x6c, 0, 0]);
    assert_eq!(data(&mut isotp), [0x30, 0, 0]);
    // The kernel's sum wraps.
    hear(&mut isotp, 0, &[0x10, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    assert_eq!(outputs(&mut isotp), []);
}

#[test]
fn a_new_pdu_replaces_the_one_that_comes_in() {
    let mut isotp = machine(Options::default());
    hear(&mut isotp, 0, &[0x10, 22, 0, 1, 2, 3, 4, 5]);
    outputs(&mut isotp);
    hear(&mut isotp, 0, &[2, 9, 9]);
    assert_eq!(outputs(&mut isotp), [Output::Pdu(vec![9, 9])]);
    assert_eq!(isotp.next_timer(), None);
}

#[test]
fn extended_addresses_stand_in_front() {
    let flags = CAN_ISOTP_EXTEND_ADDR | CAN_ISOTP_RX_EXT_ADDR;
    let mut isotp =
        machine(with(IsotpOptions { flags, ext_address: 0xaa, rx_ext_address: 0xbb, ..*options(0).opt() }));
    isotp.send(0, &pdu(6)).unwrap();
    assert_eq!(data(&mut isotp), [0xaa, 6, 0, 1, 2, 3, 4, 5]);
    isotp.cancel();
    isotp.send(0, &pdu(7)).unwrap();
    assert_eq!(data(&mut isotp), [0xaa, 0x10, 7, 0, 1, 2, 3, 4]);
    hear(&mut isotp, 0, &[0xaa, 0x30, 0, 0]);
    assert_eq!(outputs(&mut isotp), []);
    hear(&mut isotp, 0, &[0xbb, 0x30, 0, 0]);
    assert_eq!(data(&mut isotp), [0xaa, 0x21, 5, 6]);
    hear(&mut isotp, 0, &[0xbb, 0x10, 7, 0, 1, 2, 3, 4]);
    assert_eq!(data(&mut isotp), [0xaa, 0x30, 0, 0]);
    hear(&mut isotp, 0, &[0xbb, 0x21, 5, 6]);
    assert_eq!(outputs(&mut isotp), [Output::Pdu(pdu(7))]);
}

#[test]
fn padding_is_sent_and_checked() {
    let flags = CAN_ISOTP_TX_PADDING | CAN_ISOTP_RX_PADDING | ISOTP_CHECK_PADDING;
    let mut isotp =
        machine(with(IsotpOptions { flags, txpad_content: 0x11, rxpad_content: 0x22, ..*options(0).opt() }));
    isotp.send(0, &[7]).unwrap();
    assert_eq!(data(&mut isotp), [1, 7, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11]);
    let (pad, bad) = ([0x22; 6], [0x22, 0x22, 0x22, 0x22, 0x22, 0x23]);
    hear(&mut isotp, 0, &[&[1, 9], &pad[..]].concat());
    assert_eq!(outputs(&mut isotp), [Output::Pdu(vec![9])]);
    for wrong in [[&[1, 9], &bad[..]].concat(), vec![1, 9]] {
        hear(&mut isotp, 0, &wrong);
        assert_eq!(outputs(&mut isotp), [Output::Error(EBADMSG)]);
    }
    hear(&mut isotp, 0, &[0x10, 8, 0, 1, 2, 3, 4, 5]);
    assert_eq!(data(&mut isotp), [0x30, 0, 0, 0x11, 0x11, 0x11, 0x11, 0x11]);
    hear(&mut isotp, 0, &[0x21, 6, 7, 0x22, 0x22, 0x22, 0x22, 0x23]);
    assert_eq!(outputs(&mut isotp), [Output::Error(EBADMSG)]);
}

#[test]
fn can_fd_has_longer_frames_and_escapes() {
    let mut isotp = machine(fd(64));
    for (len, header, padded) in [(7, &[7][..], 8), (8, &[0, 8], 12), (20, &[0, 20], 24), (62, &[0, 62], 64)]
    {
        isotp.send(0, &pdu(len)).unwrap();
        let sent = frame(&mut isotp);
        let mut expected = [header, &pdu(len)[..]].concat();
        expected.resize(padded, 0xcc);
        assert_eq!((sent.data(), sent.flags, sent.fd), (&expected[..], CANFD_BRS | CANFD_FDF, true));
        isotp.receive(0, &sent, true);
        assert_eq!(outputs(&mut isotp), [Output::Done(Ok(()))]);
        isotp.receive(0, &Frame { id: 0x321, ..sent }, false);
        assert_eq!(outputs(&mut isotp), [Output::Pdu(pdu(len))]);
    }
    isotp.send(0, &pdu(63)).unwrap();
    assert_eq!(data(&mut isotp)[..3], [0x10, 63, 0]);
    isotp.cancel();
    isotp.send(0, &pdu(4096)).unwrap();
    assert_eq!(data(&mut isotp)[..8], [0x10, 0, 0, 0, 0x10, 0, 0, 1]);
    // A long frame without the escape is none, and classic frames are another channel.
    isotp.receive(0, &Frame::fd(0x321, 0, &[7; 12]), false);
    hear(&mut isotp, 0, &[1, 1]);
    assert_eq!(outputs(&mut isotp), []);
    isotp.receive(0, &Frame::fd(0x321, 0, &[2, 1, 1]), false);
    assert_eq!(outputs(&mut isotp), [Output::Pdu(vec![1, 1])]);
}

#[test]
fn who_only_listens_sends_no_flow_control() {
    let mut isotp = machine(options(CAN_ISOTP_LISTEN_MODE));
    hear(&mut isotp, 0, &[0x10, 8, 0, 1, 2, 3, 4, 5]);
    assert_eq!((outputs(&mut isotp), isotp.next_timer()), (vec![], None));
    hear(&mut isotp, 0, &[0x21, 6, 7]);
    assert_eq!(outputs(&mut isotp), [Output::Pdu(pdu(8))]);
}

#[test]
fn half_duplex_ignores_what_crosses() {
    let mut isotp = machine(options(CAN_ISOTP_HALF_DUPLEX));
    isotp.send(0, &pdu(8)).unwrap();
    outputs(&mut isotp);
    hear(&mut isotp, 0, &[1, 1]);
    hear(&mut isotp, 0, &[0x10, 8, 0, 1, 2, 3, 4, 5]);
    assert_eq!(outputs(&mut isotp), []);
    isotp.cancel();
    hear(&mut isotp, 0, &[0x10, 8, 0, 1, 2, 3, 4, 5]);
    outputs(&mut isotp);
    isotp.send(0, &pdu(8)).unwrap();
    outputs(&mut isotp);
    hear(&mut isotp, 0, &[0x30, 0, 0]);
    assert_eq!(outputs(&mut isotp), []);
}

#[test]
fn functional_addressing_sends_without_flow_control() {
    let mut isotp = machine(options(CAN_ISOTP_CF_BROADCAST));
    isotp.send(0, &pdu(20)).unwrap();
    let mut now = 0;
    for first in [0x10, 0x21, 0x22] {
        let sent = frame(&mut isotp);
        assert_eq!(sent.data[0], first);
        isotp.receive(now, &sent, true);
        now += 50_000;
        isotp.timer(now);
    }
    assert_eq!(outputs(&mut isotp), [Output::Done(Ok(()))]);
    hear(&mut isotp, 0, &[1, 1]);
    assert_eq!(outputs(&mut isotp), []);
}

#[test]
fn consecutive_frames_that_come_too_soon_are_ignored() {
    let mut receiver = options(CAN_ISOTP_FORCE_RXSTMIN);
    receiver.set(false, CAN_ISOTP_RX_STMIN, &100_u32.to_ne_bytes()).unwrap();
    let mut isotp = machine(receiver);
    hear(&mut isotp, 1000, &[0x10, 22, 0, 1, 2, 3, 4, 5]);
    outputs(&mut isotp);
    hear(&mut isotp, 1001, &[0x21, 6, 7, 8, 9, 10, 11, 12]);
    hear(&mut isotp, 1100, &[0x25, 0]);
    assert_eq!(outputs(&mut isotp), []);
    hear(&mut isotp, 1101, &[0x22, 13, 14, 15, 16, 17, 18, 19]);
    hear(&mut isotp, 1201, &[0x23, 20, 21]);
    assert_eq!(outputs(&mut isotp), [Output::Pdu(pdu(22))]);
}

#[test]
fn other_identifiers_change_nothing() {
    let mut isotp = machine(Options::default());
    for id in [0x123, 0x322, CAN_EFF_FLAG | 0x321, CAN_RTR_FLAG | 0x321, CAN_ERR_FLAG | 0x321] {
        isotp.receive(0, &Frame::classic(id, &[1, 1]), false);
        isotp.receive(0, &Frame::classic(id, &[1, 1]), true);
    }
    assert_eq!(outputs(&mut isotp), []);
}
