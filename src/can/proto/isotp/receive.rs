//! How PDUs come in: `isotp_rcv_sf`, `isotp_rcv_ff` and `isotp_rcv_cf`, and the flow control that answers them.

use libc::{EBADMSG, EILSEQ};

use super::options::padlen;
use super::padding::padding_fits;
use super::*;
use crate::frame::CAN_MAX_DLEN;

/// A PDU that comes in.
#[derive(Clone, Default, Debug)]
pub(super) struct Reception {
    /// Whether consecutive frames are waited for: ISOTP_WAIT_DATA, otherwise ISOTP_IDLE.
    wait_data: bool,
    /// What has come.
    data: Vec<u8>,
    /// How much there is to come in all.
    len: u32,
    /// How many consecutive frames since the last flow control, while a block size is set.
    bs: u8,
    /// The number of the next consecutive frame.
    sn: u8,
    /// The length of the first frame, which is that of all but the last.
    ll_dl: u8,
    /// When the last consecutive frame came, since the last flow control.
    last: Option<Nanos>,
    /// When it is given up.
    pub(super) timer: Option<Nanos>,
}

impl Reception {
    /// Whether consecutive frames are waited for.
    pub(super) fn waits(&self) -> bool {
        self.wait_data
    }

    /// Nothing is waited for; returns whether it was.
    pub(super) fn stop(&mut self) -> bool {
        self.timer = None;
        std::mem::take(&mut self.wait_data)
    }

    /// How much is to come; wraps as the kernel's if a first frame had more than its PDU.
    fn missing(&self) -> u32 {
        self.len.wrapping_sub(self.data.len() as u32)
    }
}

impl Isotp {
    /// A single frame: it ends whatever PDU was coming in, even if it is not a good one.
    pub(super) fn rcv_sf(&mut self, frame: &Frame) {
        let (ae, data) = (self.options.ae(), frame.data());
        let short = usize::from(frame.data[ae] & !N_PCI);
        let (start, len) = match (data.len() <= CAN_MAX_DLEN, short) {
            (true, _) => (SF_PCI_SZ4 + ae, short),
            (false, 0) => (SF_PCI_SZ8 + ae, frame.data[SF_PCI_SZ4 + ae].into()),
            // A long frame says its length in the second byte, or it is none.
            (false, _) => return,
        };
        self.rx.stop();
        if len == 0 || start + len > data.len() {
            return;
        }
        let pdu = data[start..start + len].to_vec();
        self.deliver(data, start + len, pdu);
    }

    /// A first frame.
    pub(super) fn rcv_ff(&mut self, now: Nanos, frame: &Frame) {
        let (ae, data) = (self.options.ae(), frame.data());
        self.rx.stop();
        self.rx.ll_dl = padlen(data.len() as u8);
        if data.len() != usize::from(self.rx.ll_dl) {
            return;
        }
        let short = u32::from(data[ae] & !N_PCI) << 8 | u32::from(data[ae + 1]);
        let (len, header) = match short {
            0 => (u32::from_be_bytes([data[ae + 2], data[ae + 3], data[ae + 4], data[ae + 5]]), FF_PCI_SZ32),
            len => (len, FF_PCI_SZ12),
        };
        self.rx.len = len;
        // What fits into a single frame must come in one. The sum wraps in the kernel, too.
        let escape = u32::from(data.len() > CAN_MAX_DLEN);
        if len.wrapping_add((ae + header) as u32 + escape) < data.len() as u32 {
            return;
        }
        if len as usize > self.options.max_pdu_size() {
            return self.send_fc(now, ISOTP_FC_OVFLW);
        }
        self.rx.data.clear();
        self.rx.data.extend_from_slice(&data[ae + header..]);
        self.rx.sn = 1;
        self.rx.wait_data = true;
        // Who only listens does not know when the receiver's flow control lets the sender go on, so no timer runs.
        if !self.options.has(CAN_ISOTP_LISTEN_MODE) {
            self.send_fc(now, ISOTP_FC_CTS);
        }
    }

    /// A consecutive frame.
    pub(super) fn rcv_cf(&mut self, now: Nanos, frame: &Frame) {
        if !self.rx.wait_data || self.is_too_early(now) {
            return;
        }
        let (ae, data, ll_dl) = (self.options.ae(), frame.data(), usize::from(self.rx.ll_dl));
        // Frames of a wrong length are ignored, but they stop the timer, and the next one starts it again.
        self.rx.timer = None;
        let longest = (ll_dl - ae - N_PCI_SZ) as u32;
        if data.len() > ll_dl || data.len() < ll_dl && self.rx.missing() > longest {
            return;
        }
        if frame.data[ae] & !N_PCI != self.rx.sn {
            self.rx.stop();
            return self.outputs.push_back(Output::Error(EILSEQ));
        }
        self.rx.sn = (self.rx.sn + 1) % 16;
        let start = ae + N_PCI_SZ;
        let here = data.get(start..).unwrap_or_default();
        // A first frame may have had more than the PDU; then one byte is looked at nevertheless.
        let more = if self.rx.data.len() >= self.rx.len as usize { 1 } else { self.rx.missing() as usize };
        let taken = here.len().min(more);
        self.rx.data.extend_from_slice(&here[..taken]);
        if self.rx.data.len() >= self.rx.len as usize {
            self.rx.stop();
            let mut pdu = std::mem::take(&mut self.rx.data);
            pdu.truncate(self.rx.len as usize);
            // The kernel has looked at one byte at least.
            return self.deliver(data, start + taken.max(1), pdu);
        }
        let bs = self.options.rxfc().bs;
        if bs != 0 {
            self.rx.bs = self.rx.bs.wrapping_add(1);
        }
        if bs == 0 || self.rx.bs < bs {
            self.rx.timer = Some(now.saturating_add(ISOTP_FC_TIMEOUT));
        } else if !self.options.has(CAN_ISOTP_LISTEN_MODE) {
            self.send_fc(now, ISOTP_FC_CTS);
        }
    }

    /// Whether the program wants a consecutive frame ignored that comes so soon after the last.
    fn is_too_early(&mut self, now: Nanos) -> bool {
        let Some(stmin) = self.options.forced_rx_stmin() else { return false };
        let early = self.rx.last.is_some_and(|last| now.saturating_sub(last) < stmin);
        if !early {
            self.rx.last = Some(now);
        }
        early
    }

    /// A PDU is complete. The last frame's data and where its padding begins say whether it is a good one.
    fn deliver(&mut self, data: &[u8], padding: usize, pdu: Vec<u8>) {
        let bad = self.options.has(ISOTP_CHECK_PADDING) && !padding_fits(&self.options, data, padding);
        self.outputs.push_back(if bad { Output::Error(EBADMSG) } else { Output::Pdu(pdu) });
    }

    /// `isotp_send_fc`: flow control, after which the next consecutive frame is waited for.
    fn send_fc(&mut self, now: Nanos, status: u8) {
        let (ae, rxfc) = (self.options.ae(), *self.options.rxfc());
        let mut frame = self.blank();
        frame.len = (ae + FC_CONTENT_SZ) as u8;
        if self.options.has(CAN_ISOTP_TX_PADDING) {
            frame.len = CAN_MAX_DLEN as u8;
            frame.data[..CAN_MAX_DLEN].fill(self.options.opt().txpad_content);
        }
        frame.data[ae..ae + FC_CONTENT_SZ].copy_from_slice(&[N_PCI_FC | status, rxfc.bs, rxfc.stmin]);
        if ae != 0 {
            frame.data[0] = self.options.opt().ext_address;
        }
        self.outputs.push_back(Output::Frame(frame));
        self.rx.bs = 0;
        self.rx.last = None;
        // After an overflow the kernel's timer runs as well, and finds nothing to end.
        self.rx.timer = self.rx.wait_data.then(|| now.saturating_add(ISOTP_FC_TIMEOUT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out for each of 20 consecutive frames, 10 ns after another: `f`low control, an `e`rror, a `p`du, or nothing.
    fn reception(options: Options) -> String {
        let mut isotp = Isotp::new(options, 1, 2);
        isotp.receive(0, &Frame::classic(1, &[0x10, 6 + 20 * 7, 0, 0, 0, 0, 0, 0]), false);
        let mut letters = String::new();
        for at in 0..=20 {
            letters.push(match isotp.output() {
                Some(Output::Frame(_)) => 'f',
                Some(Output::Error(_)) => 'e',
                Some(Output::Pdu(_)) => 'p',
                _ => '.',
            });
            assert_eq!(isotp.output(), None);
            let number = (at + 1) % 16;
            isotp.receive(
                10 * (at + 1),
                &Frame::classic(1, &[N_PCI_CF | number as u8, 0, 0, 0, 0, 0, 0, 0]),
                false,
            );
        }
        letters
    }

    #[test]
    fn every_block_has_its_flow_control() {
        let mut options = Options::default();
        assert_eq!(reception(options), "f...................p");
        options.set(false, CAN_ISOTP_RECV_FC, &[7, 0, 0]).unwrap();
        assert_eq!(reception(options), "f......f......f.....p");
        options.set(false, CAN_ISOTP_RECV_FC, &[1, 0, 0]).unwrap();
        assert_eq!(reception(options), "ffffffffffffffffffffp");
    }

    #[test]
    fn the_first_frame_of_a_block_is_never_too_early() {
        let mut options = Options::default();
        let opt = IsotpOptions { flags: CAN_ISOTP_FORCE_RXSTMIN, ..*options.opt() };
        options.set(false, CAN_ISOTP_OPTS, &opt.bytes()).unwrap();
        options.set(false, CAN_ISOTP_RX_STMIN, &11_u32.to_ne_bytes()).unwrap();
        // The second is ignored, and the third is not the second.
        assert_eq!(reception(options), "f..e.................");
        options.set(false, CAN_ISOTP_RECV_FC, &[1, 0, 0]).unwrap();
        assert_eq!(reception(options), "ffffffffffffffffffffp");
    }
}
