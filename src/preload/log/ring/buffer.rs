//! A ring: who may touch what of it.
//!
//! # Safety
//! A ring is mapped for ever and belongs to one thread at a time. Only that thread takes slots and moves the head; only
//! the writer frees them and moves the tail. The first page is emptied by the kernel in a forked child, so that the child
//! cannot take its parent's ring for its own; zeros are a ring that may not be used.

use super::record::{Record, SIZE, SLOTS};
use crate::tls::RingHead;
use core::sync::atomic::{AtomicU64, Ordering};

/// How many slots may be taken. The others stay free, so that signal handlers which interrupt a thread between looking
/// and taking find room.
pub const FULL: u64 = SLOTS as u64 - 64;
/// After this many unread records the thread wakes the writer.
pub const HALF: u64 = SLOTS as u64 / 2;
/// The bytes before the first record.
pub const HEADER: usize = 4096;

/// The ring of one thread.
#[repr(C)]
pub struct Ring {
    /// The thread's cache line.
    pub head: RingHead,
    /// The writer's cache line.
    tail: Tail,
    _page: [u64; (HEADER - 128) / 8],
    records: [Record; SLOTS],
}

/// The number of the next record to be read.
#[repr(align(64))]
struct Tail(AtomicU64);

impl Ring {
    /// Makes the ring an empty one.
    pub fn reset(&self) {
        self.set_tail(0);
        self.set_limit(HALF);
    }

    /// The number of the next record to be read.
    #[inline(always)]
    pub fn tail(&self) -> u64 {
        self.tail.0.load(Ordering::Acquire)
    }

    /// Frees the slots of all records before this one.
    #[inline(always)]
    pub fn set_tail(&self, tail: u64) {
        self.tail.0.store(tail, Ordering::Release);
    }

    /// Has the thread look closer when its head gets to this record.
    #[inline(always)]
    pub fn set_limit(&self, record: u64) {
        self.head.limit.store(SIZE * record, Ordering::Release);
    }

    /// The slot of a record that is taken, by the record's distance in bytes from the first one there ever was.
    #[inline(always)]
    pub fn slot(&self, at: u64) -> &Record {
        let offset = at as usize % size_of_val(&self.records);
        // SAFETY: taken slots are whole records apart, so this is one of them.
        unsafe { &*self.records.as_ptr().byte_add(offset) }
    }

    /// The slot of a record, by the record's number.
    #[inline(always)]
    pub fn record(&self, number: u64) -> &Record {
        &self.records[number as usize % SLOTS]
    }

    /// Where the records are, and how many bytes they take.
    pub fn records(&self) -> (*mut u8, usize) {
        (self.records.as_ptr().cast_mut().cast(), size_of_val(&self.records))
    }
}
