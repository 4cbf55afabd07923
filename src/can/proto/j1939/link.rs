//! Between the sessions and everything else: what they send, report and deliver, and what they may ask.

use std::collections::VecDeque;

use super::cb::{Cb, Kind};
use super::control::{
    Abort, J1939_CMD_ABORT, J1939_ETP_PGN_CTL, J1939_ETP_PGN_DAT, J1939_TP_PGN_CTL, J1939_TP_PGN_DAT, command,
};
use super::ecu::Ecus;
use super::errqueue::{Event, Report};
use super::session::Session;
use super::socket::Sock;
use super::uapi::*;
use super::{Datagram, Output};
use crate::frame::{CAN_EFF_FLAG, Frame};
use crate::{Errno, Nanos};

/// A frame that this socket has sent. It comes back to the sessions, which go by what is on the bus.
#[derive(Clone, Debug)]
pub(super) struct Echo {
    pub(super) frame: Frame,
    /// The session whose only frame it is.
    pub(super) simple: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) sock: Sock,
    pub(super) ecus: Ecus,
    pub(super) now: Nanos,
    pub(super) output: VecDeque<Output>,
    pub(super) echo: VecDeque<Echo>,
    pub(super) sk_err: Option<Errno>,
    /// How many more frames the bus takes.
    pub(super) room: usize,
    /// How many sockets with this address come before this one.
    pub(super) rank: u64,
    /// The most packets that are asked for at once, `j1939_tp_block`.
    pub(super) block: u8,
    /// The addresses of other sockets of this host.
    pub(super) neighbours: [bool; 256],
    random: u32,
}

impl Link {
    pub(super) fn new() -> Link {
        Link {
            sock: Sock::new(),
            ecus: Ecus::new(),
            now: 0,
            output: VecDeque::new(),
            echo: VecDeque::new(),
            sk_err: None,
            room: usize::MAX,
            rank: 0,
            block: 255,
            neighbours: [false; 256],
            random: 0x9e37_79b9,
        }
    }

    /// The time in so many milliseconds.
    pub(super) fn after(&self, msec: u64) -> Nanos {
        self.now.saturating_add(msec * 1_000_000)
    }

    /// 10 to 25 milliseconds, for whoever tries again.
    pub(super) fn a_while(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        10 + u64::from(self.random % 16)
    }

    /// Whether it is this socket's address.
    pub(super) fn is_own(&self, addr: u8) -> bool {
        address_is_unicast(addr) && (addr == self.sock.sa || self.ecus.is_local(addr))
    }

    /// Whether it is the address of a socket of this host.
    pub(super) fn is_local(&self, addr: u8) -> bool {
        self.is_own(addr) || (address_is_unicast(addr) && self.neighbours[usize::from(addr)])
    }

    /// Sends one frame, `j1939_send_one`.
    ///
    /// # Errors
    /// Those of [`Ecus::fixup`], and ENOBUFS if the bus takes no more.
    pub(super) fn send_one(&mut self, mut cb: Cb, data: &[u8], simple: Option<u32>) -> Result<(), Errno> {
        cb.pgn &= if pgn_is_pdu1(cb.pgn) { J1939_PGN_PDU1_MAX } else { J1939_PGN_MAX };
        self.ecus.fixup(&mut cb, data)?;
        self.room = self.room.checked_sub(1).ok_or(libc::ENOBUFS)?;
        let da = if pgn_is_pdu1(cb.pgn) { u32::from(cb.da) } else { 0 };
        let id = CAN_EFF_FLAG | u32::from(cb.priority) << 26 | (cb.pgn | da) << 8 | u32::from(cb.sa);
        let frame = Frame::classic(id, data);
        self.output.push_back(Output::Frame(frame));
        self.echo.push_back(Echo { frame, simple });
        Ok(())
    }

    /// Sends a packet of a transfer; all have eight bytes.
    pub(super) fn tx_dat(&mut self, cb: &Cb, number: u8, data: &[u8]) -> Result<(), Errno> {
        let mut bytes = [0xff; 8];
        bytes[0] = number;
        bytes[1..=data.len()].copy_from_slice(data);
        let pgn = if cb.kind == Kind::Etp { J1939_ETP_PGN_DAT } else { J1939_TP_PGN_DAT };
        self.send_one(Cb { pgn, ..*cb }, &bytes, None)
    }

    /// Sends a control frame about a PGN, `swap`: as an answer to what `cb` says. Who is not concerned sends nothing.
    pub(super) fn tx_ctl(&mut self, cb: &Cb, swap: bool, pgn: u32, start: [u8; 5]) -> Result<(), Errno> {
        let cb = if swap { cb.swapped() } else { *cb };
        if !cb.local_src {
            return Ok(());
        }
        let mut bytes = [0; 8];
        bytes[..5].copy_from_slice(&start);
        bytes[5..].copy_from_slice(&pgn.to_le_bytes()[..3]);
        let ctl = if cb.kind == Kind::Etp { J1939_ETP_PGN_CTL } else { J1939_TP_PGN_CTL };
        self.send_one(Cb { pgn: ctl, ..cb }, &bytes, None)
    }

    /// Sends an abort. If that is not possible, the timeouts of both sides end the transfer.
    pub(super) fn tx_abort(&mut self, cb: &Cb, swap: bool, abort: Abort, pgn: u32) {
        let _ = self.tx_ctl(cb, swap, pgn, command(J1939_CMD_ABORT, &[abort.0]));
    }

    /// Refuses what a frame asks of this socket, with an abort.
    pub(super) fn refuse(&mut self, cb: &Cb, abort: Abort, pgn: u32) {
        if self.is_own(cb.da) {
            self.tx_abort(cb, true, abort, pgn);
        }
    }

    /// The error of a transfer for the program, unless it has the error queue.
    pub(super) fn send_loop_abort(&mut self, err: Errno) {
        if !self.sock.errqueue() {
            self.sk_err = Some(err);
        }
    }

    /// Reports an event: of what is sent to its sender, of what is received to whom it is for.
    pub(super) fn errqueue(&mut self, session: &Session, event: Event) {
        if session.transmission || self.sock.matches(&session.cb) {
            self.output.extend(Report::of(session, event, &self.sock).map(Output::Report));
        }
    }

    /// Gives a message to the program, if it is for this socket. `dontroute`: it came in one frame.
    pub(super) fn deliver(&mut self, cb: &Cb, data: Vec<u8>, dontroute: bool) {
        if self.sock.matches(cb) {
            self.output.push_back(Output::Datagram(Datagram {
                data,
                // The kernel does not say of longer messages on which interface they came.
                source: cb.source(if dontroute { self.sock.ifindex } else { 0 }),
                dest_addr: (cb.da != J1939_NO_ADDR).then_some(cb.da),
                dest_name: (cb.dst_name != J1939_NO_NAME).then_some(cb.dst_name),
                priority: cb.priority,
                dontroute,
            }));
        }
    }
}
