//! How libc's call differs from the program's, where a decision says so.

use crate::net::address::SockAddr;
use libc::c_int;

/// How libc's call differs from the program's. Making one is cheap: it writes two words of zero, and the buffer for
/// an address stays uninitialised.
#[derive(Clone)]
#[repr(C)]
pub struct Instead {
    /// How many nanoseconds to wait first. The wait is like that of a blocking call: it can be interrupted and
    /// cancelled.
    pub delay: u64,
    /// What replaces one of the program's arguments.
    pub argument: Argument,
}

/// What replaces an argument of the program's. The program's memory never changes.
#[derive(Clone)]
#[repr(u64)]
pub enum Argument {
    /// The program's own arguments stay.
    Own,
    /// They stay, and the answer is looked at before the program gets it.
    OwnThenLook,
    /// The program's own, but only so many of its messages: sendmmsg(2).
    Messages(u32),
    /// The address of bind(2), connect(2) and sendto(2), or the name in the message of sendmsg(2).
    Address(SockAddr),
    /// How many bytes are sent or received at most: never more than the program has asked for.
    Length(u64),
    /// All three arguments of socket(2), with the type's flags.
    Protocol {
        /// `family`.
        family: c_int,
        /// `type`, with its flags.
        ty: c_int,
        /// `protocol`.
        protocol: c_int,
    },
}

impl Default for Instead {
    fn default() -> Self {
        Self::new()
    }
}

impl Instead {
    /// The call as the program made it, at once.
    #[inline(always)]
    pub const fn new() -> Instead {
        Instead { delay: 0, argument: Argument::Own }
    }

    /// Whether libc gets the program's call unchanged.
    #[inline(always)]
    pub fn is_nothing(&self) -> bool {
        self.delay == 0 && matches!(self.argument, Argument::Own)
    }

    /// The replacing address, if there is one.
    #[inline(always)]
    pub fn address(&self) -> Option<&SockAddr> {
        match &self.argument {
            Argument::Address(address) => Some(address),
            _ => None,
        }
    }

    /// `len`, or the smaller length that replaces it.
    #[inline(always)]
    pub fn length(&self, len: u64) -> u64 {
        match self.argument {
            Argument::Length(most) => len.min(most),
            _ => len,
        }
    }
}
