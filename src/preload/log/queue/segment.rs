//! A segment: where records are, and what the first word of each slot says of them.
//!
//! A place is the address of a slot. Segments are aligned to their size, so a place alone says what is left of its segment.
//! The first slot is the segment's header; a record is one slot or several behind each other, in one segment.
//!
//! # Safety
//! Segments are never unmapped, and in a free one the first word of each slot is zero. A place that is not zero is in a
//! segment, or at its end.

use core::sync::atomic::AtomicU64;

/// The bytes from one place to the next: a cache line.
pub const SLOT: u64 = 64;
/// The bytes of a segment.
pub const SEGMENT: u64 = 64 * 1024;

/// Set in the first word of a record of several slots as long as it is not whole. Of a record of one slot the word is
/// zero until then.
pub const OPEN: u64 = 1 << 63;
/// An event. The low half says how many slots it has, as in every record of several slots that is not whole.
pub const EVENT: u64 = 1 << 62;
/// From here on it is the thread in the low half that writes.
pub const THREAD: u64 = 1 << 61;

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
    /// Where the records of the segment end; set when the thread has moved on, as the last thing that it does with it.
    pub end: AtomicU64,
    /// The segment that it has moved on to.
    pub following: AtomicU64,
    /// The segment that it has come from.
    pub previous: AtomicU64,
}

/// The segment of a place; one at its end belongs to it.
#[inline(always)]
pub fn of(place: u64) -> u64 {
    (place - 1) & !(SEGMENT - 1)
}

/// Whether the place is at the end of a segment.
#[inline(always)]
pub fn is_end(place: u64) -> bool {
    place.is_multiple_of(SEGMENT)
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
/// The place must be in a segment, not at its end.
#[inline(always)]
pub unsafe fn word(place: u64) -> &'static AtomicU64 {
    // SAFETY: the caller's promise; segments are never unmapped.
    unsafe { &*(place as *const AtomicU64) }
}

/// Where segments come from and go to.
pub trait Pool {
    /// A free segment, whose header is zero; `None` when there is none.
    fn take(&self) -> Option<u64>;

    /// Gives a segment back, which must be as it was when it was taken.
    fn give(&self, segment: u64);
}
