//! One transfer, `struct j1939_session`: what is sent, or what has been received, and how far it is.

use std::collections::VecDeque;

use super::cb::Cb;
use super::control::{Abort, DATA};
use super::errqueue::Event;
use super::link::Link;
use crate::{Errno, Nanos};

/// How long a session lives on after an abort that it could not send.
pub(super) const J1939_XTP_ABORT_TIMEOUT_MS: u64 = 500;

/// Where a session is, `enum j1939_session_state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    New,
    Active,
    WaitingAbort,
}

/// Counters of packets of seven bytes each.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Packets {
    /// How many there are.
    pub(super) total: u32,
    /// The end of the block that may be sent.
    pub(super) last: u32,
    /// The next to send.
    pub(super) tx: u32,
    /// So many have arrived at the receiver.
    pub(super) tx_acked: u32,
    /// So many have been received, or seen on the bus.
    pub(super) rx: u32,
    /// The most that the other side takes at once.
    pub(super) block: u32,
    /// What the numbers of packets are counted from.
    pub(super) dpo: u32,
}

/// A piece of what is sent, as the program's data are cut up.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) offset: u32,
    pub(super) data: Vec<u8>,
}

impl Segment {
    fn end(&self) -> u32 {
        self.offset + self.data.len() as u32
    }
}

/// Who answers the sender of what is received here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answers {
    /// Nobody has so far.
    Open,
    /// This socket.
    Mine,
    /// Another socket with the same address: this one only listens.
    Others,
}

/// A transfer.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: u32,
    pub(super) cb: Cb,
    /// It is this socket's, and not for it.
    pub(super) transmission: bool,
    pub(super) state: State,
    pub(super) total_message_size: u32,
    pub(super) total_queued_size: u32,
    /// What is to be sent.
    pub(super) segments: VecDeque<Segment>,
    /// What has been received, without a gap.
    pub(super) data: Vec<u8>,
    pub(super) pkt: Packets,
    /// The last command seen on the bus, or [`DATA`].
    pub(super) last_cmd: u8,
    /// The last command sent, or [`DATA`].
    pub(super) last_txcmd: u8,
    pub(super) tx_retry: u32,
    pub(super) err: Errno,
    pub(super) tskey: u32,
    pub(super) answers: Answers,
    /// A packet of a broadcast is missing: the rest cannot complete it.
    pub(super) broken: bool,
    pub(super) txtimer: Option<Nanos>,
    pub(super) rxtimer: Option<Nanos>,
}

impl Session {
    pub(super) fn new(id: u32, cb: Cb, size: u32) -> Session {
        Session {
            id,
            cb,
            transmission: false,
            state: State::New,
            total_message_size: size,
            total_queued_size: 0,
            segments: VecDeque::new(),
            data: Vec::new(),
            pkt: Packets { total: size.div_ceil(7), ..Packets::default() },
            last_cmd: 0,
            last_txcmd: 0,
            tx_retry: 0,
            err: 0,
            tskey: 0,
            answers: Answers::Open,
            broken: false,
            txtimer: None,
            rxtimer: None,
        }
    }

    /// Whether all of the program's data are here.
    pub(super) fn is_complete(&self) -> bool {
        self.total_queued_size == self.total_message_size
    }

    /// The bytes that are kept for sending.
    pub(super) fn queued(&self) -> usize {
        self.segments.iter().map(|segment| segment.data.len()).sum()
    }

    pub(super) fn timers_cancel(&mut self) {
        (self.txtimer, self.rxtimer) = (None, None);
    }

    pub(super) fn schedule_txtimer(&mut self, link: &Link, msec: u64) {
        self.txtimer = Some(link.after(msec));
    }

    pub(super) fn set_rxtimeout(&mut self, link: &Link, msec: u64) {
        self.rxtimer = Some(link.after(msec));
    }

    /// The first of both timers.
    pub(super) fn next_timer(&self) -> Option<Nanos> {
        [self.txtimer, self.rxtimer].into_iter().flatten().min()
    }

    /// The piece in which a byte is.
    pub(super) fn segment_at(&self, offset: u32) -> Option<&Segment> {
        let next = self.segments.partition_point(|segment| segment.offset <= offset);
        self.segments.get(next.checked_sub(1)?).filter(|segment| offset < segment.end())
    }

    /// Lets go of a piece that has arrived. One piece each time, as the kernel does, and the last one stays.
    pub(super) fn drop_old(&mut self) {
        let arrived = self.pkt.tx_acked.saturating_mul(7);
        if self.segments.len() >= 2 && self.segments.front().is_some_and(|first| first.end() < arrived) {
            self.segments.pop_front();
        }
    }

    /// Whether another socket answers, or comes first: this one has nothing to say.
    pub(super) fn listens(&self, link: &Link) -> bool {
        let waits = self.answers == Answers::Open && self.cb.local_dst && link.rank > 0;
        !self.transmission && (waits || self.answers == Answers::Others)
    }

    /// Ends a transfer before it is done: tells the other side, and waits for the own abort to appear on the bus.
    pub(super) fn cancel(&mut self, link: &mut Link, abort: Abort) {
        if self.state == State::Active {
            self.set_rxtimeout(link, J1939_XTP_ABORT_TIMEOUT_MS);
            self.err = abort.errno();
            self.state = State::WaitingAbort;
            self.txtimer = None;
            if !self.cb.is_broadcast() && !self.listens(link) {
                link.tx_abort(&self.cb, !self.transmission, abort, self.cb.pgn);
            }
            if self.transmission {
                link.send_loop_abort(self.err);
            }
        }
        if !self.transmission {
            link.errqueue(self, Event::RxAbort);
        }
    }

    /// What the program is told when a session is gone.
    pub(super) fn destroy(&self, link: &mut Link) {
        match (self.transmission, self.err) {
            (true, 0) => link.errqueue(self, Event::TxAck),
            (true, _) => link.errqueue(self, Event::TxAbort),
            (false, 0) => {}
            (false, _) => link.errqueue(self, Event::RxAbort),
        }
    }

    /// A packet with the number that counts from the start of the message. What is in order is kept; what comes again has to
    /// be what it was, or two messages are about to become one.
    pub(super) fn keep(&mut self, packet: u32, data: &[u8]) -> Result<(), Abort> {
        let start = packet as usize * 7;
        if packet == self.pkt.rx && !self.broken {
            self.data.extend_from_slice(data);
            return Ok(());
        }
        let again = self.data.get(start..start + data.len());
        let other = again.is_some_and(|again| again != data);
        match self.cb.is_broadcast() {
            true => self.broken |= other || packet > self.pkt.rx,
            false if other => return Err(Abort::DUP_SEQ),
            false => {}
        }
        Ok(())
    }

    /// Data have been seen.
    pub(super) fn saw_data(&mut self) {
        self.last_cmd = DATA;
    }
}
