//! What a session sends when its timer says that it is its turn (the `tx` functions of `net/can/j1939/transport.c`).

use super::cb::Kind;
use super::control::*;
use super::link::Link;
use super::session::{Answers, Session};
use crate::Errno;

/// The packets of a broadcast have this many milliseconds between them.
const BROADCAST_DELAY_MS: u64 = 50;
/// How long a socket waits for each of those before it with the same address to answer, in milliseconds.
const RANK_DELAY_MS: u64 = 10;

impl Session {
    /// Sends what is next in a transfer of more than one frame.
    ///
    /// # Errors
    /// ENOBUFS: to be tried again later. EOVERFLOW: the receiver asks for what there is not. ENOENT: the socket does not want it
    /// any more. Others are those of a frame.
    pub(super) fn txnext(&mut self, link: &mut Link) -> Result<(), Errno> {
        if self.transmission { self.txnext_transmitter(link) } else { self.txnext_receiver(link) }
    }

    fn txnext_transmitter(&mut self, link: &mut Link) -> Result<(), Errno> {
        match self.last_cmd {
            0 => return self.tx_rts(link),
            J1939_ETP_CMD_CTS if self.last_txcmd != J1939_ETP_CMD_DPO => self.tx_dpo(link)?,
            J1939_ETP_CMD_CTS | J1939_TP_CMD_CTS | DATA | J1939_ETP_CMD_DPO | J1939_TP_CMD_BAM => {}
            _ => return Ok(()),
        }
        self.tx_dat(link)
    }

    fn txnext_receiver(&mut self, link: &mut Link) -> Result<(), Errno> {
        if !self.cb.local_dst || self.answers == Answers::Others {
            return Ok(());
        }
        match self.last_cmd {
            J1939_TP_CMD_RTS | J1939_ETP_CMD_RTS => self.tx_cts(link),
            J1939_TP_CMD_CTS | J1939_ETP_CMD_CTS | DATA | J1939_ETP_CMD_DPO => {
                if self.pkt.rx >= self.pkt.total {
                    return self.tx_eoma(link);
                }
                if self.pkt.rx >= self.pkt.last {
                    self.last_txcmd = 0;
                    return self.tx_cts(link);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// When this socket answers: at once, or after those before it have had the time to.
    pub(super) fn schedule_answer(&mut self, link: &Link) {
        let delay = if self.answers == Answers::Mine { 0 } else { link.rank.saturating_mul(RANK_DELAY_MS) };
        self.schedule_txtimer(link, delay);
    }

    fn tx_rts(&mut self, link: &mut Link) -> Result<(), Errno> {
        let (size, total) = (self.total_message_size.to_le_bytes(), self.pkt.total as u8);
        let start = match self.cb.kind {
            Kind::Etp => command(J1939_ETP_CMD_RTS, &size),
            _ if self.cb.is_broadcast() => command(J1939_TP_CMD_BAM, &[size[0], size[1], total]),
            _ => command(J1939_TP_CMD_RTS, &[size[0], size[1], total, total]),
        };
        if start[0] == self.last_txcmd {
            return Ok(());
        }
        link.tx_ctl(&self.cb, false, self.cb.pgn, start)?;
        self.last_txcmd = start[0];
        if start[0] == J1939_TP_CMD_BAM {
            self.schedule_txtimer(link, BROADCAST_DELAY_MS);
            self.set_rxtimeout(link, 250);
        } else {
            self.set_rxtimeout(link, 1250);
        }
        Ok(())
    }

    fn tx_dpo(&mut self, link: &mut Link) -> Result<(), Errno> {
        self.pkt.dpo = self.pkt.tx_acked;
        let offset = self.pkt.dpo.to_le_bytes();
        let packets = self.pkt.last.wrapping_sub(self.pkt.tx_acked) as u8;
        let start = command(J1939_ETP_CMD_DPO, &[packets, offset[0], offset[1], offset[2]]);
        link.tx_ctl(&self.cb, false, self.cb.pgn, start)?;
        self.last_txcmd = J1939_ETP_CMD_DPO;
        self.set_rxtimeout(link, 1250);
        self.pkt.tx = self.pkt.tx_acked;
        Ok(())
    }

    /// Sends packets to the end of the block, or of the piece that they are cut from.
    fn tx_dat(&mut self, link: &mut Link) -> Result<(), Errno> {
        let sent = self.pkt.tx;
        let result = self.tx_packets(link);
        if self.pkt.tx != sent {
            self.last_txcmd = DATA;
            self.set_rxtimeout(link, 250);
        }
        result
    }

    fn tx_packets(&mut self, link: &mut Link) -> Result<(), Errno> {
        let broadcast = self.cb.is_broadcast();
        let segment = self.segment_at(self.pkt.tx.saturating_mul(7)).ok_or(libc::ENOBUFS)?;
        let last = if broadcast { self.pkt.total } else { self.pkt.last };
        let mut tx = self.pkt.tx;
        let mut result = Ok(());
        while tx < last {
            let rest = segment.data.get((tx * 7 - segment.offset) as usize..).ok_or(libc::EOVERFLOW);
            result = match rest {
                Ok([]) => Err(libc::ENOBUFS),
                Ok(rest) => {
                    let number = (tx.wrapping_sub(self.pkt.dpo) as u8).wrapping_add(1);
                    link.tx_dat(&self.cb, number, &rest[..rest.len().min(7)])
                }
                Err(err) => Err(err),
            };
            if result.is_err() {
                break;
            }
            tx += 1;
            if broadcast {
                break;
            }
        }
        if broadcast && tx != self.pkt.tx && tx < last {
            self.schedule_txtimer(link, BROADCAST_DELAY_MS);
        }
        self.pkt.tx = tx;
        result
    }

    /// Asks for the next block.
    fn tx_cts(&mut self, link: &mut Link) -> Result<(), Errno> {
        if !link.sock.matches(&self.cb) {
            return Err(libc::ENOENT);
        }
        let left = self.pkt.total.saturating_sub(self.pkt.rx);
        let len = left.min(self.pkt.block).min(u32::from(link.block)) as u8;
        let next = self.pkt.rx.wrapping_add(1).to_le_bytes();
        let start = match self.cb.kind {
            Kind::Etp => command(J1939_ETP_CMD_CTS, &[len, next[0], next[1], next[2]]),
            _ => command(J1939_TP_CMD_CTS, &[len, next[0]]),
        };
        if start[0] == self.last_txcmd {
            return Ok(());
        }
        link.tx_ctl(&self.cb, true, self.cb.pgn, start)?;
        self.answers = Answers::Mine;
        if len != 0 {
            self.last_txcmd = start[0];
        }
        self.set_rxtimeout(link, 1250);
        Ok(())
    }

    /// Says that everything has arrived. The message is the program's when this is on the bus.
    fn tx_eoma(&mut self, link: &mut Link) -> Result<(), Errno> {
        if !link.sock.matches(&self.cb) {
            return Err(libc::ENOENT);
        }
        let size = self.total_message_size.to_le_bytes();
        let start = match self.cb.kind {
            Kind::Etp => command(J1939_ETP_CMD_EOMA, &size),
            _ => command(J1939_TP_CMD_EOMA, &[size[0], size[1], self.pkt.total as u8]),
        };
        if start[0] == self.last_txcmd {
            return Ok(());
        }
        link.tx_ctl(&self.cb, true, self.cb.pgn, start)?;
        self.last_txcmd = start[0];
        self.set_rxtimeout(link, 1250);
        Ok(())
    }
}
