//! What can be read without asking the kernel: the rest of the page on which the calling hook has its own variables.
//!
//! Most addresses, lengths and option values stand in the frames of the hook's caller, a few hundred bytes above the
//! hook's own. A program may make any page of its stack unreadable, even in the middle of a frame that is still in use; it
//! may run on a stack of its own, and unmap a part of it; another thread may do so meanwhile. So nothing that was found out
//! earlier counts, and neither does what is near. But the page that holds a variable which the hook has just written can be
//! read: whoever takes that away kills the program with or without a second look.
//!
//! # Safety
//! The kernel protects whole pages of 4 KiB, and a page that can be written can be read.

use core::ptr;

const PAGE: usize = 4096;

/// The part of a page behind a variable of the calling thread.
#[derive(Clone, Copy)]
pub struct Page {
    from: usize,
    to: usize,
}

impl Page {
    /// Nothing at all: where there is no variable to go by.
    pub const NONE: Page = Page { from: 0, to: 0 };

    /// What follows this variable on the page of its last byte.
    #[inline(always)]
    pub fn behind<T>(variable: &T) -> Page {
        const { assert!(size_of::<T>() > 0) };
        let from = ptr::from_ref(variable).addr() + size_of::<T>();
        Page { from, to: ((from - 1) | (PAGE - 1)) + 1 }
    }

    /// Copies an argument, if it is all there.
    #[inline(always)]
    pub fn peek(self, address: i64, buffer: &mut [u8]) -> bool {
        let address = address as usize;
        // What is below wraps around, and is far away.
        let room = (self.to - self.from).checked_sub(address.wrapping_sub(self.from));
        if room.is_none_or(|room| room < buffer.len()) {
            return false;
        }
        // SAFETY: the bytes are on the page of a variable that is alive, and behind it. The program's pointer may be a stray
        // one to where the buffer is now, so the two may overlap.
        unsafe { ptr::copy(address as *const u8, buffer.as_mut_ptr(), buffer.len()) };
        true
    }
}
