//! CAN_ISOTP (`net/can/isotp.c`), ISO 15765-2: PDUs of up to 8,300 bytes in frames of 8 or 64.
//!
//! 1. [`Options::set`] collects what setsockopt says, [`bind`] makes an [`Address`] of a name; both have the kernel's checks.
//! 2. [`Isotp::new`] is the bound socket. [`Isotp::send`] takes a PDU, [`Isotp::receive`] each frame of the interface, own ones
//!    too: from those it knows that they have been sent, as the kernel does by its echo.
//! 3. [`Isotp::timer`] is called when [`Isotp::next_timer`] is reached.
//! 4. After each of them, [`Isotp::output`] is asked until there is no more.
//!
//! | here | in the kernel |
//! |---|---|
//! | `receive.rs` | `isotp_rcv_sf`, `isotp_rcv_ff`, `isotp_rcv_cf`, `isotp_send_fc` |
//! | `send.rs` | `isotp_sendmsg`, `isotp_rcv_fc`, `isotp_rcv_echo`, `isotp_send_cframe` |
//! | `options.rs`, `saved.rs` | `isotp_setsockopt`, `isotp_getsockopt` |
//! | `padding.rs` | `check_pad` |
//!
//! It is Linux 6.12. Known differences of others: 6.1 has PDUs of up to 66,000 bytes
//! ([`Options::with_max_pdu_size`]); kernels from 2026 report EBADMSG for a flow status that does not exist, which ends the
//! PDU without an error in 6.12. The kernel recognises its echo by the first four bytes of the data in 6.12, and by a number
//! later; here it is the whole frame, so that an older echo that happens to begin alike is not taken for the newer. An echo
//! that comes after its PDU has ended changes nothing, as in later kernels.

mod address;
mod options;
mod padding;
mod receive;
mod saved;
mod send;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use libc::{ECOMM, ETIMEDOUT};

pub use address::{AF_CAN, Address, ISOTP_MIN_NAMELEN, bind};
pub use options::*;
pub use saved::OPTION_WORDS;

use crate::frame::Frame;
use crate::{Errno, Nanos};
use receive::Reception;
use send::{Transmission, TxState};

/// How long flow control or the next consecutive frame is waited for.
pub const ISOTP_FC_TIMEOUT: Nanos = 1_000_000_000;
/// How long the echo of an own frame is waited for.
pub const ISOTP_ECHO_TIMEOUT: Nanos = 2_000_000_000;

/// The upper half of a frame's first byte (behind the extended address) says what it is.
const N_PCI: u8 = 0xf0;
/// Single frame.
const N_PCI_SF: u8 = 0x00;
/// First frame.
const N_PCI_FF: u8 = 0x10;
/// Consecutive frame.
const N_PCI_CF: u8 = 0x20;
/// Flow control.
const N_PCI_FC: u8 = 0x30;
/// The length of a single frame's header: the length has 4 bits.
const SF_PCI_SZ4: usize = 1;
/// The same if the length has 8 bits, in a byte of its own.
const SF_PCI_SZ8: usize = 2;
/// The length of a first frame's header: the length has 12 bits.
const FF_PCI_SZ12: usize = 2;
/// The same if the length has 32 bits.
const FF_PCI_SZ32: usize = 6;
/// The length of a consecutive frame's header.
const N_PCI_SZ: usize = 1;
/// The length of flow control: status, block size, STmin.
const FC_CONTENT_SZ: usize = 3;
/// Flow status: continue to send.
const ISOTP_FC_CTS: u8 = 0;
/// Flow status: wait for another flow control.
const ISOTP_FC_WT: u8 = 1;
/// Flow status: the PDU is too long.
const ISOTP_FC_OVFLW: u8 = 2;

/// What the machine wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// A frame for the interface. Its echo is wanted by [`Isotp::receive`], before any answer: flow control that comes earlier
    /// is ignored.
    Frame(Frame),
    /// A PDU for the program to read.
    Pdu(Vec<u8>),
    /// An error for sk_err, whose next one replaces it: POLLERR, SO_ERROR, and the next call.
    Error(Errno),
    /// The PDU of the last [`Isotp::send`] has ended: the socket can be written to again.
    ///
    /// With [`CAN_ISOTP_WAIT_TX_DONE`] the program waits for this. An error has also been told by [`Output::Error`], just
    /// before; the call that waits returns it and takes it out of sk_err. In the kernel the call returns whatever is in sk_err.
    Done(Result<(), Errno>),
}

/// A bound socket.
#[derive(Clone, Debug)]
pub struct Isotp {
    options: Options,
    rx_id: u32,
    tx_id: u32,
    rx: Reception,
    tx: Transmission,
    outputs: VecDeque<Output>,
}

impl Isotp {
    /// A socket with these options that has been bound to these identifiers.
    pub fn new(options: Options, rx_id: u32, tx_id: u32) -> Isotp {
        let (rx, tx) = (Reception::default(), Transmission::default());
        Isotp { options, rx_id, tx_id, rx, tx, outputs: VecDeque::new() }
    }

    /// The options, which do not change any more.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A frame from the interface; `own` if this socket has sent it.
    ///
    /// Frames with other identifiers change nothing, so the caller may filter them or not.
    pub fn receive(&mut self, now: Nanos, frame: &Frame, own: bool) {
        if own {
            self.rcv_echo(now, frame);
        } else if self.options.receives() && address::registered(self.rx_id, frame.id) {
            self.rcv(now, frame);
        }
    }

    /// `isotp_rcv`: a frame with the socket's rx_id.
    fn rcv(&mut self, now: Nanos, frame: &Frame) {
        let ae = self.options.ae();
        let foreign = ae != 0 && frame.data[0] != self.options.opt().rx_ext_address;
        if frame.fd != self.options.fd() || foreign {
            return;
        }
        let pci = frame.data[ae];
        if self.options.has(CAN_ISOTP_HALF_DUPLEX) {
            let busy = if pci & N_PCI == N_PCI_FC { self.rx.waits() } else { !self.is_idle() };
            if busy {
                return;
            }
        }
        match pci & N_PCI {
            N_PCI_FC => self.rcv_fc(now, frame),
            N_PCI_SF => self.rcv_sf(frame),
            N_PCI_FF => self.rcv_ff(now, frame),
            N_PCI_CF => self.rcv_cf(now, frame),
            _ => {}
        }
    }

    /// When [`timer`](Self::timer) has something to do. `None`: only a frame or a call can change anything.
    pub fn next_timer(&self) -> Option<Nanos> {
        [self.rx.timer, self.tx.timer, self.tx.gap_timer].into_iter().flatten().min()
    }

    /// It is `now`: what should have happened by then happens.
    pub fn timer(&mut self, now: Nanos) {
        while let Some(due) = self.next_timer().filter(|due| *due <= now) {
            if self.rx.timer == Some(due) {
                self.rx_timeout();
            } else if self.tx.timer == Some(due) {
                self.tx_timeout();
            } else {
                self.gap_is_over(now);
            }
        }
    }

    /// `isotp_rx_timer_handler`: no consecutive frame has come.
    fn rx_timeout(&mut self) {
        if self.rx.stop() {
            self.outputs.push_back(Output::Error(ETIMEDOUT));
        }
    }

    /// `isotp_tx_timer_handler`: neither flow control nor an echo has come.
    fn tx_timeout(&mut self) {
        self.tx.timer = None;
        if !self.is_idle() {
            self.end(Err(ECOMM));
        }
    }

    /// The next thing to do.
    pub fn output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether no PDU is on its way, so that the socket is writable: without that, POLLOUT is off.
    pub fn is_idle(&self) -> bool {
        self.tx.state == TxState::Idle
    }

    /// The PDU on its way is given up without an error: a signal has interrupted the call that waits for its end or its turn,
    /// or its first frame could not be sent, whose error the call returns.
    pub fn cancel(&mut self) {
        self.tx = Transmission::default();
    }

    /// `isotp_release`, after the PDU on its way has ended or a signal has come: nothing is received or sent any more.
    pub fn release(&mut self) {
        self.cancel();
        self.rx = Reception::default();
        self.outputs.clear();
    }
}
