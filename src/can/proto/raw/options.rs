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
    /// CAN_RAW_LOOPBACK.
    pub loopback: bool,
    /// CAN_RAW_RECV_OWN_MSGS.
    pub recv_own_msgs: bool,
    /// CAN_RAW_FD_FRAMES.
    pub fd_frames: bool,
    /// CAN_RAW_XL_FRAMES.
    pub xl_frames: bool,
    /// CAN_RAW_JOIN_FILTERS.
    pub join_filters: bool,
    /// CAN_RAW_ERR_FILTER.
    pub err_mask: u32,
    pub(super) filters: [Filter; FILTERS],
    pub(super) count: usize,
}

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
            loopback: true,
            recv_own_msgs: false,
            fd_frames: false,
            xl_frames: false,
            join_filters: false,
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
        if (sent.own && !self.recv_own_msgs) || (sent.fd && !self.fd_frames) || (sent.xl && !self.xl_frames) {
            return false;
        }
        let by_mask = sent.id & CAN_ERR_FLAG != 0 && sent.id & self.err_mask & CAN_ERR_MASK != 0;
        let matches = self.filters().iter().filter(|filter| filter.rule().matches(sent.id)).count()
            + usize::from(by_mask);
        matches >= if self.join_filters { self.count.max(1) } else { 1 }
    }

    /// How many words [`Options::save`] writes for so many filters.
    pub const fn words(filters: usize) -> usize {
        4 + 2 * filters
    }

    /// Writes the options as words; how many.
    pub fn save(&self, words: &mut [u32]) -> usize {
        let flags = [
            self.bound,
            self.loopback,
            self.recv_own_msgs,
            self.fd_frames,
            self.xl_frames,
            self.join_filters,
        ];
        words[0] = self.ifindex as u32;
        words[1] = flags.iter().rev().fold(0, |bits, flag| bits << 1 | u32::from(*flag));
        words[2] = self.err_mask;
        words[3] = self.count as u32;
        for (pair, filter) in words[4..].chunks_exact_mut(2).zip(self.filters()) {
            pair.copy_from_slice(&[filter.id, filter.mask]);
        }
        Options::words(self.count)
    }

    /// The options that were saved; `None` if these are no such words.
    pub fn load(words: &[u32]) -> Option<Options> {
        let [ifindex, flags, err_mask, count, filters @ ..] = words else { return None };
        let mut options = Options { ifindex: *ifindex as i32, err_mask: *err_mask, ..Options::default() };
        let flag = |bit: u32| flags >> bit & 1 != 0;
        options.bound = flag(0);
        options.loopback = flag(1);
        options.recv_own_msgs = flag(2);
        options.fd_frames = flag(3);
        options.xl_frames = flag(4);
        options.join_filters = flag(5);
        let count = *count as usize;
        if filters.len() < 2 * count {
            return None;
        }
        let filters = filters.chunks_exact(2).take(count).map(|pair| Filter { id: pair[0], mask: pair[1] });
        options.set_filters(filters).then_some(options)
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
        if bytes.len() < CANXL_MIN_MTU || bytes.len() > CANXL_MAX_MTU {
            return Err(libc::EINVAL);
        }
        let is_xl = bytes[4] & CANXL_XLF != 0
            && bytes.len() >= CANXL_HEAD + 1
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
