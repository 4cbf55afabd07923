//! The order of a socket's messages: one transfer at a time, and what comes behind it (`sk_session_queue`).

use super::J1939;
use super::cb::{Cb, Kind};
use super::control::{Abort, J1939_ETP_PGN_CTL, J1939_ETP_PGN_DAT, J1939_TP_PGN_CTL, J1939_TP_PGN_DAT};
use super::session::{Session, State};
use super::uapi::*;
use crate::Errno;

impl J1939 {
    pub(super) fn cancel_all(&mut self, active: Errno, waiting: Errno, own: bool) {
        let (gone, stay): (Vec<_>, Vec<_>) = self.active.drain(..).partition(|s| s.transmission || !own);
        self.active = stay;
        for mut session in gone {
            session.err = if Some(session.id) == self.head { waiting } else { active };
            session.destroy(&mut self.link);
        }
        for mut session in self.waiting.drain(..) {
            session.err = waiting;
            session.destroy(&mut self.link);
        }
        self.head = None;
    }

    pub(super) fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }

    pub(super) fn last_of_queue(&mut self) -> Option<&mut Session> {
        let head = self.head;
        self.waiting.back_mut().or_else(|| self.active.iter_mut().find(|session| Some(session.id) == head))
    }

    /// Makes the session of a message, `j1939_tp_send`, and activates it if it is the first.
    pub(super) fn begin(&mut self, to: Option<&Sockaddr>, size: usize, data: &[u8]) -> Result<(), Errno> {
        let kind = match size {
            _ if size <= J1939_MAX_SIMPLE_SIZE => Kind::Simple,
            _ if size <= J1939_MAX_TP_PACKET_SIZE => Kind::Tp,
            _ => Kind::Etp,
        };
        let mut cb = self.link.sock.outgoing(to, kind);
        if matches!(cb.pgn, J1939_TP_PGN_DAT | J1939_TP_PGN_CTL | J1939_ETP_PGN_DAT | J1939_ETP_PGN_CTL) {
            return Err(libc::EDOM);
        }
        if size > J1939_MAX_ETP_PACKET_SIZE {
            return Err(libc::EMSGSIZE);
        }
        if kind == Kind::Etp && cb.is_broadcast() {
            return Err(libc::EDESTADDRREQ);
        }
        self.link.ecus.fixup(&mut cb, &data[..data.len().min(J1939_MAX_TP_PACKET_SIZE)])?;
        cb.local_dst = self.link.is_local(cb.da);
        let mut session = Session::new(self.next_id(), cb, size as u32);
        session.transmission = true;
        session.pkt.block = if kind == Kind::Etp { 255 } else { session.pkt.total.min(255) };
        if cb.is_broadcast() {
            session.pkt.last = session.pkt.total;
        }
        session.tskey = self.sk_tskey;
        self.sk_tskey = self.sk_tskey.wrapping_add(1);
        if self.head.is_some() {
            self.waiting.push_back(session);
            return Ok(());
        }
        self.activate(session, 0).map_err(|mut session| {
            session.err = libc::EBUSY;
            session.destroy(&mut self.link);
            libc::EBUSY
        })
    }

    /// Makes it the first of the queue, unless another transfer is in its way.
    fn activate(&mut self, mut session: Session, delay: u64) -> Result<(), Box<Session>> {
        let busy = || {
            self.others.is_busy(&session.cb, self.link.now) || self.find(&session.cb, false, true).is_some()
        };
        if session.cb.kind != Kind::Simple && busy() {
            return Err(Box::new(session));
        }
        session.state = State::Active;
        session.schedule_txtimer(&self.link, delay);
        self.head = Some(session.id);
        self.active.push(session);
        Ok(())
    }

    /// The session has had its turn, if it was its turn.
    pub(super) fn activate_next(&mut self, id: u32, err: Errno) {
        if self.head != Some(id) {
            return;
        }
        self.head = None;
        while let Some(next) = self.waiting.pop_front() {
            // Time for the receiver to recover.
            let delay = if err == 0 { 0 } else { self.link.a_while() };
            match self.activate(next, delay) {
                Ok(()) => return,
                Err(mut next) => {
                    next.err = -libc::EBUSY;
                    next.destroy(&mut self.link);
                }
            }
        }
    }

    /// The place of the session that a message is about; `reverse`: as an answer.
    pub(super) fn find(&self, cb: &Cb, reverse: bool, transmission: bool) -> Option<usize> {
        let cb = if reverse { cb.swapped() } else { *cb };
        self.active.iter().position(|session| session.transmission == transmission && session.cb.matches(&cb))
    }

    /// Aborts a session. One that only listens has nobody to wait for.
    pub(super) fn cancel(&mut self, i: usize, abort: Abort) {
        let listens = self.active[i].listens(&self.link);
        self.active[i].cancel(&mut self.link, abort);
        if listens {
            self.deactivate_activate_next(i);
        }
    }

    pub(super) fn deactivate_activate_next(&mut self, i: usize) {
        let session = self.active.remove(i);
        self.activate_next(session.id, session.err);
        session.destroy(&mut self.link);
    }

    /// The whole has been sent or received.
    pub(super) fn completed(&mut self, i: usize) {
        let session = &mut self.active[i];
        if !session.transmission {
            let data = std::mem::take(&mut session.data);
            let cb = session.cb;
            self.link.deliver(&cb, data, false);
        }
        self.deactivate_activate_next(i);
    }
}
