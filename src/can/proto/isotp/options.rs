//! The options of a CAN_ISOTP socket: `struct can_isotp_options` and its siblings in `include/uapi/linux/can/isotp.h`, with
//! the checks of `isotp_setsockopt`.

use libc::{EINVAL, EISCONN, ENOPROTOOPT};

use crate::frame::{CAN_MAX_DLEN, CAN_MTU, CANFD_MTU, padded_length};
use crate::{Errno, Nanos};

/// The level of the options, `SOL_CAN_BASE + CAN_ISOTP`.
pub const SOL_CAN_ISOTP: i32 = 106;
/// The option that takes [`IsotpOptions`].
pub const CAN_ISOTP_OPTS: i32 = 1;
/// The option that takes [`FcOptions`].
pub const CAN_ISOTP_RECV_FC: i32 = 2;
/// The option with the STmin that replaces the one of received flow control, in ns.
pub const CAN_ISOTP_TX_STMIN: i32 = 3;
/// The option with the gap below which consecutive frames are ignored, in ns.
pub const CAN_ISOTP_RX_STMIN: i32 = 4;
/// The option that takes [`LlOptions`].
pub const CAN_ISOTP_LL_OPTS: i32 = 5;

/// Listen only: no flow control is sent.
pub const CAN_ISOTP_LISTEN_MODE: u32 = 0x001;
/// Extended addressing: the first byte of each frame is an address.
pub const CAN_ISOTP_EXTEND_ADDR: u32 = 0x002;
/// Frames that are sent get padding.
pub const CAN_ISOTP_TX_PADDING: u32 = 0x004;
/// Frames that are received have padding.
pub const CAN_ISOTP_RX_PADDING: u32 = 0x008;
/// The length of received padding is checked.
pub const CAN_ISOTP_CHK_PAD_LEN: u32 = 0x010;
/// The bytes of received padding are checked.
pub const CAN_ISOTP_CHK_PAD_DATA: u32 = 0x020;
/// One direction at a time.
pub const CAN_ISOTP_HALF_DUPLEX: u32 = 0x040;
/// [`CAN_ISOTP_TX_STMIN`] is used.
pub const CAN_ISOTP_FORCE_TXSTMIN: u32 = 0x080;
/// [`CAN_ISOTP_RX_STMIN`] is used.
pub const CAN_ISOTP_FORCE_RXSTMIN: u32 = 0x100;
/// The extended address of received frames is a different one.
pub const CAN_ISOTP_RX_EXT_ADDR: u32 = 0x200;
/// A call that sends returns when the PDU has been sent.
pub const CAN_ISOTP_WAIT_TX_DONE: u32 = 0x400;
/// Functional addressing with single frames: nothing is received.
pub const CAN_ISOTP_SF_BROADCAST: u32 = 0x800;
/// Functional addressing with consecutive frames: nothing is received, and nobody controls the flow.
pub const CAN_ISOTP_CF_BROADCAST: u32 = 0x1000;
/// Block size and STmin are taken from every flow control frame and not only from the first.
pub const CAN_ISOTP_DYN_FC_PARMS: u32 = 0x2000;
/// Both kinds of functional addressing.
pub const ISOTP_ALL_BC_FLAGS: u32 = CAN_ISOTP_SF_BROADCAST | CAN_ISOTP_CF_BROADCAST;
/// Both checks of padding.
pub const ISOTP_CHECK_PADDING: u32 = CAN_ISOTP_CHK_PAD_LEN | CAN_ISOTP_CHK_PAD_DATA;

/// What padding consists of by default.
pub const CAN_ISOTP_DEFAULT_PAD_CONTENT: u8 = 0xcc;
/// The gap between consecutive frames before any STmin, in ns.
pub const CAN_ISOTP_DEFAULT_FRAME_TXTIME: u32 = 50_000;
/// In `frame_txtime`: none; 0 leaves it as it is.
pub const CAN_ISOTP_FRAME_TXTIME_ZERO: u32 = 0xffff_ffff;
/// The longest PDU, in bytes, unless the module's parameter `max_pdu_size` says more.
pub const DEFAULT_MAX_PDU_SIZE: usize = 8300;
/// What `max_pdu_size` can say at least: the longest PDU whose length has 12 bits.
pub const MAX_12BIT_PDU_SIZE: usize = 4095;
/// What `max_pdu_size` can say at most.
pub const MAX_PDU_SIZE: usize = 1025 * 1024;

/// `struct can_isotp_options`, 12 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IsotpOptions {
    /// The flags, `CAN_ISOTP_…`.
    pub flags: u32,
    /// The time that a frame takes, in ns; 0 changes nothing, and [`CAN_ISOTP_FRAME_TXTIME_ZERO`] is none.
    pub frame_txtime: u32,
    /// The extended address.
    pub ext_address: u8,
    /// Padding that is sent.
    pub txpad_content: u8,
    /// Padding that is expected.
    pub rxpad_content: u8,
    /// The extended address of received frames; the other one without [`CAN_ISOTP_RX_EXT_ADDR`].
    pub rx_ext_address: u8,
}

impl IsotpOptions {
    /// The struct in memory.
    pub fn bytes(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.frame_txtime.to_ne_bytes());
        bytes[8..].copy_from_slice(&[
            self.ext_address,
            self.txpad_content,
            self.rxpad_content,
            self.rx_ext_address,
        ]);
        bytes
    }

    pub(super) fn of_bytes(bytes: &[u8; 12]) -> IsotpOptions {
        let [a, b, c, d, e, f, g, h, ext_address, txpad_content, rxpad_content, rx_ext_address] = *bytes;
        IsotpOptions {
            flags: u32::from_ne_bytes([a, b, c, d]),
            frame_txtime: u32::from_ne_bytes([e, f, g, h]),
            ext_address,
            txpad_content,
            rxpad_content,
            rx_ext_address,
        }
    }
}

/// `struct can_isotp_fc_options`, 3 bytes: what flow control tells the sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FcOptions {
    /// The block size: how many consecutive frames until the next flow control; 0 is no limit.
    pub bs: u8,
    /// The gap between them, as it stands in the frame: 0 to 0x7f in ms, 0xf1 to 0xf9 in 100 µs.
    pub stmin: u8,
    /// How often the receiver may say "wait". The kernel keeps it and never says it.
    pub wftmax: u8,
}

/// `struct can_isotp_ll_options`, 3 bytes: the frames below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LlOptions {
    /// The kind of frame: CAN_MTU or CANFD_MTU.
    pub mtu: u8,
    /// The most data of a frame that is sent: 8, 12, 16, 20, 24, 32, 48 or 64.
    pub tx_dl: u8,
    /// The flags of a CAN FD frame that is sent.
    pub tx_flags: u8,
}

/// All options of a socket, as `isotp_init` leaves them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    pub(super) opt: IsotpOptions,
    pub(super) rxfc: FcOptions,
    pub(super) ll: LlOptions,
    pub(super) force_tx_stmin: u32,
    pub(super) force_rx_stmin: u32,
    /// What the last `frame_txtime` that was not 0 has said.
    pub(super) frame_txtime: u32,
    pub(super) max_pdu_size: usize,
}

impl Default for Options {
    fn default() -> Options {
        let pad = CAN_ISOTP_DEFAULT_PAD_CONTENT;
        Options {
            opt: IsotpOptions {
                flags: 0,
                frame_txtime: CAN_ISOTP_DEFAULT_FRAME_TXTIME,
                ext_address: 0,
                txpad_content: pad,
                rxpad_content: pad,
                rx_ext_address: 0,
            },
            rxfc: FcOptions::default(),
            ll: LlOptions { mtu: CAN_MTU as u8, tx_dl: CAN_MAX_DLEN as u8, tx_flags: 0 },
            force_tx_stmin: 0,
            force_rx_stmin: 0,
            frame_txtime: CAN_ISOTP_DEFAULT_FRAME_TXTIME,
            max_pdu_size: DEFAULT_MAX_PDU_SIZE,
        }
    }
}

impl Options {
    /// The options under a module parameter `max_pdu_size`. Linux 6.1 behaves as with 66,000.
    ///
    /// The parameter cannot make it less than [`DEFAULT_MAX_PDU_SIZE`], which a socket has room for in any case.
    #[must_use]
    pub fn with_max_pdu_size(self, size: usize) -> Options {
        let size = size.clamp(MAX_12BIT_PDU_SIZE, MAX_PDU_SIZE);
        Options { max_pdu_size: size.max(DEFAULT_MAX_PDU_SIZE), ..self }
    }

    /// `setsockopt(fd, SOL_CAN_ISOTP, name, value, …)` on a socket that is bound or not.
    ///
    /// # Errors
    /// EISCONN on a bound one, ENOPROTOOPT for an unknown name, EINVAL for any other length than that of the option and for
    /// values of [`CAN_ISOTP_LL_OPTS`] that are none. [`CAN_ISOTP_OPTS`] with both kinds of functional addressing is EINVAL,
    /// too, but takes effect: with the one for single frames.
    pub fn set(&mut self, bound: bool, name: i32, value: &[u8]) -> Result<(), Errno> {
        if bound {
            return Err(EISCONN);
        }
        match name {
            CAN_ISOTP_OPTS => self.set_opts(IsotpOptions::of_bytes(exact(value)?)),
            CAN_ISOTP_RECV_FC => {
                let [bs, stmin, wftmax] = *exact(value)?;
                self.rxfc = FcOptions { bs, stmin, wftmax };
                Ok(())
            }
            CAN_ISOTP_TX_STMIN => exact(value).map(|bytes| self.force_tx_stmin = u32::from_ne_bytes(*bytes)),
            CAN_ISOTP_RX_STMIN => exact(value).map(|bytes| self.force_rx_stmin = u32::from_ne_bytes(*bytes)),
            CAN_ISOTP_LL_OPTS => {
                let [mtu, tx_dl, tx_flags] = *exact(value)?;
                self.set_ll(LlOptions { mtu, tx_dl, tx_flags })
            }
            _ => Err(ENOPROTOOPT),
        }
    }

    fn set_opts(&mut self, opt: IsotpOptions) -> Result<(), Errno> {
        self.opt = opt;
        if opt.flags & CAN_ISOTP_RX_EXT_ADDR == 0 {
            self.opt.rx_ext_address = opt.ext_address;
        }
        match opt.frame_txtime {
            0 => {}
            CAN_ISOTP_FRAME_TXTIME_ZERO => self.frame_txtime = 0,
            time => self.frame_txtime = time,
        }
        if opt.flags & ISOTP_ALL_BC_FLAGS == ISOTP_ALL_BC_FLAGS {
            self.opt.flags &= !CAN_ISOTP_CF_BROADCAST;
            return Err(EINVAL);
        }
        Ok(())
    }

    fn set_ll(&mut self, ll: LlOptions) -> Result<(), Errno> {
        let classic = usize::from(ll.mtu) == CAN_MTU;
        let wrong = ll.tx_dl != padlen(ll.tx_dl)
            || !classic && usize::from(ll.mtu) != CANFD_MTU
            || classic && (usize::from(ll.tx_dl) > CAN_MAX_DLEN || ll.tx_flags != 0);
        if wrong {
            return Err(EINVAL);
        }
        self.ll = ll;
        Ok(())
    }

    /// [`CAN_ISOTP_OPTS`].
    pub fn opt(&self) -> &IsotpOptions {
        &self.opt
    }

    /// [`CAN_ISOTP_RECV_FC`].
    pub fn rxfc(&self) -> &FcOptions {
        &self.rxfc
    }

    /// [`CAN_ISOTP_LL_OPTS`].
    pub fn ll(&self) -> &LlOptions {
        &self.ll
    }

    /// Whether one of these flags is set.
    pub fn has(&self, flags: u32) -> bool {
        self.opt.flags & flags != 0
    }

    /// Whether frames with the socket's rx_id are received: not with functional addressing.
    pub fn receives(&self) -> bool {
        !self.has(ISOTP_ALL_BC_FLAGS)
    }

    /// The longest PDU, in bytes.
    pub fn max_pdu_size(&self) -> usize {
        self.max_pdu_size
    }

    /// Whether frames are those of CAN FD.
    pub(super) fn fd(&self) -> bool {
        usize::from(self.ll.mtu) == CANFD_MTU
    }

    /// How many bytes of extended address stand in front of a frame's data.
    pub(super) fn ae(&self) -> usize {
        usize::from(self.has(CAN_ISOTP_EXTEND_ADDR))
    }

    /// The gap between consecutive frames without STmin.
    pub(super) fn frame_gap(&self) -> Nanos {
        self.frame_txtime.into()
    }

    /// The gap that the program wants instead of any STmin.
    pub(super) fn forced_tx_stmin(&self) -> Option<Nanos> {
        self.has(CAN_ISOTP_FORCE_TXSTMIN).then_some(self.force_tx_stmin.into())
    }

    /// The gap below which the program wants consecutive frames ignored.
    pub(super) fn forced_rx_stmin(&self) -> Option<Nanos> {
        self.has(CAN_ISOTP_FORCE_RXSTMIN).then_some(self.force_rx_stmin.into())
    }
}

/// A value of exactly this length.
fn exact<const N: usize>(value: &[u8]) -> Result<&[u8; N], Errno> {
    value.try_into().map_err(|_| EINVAL)
}

/// The length of a padded frame that holds so many bytes: 8 at least.
pub(super) fn padlen(len: u8) -> u8 {
    padded_length(usize::from(len).max(CAN_MAX_DLEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_kernels() {
        let options = Options::default();
        let mut opts = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0xcc, 0xcc, 0];
        opts[4..8].copy_from_slice(&50_000_u32.to_ne_bytes());
        assert_eq!(options.get(CAN_ISOTP_OPTS, 12), Ok(opts.to_vec()));
        assert_eq!(options.get(CAN_ISOTP_RECV_FC, 100), Ok(vec![0, 0, 0]));
        assert_eq!(options.get(CAN_ISOTP_LL_OPTS, 3), Ok(vec![16, 8, 0]));
        assert_eq!(options.get(CAN_ISOTP_TX_STMIN, 4), Ok(vec![0; 4]));
    }

    #[test]
    fn lengths_are_exact_when_set_and_truncate_when_got() {
        let mut options = Options::default();
        for (name, len) in [(1, 12), (2, 3), (3, 4), (4, 4), (5, 3)] {
            let value = options.get(name, len).unwrap();
            assert_eq!(options.set(false, name, &value), Ok(()), "{name}");
            assert_eq!(options.set(true, name, &value), Err(EISCONN));
            assert_eq!(options.set(false, name, &value[1..]), Err(EINVAL));
            assert_eq!(options.set(false, name, &[&value[..], &[0]].concat()), Err(EINVAL));
            assert_eq!(options.get(name, 2).map(|value| value.len()), Ok(2));
            assert_eq!(options.get(name, -1), Err(EINVAL));
        }
        assert_eq!(options.set(false, 6, &[]), Err(ENOPROTOOPT));
        assert_eq!(options.set(true, 6, &[]), Err(EISCONN));
        assert_eq!(options.get(6, 4), Err(ENOPROTOOPT));
        assert_eq!(options.get(6, -4), Err(EINVAL));
    }

    #[test]
    fn link_layers_that_exist() {
        let cases: [([u8; 3], bool); 11] = [
            ([16, 8, 0], true),
            ([16, 8, 1], false),
            ([16, 12, 0], false),
            ([16, 7, 0], false),
            ([72, 8, 0], true),
            ([72, 12, 1], true),
            ([72, 13, 0], false),
            ([72, 64, 4], true),
            ([72, 65, 0], false),
            ([72, 255, 0], false),
            ([71, 8, 0], false),
        ];
        for (value, fine) in cases {
            let expected = if fine { Ok(()) } else { Err(EINVAL) };
            assert_eq!(Options::default().set(false, CAN_ISOTP_LL_OPTS, &value), expected, "{value:?}");
        }
    }

    #[test]
    fn options_that_depend_on_others() {
        let mut options = Options::default();
        let base =
            IsotpOptions { flags: 0, frame_txtime: 0, ext_address: 7, rx_ext_address: 9, ..options.opt };
        options.set(false, CAN_ISOTP_OPTS, &base.bytes()).unwrap();
        assert_eq!(
            (options.opt.rx_ext_address, options.frame_txtime, options.opt.frame_txtime),
            (7, 50_000, 0)
        );
        let other = IsotpOptions { flags: CAN_ISOTP_RX_EXT_ADDR, frame_txtime: u32::MAX, ..base };
        options.set(false, CAN_ISOTP_OPTS, &other.bytes()).unwrap();
        assert_eq!((options.opt.rx_ext_address, options.frame_txtime), (9, 0));
        let both = IsotpOptions { flags: ISOTP_ALL_BC_FLAGS, ..base };
        assert_eq!(options.set(false, CAN_ISOTP_OPTS, &both.bytes()), Err(EINVAL));
        assert_eq!(options.opt.flags, CAN_ISOTP_SF_BROADCAST);
        assert!(!options.receives());
    }

    #[test]
    fn the_module_parameter_has_bounds() {
        for (asked, size) in [(0, 8300), (4095, 8300), (66_000, 66_000), (usize::MAX, MAX_PDU_SIZE)] {
            assert_eq!(Options::default().with_max_pdu_size(asked).max_pdu_size(), size);
        }
    }

    #[test]
    fn padded_frames_have_eight_bytes_or_a_length_of_can_fd() {
        for (len, padded) in [(0, 8), (8, 8), (9, 12), (24, 24), (25, 32), (48, 48), (49, 64), (255, 64)] {
            assert_eq!(padlen(len), padded);
        }
    }
}
