//! A segment: where records are, and what the first word of each slot says of them.
//!
//! A place is the address of a slot. Segments are as far apart as they are long, and aligned so that one bit of a place says
//! whether it is in a segment or behind its end. The first slot is the segment's header; a record is one slot or several
//! behind each other. One that begins in a segment may reach over its end: the addresses up to the next one are the
//! segment's, too, and cost no memory where nothing is written.
//!
//! # Safety
//! Segments are never unmapped, and in a free one the first word of each slot is zero. A place that is not zero is in a
//! segment, or less than a segment's length behind its end.

use core::sync::atomic::AtomicU64;

/// The bytes from one place to the next: a cache line.
pub const SLOT: u64 = 64;
/// The bytes of a segment, and the bit that says that a place is in one.
pub const SEGMENT: u64 = 64 * 1024;
/// The bytes from one segment to the next.
pub const STRIDE: u64 = 2 * SEGMENT;

/// Set in the first word of a record of several slots as long as it is not whole. Of a record of one slot the word is
/// zero until then.
pub const OPEN: u64 = 1 << 63;
/// An event. The low half says how many slots it has, as in every record of several slots that is not whole.
pub const EVENT: u64 = 1 << 62;

/// Whether the word begins a record that is whole. One without any mark is a data call's: the counter at its end.
#[inline(always)]
pub fn is_whole(word: u64) -> bool {
    word != 0 && word & OPEN == 0
}

/// How many slots there are up to where the next record can begin, by a word with [`OPEN`] or [`EVENT`], or zero: then
/// nothing was written yet, and the next slot may begin the record of a signal handler.
pub fn slots(word: u64) -> u64 {
    (word & u64::from(u32::MAX)).max(1)
}

/// The first slot of a segment.
#[repr(C, align(64))]
pub struct Header {
    /// The segment that the thread has moved on to. It is the last thing that the thread does with this one.
    pub following: AtomicU64,
    /// The segment that it has come from.
    pub previous: AtomicU64,
}

/// Whether the place is in a segment, and not behind its end; zero is in none.
#[inline(always)]
pub fn is_inside(index: u64) -> bool {
    index & SEGMENT != 0
}

/// The segment of a place.
#[inline(always)]
pub fn of(index: u64) -> u64 {
    ((index - SEGMENT) & !(STRIDE - 1)) + SEGMENT
}

/// The header of a segment.
///
/// # Safety
/// There must be a segment at that address.
pub unsafe fn header(segment: u64) -> &'static Header {
    // SAFETY: the caller's promise; segments are never unmapped, and zeros are a header.
    unsafe { &*(segment as *const Header) }
}

/// The first word of a slot.
///
/// # Safety
/// The place must be one of a segment's.
#[inline(always)]
pub unsafe fn word(index: u64) -> &'static AtomicU64 {
    // SAFETY: the caller's promise; segments are never unmapped.
    unsafe { &*(index as *const AtomicU64) }
}

/// Where segments come from and go to.
pub trait Pool {
    /// A free segment, whose header is zero; `None` when there is none.
    fn take(&self) -> Option<u64>;

    /// Gives a segment back, which must be as it was when it was taken.
    fn give(&self, segment: u64);
}
