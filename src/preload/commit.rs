//! The end of an observed call: what it has changed is applied, the answer is compared with the prediction, and the event is
//! handed to the log.

use crate::call::Ticket;
use crate::track::Begun;
use crate::{capture, log, mode, threads, track};
use sockshim_core::fdtable::{FDS, Packed};
use sockshim_core::hook::{Does, Level};
use sockshim_core::net::state;
use sockshim_core::verdict::{Change, Predicted, Reason};

impl Ticket {
    /// Applies the change, and logs what is to be logged.
    pub fn finish(&mut self) {
        if self.event.is_divergence() {
            return self.unexpected();
        }
        if self.change != Change::None {
            self.commit();
        }
        if threads::has_others() && self.handle.is_none() {
            self.found_nothing();
        }
        self.send();
    }

    /// The call was on a number of which nothing was known. If it means a socket now, another thread was given the number
    /// meanwhile, and the call may have changed its socket.
    #[cold]
    #[inline(never)]
    fn found_nothing(&self) {
        if let (Some(fd), None) = (self.event.fd, self.event.before) {
            track::blame_no_other(fd, None);
        }
    }

    /// [`Ticket::finish`] of a call that was answered in another way than predicted: because the prediction was made from
    /// a state that was not the socket's any more, or because the tables are wrong.
    #[cold]
    #[inline(never)]
    fn unexpected(&mut self) {
        // Asked first: the change is made to the state that the prediction was made from.
        let overtaken = track::contradicted(&self.event, self.handle, self.begun);
        if self.change != Change::None {
            self.commit();
        }
        if overtaken {
            self.event.predicted = Predicted::Unknown;
            self.event.reason = Reason::Overtaken;
            // The call may have changed a state in which it was not expected to.
            self.handle.into_iter().for_each(track::overlap);
            self.event.fd.into_iter().for_each(track::correct);
        } else {
            self.event.find_path();
            log::send(&log::divergence(&self.event));
        }
        self.send();
    }

    /// Takes back that it changes something.
    pub fn changes_nothing(&mut self) {
        if let Some(handle) = self.handle {
            self.begun.end(handle);
        }
        self.change = Change::None;
    }

    /// Applies the change. Few calls have one, and the others should not carry it.
    #[inline(never)]
    fn commit(&mut self) {
        if self.socket.is_none() {
            self.socket = self.event.before.map(Packed::unpack);
        }
        let (Some(handle), Some(socket)) = (self.handle, &self.socket) else {
            return;
        };
        // What is open may be closed by facts later, but not if the state was another one.
        if self.begun != Begun::ALONE
            && self.event.predicted == Predicted::Unknown
            && matches!(self.event.hook.does, Does::Binds | Does::Listens)
            && self.begun.is_overtaken(handle, socket)
        {
            self.event.reason = Reason::Overtaken;
        }
        FDS.update(handle, |old| state::commit(old, socket.into(), self.change, self.event.errno));
        self.begun.end(handle);
        if self.begun != Begun::ALONE
            && let Some(fd) = self.event.fd
        {
            track::blame_no_other(fd, Some(handle));
        }
        if track::is_interposed() {
            self.event.fd.into_iter().for_each(track::follow);
        }
    }

    /// The level from which the call is logged: what a rule has decided is a decision.
    #[inline(always)]
    fn level(&self) -> Level {
        if self.rule() == 0 { self.event.hook.level } else { Level::Decision }
    }

    /// Hands the event to the log, if its level asks for it.
    #[inline]
    pub fn send(&mut self) {
        if self.wanted && mode::logs(self.level()) {
            if mode::captures() {
                capture::capture(&mut self.event);
            }
            log::send(&self.event);
            // From the next call on, the thread can take the fast path.
            log::queue::make_fast();
        }
    }
}
