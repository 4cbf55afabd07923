//! Memory for the time of one control call: a mapping of its own, because the program's stack may be small and its malloc may
//! be what a signal handler has interrupted.
//!
//! # Safety
//! The mapping is this value's alone, and its content any bytes that the kernel or we have written.

use crate::{mmap, munmap};
use core::marker::PhantomData;
use core::slice;

/// So many values of plain bytes, zeroed at first.
pub struct Scratch<T: Copy> {
    start: *mut u8,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Copy> Scratch<T> {
    /// `None` without memory.
    pub fn new(len: usize) -> Option<Scratch<T>> {
        let start = mmap((len * size_of::<T>()).max(1)).ok()?;
        Some(Scratch { start, len, of: PhantomData })
    }

    /// The values.
    pub fn slice(&mut self) -> &mut [T] {
        // SAFETY: the mapping is aligned to a page, large enough, and borrowed as this value is.
        unsafe { slice::from_raw_parts_mut(self.start.cast(), self.len) }
    }
}

impl<T: Copy> Drop for Scratch<T> {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more.
        unsafe { munmap(self.start, (self.len * size_of::<T>()).max(1)) };
    }
}
