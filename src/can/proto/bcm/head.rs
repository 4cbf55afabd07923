//! The messages of CAN_BCM: `struct bcm_msg_head` of `include/uapi/linux/can/bcm.h`, and the frames behind it.

use crate::Nanos;
use crate::frame::{CAN_MTU, CANFD_FDF, CANFD_MTU, Frame, HEAD};

/// The size of `struct bcm_msg_head`, frames begin there. It is that of 64-bit machines: four bytes before the first time are
/// padding.
pub const MHSIZ: usize = 56;
/// The most frames of a message; one more as the mask of a multiplex filter.
pub const MAX_NFRAMES: u32 = 256;
/// The longest time, in seconds: 400 days.
pub const BCM_TIMER_SEC_MAX: i64 = 400 * 24 * 60 * 60;

/// Sends frames cyclically, or changes that.
pub const TX_SETUP: u32 = 1;
/// Ends it.
pub const TX_DELETE: u32 = 2;
/// Asks for a [`TX_STATUS`].
pub const TX_READ: u32 = 3;
/// Sends one frame.
pub const TX_SEND: u32 = 4;
/// Tells of frames that come, or changes that.
pub const RX_SETUP: u32 = 5;
/// Ends it.
pub const RX_DELETE: u32 = 6;
/// Asks for a [`RX_STATUS`].
pub const RX_READ: u32 = 7;
/// The answer to [`TX_READ`].
pub const TX_STATUS: u32 = 8;
/// As many frames have been sent as [`TX_COUNTEVT`] was to tell of.
pub const TX_EXPIRED: u32 = 9;
/// The answer to [`RX_READ`].
pub const RX_STATUS: u32 = 10;
/// A cyclic frame has not come.
pub const RX_TIMEOUT: u32 = 11;
/// A frame with a new content has come.
pub const RX_CHANGED: u32 = 12;

/// The times and the count are to be set.
pub const SETTIMER: u32 = 0x0001;
/// The timer is to be started.
pub const STARTTIMER: u32 = 0x0002;
/// The end of the count is to be told by [`TX_EXPIRED`].
pub const TX_COUNTEVT: u32 = 0x0004;
/// A frame is to be sent at once.
pub const TX_ANNOUNCE: u32 = 0x0008;
/// The frames get the identifier of the head.
pub const TX_CP_CAN_ID: u32 = 0x0010;
/// Every frame with the identifier is told, whatever its content.
pub const RX_FILTER_ID: u32 = 0x0020;
/// A new length is a new content.
pub const RX_CHECK_DLC: u32 = 0x0040;
/// A frame that comes does not start the timer.
pub const RX_NO_AUTOTIMER: u32 = 0x0080;
/// The first frame after [`RX_TIMEOUT`] is told whatever its content.
pub const RX_ANNOUNCE_RESUME: u32 = 0x0100;
/// The first frame is the next to be sent.
pub const TX_RESET_MULTI_IDX: u32 = 0x0200;
/// A remote request is answered with the frame.
pub const RX_RTR_FRAME: u32 = 0x0400;
/// The frames are those of CAN FD.
pub const CAN_FD_FRAME: u32 = 0x0800;

/// `struct bcm_timeval`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BcmTimeval {
    /// Seconds.
    pub tv_sec: i64,
    /// And microseconds.
    pub tv_usec: i64,
}

impl BcmTimeval {
    /// The time of so many microseconds.
    pub fn micros(micros: u32) -> BcmTimeval {
        BcmTimeval { tv_sec: i64::from(micros / 1_000_000), tv_usec: i64::from(micros % 1_000_000) }
    }

    /// Whether the kernel takes it: not negative, up to 400 days, less than a second of microseconds.
    pub fn is_valid(&self) -> bool {
        (0..=BCM_TIMER_SEC_MAX).contains(&self.tv_sec) && (0..1_000_000).contains(&self.tv_usec)
    }

    /// The time in ns, 0 if it is none.
    pub(super) fn nanos(&self) -> Nanos {
        (self.tv_sec.max(0) as Nanos)
            .saturating_mul(1_000_000_000)
            .saturating_add(self.tv_usec.max(0) as Nanos * 1_000)
    }
}

/// `struct bcm_msg_head`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BcmMsgHead {
    /// What it is about, `TX_…` or `RX_…`.
    pub opcode: u32,
    /// The flags.
    pub flags: u32,
    /// How many frames are sent with the first time between them.
    pub count: u32,
    /// For sending the time between the first frames; for receiving the time after which a frame is missing.
    pub ival1: BcmTimeval,
    /// For sending the time between later frames; for receiving the time between two messages at least.
    pub ival2: BcmTimeval,
    /// The identifier.
    pub can_id: u32,
    /// How many frames follow.
    pub nframes: u32,
}

impl BcmMsgHead {
    /// The struct in memory.
    pub fn bytes(&self) -> [u8; MHSIZ] {
        let mut bytes = [0; MHSIZ];
        for (at, word) in
            [(0, self.opcode), (4, self.flags), (8, self.count), (48, self.can_id), (52, self.nframes)]
        {
            bytes[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        let times = [self.ival1.tv_sec, self.ival1.tv_usec, self.ival2.tv_sec, self.ival2.tv_usec];
        for (at, time) in (16..).step_by(8).zip(times) {
            bytes[at..at + 8].copy_from_slice(&time.to_ne_bytes());
        }
        bytes
    }

    /// The head at the beginning of these bytes; `None` if there are too few.
    pub fn of_bytes(bytes: &[u8]) -> Option<BcmMsgHead> {
        let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(i64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let time = |at: usize| Some(BcmTimeval { tv_sec: long(at)?, tv_usec: long(at + 8)? });
        Some(BcmMsgHead {
            opcode: word(0)?,
            flags: word(4)?,
            count: word(8)?,
            ival1: time(16)?,
            ival2: time(32)?,
            can_id: word(48)?,
            nframes: word(52)?,
        })
    }

    /// Whether the frames are those of CAN FD.
    pub fn fd(&self) -> bool {
        self.flags & CAN_FD_FRAME != 0
    }

    /// The size of a frame.
    pub fn cfsiz(&self) -> usize {
        if self.fd() { CANFD_MTU } else { CAN_MTU }
    }
}

/// A frame as it stands in a message. It may be a filter, so its length need not be one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slot([u8; CANFD_MTU]);

impl Slot {
    /// All zeros.
    pub(super) const EMPTY: Slot = Slot([0; CANFD_MTU]);

    /// The frame that these bytes are: 16 or 72.
    pub(super) fn of_bytes(bytes: &[u8]) -> Slot {
        let mut slot = Slot::EMPTY;
        slot.0[..bytes.len()].copy_from_slice(bytes);
        slot
    }

    /// Another way to have a frame.
    pub(super) fn of_frame(frame: &Frame) -> Slot {
        let (len, bytes) = frame.bytes();
        Slot::of_bytes(&bytes[..len])
    }

    /// The bytes, of which `size` are the frame.
    pub(super) fn bytes(&self, size: usize) -> &[u8] {
        &self.0[..size]
    }

    /// The frame as it is sent; `None` if its length is none, which `can_send` refuses.
    pub(super) fn frame(&self, fd: bool) -> Option<Frame> {
        let mut frame = Frame::of_bytes(self.bytes(if fd { CANFD_MTU } else { CAN_MTU }))?;
        if fd {
            // The kernel marks every CAN FD frame as one before it reaches the interface (can_send).
            frame.flags |= CANFD_FDF;
        }
        Some(frame)
    }

    /// `can_id`.
    pub(super) fn id(&self) -> u32 {
        u32::from_ne_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    /// `can_id`, to be set.
    pub(super) fn set_id(&mut self, id: u32) {
        self.0[..4].copy_from_slice(&id.to_ne_bytes());
    }

    /// `len`.
    pub(super) fn len(&self) -> u8 {
        self.0[4]
    }

    /// `flags`, or the padding at their place.
    pub(super) fn flags(&mut self) -> &mut u8 {
        &mut self.0[5]
    }

    /// Eight bytes of the data, from this one.
    pub(super) fn word(&self, at: usize) -> u64 {
        let bytes = &self.0[HEAD + at..HEAD + at + 8];
        bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_the_kernels_offsets() {
        let head = BcmMsgHead {
            opcode: RX_SETUP,
            flags: SETTIMER | RX_CHECK_DLC,
            count: 3,
            ival1: BcmTimeval { tv_sec: 4, tv_usec: 5 },
            ival2: BcmTimeval { tv_sec: 6, tv_usec: -7 },
            can_id: 0x123,
            nframes: 9,
        };
        let bytes = head.bytes();
        let words: Vec<u32> =
            bytes.chunks(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap())).collect();
        assert_eq!(words, [5, 0x41, 3, 0, 4, 0, 5, 0, 6, 0, -7_i32 as u32, u32::MAX, 0x123, 9]);
        assert_eq!(BcmMsgHead::of_bytes(&bytes), Some(head));
        assert_eq!(BcmMsgHead::of_bytes(&bytes[..55]), None);
    }

    #[test]
    fn times_have_bounds() {
        let time = |tv_sec, tv_usec| BcmTimeval { tv_sec, tv_usec };
        assert!(time(0, 0).is_valid() && time(BCM_TIMER_SEC_MAX, 999_999).is_valid());
        for wrong in [time(-1, 0), time(0, -1), time(0, 1_000_000), time(BCM_TIMER_SEC_MAX + 1, 0)] {
            assert!(!wrong.is_valid(), "{wrong:?}");
        }
        assert_eq!(BcmTimeval::micros(2_500_000).nanos(), 2_500_000_000);
    }

    #[test]
    fn a_slot_is_a_frame_if_its_length_is_one() {
        let frame = Frame::classic(7, &[1, 2, 3]);
        let mut slot = Slot::of_frame(&frame);
        assert_eq!((slot.frame(false), slot.id(), slot.len()), (Some(frame), 7, 3));
        slot.0[4] = 9;
        assert_eq!(slot.frame(false), None);
        assert_eq!(slot.frame(true).map(|frame| frame.flags), Some(CANFD_FDF));
    }
}
