//! Frames that are sent again and again: `bcm_tx_setup`, `bcm_can_tx` and `bcm_tx_timeout_handler`.

use std::collections::VecDeque;

use libc::E2BIG;

use super::check::Request;
use super::head::*;
use super::{Key, Message, Output};
use crate::{Errno, Nanos};

/// A `struct bcm_op` that sends.
#[derive(Clone, Debug)]
pub(super) struct TxOp {
    pub(super) key: Key,
    flags: u32,
    count: u32,
    ival1: BcmTimeval,
    ival2: BcmTimeval,
    frames: Vec<Slot>,
    /// The frame to be sent next.
    currframe: usize,
    pub(super) timer: Option<Nanos>,
}

impl TxOp {
    /// An op of this request, which [`setup`](Self::setup) fills.
    pub(super) fn new(key: Key) -> TxOp {
        let none = BcmTimeval::default();
        TxOp {
            key,
            flags: 0,
            count: 0,
            ival1: none,
            ival2: none,
            frames: Vec::new(),
            currframe: 0,
            timer: None,
        }
    }

    /// The request changes an op, which is new or not.
    pub(super) fn setup(
        &mut self,
        now: Nanos,
        request: &Request,
        new: bool,
        out: &mut VecDeque<Output>,
    ) -> Result<(), Errno> {
        let head = &request.head;
        // An op never grows, and its size is that of its last request.
        if !new && head.nframes as usize > self.frames.len() {
            return Err(E2BIG);
        }
        let mut frames = request.frames(true)?;
        if head.flags & TX_CP_CAN_ID != 0 {
            frames.iter_mut().for_each(|frame| frame.set_id(head.can_id));
        }
        if frames.len() != self.frames.len() || head.flags & TX_RESET_MULTI_IDX != 0 {
            self.currframe = 0;
        }
        self.frames = frames;
        self.flags = head.flags;
        if head.flags & SETTIMER != 0 {
            (self.count, self.ival1, self.ival2) = (head.count, head.ival1, head.ival2);
            if self.ival1.nanos() == 0 && self.ival2.nanos() == 0 {
                self.timer = None;
            }
        }
        if head.flags & STARTTIMER != 0 {
            self.timer = None;
            self.flags |= TX_ANNOUNCE;
        }
        if self.flags & TX_ANNOUNCE != 0 {
            self.send(out);
        }
        if head.flags & STARTTIMER != 0 {
            self.timer = self.interval().map(|interval| now.saturating_add(interval));
        }
        Ok(())
    }

    /// `bcm_tx_timeout_handler`, for a timer that was due at that time.
    pub(super) fn timer(&mut self, now: Nanos, due: Nanos, out: &mut VecDeque<Output>) {
        self.timer = None;
        let counted = self.ival1.nanos() != 0 && self.count > 0;
        if !counted && self.ival2.nanos() == 0 {
            return;
        }
        self.send(out);
        if counted && self.count == 0 && self.flags & TX_COUNTEVT != 0 {
            out.push_back(Output::Message(Message::of(self.head(TX_EXPIRED, 0), &[], 0, None)));
        }
        self.timer = self.interval().map(|interval| {
            // The kernel counts from now, and is late by microseconds. A process is late by more, which would add up.
            let begin = if now - due < interval { due } else { now };
            begin.saturating_add(interval)
        });
    }

    /// The time until the next frame.
    fn interval(&self) -> Option<Nanos> {
        let (ival1, ival2) = (self.ival1.nanos(), self.ival2.nanos());
        let interval = if self.count > 0 && ival1 != 0 { ival1 } else { ival2 };
        (interval != 0).then_some(interval)
    }

    /// `bcm_can_tx`: the next frame goes.
    fn send(&mut self, out: &mut VecDeque<Output>) {
        if let Some(frame) = self.frames[self.currframe].frame(self.key.fd) {
            out.push_back(Output::Frame { ifindex: self.key.ifindex, frame });
        }
        self.currframe = (self.currframe + 1) % self.frames.len();
        self.count = self.count.saturating_sub(1);
    }

    /// The answer to `TX_READ`. Ops that send never say where: the index is 0.
    pub(super) fn status(&self) -> Message {
        Message::of(self.head(TX_STATUS, self.frames.len()), &self.frames, 0, None)
    }

    fn head(&self, opcode: u32, nframes: usize) -> BcmMsgHead {
        BcmMsgHead {
            opcode,
            flags: self.flags,
            count: self.count,
            ival1: self.ival1,
            ival2: self.ival2,
            can_id: self.key.can_id,
            nframes: nframes as u32,
        }
    }
}
