//! What happens when: frames that come in or come back, and timers.

use super::J1939;
use super::cb::{Cb, Kind};
use super::control::Abort;
use super::errqueue::Event;
use super::session::{Session, State};
use super::uapi::*;
use crate::Nanos;
use crate::frame::{CAN_EFF_FLAG, CAN_ERR_FLAG, CAN_RTR_FLAG, Frame};

/// How often a frame is tried for which the bus has no room.
const J1939_XTP_TX_RETRY_LIMIT: u32 = 100;

impl J1939 {
    /// Lets own frames come back, and timers fire, until nothing is left to do now.
    pub(super) fn run(&mut self) {
        loop {
            let now = self.link.now;
            if let Some(echo) = self.link.echo.pop_front() {
                self.can_recv(&echo.frame, echo.simple, true);
            } else if self.link.ecus.next_timer().is_some_and(|timer| timer <= now) {
                self.link.ecus.timer(now);
            } else if let Some(i) = self.due(now, |session| session.txtimer) {
                self.active[i].txtimer = None;
                self.txtimer(i);
            } else if let Some(i) = self.due(now, |session| session.rxtimer) {
                self.active[i].rxtimer = None;
                self.rxtimer(i);
            } else {
                return;
            }
        }
    }

    fn due(&self, now: Nanos, timer: impl Fn(&Session) -> Option<Nanos>) -> Option<usize> {
        self.active.iter().position(|session| timer(session).is_some_and(|timer| timer <= now))
    }

    /// A session's turn to send, `j1939_tp_txtimer`.
    fn txtimer(&mut self, i: usize) {
        let session = &mut self.active[i];
        let simple = session.cb.kind == Kind::Simple;
        let result = match simple {
            true => return self.simple_txnext(i),
            false => session.txnext(&mut self.link),
        };
        match result {
            Ok(()) => session.tx_retry = 0,
            Err(libc::ENOBUFS) => self.try_again(i),
            Err(libc::EOVERFLOW) => self.cancel(i, Abort::ECTS_TOO_BIG),
            Err(_) => self.cancel(i, Abort::OTHER),
        }
    }

    fn try_again(&mut self, i: usize) {
        let session = &mut self.active[i];
        if session.tx_retry < J1939_XTP_TX_RETRY_LIMIT {
            session.tx_retry += 1;
            let delay = self.link.a_while();
            session.schedule_txtimer(&self.link, delay);
        } else {
            // The kernel's sign.
            session.err = -libc::ENETUNREACH;
            self.deactivate_activate_next(i);
        }
    }

    /// Sends a message in one frame; the next one does not wait for its echo.
    fn simple_txnext(&mut self, i: usize) {
        let session = &mut self.active[i];
        let data = session.segments.front().map(|segment| segment.data.as_slice()).unwrap_or_default();
        match self.link.send_one(session.cb, data, Some(session.id)) {
            Ok(()) => {
                self.link.errqueue(session, Event::TxSched);
                let id = session.id;
                self.activate_next(id, 0);
            }
            Err(libc::ENOBUFS) => self.try_again(i),
            Err(err) => {
                session.err = -err;
                self.deactivate_activate_next(i);
            }
        }
    }

    /// A session has waited too long, `j1939_tp_rxtimer`.
    fn rxtimer(&mut self, i: usize) {
        if self.active[i].state == State::WaitingAbort {
            self.deactivate_activate_next(i);
        } else {
            self.cancel(i, Abort::TIMEOUT);
        }
    }

    /// A frame from the bus, `j1939_can_recv`; own ones too.
    pub(super) fn can_recv(&mut self, frame: &Frame, simple: Option<u32>, own: bool) {
        let kind = frame.id & (CAN_EFF_FLAG | CAN_RTR_FLAG | CAN_ERR_FLAG);
        let sa = frame.id as u8;
        if !self.link.sock.bound || frame.fd || kind != CAN_EFF_FLAG || sa == J1939_NO_ADDR {
            return;
        }
        let pgn = frame.id >> 8 & J1939_PGN_MAX;
        let pdu1 = pgn_is_pdu1(pgn);
        let da = if pdu1 { pgn as u8 } else { J1939_NO_ADDR };
        let mut cb = Cb {
            src_name: J1939_NO_NAME,
            dst_name: J1939_NO_NAME,
            pgn: if pdu1 { pgn & J1939_PGN_PDU1_MAX } else { pgn },
            sa,
            da,
            kind: Kind::Tp,
            local_src: self.link.is_local(sa),
            local_dst: self.link.is_local(da),
            priority: (frame.id >> 26 & 7) as u8,
        };
        self.link.ecus.receive(&mut cb, frame.data(), self.link.now);
        if self.tp_recv(cb, frame.data(), own) {
            return;
        }
        if let Some(i) = self.active.iter().position(|session| simple == Some(session.id)) {
            let session = self.active.remove(i);
            session.destroy(&mut self.link);
        }
        if !own {
            self.link.deliver(&cb, frame.data().to_vec(), true);
        }
    }
}
