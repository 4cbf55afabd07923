//! Transfers that other sockets send from this socket's address. In the kernel they are in the same list as its own, and no
//! two of the same kind run between the same addresses: who begins the second gets EBUSY. Here they are seen on the bus.

use super::cb::{Cb, Kind};
use super::control::*;
use crate::Nanos;

/// How long a transfer is believed to run when nothing is seen of it.
const SILENCE: Nanos = 1_250_000_000;
/// The most that are remembered; more than that is not a bus but an attack.
const MOST: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Other {
    kind: Kind,
    sa: u8,
    da: u8,
    /// The number of the last packet, if nothing else tells the end.
    last: Option<u8>,
    until: Nanos,
}

/// What runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Others(Vec<Other>);

impl Others {
    /// Whether a transfer of this kind would meet another.
    pub(super) fn is_busy(&self, cb: &Cb, now: Nanos) -> bool {
        self.0.iter().any(|other| other.is(cb) && now < other.until)
    }

    /// A control frame with a local source, or to one.
    pub(super) fn control(&mut self, cb: &Cb, control: &Control, now: Nanos) {
        match control.cmd() {
            J1939_TP_CMD_RTS | J1939_ETP_CMD_RTS => self.begin(cb, None, now),
            J1939_TP_CMD_BAM => self.begin(cb, Some(control.0[3]), now),
            J1939_TP_CMD_CTS | J1939_ETP_CMD_CTS => self.refresh(&cb.swapped(), now),
            J1939_ETP_CMD_DPO => self.refresh(cb, now),
            J1939_TP_CMD_EOMA | J1939_ETP_CMD_EOMA => self.end(&cb.swapped()),
            J1939_CMD_ABORT => {
                self.end(cb);
                self.end(&cb.swapped());
            }
            _ => {}
        }
    }

    /// A packet from a local source.
    pub(super) fn data(&mut self, cb: &Cb, number: u8, now: Nanos) {
        if self.0.iter().any(|other| other.is(cb) && other.last == Some(number)) {
            self.end(cb);
        }
        self.refresh(cb, now);
    }

    fn begin(&mut self, cb: &Cb, last: Option<u8>, now: Nanos) {
        self.0.retain(|other| now < other.until && !other.is(cb));
        if cb.local_src && self.0.len() < MOST {
            let until = now.saturating_add(SILENCE);
            self.0.push(Other { kind: cb.kind, sa: cb.sa, da: cb.da, last, until });
        }
    }

    fn refresh(&mut self, cb: &Cb, now: Nanos) {
        for other in self.0.iter_mut().filter(|other| other.is(cb)) {
            other.until = now.saturating_add(SILENCE);
        }
    }

    fn end(&mut self, cb: &Cb) {
        self.0.retain(|other| !other.is(cb));
    }
}

impl Other {
    fn is(&self, cb: &Cb) -> bool {
        (self.kind, self.sa, self.da) == (cb.kind, cb.sa, cb.da)
    }
}
