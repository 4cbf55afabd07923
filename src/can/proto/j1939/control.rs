//! The control frames of both transport protocols: their numbers, and why transfers are aborted.

use super::cb::Kind;
use super::uapi::pgn_is_pdu1;
use crate::Errno;

pub(super) const J1939_ETP_PGN_CTL: u32 = 0xc800;
pub(super) const J1939_ETP_PGN_DAT: u32 = 0xc700;
pub(super) const J1939_TP_PGN_CTL: u32 = 0xec00;
pub(super) const J1939_TP_PGN_DAT: u32 = 0xeb00;

pub(super) const J1939_TP_CMD_RTS: u8 = 0x10;
pub(super) const J1939_TP_CMD_CTS: u8 = 0x11;
pub(super) const J1939_TP_CMD_EOMA: u8 = 0x13;
pub(super) const J1939_TP_CMD_BAM: u8 = 0x20;
pub(super) const J1939_ETP_CMD_RTS: u8 = 0x14;
pub(super) const J1939_ETP_CMD_CTS: u8 = 0x15;
pub(super) const J1939_ETP_CMD_DPO: u8 = 0x16;
pub(super) const J1939_ETP_CMD_EOMA: u8 = 0x17;
/// Of both protocols.
pub(super) const J1939_CMD_ABORT: u8 = 0xff;
/// Not a command: data have been seen or sent since the last one.
pub(super) const DATA: u8 = 0xff;

/// Why a transfer is aborted: the number in the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Abort(pub(super) u8);

impl Abort {
    pub(super) const BUSY: Abort = Abort(1);
    pub(super) const TIMEOUT: Abort = Abort(3);
    pub(super) const FAULT: Abort = Abort(5);
    pub(super) const UNEXPECTED_DATA: Abort = Abort(6);
    pub(super) const DUP_SEQ: Abort = Abort(8);
    pub(super) const BAD_EDPO_PGN: Abort = Abort(10);
    pub(super) const ECTS_UNXPECTED_PGN: Abort = Abort(14);
    pub(super) const ECTS_TOO_BIG: Abort = Abort(15);
    pub(super) const OTHER: Abort = Abort(250);

    /// What the program gets to see. The kernel makes no error of reason 0, and then a success of the transfer; here it is an
    /// unknown reason like any other.
    pub(super) fn errno(self) -> Errno {
        match self.0 {
            1 => libc::EALREADY,
            2 => libc::EMSGSIZE,
            3 => libc::EHOSTUNREACH,
            4 => libc::EBADMSG,
            5 => libc::ENOTRECOVERABLE,
            6 => libc::ENOTCONN,
            7 => libc::EILSEQ,
            _ => libc::EPROTO,
        }
    }
}

/// What a running session answers to a command with another PGN.
pub(super) fn abort_for_other_pgn(cmd: u8) -> Option<Abort> {
    match cmd {
        J1939_TP_CMD_RTS | J1939_ETP_CMD_RTS => Some(Abort::BUSY),
        J1939_TP_CMD_CTS | J1939_ETP_CMD_CTS => Some(Abort::ECTS_UNXPECTED_PGN),
        J1939_ETP_CMD_DPO => Some(Abort::BAD_EDPO_PGN),
        J1939_TP_CMD_EOMA | J1939_ETP_CMD_EOMA => Some(Abort::OTHER),
        _ => None,
    }
}

/// The eight bytes of a control frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Control(pub(super) [u8; 8]);

impl Control {
    pub(super) fn cmd(&self) -> u8 {
        self.0[0]
    }

    /// The PGN of what is transferred.
    pub(super) fn pgn(&self) -> u32 {
        let pgn = u32::from_le_bytes([self.0[5], self.0[6], self.0[7], 0]);
        if pgn_is_pdu1(pgn) { pgn & 0xff_ff00 } else { pgn }
    }

    /// The size of what is transferred, in an RTS, a BAM or an EOMA.
    pub(super) fn size(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Etp => u32::from_le_bytes([self.0[1], self.0[2], self.0[3], self.0[4]]),
            _ => u32::from(u16::from_le_bytes([self.0[1], self.0[2]])),
        }
    }

    /// The number of a packet, in a CTS or a DPO.
    pub(super) fn packet(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Etp => u32::from_le_bytes([self.0[2], self.0[3], self.0[4], 0]),
            _ => u32::from(self.0[2]),
        }
    }
}

/// The first five bytes of a control frame: the command, what follows it, and 0xff for the rest.
pub(super) fn command(cmd: u8, rest: &[u8]) -> [u8; 5] {
    let mut bytes = [0xff; 5];
    bytes[0] = cmd;
    bytes[1..=rest.len()].copy_from_slice(rest);
    bytes
}
