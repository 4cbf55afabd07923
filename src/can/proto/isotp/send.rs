//! How a PDU goes out: `isotp_sendmsg`, and the flow control and echoes that move it on.

use libc::{EAGAIN, EBADMSG, EINVAL, EMSGSIZE};

use super::options::padlen;
use super::padding::padding_fits;
use super::*;
use crate::frame::{CAN_MAX_DLEN, CANFD_FDF};

/// Where a PDU that goes out is: `tx.state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum TxState {
    /// There is none.
    #[default]
    Idle,
    /// After the first frame.
    WaitFirstFc,
    /// After a block, or after "wait".
    WaitFc,
    /// While single or consecutive frames are sent.
    Sending,
}

/// A PDU that goes out.
#[derive(Clone, Default, Debug)]
pub(super) struct Transmission {
    pub(super) state: TxState,
    /// The whole PDU.
    data: Vec<u8>,
    /// How much of it has gone.
    sent: usize,
    /// How many consecutive frames since the last flow control.
    bs: u8,
    /// The number of the next consecutive frame.
    sn: u8,
    /// The block size that the receiver wants; 0 is none.
    fc_bs: u8,
    /// The gap between consecutive frames, `tx_gap`.
    gap: Nanos,
    /// The frame whose echo is waited for, `cfecho`.
    echo: Option<Frame>,
    /// When flow control or the echo is missing, `txtimer`.
    pub(super) timer: Option<Nanos>,
    /// When the next consecutive frame goes, `txfrtimer`.
    pub(super) gap_timer: Option<Nanos>,
}

impl Options {
    /// Whether a PDU of so many bytes can be sent, which needs no state to know.
    ///
    /// # Errors
    /// EINVAL for none, for more than [`max_pdu_size`](Self::max_pdu_size), and for more than a frame holds with
    /// [`CAN_ISOTP_SF_BROADCAST`]. On a socket that is not bound the kernel says EADDRNOTAVAIL before, on one that is busy
    /// EAGAIN.
    pub fn check_pdu(&self, len: usize) -> Result<(), Errno> {
        let fits = len != 0
            && len <= self.max_pdu_size()
            && (!self.has(CAN_ISOTP_SF_BROADCAST) || len <= self.single_frame_holds());
        if fits { Ok(()) } else { Err(EINVAL) }
    }

    /// How much data fits into a single frame.
    fn single_frame_holds(&self) -> usize {
        let escape = usize::from(self.tx_dl() > CAN_MAX_DLEN);
        self.tx_dl() - SF_PCI_SZ4 - self.ae() - escape
    }

    /// The most data of a frame that is sent.
    fn tx_dl(&self) -> usize {
        self.ll().tx_dl.into()
    }
}

impl Isotp {
    /// Begins to send a PDU. What becomes of it is told by [`Output::Done`].
    ///
    /// # Errors
    /// EAGAIN while another one is on its way: the caller waits for its end, or says so to the program. Those of
    /// [`Options::check_pdu`].
    pub fn send(&mut self, now: Nanos, pdu: &[u8]) -> Result<(), Errno> {
        if !self.is_idle() {
            return Err(EAGAIN);
        }
        self.options.check_pdu(pdu.len())?;
        self.tx = Transmission { data: pdu.to_vec(), ..Transmission::default() };
        let (state, timeout) = if pdu.len() <= self.options.single_frame_holds() {
            self.send_single_frame();
            (TxState::Sending, ISOTP_ECHO_TIMEOUT)
        } else {
            self.send_first_frame()
        };
        self.tx.state = state;
        self.tx.timer = Some(now.saturating_add(timeout));
        Ok(())
    }

    fn send_single_frame(&mut self) {
        let (ae, len) = (self.options.ae(), self.tx.data.len() as u8);
        // In a frame of 8 bytes there is room for the length in the first byte, whatever the longest frame is.
        let escape = usize::from(usize::from(len) > CAN_MAX_DLEN - SF_PCI_SZ4 - ae);
        let mut frame = self.data_frame(escape);
        frame.data[ae] = N_PCI_SF;
        frame.data[ae + if escape != 0 { SF_PCI_SZ4 } else { 0 }] |= len;
        self.put_expecting_echo(frame);
    }

    /// A first frame, and what is waited for after it.
    fn send_first_frame(&mut self) -> (TxState, Nanos) {
        let (ae, len) = (self.options.ae(), self.tx.data.len());
        let mut frame = self.blank();
        frame.len = self.options.ll().tx_dl;
        if ae != 0 {
            frame.data[0] = self.options.opt().ext_address;
        }
        let header = if len > MAX_12BIT_PDU_SIZE {
            frame.data[ae] = N_PCI_FF;
            frame.data[ae + 2..ae + FF_PCI_SZ32].copy_from_slice(&(len as u32).to_be_bytes());
            FF_PCI_SZ32
        } else {
            frame.data[ae] = N_PCI_FF | (len >> 8) as u8;
            frame.data[ae + 1] = len as u8;
            FF_PCI_SZ12
        };
        let first = self.options.tx_dl() - ae - header;
        frame.data[ae + header..][..first].copy_from_slice(&self.tx.data[..first]);
        self.tx.sent = first;
        self.tx.sn = 1;
        if !self.options.has(CAN_ISOTP_CF_BROADCAST) {
            self.outputs.push_back(Output::Frame(frame));
            return (TxState::WaitFirstFc, ISOTP_FC_TIMEOUT);
        }
        // Nobody controls the flow, so the forced STmin is the whole gap here, and not one more part of it.
        self.tx.gap = self.options.forced_tx_stmin().unwrap_or(self.options.frame_gap());
        self.put_expecting_echo(frame);
        (TxState::Sending, ISOTP_ECHO_TIMEOUT)
    }

    /// `isotp_send_cframe`.
    fn send_consecutive_frame(&mut self) {
        let mut frame = self.data_frame(0);
        frame.data[self.options.ae()] = N_PCI_CF | self.tx.sn;
        self.tx.sn = (self.tx.sn + 1) % 16;
        self.tx.bs = self.tx.bs.wrapping_add(1);
        self.put_expecting_echo(frame);
    }

    /// `isotp_fill_dataframe`: a frame with the next data behind a header that the caller fills, and with its padding.
    fn data_frame(&mut self, escape: usize) -> Frame {
        let ae = self.options.ae();
        let header = N_PCI_SZ + ae + escape;
        let space = self.options.tx_dl() - header;
        let data = &self.tx.data[self.tx.sent..];
        let taken = data.len().min(space);
        let mut frame = self.blank();
        frame.len = (header + taken) as u8;
        let padding = match (self.options.has(CAN_ISOTP_TX_PADDING), usize::from(frame.len) > CAN_MAX_DLEN) {
            (true, _) => Some(self.options.opt().txpad_content),
            // CAN FD has no frames of these lengths.
            (false, true) => Some(CAN_ISOTP_DEFAULT_PAD_CONTENT),
            (false, false) => None,
        };
        if let Some(content) = padding.filter(|_| taken < space) {
            frame.len = padlen(frame.len);
            frame.data[header + taken..frame.len.into()].fill(content);
        }
        frame.data[header..header + taken].copy_from_slice(&data[..taken]);
        if ae != 0 {
            frame.data[0] = self.options.opt().ext_address;
        }
        self.tx.sent += taken;
        frame
    }

    /// A frame without data.
    pub(super) fn blank(&self) -> Frame {
        if self.options.fd() {
            // The kernel marks every CAN FD frame as one before it reaches the interface (can_send).
            Frame::fd(self.tx_id, self.options.ll().tx_flags | CANFD_FDF, &[])
        } else {
            Frame::classic(self.tx_id, &[])
        }
    }

    fn put_expecting_echo(&mut self, frame: Frame) {
        self.tx.echo = Some(frame);
        self.outputs.push_back(Output::Frame(frame));
    }

    /// The PDU has ended.
    pub(super) fn end(&mut self, result: Result<(), Errno>) {
        self.tx = Transmission::default();
        if let Err(errno) = result {
            self.outputs.push_back(Output::Error(errno));
        }
        self.outputs.push_back(Output::Done(result));
    }

    /// `isotp_rcv_fc`: flow control, if it is waited for.
    pub(super) fn rcv_fc(&mut self, now: Nanos, frame: &Frame) {
        if !matches!(self.tx.state, TxState::WaitFirstFc | TxState::WaitFc) {
            return;
        }
        let (ae, data) = (self.options.ae(), frame.data());
        let &[status, bs, stmin] = &frame.data[ae..ae + FC_CONTENT_SZ] else { unreachable!() };
        let end = ae + FC_CONTENT_SZ;
        let checked = self.options.has(ISOTP_CHECK_PADDING);
        if data.len() < end || checked && !padding_fits(&self.options, data, end) {
            return self.end(Err(EBADMSG));
        }
        if self.tx.state == TxState::WaitFirstFc || self.options.has(CAN_ISOTP_DYN_FC_PARMS) {
            self.tx.fc_bs = bs;
            self.tx.gap =
                self.options.frame_gap() + self.options.forced_tx_stmin().unwrap_or(stmin_of(stmin));
            self.tx.state = TxState::WaitFc;
        }
        match status & !N_PCI {
            ISOTP_FC_CTS => {
                self.tx.bs = 0;
                self.tx.state = TxState::Sending;
                self.tx.timer = Some(now.saturating_add(ISOTP_ECHO_TIMEOUT));
                self.send_consecutive_frame();
            }
            // As often as the receiver likes: the kernel does not count.
            ISOTP_FC_WT => self.tx.timer = Some(now.saturating_add(ISOTP_FC_TIMEOUT)),
            ISOTP_FC_OVFLW => self.end(Err(EMSGSIZE)),
            _ => self.end(Ok(())),
        }
    }

    /// `isotp_rcv_echo`: an own frame has been sent.
    pub(super) fn rcv_echo(&mut self, now: Nanos, frame: &Frame) {
        let awaited =
            self.tx.echo.as_ref().is_some_and(|sent| sent.id == frame.id && sent.data() == frame.data());
        if !awaited || self.tx.state != TxState::Sending {
            return;
        }
        self.tx.echo = None;
        self.tx.timer = None;
        if self.tx.sent >= self.tx.data.len() {
            self.end(Ok(()));
        } else if self.tx.fc_bs != 0 && self.tx.bs >= self.tx.fc_bs {
            self.tx.state = TxState::WaitFc;
            self.tx.timer = Some(now.saturating_add(ISOTP_FC_TIMEOUT));
        } else if self.tx.gap == 0 {
            self.tx.timer = Some(now.saturating_add(ISOTP_ECHO_TIMEOUT));
            self.send_consecutive_frame();
        } else {
            self.tx.gap_timer = Some(now.saturating_add(self.tx.gap));
        }
    }

    /// `isotp_txfr_timer_handler`: the next consecutive frame may go.
    pub(super) fn gap_is_over(&mut self, now: Nanos) {
        self.tx.gap_timer = None;
        if self.tx.state == TxState::Sending && self.tx.echo.is_none() {
            self.tx.timer = Some(now.saturating_add(ISOTP_ECHO_TIMEOUT));
            self.send_consecutive_frame();
        }
    }
}

/// The STmin of flow control in ns. Values that are reserved count as the longest.
fn stmin_of(stmin: u8) -> Nanos {
    match stmin {
        0..=0x7f => Nanos::from(stmin) * 1_000_000,
        0xf1..=0xf9 => Nanos::from(stmin - 0xf0) * 100_000,
        _ => 127_000_000,
    }
}
