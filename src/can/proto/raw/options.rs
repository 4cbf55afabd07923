//! The options of a raw socket, and what of a frame they let through.

use super::{FILTERS, Filter};
use crate::Errno;
use crate::frame::*;

/// The options of CAN_RAW, in the order in which they are saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Whether the socket is bound.
    pub bound: bool,
    /// The interface that it is bound to; 0 for all.
    pub ifindex: i32,
    /// CAN_RAW_LOOPBACK: as this and the next four are set, they are read; any number but 0 switches it on.
    pub loopback: u32,
    /// CAN_RAW_RECV_OWN_MSGS.
    pub recv_own_msgs: u32,
    /// CAN_RAW_FD_FRAMES.
    pub fd_frames: u32,
    /// CAN_RAW_XL_FRAMES.
    pub xl_frames: u32,
    /// CAN_RAW_JOIN_FILTERS.
    pub join_filters: u32,
    /// CAN_RAW_XL_VCID_OPTS.
    pub vcid: Vcid,
    /// CAN_RAW_ERR_FILTER.
    pub err_mask: u32,
    pub(super) filters: [Filter; FILTERS],
    pub(super) count: usize,
}

/// `struct can_raw_vcid_options`: the network of a CAN XL frame, eight bits of its priority word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Vcid {
    /// [`TX_SET`], [`TX_PASS`], [`RX_FILTER`].
    pub flags: u8,
    /// What is sent with TX_SET.
    pub tx: u8,
    /// What is received with RX_FILTER.
    pub rx: u8,
    /// Which bits of it are compared.
    pub rx_mask: u8,
}

/// CAN_RAW_XL_VCID_TX_SET.
pub const TX_SET: u8 = 1;
/// CAN_RAW_XL_VCID_TX_PASS.
pub const TX_PASS: u8 = 2;
/// CAN_RAW_XL_VCID_RX_FILTER.
pub const RX_FILTER: u8 = 4;

const VCID_SHIFT: u32 = 16;
const VCID_MASK: u32 = 0xff << VCID_SHIFT;
const PRIO_MASK: u32 = 0x7ff;

impl Vcid {
    /// The priority word of a frame that is sent (`raw_put_canxl_vcid`).
    pub fn sent(self, prio: u32) -> u32 {
        let passed = if self.flags & TX_PASS != 0 { PRIO_MASK | VCID_MASK } else { PRIO_MASK };
        match self.flags & TX_SET {
            0 => prio & passed,
            _ => prio & PRIO_MASK | u32::from(self.tx) << VCID_SHIFT,
        }
    }

    /// Which bits of a received one must have which value (`raw_rcv`).
    pub fn compared(self) -> (u32, u32) {
        match self.flags & RX_FILTER {
            0 => (VCID_MASK, 0),
            _ => {
                let mask = u32::from(self.rx_mask) << VCID_SHIFT;
                (mask, u32::from(self.rx) << VCID_SHIFT & mask)
            }
        }
    }

    /// As a word.
    pub fn word(self) -> u32 {
        u32::from_ne_bytes([self.flags, self.tx, self.rx, self.rx_mask])
    }

    /// The word's.
    pub fn of_word(word: u32) -> Vcid {
        let [flags, tx, rx, rx_mask] = word.to_ne_bytes();
        Vcid { flags, tx, rx, rx_mask }
    }
}

/// What stands before the filters.
const HEAD: usize = 10;

/// What a sender has to say of a frame that is on the bus.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The interface.
    pub ifindex: i32,
    /// The first word of the frame: an identifier, or the priority of a CAN XL frame.
    pub id: u32,
    /// Whether it is a CAN FD frame.
    pub fd: bool,
    /// Whether it is a CAN XL frame.
    pub xl: bool,
    /// Whether this socket has sent it.
    pub own: bool,
}

impl Default for Options {
    /// As `raw_init` leaves them: one filter that lets everything through.
    fn default() -> Options {
        Options {
            bound: false,
            ifindex: 0,
            loopback: 1,
            recv_own_msgs: 0,
            fd_frames: 0,
            xl_frames: 0,
            join_filters: 0,
            vcid: Vcid::default(),
            err_mask: 0,
            filters: [Filter { id: 0, mask: 0 }; FILTERS],
            count: 1,
        }
    }
}

impl Options {
    /// The filters.
    pub fn filters(&self) -> &[Filter] {
        &self.filters[..self.count]
    }

    /// Sets them; `false` if there are too many.
    pub fn set_filters(&mut self, filters: impl ExactSizeIterator<Item = Filter>) -> bool {
        if filters.len() > FILTERS {
            return false;
        }
        self.count = filters.len();
        self.filters.iter_mut().zip(filters).for_each(|(place, filter)| *place = filter);
        true
    }

    /// Whether the socket gets a frame (`raw_rcv`).
    pub fn wants(&self, sent: &Sent) -> bool {
        if !self.bound || (self.ifindex != 0 && self.ifindex != sent.ifindex) {
            return false;
        }
        let refused = (sent.own && self.recv_own_msgs == 0)
            || (sent.fd && self.fd_frames == 0)
            || (sent.xl && self.xl_frames == 0);
        let (mask, value) = self.vcid.compared();
        if refused || (sent.xl && sent.id & mask != value) {
            return false;
        }
        let by_mask = sent.id & CAN_ERR_FLAG != 0 && sent.id & self.err_mask & CAN_ERR_MASK != 0;
        let matches = self.filters().iter().filter(|filter| filter.rule().matches(sent.id)).count()
            + usize::from(by_mask);
        matches >= if self.join_filters != 0 { self.count.max(1) } else { 1 }
    }

    /// How many words [`Options::save`] writes for so many filters.
    pub const fn words(filters: usize) -> usize {
        HEAD + 2 * filters
    }

    /// Writes the options as words; how many.
    pub fn save(&self, words: &mut [u32]) -> usize {
        words[..HEAD].copy_from_slice(&[
            self.bound.into(),
            self.ifindex as u32,
            self.loopback,
            self.recv_own_msgs,
            self.fd_frames,
            self.xl_frames,
            self.join_filters,
            self.vcid.word(),
            self.err_mask,
            self.count as u32,
        ]);
        for (pair, filter) in words[HEAD..].chunks_exact_mut(2).zip(self.filters()) {
            pair.copy_from_slice(&[filter.id, filter.mask]);
        }
        Options::words(self.count)
    }

    /// The options that were saved; `None` if these are no such words.
    pub fn load(words: &[u32]) -> Option<Options> {
        let (head, filters) = words.split_at_checked(HEAD)?;
        let mut options = Options {
            bound: head[0] != 0,
            ifindex: head[1] as i32,
            loopback: head[2],
            recv_own_msgs: head[3],
            fd_frames: head[4],
            xl_frames: head[5],
            join_filters: head[6],
            vcid: Vcid::of_word(head[7]),
            err_mask: head[8],
            ..Options::default()
        };
        let filters = filters.get(..2 * head[9] as usize)?.chunks_exact(2);
        options.set_filters(filters.map(|pair| Filter { id: pair[0], mask: pair[1] })).then_some(options)
    }
}

/// Which kinds of frames a socket sends besides classic ones.
#[derive(Clone, Copy, Debug)]
pub struct Kinds {
    /// CAN_RAW_FD_FRAMES.
    pub fd: bool,
    /// CAN_RAW_XL_FRAMES.
    pub xl: bool,
}

impl Kinds {
    /// Whether these bytes may be sent as a frame on an interface with this MTU (`raw_check_txframe`, `can_send`), and which kind
    /// they are.
    pub fn check(self, bytes: &[u8], mtu: u32) -> Result<Sent, Errno> {
        let sent = |fd, xl| {
            let id = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            Sent { ifindex: 0, id, fd, xl, own: false }
        };
        if !is_size(bytes.len()) {
            return Err(libc::EINVAL);
        }
        let is_xl = bytes[4] & CANXL_XLF != 0
            && bytes.len() > CANXL_HEAD
            && usize::from(u16::from_ne_bytes([bytes[6], bytes[7]])) + CANXL_HEAD == bytes.len();
        let is_cc = bytes.len() == CAN_MTU && usize::from(bytes[4]) <= CAN_MAX_DLEN;
        let is_fd = bytes.len() == CANFD_MTU && usize::from(bytes[4]) <= CANFD_MAX_DLEN;
        let is_xl_device = mtu > CANFD_MTU as u32;
        if is_cc {
            return Ok(sent(false, false));
        }
        if is_fd && (self.fd || self.xl) && (mtu == CANFD_MTU as u32 || is_xl_device) {
            return Ok(sent(true, false));
        }
        if is_xl && self.xl && is_xl_device {
            return if bytes.len() > mtu as usize { Err(libc::EMSGSIZE) } else { Ok(sent(false, true)) };
        }
        Err(libc::EINVAL)
    }
}

/// Whether anything of this size can be a frame, which is asked before all else.
pub fn is_size(len: usize) -> bool {
    (CANXL_MIN_MTU..=CANXL_MAX_MTU).contains(&len)
}
