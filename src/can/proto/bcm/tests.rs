//! One test for each behaviour, request by request.

use libc::{E2BIG, EFAULT, EINVAL, ENODEV, MSG_CONFIRM, MSG_DONTROUTE};

use super::*;
use crate::frame::{CAN_EFF_FLAG, CAN_ERR_FLAG, CAN_RTR_FLAG, CANFD_FDF};

const MS: Nanos = 1_000_000;

/// A head with times in milliseconds.
fn head(opcode: u32, flags: u32, count: u32, times: [u32; 2], can_id: u32) -> BcmMsgHead {
    let [ival1, ival2] = times.map(|ms| BcmTimeval::micros(ms * 1000));
    BcmMsgHead { opcode, flags, count, ival1, ival2, can_id, nframes: 0 }
}

fn message(head: BcmMsgHead, frames: &[Frame]) -> Vec<u8> {
    let mut bytes = BcmMsgHead { nframes: frames.len() as u32, ..head }.bytes().to_vec();
    for frame in frames {
        let (len, frame) = frame.bytes();
        bytes.extend_from_slice(&frame[..len]);
    }
    bytes
}

/// A request that is a good one.
#[track_caller]
fn ask(bcm: &mut Bcm, now: Nanos, head: BcmMsgHead, frames: &[Frame]) {
    let bytes = message(head, frames);
    assert_eq!(check(1, &bytes), Ok(bytes.len()));
    assert_eq!(bcm.request(now, 1, &bytes), Ok(bytes.len()));
}

fn outputs(bcm: &mut Bcm) -> Vec<Output> {
    std::iter::from_fn(|| bcm.output()).collect()
}

/// The first byte of the data of all frames that there are now.
#[track_caller]
fn sent(bcm: &mut Bcm) -> Vec<u8> {
    let first = |output| match output {
        Output::Frame { ifindex: 1, frame } => frame.data[0],
        other => panic!("{other:?}"),
    };
    outputs(bcm).into_iter().map(first).collect()
}

/// The messages that there are now: their opcodes and the first byte of the data of their frames.
#[track_caller]
fn told(bcm: &mut Bcm) -> Vec<(u32, Vec<u8>)> {
    let parts = |output| match output {
        Output::Message(message) => {
            let head = BcmMsgHead::of_bytes(&message.bytes).unwrap();
            let frames = message.bytes[MHSIZ..].chunks(head.cfsiz());
            assert_eq!(frames.len(), head.nframes as usize);
            (head.opcode, frames.map(|frame| frame[8]).collect())
        }
        other => panic!("{other:?}"),
    };
    outputs(bcm).into_iter().map(parts).collect()
}

fn numbered(numbers: &[u8]) -> Vec<Frame> {
    numbers.iter().map(|number| Frame::classic(0x123, &[*number])).collect()
}

fn hear(bcm: &mut Bcm, now: Nanos, data: &[u8]) {
    bcm.receive(now, 1, &Frame::classic(0x123, data), Origin::Local);
}

#[test]
fn count_and_two_times() {
    let mut bcm = Bcm::new();
    let flags = SETTIMER | STARTTIMER | TX_COUNTEVT;
    ask(&mut bcm, 0, head(TX_SETUP, flags, 3, [10, 100], 0x123), &numbered(&[1, 2]));
    assert_eq!(sent(&mut bcm), [1]);
    bcm.timer(10 * MS - 1);
    assert_eq!(outputs(&mut bcm), []);
    bcm.timer(10 * MS);
    assert_eq!(sent(&mut bcm), [2]);
    bcm.timer(20 * MS);
    let [Output::Frame { .. }, Output::Message(expired)] = &outputs(&mut bcm)[..] else { panic!() };
    let expected = head(TX_EXPIRED, flags | TX_ANNOUNCE, 0, [10, 100], 0x123);
    assert_eq!(expired, &Message { bytes: expected.bytes().to_vec(), ifindex: 0, msg_flags: 0, stamp: None });
    assert_eq!(bcm.next_timer(), Some(120 * MS));
    bcm.timer(120 * MS);
    assert_eq!((sent(&mut bcm), bcm.next_timer()), (vec![2], Some(220 * MS)));
}

#[test]
fn a_late_timer_keeps_the_rate_and_does_not_catch_up() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(TX_SETUP, SETTIMER | STARTTIMER, 0, [0, 10], 0x123), &numbered(&[1]));
    bcm.timer(13 * MS);
    assert_eq!((sent(&mut bcm).len(), bcm.next_timer()), (2, Some(20 * MS)));
    bcm.timer(1000 * MS);
    assert_eq!((sent(&mut bcm).len(), bcm.next_timer()), (1, Some(1010 * MS)));
}

#[test]
fn a_count_without_a_second_time_ends() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(TX_SETUP, SETTIMER | STARTTIMER, 2, [10, 0], 0x123), &numbered(&[1]));
    bcm.timer(10 * MS);
    assert_eq!((sent(&mut bcm).len(), bcm.next_timer()), (2, None));
    ask(&mut bcm, 0, head(TX_SETUP, SETTIMER | STARTTIMER, 0, [10, 0], 0x123), &numbered(&[1]));
    assert_eq!((sent(&mut bcm).len(), bcm.next_timer()), (1, None));
}

#[test]
fn an_update_changes_frames_and_keeps_the_timer() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(TX_SETUP, SETTIMER | STARTTIMER, 0, [0, 10], 0x123), &numbered(&[1, 2, 3]));
    ask(&mut bcm, 5 * MS, head(TX_SETUP, 0, 0, [0, 77], 0x123), &numbered(&[4, 5, 6]));
    bcm.timer(10 * MS);
    assert_eq!((sent(&mut bcm), bcm.next_timer()), (vec![1, 5], Some(20 * MS)));
    // Fewer frames and TX_RESET_MULTI_IDX begin anew; TX_ANNOUNCE sends at once.
    ask(&mut bcm, 11 * MS, head(TX_SETUP, TX_ANNOUNCE, 0, [0, 0], 0x123), &numbered(&[7, 8]));
    ask(
        &mut bcm,
        11 * MS,
        head(TX_SETUP, TX_ANNOUNCE | TX_RESET_MULTI_IDX, 0, [0, 0], 0x123),
        &numbered(&[7, 8]),
    );
    assert_eq!(sent(&mut bcm), [7, 7]);
    let larger = message(head(TX_SETUP, 0, 0, [0, 0], 0x123), &numbered(&[1, 2, 3]));
    assert_eq!(bcm.request(0, 1, &larger), Err(E2BIG));
    ask(&mut bcm, 12 * MS, head(TX_SETUP, SETTIMER, 0, [0, 0], 0x123), &numbered(&[9]));
    assert_eq!(bcm.next_timer(), None);
}

#[test]
fn frames_get_the_identifier_of_the_head() {
    let mut bcm = Bcm::new();
    let frame = Frame::fd(0x7, 0, &[1; 64]);
    let id = CAN_EFF_FLAG | 0x9999;
    ask(&mut bcm, 0, head(TX_SETUP, CAN_FD_FRAME | TX_CP_CAN_ID | TX_ANNOUNCE, 0, [0, 0], id), &[frame]);
    let expected = Frame { id, flags: CANFD_FDF, ..frame };
    assert_eq!(outputs(&mut bcm), [Output::Frame { ifindex: 1, frame: expected }]);
}

#[test]
fn ops_are_read_and_deleted_by_id_interface_and_kind() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(TX_SETUP, SETTIMER, 5, [1, 2], 0x123), &numbered(&[1, 2]));
    ask(&mut bcm, 0, head(RX_SETUP, SETTIMER, 5, [1, 2], 0x123), &numbered(&[3]));
    for (wrong, ifindex, flags) in [(0x124, 1, 0), (0x123, 2, 0), (0x123, 1, CAN_FD_FRAME)] {
        for opcode in [TX_READ, TX_DELETE, RX_READ, RX_DELETE] {
            let bytes = head(opcode, flags, 0, [0, 0], wrong).bytes();
            assert_eq!((bcm.request(0, ifindex, &bytes), check(ifindex, &bytes)), (Err(EINVAL), Ok(MHSIZ)));
        }
    }
    ask(&mut bcm, 0, head(TX_READ, 0, 0, [0, 0], 0x123), &[]);
    let status = Message::of(
        BcmMsgHead { nframes: 2, ..head(TX_STATUS, SETTIMER, 5, [1, 2], 0x123) },
        &numbered(&[1, 2]).iter().map(Slot::of_frame).collect::<Vec<_>>(),
        0,
        None,
    );
    assert_eq!(outputs(&mut bcm), [Output::Message(status)]);
    ask(&mut bcm, 0, head(RX_READ, 0, 0, [0, 0], 0x123), &[]);
    let [Output::Message(status)] = &outputs(&mut bcm)[..] else { panic!() };
    let read = BcmMsgHead::of_bytes(&status.bytes).unwrap();
    assert_eq!(read, BcmMsgHead { nframes: 1, count: 0, ..head(RX_STATUS, SETTIMER, 0, [1, 2], 0x123) });
    assert_eq!(status.ifindex, 1);
    for opcode in [TX_DELETE, RX_DELETE] {
        ask(&mut bcm, 0, head(opcode, 0, 0, [0, 0], 0x123), &[]);
        assert_eq!(bcm.request(0, 1, &head(opcode, 0, 0, [0, 0], 0x123).bytes()), Err(EINVAL));
    }
}

#[test]
fn requests_that_are_none() {
    let one = &numbered(&[1])[..];
    let setup = |opcode, flags| head(opcode, flags, 0, [0, 0], 0x123);
    let with = |head: BcmMsgHead, nframes, bytes: usize| {
        let mut message = BcmMsgHead { nframes, ..head }.bytes().to_vec();
        message.resize(MHSIZ + bytes, 0);
        message
    };
    let late =
        BcmMsgHead { ival2: BcmTimeval { tv_sec: 0, tv_usec: 1_000_000 }, ..setup(TX_SETUP, SETTIMER) };
    let cases = [
        (1, vec![0; 55], Err(EINVAL), Err(EINVAL)),
        (1, with(setup(0, 0), 0, 0), Err(EINVAL), Err(EINVAL)),
        (1, with(setup(TX_STATUS, 0), 0, 0), Err(EINVAL), Err(EINVAL)),
        (1, with(setup(TX_SETUP, 0), 1, 17), Err(EINVAL), Err(EINVAL)),
        (1, with(setup(TX_SETUP, CAN_FD_FRAME), 1, 16), Err(EINVAL), Err(EINVAL)),
        (0, with(setup(TX_SETUP, 0), 0, 0), Err(ENODEV), Err(ENODEV)),
        (1, with(setup(TX_SETUP, 0), 0, 0), Err(EINVAL), Err(EINVAL)),
        (1, with(setup(TX_SETUP, 0), 257, 257 * 16), Err(EINVAL), Err(EINVAL)),
        (1, with(setup(TX_SETUP, 0), 256, 256 * 16), Ok(4152), Ok(4152)),
        (1, with(setup(TX_SETUP, 0), 2, 16), Ok(88), Err(EFAULT)),
        (1, with(setup(TX_SETUP, 0), 1, 48), Ok(72), Ok(72)),
        (1, message(late, one), Err(EINVAL), Err(EINVAL)),
        (1, message(BcmMsgHead { flags: 0, ..late }, one), Ok(72), Ok(72)),
        (1, with(setup(RX_SETUP, 0), 258, 0), Err(EINVAL), Err(EINVAL)),
        (1, with(setup(RX_SETUP, 0), 257, 257 * 16), Ok(4168), Ok(4168)),
        (1, with(setup(RX_SETUP, RX_FILTER_ID), 999, 16), Ok(56), Ok(56)),
        (0, with(setup(RX_SETUP, 0), 2, 16), Ok(88), Err(EFAULT)),
        (1, message(setup(RX_SETUP, RX_RTR_FRAME), one), Err(EINVAL), Err(EINVAL)),
        (
            1,
            with(BcmMsgHead { can_id: CAN_RTR_FLAG, ..setup(RX_SETUP, RX_RTR_FRAME) }, 0, 0),
            Err(EINVAL),
            Err(EINVAL),
        ),
        (1, with(setup(TX_SEND, 0), 1, 32), Err(EINVAL), Err(EINVAL)),
        (0, with(setup(TX_SEND, 0), 2, 16), Err(EINVAL), Err(EINVAL)),
        (0, with(setup(TX_SEND, 0), 1, 16), Err(ENODEV), Err(ENODEV)),
        (1, with(setup(TX_SEND, 0), 1, 16), Ok(72), Ok(72)),
    ];
    for (ifindex, bytes, checked, answered) in cases {
        let shown = BcmMsgHead::of_bytes(&bytes);
        assert_eq!(check(ifindex, &bytes), checked, "{shown:?}");
        assert_eq!(Bcm::new().request(0, ifindex, &bytes), answered, "{shown:?}");
    }
    let mut long = message(setup(TX_SETUP, 0), one);
    long[MHSIZ + 4] = 9;
    assert_eq!((check(1, &long), Bcm::new().request(0, 1, &long)), (Ok(72), Err(EINVAL)));
    long[0] = TX_SEND as u8;
    assert_eq!((check(1, &long), Bcm::new().request(0, 1, &long)), (Err(EINVAL), Err(EINVAL)));
}

#[test]
fn one_frame_is_sent_as_it_is() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(TX_SEND, TX_CP_CAN_ID, 0, [0, 0], 0x1), &numbered(&[1]));
    assert_eq!(outputs(&mut bcm), [Output::Frame { ifindex: 1, frame: numbered(&[1])[0] }]);
}

#[test]
fn every_frame_with_the_id_is_told() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(RX_SETUP, 0, 0, [0, 0], 0x123), &[]);
    let frame = Frame { flags: 0x05, ..Frame::classic(0x123, &[1, 2]) };
    for (origin, msg_flags) in
        [(Origin::Remote, 0), (Origin::Local, MSG_DONTROUTE), (Origin::Own, MSG_DONTROUTE | MSG_CONFIRM)]
    {
        bcm.receive(77, 1, &frame, origin);
        let bytes = message(head(RX_CHANGED, RX_FILTER_ID, 0, [0, 0], 0x123), &[frame]);
        let expected = Message { bytes, ifindex: 1, msg_flags, stamp: Some(77) };
        assert_eq!(outputs(&mut bcm), [Output::Message(expected)]);
    }
    for other in [0x124, 0x123 | CAN_EFF_FLAG, 0x123 | CAN_RTR_FLAG, 0x123 | CAN_ERR_FLAG] {
        bcm.receive(0, 1, &Frame::classic(other, &[1]), Origin::Local);
    }
    bcm.receive(0, 2, &frame, Origin::Local);
    bcm.receive(0, 1, &Frame::fd(0x123, 0, &[1]), Origin::Local);
    assert_eq!(outputs(&mut bcm), []);
    assert_eq!(
        bcm.subscriptions().collect::<Vec<_>>(),
        [Subscription { ifindex: 1, can_id: 0x123, fd: false }]
    );
}

#[test]
fn ops_of_all_interfaces_are_asked_first() {
    let mut bcm = Bcm::new();
    for (ifindex, flags) in [(1, RX_CHECK_DLC), (0, 0), (2, 0)] {
        bcm.request(0, ifindex, &head(RX_SETUP, flags, 0, [0, 0], 0x123).bytes()).unwrap();
    }
    hear(&mut bcm, 0, &[1]);
    let flags = outputs(&mut bcm).into_iter().map(|output| match output {
        Output::Message(message) => (BcmMsgHead::of_bytes(&message.bytes).unwrap().flags, message.ifindex),
        other => panic!("{other:?}"),
    });
    assert_eq!(flags.collect::<Vec<_>>(), [(RX_FILTER_ID, 1), (RX_FILTER_ID | RX_CHECK_DLC, 1)]);
}

#[test]
fn only_changes_of_masked_bits_are_told() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(RX_SETUP, 0, 0, [0, 0], 0x123), &[Frame::classic(0x123, &[0xf0])]);
    for (data, changed) in
        [(&[0x11][..], true), (&[0x12], false), (&[0x12, 9], false), (&[0x22], true), (&[], false)]
    {
        hear(&mut bcm, 0, data);
        assert_eq!(!told(&mut bcm).is_empty(), changed, "{data:?}");
    }
    ask(&mut bcm, 0, head(RX_SETUP, RX_CHECK_DLC, 0, [0, 0], 0x123), &[Frame::classic(0x123, &[0xf0])]);
    for (data, changed) in
        [(&[0x11][..], true), (&[0x12], false), (&[0x12, 9], true), (&[], true), (&[], false)]
    {
        hear(&mut bcm, 0, data);
        assert_eq!(!told(&mut bcm).is_empty(), changed, "{data:?}");
    }
}

#[test]
fn all_data_of_can_fd_is_compared() {
    let mut bcm = Bcm::new();
    let mut data = [0; 64];
    let mask = Frame::fd(0, 0, &[0xff; 64]);
    ask(&mut bcm, 0, head(RX_SETUP, CAN_FD_FRAME, 0, [0, 0], 0x123), &[mask]);
    for changed in [true, false] {
        bcm.receive(0, 1, &Frame::fd(0x123, 0, &data), Origin::Local);
        assert_eq!(told(&mut bcm).len(), usize::from(changed));
    }
    data[63] = 1;
    bcm.receive(0, 1, &Frame::fd(0x123, 0, &data), Origin::Local);
    assert_eq!(told(&mut bcm).len(), 1);
}

#[test]
fn a_multiplex_filter_keeps_contents_apart() {
    let mut bcm = Bcm::new();
    let filter: Vec<Frame> =
        [[0xff, 0], [1, 0xff], [2, 0x0f]].iter().map(|data| Frame::classic(0, data)).collect();
    ask(&mut bcm, 0, head(RX_SETUP, 0, 0, [0, 0], 0x123), &filter);
    let cases = [
        ([1, 5], true),
        ([2, 5], true),
        ([1, 5], false),
        ([1, 6], true),
        ([2, 0x15], false),
        ([3, 1], false),
    ];
    for (data, changed) in cases {
        hear(&mut bcm, 0, &data);
        assert_eq!(!told(&mut bcm).is_empty(), changed, "{data:?}");
    }
}

#[test]
fn a_missing_frame_is_told_once() {
    let mut bcm = Bcm::new();
    let flags = SETTIMER | STARTTIMER;
    ask(&mut bcm, 0, head(RX_SETUP, flags, 0, [10, 0], 0x123), &[Frame::classic(0x123, &[0xff])]);
    bcm.timer(10 * MS);
    assert_eq!((told(&mut bcm), bcm.next_timer()), (vec![(RX_TIMEOUT, vec![])], None));
    hear(&mut bcm, 20 * MS, &[1]);
    assert_eq!((told(&mut bcm), bcm.next_timer()), (vec![(RX_CHANGED, vec![1])], Some(30 * MS)));
    hear(&mut bcm, 25 * MS, &[1]);
    assert_eq!(bcm.next_timer(), Some(35 * MS));
    bcm.timer(35 * MS);
    hear(&mut bcm, 36 * MS, &[1]);
    assert_eq!(told(&mut bcm), [(RX_TIMEOUT, vec![])]);
    // With RX_ANNOUNCE_RESUME the first frame afterwards is told.
    let flags = flags | RX_ANNOUNCE_RESUME;
    ask(&mut bcm, 40 * MS, head(RX_SETUP, flags, 0, [10, 0], 0x123), &[Frame::classic(0x123, &[0xff])]);
    hear(&mut bcm, 41 * MS, &[1]);
    bcm.timer(51 * MS);
    hear(&mut bcm, 52 * MS, &[1]);
    assert_eq!(told(&mut bcm), [(RX_CHANGED, vec![1]), (RX_TIMEOUT, vec![]), (RX_CHANGED, vec![1])]);
    // With RX_NO_AUTOTIMER a frame only stops the timer.
    ask(&mut bcm, 60 * MS, head(RX_SETUP, SETTIMER | STARTTIMER | RX_NO_AUTOTIMER, 0, [10, 0], 0x123), &[]);
    hear(&mut bcm, 61 * MS, &[1]);
    assert_eq!(bcm.next_timer(), None);
}

#[test]
fn messages_keep_their_distance() {
    let mut bcm = Bcm::new();
    ask(&mut bcm, 0, head(RX_SETUP, SETTIMER, 0, [0, 10], 0x123), &[Frame::classic(0x123, &[0xff])]);
    hear(&mut bcm, 5 * MS, &[1]);
    assert_eq!(told(&mut bcm), [(RX_CHANGED, vec![1])]);
    hear(&mut bcm, 6 * MS, &[2]);
    hear(&mut bcm, 7 * MS, &[3]);
    assert_eq!((told(&mut bcm), bcm.next_timer()), (vec![], Some(15 * MS)));
    bcm.timer(15 * MS);
    assert_eq!((told(&mut bcm), bcm.next_timer()), (vec![(RX_CHANGED, vec![3])], Some(25 * MS)));
    hear(&mut bcm, 16 * MS, &[4]);
    bcm.timer(47 * MS);
    assert_eq!((told(&mut bcm), bcm.next_timer()), (vec![(RX_CHANGED, vec![4])], Some(55 * MS)));
    bcm.timer(55 * MS);
    assert_eq!((told(&mut bcm), bcm.next_timer()), (vec![], None));
    hear(&mut bcm, 56 * MS, &[5]);
    hear(&mut bcm, 66 * MS, &[6]);
    assert_eq!(told(&mut bcm).len(), 2);
    // A request with times tells what has been held back, if it does not come with a new filter.
    hear(&mut bcm, 67 * MS, &[7]);
    assert_eq!(told(&mut bcm), []);
    ask(&mut bcm, 68 * MS, head(RX_SETUP, SETTIMER, 0, [0, 0], 0x123), &[]);
    assert_eq!((told(&mut bcm), bcm.next_timer()), (vec![(RX_CHANGED, vec![7])], None));
    let larger = message(head(RX_SETUP, 0, 0, [0, 0], 0x123), &numbered(&[1]));
    assert_eq!(bcm.request(0, 1, &larger), Err(E2BIG));
}

#[test]
fn a_remote_request_is_answered() {
    let mut bcm = Bcm::new();
    let id = 0x123 | CAN_RTR_FLAG;
    ask(&mut bcm, 0, head(RX_SETUP, RX_RTR_FRAME, 0, [0, 0], id), &[Frame::classic(id, &[7])]);
    bcm.receive(0, 1, &Frame::classic(id, &[]), Origin::Local);
    assert_eq!(outputs(&mut bcm), [Output::Frame { ifindex: 1, frame: Frame::classic(0x123, &[7]) }]);
    ask(&mut bcm, 0, head(RX_SETUP, RX_RTR_FRAME, 0, [0, 0], id), &[Frame::classic(0x9, &[8])]);
    bcm.receive(0, 1, &Frame::classic(id, &[]), Origin::Local);
    assert_eq!(outputs(&mut bcm), [Output::Frame { ifindex: 1, frame: Frame::classic(0x9, &[8]) }]);
    // An op of all interfaces does not say where the answer goes.
    let mut bcm = Bcm::new();
    let everywhere = message(head(RX_SETUP, RX_RTR_FRAME, 0, [0, 0], id), &[Frame::classic(id, &[7])]);
    bcm.request(0, 0, &everywhere).unwrap();
    bcm.receive(0, 1, &Frame::classic(id, &[]), Origin::Local);
    assert_eq!(outputs(&mut bcm), []);
}
