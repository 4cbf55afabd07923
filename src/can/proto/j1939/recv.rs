//! What a session makes of the frames about it (the `rx` functions of `net/can/j1939/transport.c`). Own frames come here too:
//! a sender counts what it sees on the bus.

use super::J1939;
use super::cb::{Cb, Kind};
use super::control::*;
use super::errqueue::Event;
use super::link::Link;
use super::session::{Answers, Session, State};
use super::uapi::*;

/// What becomes of a session after a frame.
pub(super) enum Fate {
    /// It goes on.
    Goes,
    /// Everything has been sent or received.
    Completed,
    /// It has to be aborted.
    Cancel(Abort),
}

/// A frame of a transport protocol.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) cb: Cb,
    pub(super) data: &'a [u8],
    /// This socket has sent it.
    pub(super) own: bool,
}

impl J1939 {
    /// Takes a frame of a transport protocol that concerns this socket or everybody; false if it is not one. A control frame
    /// that is too short is a message like any other.
    pub(super) fn tp_recv(&mut self, cb: Cb, data: &[u8], own: bool) -> bool {
        if !cb.local_src && !cb.local_dst && !cb.is_broadcast() {
            return false;
        }
        let kind = match cb.pgn {
            J1939_ETP_PGN_DAT | J1939_ETP_PGN_CTL => Kind::Etp,
            J1939_TP_PGN_DAT | J1939_TP_PGN_CTL => Kind::Tp,
            _ => return false,
        };
        let packet = Packet { cb: Cb { kind, ..cb }, data, own };
        if matches!(cb.pgn, J1939_ETP_PGN_DAT | J1939_TP_PGN_DAT) {
            self.rx_dat(packet);
            return true;
        }
        let Ok(bytes) = data.try_into() else { return false };
        self.cmd_recv(packet, Control(bytes));
        true
    }

    fn cmd_recv(&mut self, packet: Packet, control: Control) {
        let cb = &packet.cb;
        if !packet.own {
            self.others.control(cb, &control, self.link.now);
        }
        let extended = cb.kind == Kind::Etp;
        match control.cmd() {
            J1939_TP_CMD_BAM if !extended && cb.is_broadcast() => self.rx_rts(packet, control),
            J1939_TP_CMD_RTS if !extended && !cb.is_broadcast() => self.rx_rts(packet, control),
            J1939_ETP_CMD_RTS if extended => self.rx_rts(packet, control),
            J1939_TP_CMD_CTS if !extended => self.rx_answer(packet, control),
            J1939_ETP_CMD_CTS if extended => self.rx_answer(packet, control),
            J1939_TP_CMD_EOMA if !extended => self.rx_answer(packet, control),
            J1939_ETP_CMD_EOMA if extended => self.rx_answer(packet, control),
            J1939_ETP_CMD_DPO if extended => self.rx_dpo(packet, control),
            J1939_CMD_ABORT if !cb.is_broadcast() => self.rx_abort(packet, control),
            _ => {}
        }
    }

    /// A transfer begins.
    fn rx_rts(&mut self, packet: Packet, control: Control) {
        let cb = &packet.cb;
        // Another socket of this address is not an echo, and what it sends is not about this socket's transfer.
        if cb.local_src
            && packet.own
            && let Some(i) = self.find(cb, false, true)
        {
            self.rx_rts_echo(i, cb, control.cmd());
        }
        if cb.local_dst || cb.is_broadcast() {
            match self.find(cb, false, false) {
                Some(i) => self.rx_rts_again(i, packet, control),
                None => self.rx_rts_new(packet, control),
            }
        }
    }

    /// The own RTS is on the bus.
    fn rx_rts_echo(&mut self, i: usize, cb: &Cb, cmd: u8) {
        let session = &mut self.active[i];
        if session.state != State::Active {
            return;
        }
        if session.last_cmd != 0 {
            session.timers_cancel();
            return self.cancel(i, Abort::BUSY);
        }
        (session.cb.sa, session.cb.da, session.last_cmd) = (cb.sa, cb.da, cmd);
        if cmd != J1939_TP_CMD_BAM {
            session.set_rxtimeout(&self.link, 1250);
        }
    }

    /// An RTS while the last transfer has not ended: that one is given up. A broadcast cannot be refused, so the new one takes
    /// its place, whatever its PGN; in the kernel, the old one would take the data of the new one.
    fn rx_rts_again(&mut self, i: usize, packet: Packet, control: Control) {
        if control.cmd() == J1939_TP_CMD_BAM {
            self.active[i].cancel(&mut self.link, Abort::BUSY);
            self.deactivate_activate_next(i);
            return self.rx_rts_new(packet, control);
        }
        if self.bad_pgn(i, packet, control) {
            return;
        }
        let session = &mut self.active[i];
        session.timers_cancel();
        if session.state != State::Active {
            session.set_rxtimeout(&self.link, super::session::J1939_XTP_ABORT_TIMEOUT_MS);
        } else {
            self.cancel(i, Abort::BUSY);
        }
    }

    fn rx_rts_new(&mut self, packet: Packet, control: Control) {
        let cb = Cb { pgn: control.pgn(), ..packet.cb };
        if !self.link.sock.matches(&cb) {
            return;
        }
        let len = control.size(cb.kind);
        let (least, most) = match cb.kind {
            Kind::Etp => (J1939_MAX_TP_PACKET_SIZE + 1, J1939_MAX_ETP_PACKET_SIZE),
            _ => (J1939_MAX_SIMPLE_SIZE + 1, J1939_MAX_TP_PACKET_SIZE),
        };
        let mut session = Session::new(self.next_id(), cb, len);
        // With fewer packets than bytes the kernel delivers memory that nothing has been written to.
        let short = cb.kind == Kind::Tp && u32::from(control.0[3]) < session.pkt.total;
        if !(least..=most).contains(&(len as usize)) || short {
            return self.link.refuse(&cb, Abort::FAULT, cb.pgn);
        }
        session.pkt.block = 0xff;
        if cb.kind == Kind::Tp {
            session.pkt.total = control.0[3].into();
            session.pkt.block = control.0[3].min(control.0[4]).into();
        }
        if cb.local_dst && !self.link.is_own(cb.da) {
            session.answers = Answers::Others;
        }
        (session.tskey, session.state) = (self.rx_tskey, State::Active);
        self.rx_tskey = self.rx_tskey.wrapping_add(1);
        self.link.errqueue(&session, Event::RxRts);
        session.last_cmd = control.cmd();
        if control.cmd() == J1939_TP_CMD_BAM {
            session.set_rxtimeout(&self.link, 750);
        } else {
            session.schedule_answer(&self.link);
            session.set_rxtimeout(&self.link, 1250);
        }
        self.active.push(session);
    }

    /// A CTS or an EOMA: for the sender, and for those receivers that did not send it.
    fn rx_answer(&mut self, packet: Packet, control: Control) {
        if packet.cb.local_src
            && let Some(i) = self.find(&packet.cb, true, false)
        {
            self.rx_answer_of_receiver(i, packet, control);
        }
        if packet.cb.local_dst
            && let Some(i) = self.find(&packet.cb, true, true)
        {
            self.rx_answer_one(i, packet, control);
        }
    }

    /// An answer of this socket, or of another with its address, which then goes on answering.
    fn rx_answer_of_receiver(&mut self, i: usize, packet: Packet, control: Control) {
        let session = &mut self.active[i];
        if !packet.own {
            if session.answers == Answers::Mine || session.cb.pgn != control.pgn() {
                return;
            }
            session.answers = Answers::Others;
            session.txtimer = None;
        }
        self.rx_answer_one(i, packet, control);
    }

    fn rx_answer_one(&mut self, i: usize, packet: Packet, control: Control) {
        if self.active[i].state != State::Active || self.bad_pgn(i, packet, control) {
            return;
        }
        let session = &mut self.active[i];
        let fate = if matches!(control.cmd(), J1939_TP_CMD_EOMA | J1939_ETP_CMD_EOMA) {
            session.rx_eoma_one()
        } else {
            session.rx_cts_one(&mut self.link, control)
        };
        self.follow(i, fate);
    }

    fn rx_dpo(&mut self, packet: Packet, control: Control) {
        for transmission in [true, false] {
            let concerns = if transmission { packet.cb.local_src && packet.own } else { packet.cb.local_dst };
            let Some(i) = concerns.then(|| self.find(&packet.cb, false, transmission)).flatten() else {
                continue;
            };
            if self.active[i].state != State::Active || self.bad_pgn(i, packet, control) {
                continue;
            }
            let session = &mut self.active[i];
            session.pkt.dpo = control.packet(Kind::Etp);
            session.last_cmd = control.cmd();
            session.set_rxtimeout(&self.link, 750);
            if !transmission {
                self.link.errqueue(&self.active[i], Event::RxDpo);
            }
        }
    }

    /// An abort ends the transfer in either direction. In the kernel an abort from another host does not reach the sender's
    /// session, which then runs into its timeout; that from a socket of this host does, and on this bus all are.
    fn rx_abort(&mut self, packet: Packet, control: Control) {
        let err = Abort(control.0[1]).errno();
        for (transmission, reverse) in [(true, false), (true, true), (false, false), (false, true)] {
            let Some(i) = self.find(&packet.cb, reverse, transmission) else { continue };
            let session = &mut self.active[i];
            if session.cb.pgn != control.pgn() {
                continue;
            }
            session.timers_cancel();
            session.err = err;
            match transmission {
                true => self.link.send_loop_abort(err),
                false => self.link.errqueue(&self.active[i], Event::RxAbort),
            }
            self.deactivate_activate_next(i);
        }
    }

    fn rx_dat(&mut self, packet: Packet) {
        let cb = &packet.cb;
        if !packet.own && cb.local_src {
            self.others.data(cb, packet.data.first().copied().unwrap_or(0), self.link.now);
        }
        if cb.local_src && packet.own {
            self.rx_dat_to(packet, true);
        }
        if cb.local_dst || cb.is_broadcast() {
            self.rx_dat_to(packet, false);
        }
    }

    fn rx_dat_to(&mut self, packet: Packet, transmission: bool) {
        let Some(i) = self.find(&packet.cb, false, transmission) else { return };
        // In the kernel an aborted transfer still takes data, also those of the one that aborted it.
        if self.active[i].state == State::Active {
            let fate = self.active[i].rx_dat_one(&mut self.link, packet.data);
            self.follow(i, fate);
        }
    }

    fn follow(&mut self, i: usize, fate: Fate) {
        match fate {
            Fate::Goes => {}
            Fate::Completed => {
                self.active[i].timers_cancel();
                self.completed(i);
            }
            Fate::Cancel(abort) => {
                self.active[i].timers_cancel();
                self.cancel(i, abort);
            }
        }
    }

    /// Whether a command is about another PGN than the session; whoever sent it is told.
    fn bad_pgn(&mut self, i: usize, packet: Packet, control: Control) -> bool {
        let pgn = control.pgn();
        if self.active[i].cb.pgn == pgn {
            return false;
        }
        if let Some(abort) = abort_for_other_pgn(control.cmd()) {
            self.link.refuse(&packet.cb, abort, pgn);
        }
        true
    }
}

impl Session {
    fn rx_eoma_one(&mut self) -> Fate {
        // Another socket with this address may have got what this one has missed.
        if !self.transmission && self.pkt.rx < self.pkt.total {
            return Fate::Cancel(Abort::OTHER);
        }
        self.pkt.tx_acked = self.pkt.total;
        Fate::Completed
    }

    fn rx_cts_one(&mut self, link: &mut Link, control: Control) -> Fate {
        let (count, packet) = (u32::from(control.0[1]), control.packet(self.cb.kind));
        if self.last_cmd == control.cmd() {
            return Fate::Cancel(Abort::DUP_SEQ);
        }
        if packet == 0 || count > self.pkt.block {
            return Fate::Cancel(Abort::FAULT);
        }
        self.pkt.tx_acked = packet - 1;
        self.drop_old();
        self.pkt.last = (self.pkt.tx_acked + count).min(self.pkt.total);
        self.pkt.tx = self.pkt.tx_acked;
        self.last_cmd = control.cmd();
        if count == 0 {
            self.set_rxtimeout(link, 550);
            return Fate::Goes;
        }
        self.set_rxtimeout(link, 1250);
        if self.transmission {
            if self.pkt.tx_acked != 0 {
                link.errqueue(self, Event::TxSched);
            }
            self.schedule_txtimer(link, 0);
        }
        Fate::Goes
    }

    fn rx_dat_one(&mut self, link: &mut Link, data: &[u8]) -> Fate {
        let Ok([number, bytes @ ..]) = <&[u8; 8]>::try_from(data) else {
            return Fate::Cancel(Abort::UNEXPECTED_DATA);
        };
        let expected = match self.last_cmd {
            DATA => true,
            J1939_ETP_CMD_DPO => self.cb.kind == Kind::Etp,
            J1939_TP_CMD_BAM | J1939_TP_CMD_CTS => self.cb.kind != Kind::Etp,
            _ => false,
        };
        // The number 0 is before the first packet, unless an offset makes it one that has been.
        let packet = (u32::from(*number) + self.pkt.dpo).checked_sub(1);
        let size = self.total_message_size as usize;
        let start = packet.map_or(size, |packet| packet as usize * 7);
        if !expected || start >= size || self.pkt.rx >= self.pkt.total {
            return Fate::Cancel(Abort::FAULT);
        }
        let packet = packet.unwrap_or_default();
        if !self.transmission
            && let Err(abort) = self.keep(packet, &bytes[..(size - start).min(7)])
        {
            return Fate::Cancel(abort);
        }
        if packet == self.pkt.rx && !self.broken {
            self.pkt.rx += 1;
        }
        self.saw_data();
        self.after_data(link)
    }

    fn after_data(&mut self, link: &mut Link) -> Fate {
        if self.cb.is_broadcast() {
            if self.pkt.rx >= self.pkt.total {
                return Fate::Completed;
            }
            if !self.transmission {
                self.set_rxtimeout(link, 750);
            }
        } else if self.pkt.rx >= self.pkt.last {
            self.set_rxtimeout(link, 1250);
            if !self.transmission {
                self.schedule_answer(link);
            }
        } else {
            self.set_rxtimeout(link, 750);
        }
        Fate::Goes
    }
}
