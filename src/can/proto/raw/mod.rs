//! CAN_RAW (`net/can/raw.c`): which frames a socket gets ([`Options::wants`]), and the same as a classic filter that the kernel
//! runs before it queues a datagram of the bus ([`compile`]).

mod attached;
mod options;
mod program;

pub use attached::{Attached, MOST as ATTACHED, translate};
pub use options::{Kinds, Options, Sent, Vcid, is_size};
pub use program::{Place, chain, compile};

/// `struct can_filter`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Filter {
    /// `can_id`, which may have CAN_INV_FILTER.
    pub id: u32,
    /// `can_mask`.
    pub mask: u32,
}

/// CAN_RAW_FILTER_MAX.
pub const FILTERS: usize = 512;

/// What a filter compares, once the kernel has looked at it (`find_rcv_list`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// An error frame with any of these bits.
    Error(u32),
    /// A frame of which these bits are that value, or are not.
    Data {
        /// The bits that are compared.
        mask: u32,
        /// Their value.
        value: u32,
        /// Whether they must differ.
        inverted: bool,
    },
}

impl Filter {
    /// What it compares.
    pub fn rule(self) -> Rule {
        use crate::frame::*;
        let Filter { id, mut mask } = self;
        if mask & CAN_ERR_FLAG != 0 {
            return Rule::Error(mask & CAN_ERR_MASK);
        }
        if mask & CAN_EFF_FLAG != 0 && id & CAN_EFF_FLAG == 0 {
            mask &= CAN_SFF_MASK | CAN_EFF_FLAG | CAN_RTR_FLAG;
        }
        Rule::Data { mask, value: id & mask, inverted: id & CAN_INV_FILTER != 0 }
    }
}

impl Rule {
    /// Whether a frame with this identifier matches.
    pub fn matches(self, id: u32) -> bool {
        let is_error = id & crate::frame::CAN_ERR_FLAG != 0;
        match self {
            Rule::Error(mask) => is_error && id & mask != 0,
            Rule::Data { mask, value, inverted } => !is_error && (id & mask == value) != inverted,
        }
    }
}
