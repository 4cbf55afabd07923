//! Frames that come: `bcm_rx_setup`, `bcm_rx_handler`, and the timers for frames that are missing or too many.

use std::collections::VecDeque;

use libc::E2BIG;

use super::check::Request;
use super::head::*;
use super::{Key, Message, Origin, Output};
use crate::frame::{CAN_ERR_FLAG, CAN_RTR_FLAG, Frame};
use crate::{Errno, Nanos};

/// In the flags of a kept frame: it was sent on this host.
const RX_LOCAL: u8 = 0x10;
/// In the flags of a kept frame: it was sent by this socket.
const RX_OWN: u8 = 0x20;
/// In the flags of a kept frame: there is one.
const RX_RECV: u8 = 0x40;
/// In the flags of a kept frame: the program has not been told, as it wants fewer messages.
const RX_THR: u8 = 0x80;

/// A `struct bcm_op` that receives.
#[derive(Clone, Debug)]
pub(super) struct RxOp {
    pub(super) key: Key,
    flags: u32,
    ival1: BcmTimeval,
    ival2: BcmTimeval,
    /// How many frames of the filter there are.
    nframes: usize,
    /// The filter: which bits of the data are compared. One at least, which is not used if there is none.
    frames: Vec<Slot>,
    /// What came last, for each of them.
    last_frames: Vec<Slot>,
    /// Where the last frame came from, and when.
    rx_ifindex: i32,
    rx_stamp: Nanos,
    /// When the program was told last, while it wants fewer messages.
    kt_lastmsg: Option<Nanos>,
    /// When a frame is missing.
    pub(super) timer: Option<Nanos>,
    /// When the program is told of what has come since.
    pub(super) thrtimer: Option<Nanos>,
}

impl RxOp {
    /// An op of this request.
    pub(super) fn new(key: Key, request: &Request) -> Result<RxOp, Errno> {
        let mut frames = request.frames(false)?;
        frames.resize(frames.len().max(1), Slot::EMPTY);
        Ok(RxOp {
            key,
            flags: 0,
            ival1: BcmTimeval::default(),
            ival2: BcmTimeval::default(),
            nframes: request.head.nframes as usize,
            last_frames: vec![Slot::EMPTY; frames.len()],
            frames,
            rx_ifindex: key.ifindex,
            rx_stamp: 0,
            kt_lastmsg: None,
            timer: None,
            thrtimer: None,
        })
    }

    /// The request changes the op's filter.
    pub(super) fn refilter(&mut self, request: &Request) -> Result<(), Errno> {
        let nframes = request.head.nframes as usize;
        // An op never grows, and its size is that of its last request.
        if nframes > self.nframes {
            return Err(E2BIG);
        }
        let frames = request.frames(false)?;
        self.frames[..nframes].copy_from_slice(&frames);
        self.last_frames[..nframes].fill(Slot::EMPTY);
        self.nframes = nframes;
        Ok(())
    }

    /// The flags and the times of the request take effect.
    pub(super) fn setup(&mut self, now: Nanos, head: &BcmMsgHead, out: &mut VecDeque<Output>) {
        self.flags = head.flags;
        if self.has(RX_RTR_FRAME) {
            (self.timer, self.thrtimer) = (None, None);
            // Not a request again, which would be answered by itself.
            if self.has(TX_CP_CAN_ID) || self.frames[0].id() == self.key.can_id {
                self.frames[0].set_id(self.key.can_id & !CAN_RTR_FLAG);
            }
            return;
        }
        if self.has(SETTIMER) {
            (self.ival1, self.ival2) = (head.ival1, head.ival2);
            if self.ival1.nanos() == 0 {
                self.timer = None;
            }
            (self.thrtimer, self.kt_lastmsg) = (None, None);
            self.flush(out);
        }
        if self.has(STARTTIMER) {
            self.start_timer(now);
        }
    }

    /// Whether a frame concerns the op: by its identifier with all flags. Messages about errors concern none.
    pub(super) fn wants(&self, ifindex: i32, frame: &Frame) -> bool {
        let here = self.key.ifindex == 0 || self.key.ifindex == ifindex;
        here && self.key.can_id == frame.id && self.key.fd == frame.fd && frame.id & CAN_ERR_FLAG == 0
    }

    /// `bcm_rx_handler`, for a frame that the op wants.
    pub(super) fn receive(
        &mut self,
        now: Nanos,
        ifindex: i32,
        frame: &Frame,
        origin: Origin,
        out: &mut VecDeque<Output>,
    ) {
        self.timer = None;
        (self.rx_stamp, self.rx_ifindex) = (now, ifindex);
        if self.has(RX_RTR_FRAME) {
            return self.answer(out);
        }
        let mut data = Slot::of_frame(frame);
        *data.flags() |= match origin {
            Origin::Remote => 0,
            Origin::Local => RX_LOCAL,
            Origin::Own => RX_LOCAL | RX_OWN,
        };
        if self.has(RX_FILTER_ID) {
            self.update(now, 0, data, out);
        } else if self.nframes == 1 {
            self.compare(now, 0, data, out);
        } else {
            let mask = self.frames[0].word(0);
            let fits = |filter: &Slot| mask & filter.word(0) == mask & data.word(0);
            if let Some(at) = self.frames[1..self.nframes].iter().position(fits) {
                self.compare(now, at + 1, data, out);
            }
        }
        if !self.has(RX_NO_AUTOTIMER) {
            self.start_timer(now);
        }
    }

    /// A remote request is answered, unless the op does not say where.
    fn answer(&mut self, out: &mut VecDeque<Output>) {
        let ifindex = self.key.ifindex;
        if let Some(frame) = self.frames[0].frame(self.key.fd).filter(|_| ifindex != 0) {
            out.push_back(Output::Frame { ifindex, frame });
        }
    }

    /// `bcm_rx_cmp_to_index`: whether the content is another one than what came last.
    fn compare(&mut self, now: Nanos, at: usize, data: Slot, out: &mut VecDeque<Output>) {
        let (mask, mut last) = (self.frames[at], self.last_frames[at]);
        let first = *last.flags() & RX_RECV == 0;
        let mut words = (0..usize::from(data.len())).step_by(8);
        let changed = words.any(|at| mask.word(at) & data.word(at) != mask.word(at) & last.word(at));
        if first || changed || self.has(RX_CHECK_DLC) && data.len() != last.len() {
            self.update(now, at, data, out);
        }
    }

    /// `bcm_rx_update_and_send`: a content is kept, and the program is told now or later.
    fn update(&mut self, now: Nanos, at: usize, mut data: Slot, out: &mut VecDeque<Output>) {
        *data.flags() |= RX_RECV | RX_THR;
        self.last_frames[at] = data;
        let ival2 = self.ival2.nanos();
        if ival2 == 0 {
            return self.changed(at, out);
        }
        if self.thrtimer.is_some() {
            return;
        }
        // The kernel compares whole microseconds.
        match self.kt_lastmsg {
            Some(last) if now.saturating_sub(last) / 1_000 < ival2 / 1_000 => {
                self.thrtimer = Some(last.saturating_add(ival2));
            }
            _ => {
                self.changed(at, out);
                self.kt_lastmsg = Some(now);
            }
        }
    }

    /// `bcm_rx_changed`: the program is told of a kept content.
    fn changed(&mut self, at: usize, out: &mut VecDeque<Output>) {
        *self.last_frames[at].flags() &= !RX_THR;
        let head = self.head(RX_CHANGED, 1);
        let frames = &self.last_frames[at..=at];
        out.push_back(Output::Message(Message::of(head, frames, self.rx_ifindex, Some(self.rx_stamp))));
    }

    /// `bcm_rx_thr_flush`: the program is told of all that it has not been told; returns whether there was any.
    fn flush(&mut self, out: &mut VecDeque<Output>) -> bool {
        // The first frame of a multiplex filter is its mask.
        let slots = if self.nframes > 1 { 1..self.nframes } else { 0..1 };
        let mut any = false;
        for at in slots {
            if *self.last_frames[at].flags() & RX_THR != 0 {
                self.changed(at, out);
                any = true;
            }
        }
        any
    }

    fn start_timer(&mut self, now: Nanos) {
        let ival1 = self.ival1.nanos();
        if ival1 != 0 {
            self.timer = Some(now.saturating_add(ival1));
        }
    }

    /// `bcm_rx_timeout_handler`: a frame is missing. That is told once, until one comes.
    pub(super) fn timer(&mut self, out: &mut VecDeque<Output>) {
        self.timer = None;
        if self.has(RX_ANNOUNCE_RESUME) {
            self.last_frames[..self.nframes].fill(Slot::EMPTY);
        }
        out.push_back(Output::Message(Message::of(self.head(RX_TIMEOUT, 0), &[], self.rx_ifindex, None)));
    }

    /// `bcm_rx_thr_handler`: the program may be told again.
    pub(super) fn thrtimer(&mut self, now: Nanos, due: Nanos, out: &mut VecDeque<Output>) {
        let ival2 = self.ival2.nanos();
        self.thrtimer = None;
        if self.flush(out) && ival2 != 0 {
            let passed = (now - due) / ival2 + 1;
            self.thrtimer = Some(due.saturating_add(passed.saturating_mul(ival2)));
        } else {
            self.kt_lastmsg = None;
        }
    }

    /// The answer to `RX_READ`: the filter, and where the last frame came from.
    pub(super) fn status(&self) -> Message {
        Message::of(self.head(RX_STATUS, self.nframes), &self.frames[..self.nframes], self.rx_ifindex, None)
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// A head; ops that receive have no count.
    fn head(&self, opcode: u32, nframes: usize) -> BcmMsgHead {
        BcmMsgHead {
            opcode,
            flags: self.flags,
            count: 0,
            ival1: self.ival1,
            ival2: self.ival2,
            can_id: self.key.can_id,
            nframes: nframes as u32,
        }
    }
}

/// `MSG_DONTROUTE` and `MSG_CONFIRM` of a message with this one frame, whose flags get back their own bits.
pub(super) fn traffic(slot: &mut Slot) -> libc::c_int {
    let flags = *slot.flags();
    *slot.flags() &= 0x0f;
    let local = if flags & RX_LOCAL != 0 { libc::MSG_DONTROUTE } else { 0 };
    let own = if flags & RX_OWN != 0 { libc::MSG_CONFIRM } else { 0 };
    local | own
}
