//! What is reported to the error queue of a socket (`j1939_sk_errqueue`): how far a transfer is, and how it ended.

use super::cb::Kind;
use super::session::Session;
use super::socket::Sock;
use super::uapi::*;
use crate::Errno;

/// What has happened to a transfer, `enum j1939_sk_errqueue_type`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    TxAck,
    TxSched,
    TxAbort,
    RxRts,
    RxDpo,
    RxAbort,
}

/// The attributes of `J1939_NLA_*`, in the order of their numbers from 1.
const BYTES_ACKED: u16 = 1;
const TOTAL_SIZE: u16 = 2;
const PGN: u16 = 3;
const SRC_NAME: u16 = 4;
const DEST_NAME: u16 = 5;
const SRC_ADDR: u16 = 6;
const DEST_ADDR: u16 = 7;

const SO_EE_ORIGIN_LOCAL: u8 = 1;
const SO_EE_ORIGIN_TIMESTAMPING: u8 = 4;
const SCM_TSTAMP_SCHED: u32 = 1;
const SCM_TSTAMP_ACK: u32 = 2;

/// The flags of SO_TIMESTAMPING that choose.
const SOF_TIMESTAMPING_RX_SOFTWARE: u32 = 1 << 3;
pub(super) const SOF_TIMESTAMPING_OPT_ID: u32 = 1 << 7;
const SOF_TIMESTAMPING_TX_SCHED: u32 = 1 << 8;
const SOF_TIMESTAMPING_TX_ACK: u32 = 1 << 9;

impl Event {
    /// The flag that a program has to set for it, the origin, and what `ee_info` says.
    fn row(self) -> (u32, u8, u32) {
        match self {
            Event::TxAck => (SOF_TIMESTAMPING_TX_ACK, SO_EE_ORIGIN_TIMESTAMPING, SCM_TSTAMP_ACK),
            Event::TxSched => (SOF_TIMESTAMPING_TX_SCHED, SO_EE_ORIGIN_TIMESTAMPING, SCM_TSTAMP_SCHED),
            Event::TxAbort => (0, SO_EE_ORIGIN_LOCAL, J1939_EE_INFO_TX_ABORT),
            Event::RxRts => (SOF_TIMESTAMPING_RX_SOFTWARE, SO_EE_ORIGIN_LOCAL, J1939_EE_INFO_RX_RTS),
            Event::RxDpo => (SOF_TIMESTAMPING_RX_SOFTWARE, SO_EE_ORIGIN_LOCAL, J1939_EE_INFO_RX_DPO),
            Event::RxAbort => (SOF_TIMESTAMPING_RX_SOFTWARE, SO_EE_ORIGIN_LOCAL, J1939_EE_INFO_RX_ABORT),
        }
    }
}

/// A message of the error queue. recvmsg with MSG_ERRQUEUE gives [`attributes`](Report::attributes) as the data, a control
/// message [`SCM_J1939_ERRQUEUE`] with [`extended_err`](Report::extended_err), and, if the socket has
/// SOF_TIMESTAMPING_SOFTWARE, the time in SCM_TIMESTAMPING and the attributes again in SCM_TIMESTAMPING_OPT_STATS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// `ee_errno`: ENOMSG, or why the transfer has ended. A few of the kernel's are negative.
    pub errno: Errno,
    /// `ee_origin`: SO_EE_ORIGIN_LOCAL or SO_EE_ORIGIN_TIMESTAMPING.
    pub origin: u8,
    /// `ee_info`: with the first origin a `J1939_EE_INFO_*`, with the second SCM_TSTAMP_SCHED or SCM_TSTAMP_ACK.
    pub info: u32,
    /// `ee_data`: which transfer, counted from 0, with SOF_TIMESTAMPING_OPT_ID; 0 without.
    pub data: u32,
    /// Netlink attributes, `J1939_NLA_*`: how many bytes have arrived, or who begins to send what.
    pub attributes: Vec<u8>,
}

impl Report {
    /// The `struct sock_extended_err`.
    pub fn extended_err(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.errno.to_ne_bytes());
        bytes[4] = self.origin;
        bytes[8..12].copy_from_slice(&self.info.to_ne_bytes());
        bytes[12..].copy_from_slice(&self.data.to_ne_bytes());
        bytes
    }

    /// What the program is told of an event, if it wants to know.
    pub(super) fn of(session: &Session, event: Event, sock: &Sock) -> Option<Report> {
        let (flag, origin, info) = event.row();
        let flags = sock.timestamping();
        if !sock.errqueue() || flags & flag != flag {
            return None;
        }
        let errno = match event {
            Event::TxAbort | Event::RxAbort => session.err,
            _ => libc::ENOMSG,
        };
        let data = if flags & SOF_TIMESTAMPING_OPT_ID == 0 { 0 } else { session.tskey };
        Some(Report { errno, origin, info, data, attributes: attributes(session, event) })
    }
}

fn attributes(session: &Session, event: Event) -> Vec<u8> {
    let (cb, total) = (&session.cb, session.total_message_size);
    let mut to = Vec::new();
    if event == Event::RxRts {
        put(&mut to, TOTAL_SIZE, &total.to_ne_bytes());
        put(&mut to, PGN, &cb.pgn.to_ne_bytes());
        put(&mut to, SRC_NAME, &cb.src_name.to_ne_bytes());
        put(&mut to, DEST_NAME, &cb.dst_name.to_ne_bytes());
        put(&mut to, SRC_ADDR, &[cb.sa]);
        put(&mut to, DEST_ADDR, &[cb.da]);
    } else {
        let acked = if cb.kind == Kind::Simple { total } else { (session.pkt.tx_acked * 7).min(total) };
        put(&mut to, BYTES_ACKED, &acked.to_ne_bytes());
    }
    to
}

/// One attribute: its length with the head, its number, and the value up to a multiple of four bytes. Numbers of eight bytes
/// are not aligned where the processor can do without, as on x86-64 and arm64.
fn put(to: &mut Vec<u8>, number: u16, value: &[u8]) {
    to.extend((value.len() as u16 + 4).to_ne_bytes());
    to.extend(number.to_ne_bytes());
    to.extend(value);
    to.resize(to.len().next_multiple_of(4), 0);
}
