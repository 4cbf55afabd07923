//! Memory that can be read without asking the kernel: the rest of the page that holds the calling hook's own
//! variables.
//!
//! Most addresses, lengths and option values are in the frame of the hook's caller, a few hundred bytes above the
//! hook's own. But a program may make any page of its stack unreadable, even in the middle of a frame in use; it may
//! run on a stack that it allocated, and unmap part of it; and another thread may do so at any time. So neither an
//! earlier test nor a short distance proves that an address can be read. The page of a variable that the hook has
//! just written can be read: if another thread takes that page away, the program crashes with or without this read.
//!
//! # Safety
//! The kernel protects whole pages of 4 KiB, and a page that can be written can be read.

use core::ptr;

const PAGE: usize = 4096;

/// The part of a page after a variable of the calling thread.
#[derive(Clone, Copy)]
pub struct Page {
    from: usize,
    to: usize,
}

impl Page {
    /// An empty part, for when there is no variable to start from.
    pub const NONE: Page = Page { from: 0, to: 0 };

    /// What follows this variable on the page of its last byte.
    #[inline(always)]
    pub fn behind<T>(variable: &T) -> Page {
        const { assert!(size_of::<T>() > 0) };
        let from = ptr::from_ref(variable).addr() + size_of::<T>();
        Page { from, to: ((from - 1) | (PAGE - 1)) + 1 }
    }

    /// Copies an argument if all of it is in this part.
    #[inline(always)]
    pub fn peek(self, address: i64, buffer: &mut [u8]) -> bool {
        let address = address as usize;
        // For an address below `from` the subtraction wraps around, and the result is too large.
        let left = (self.to - self.from).checked_sub(address.wrapping_sub(self.from));
        if left.is_none_or(|left| left < buffer.len()) {
            return false;
        }
        // SAFETY: the bytes are after a live variable on the same page. The program's pointer may by chance point to
        // where the buffer now is, so the two may overlap.
        unsafe { ptr::copy(address as *const u8, buffer.as_mut_ptr(), buffer.len()) };
        true
    }
}
