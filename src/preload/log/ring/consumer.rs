//! The writer's side of a ring.

use super::buffer::{FULL, HALF, Ring};
use super::record::{Data, MORE, Taken, WORDS};
use crate::sys;
use core::sync::atomic::Ordering;

/// The writer publishes freed slots in batches of this many, because each publication takes the thread's cache line
/// from it.
const BATCH: u64 = 64;

impl Ring {
    /// When the next record ended, by the counter, if there is one that is whole.
    #[inline]
    pub fn peek(&self) -> Option<u64> {
        let end = self.record(self.tail()).end.load(Ordering::Acquire);
        (end != 0).then_some(end)
    }

    /// The thread. It stands in the thread's cache line, which is left alone as far as possible.
    pub fn tid(&self) -> i32 {
        self.head.tid.load(Ordering::Relaxed)
    }

    /// The next call whose record is whole.
    #[inline]
    pub fn next(&self) -> Option<Taken> {
        let end = self.peek()?;
        let tail = self.tail();
        // SAFETY: the end says that the record is whole, and the tail that it is the writer's.
        let mut data = unsafe { self.take(tail) };
        let (mut next, mut rest) = (tail + 1, [0; WORDS]);
        if data.place & MORE != 0 {
            data.place &= !MORE;
            // SAFETY: the second record was whole before the first one.
            rest = unsafe { self.take(next) }.words;
            next += 1;
        }
        self.set_tail(next);
        if tail / BATCH != next / BATCH {
            self.set_limit(next + FULL);
        }
        Some(Taken { end, data, rest })
    }

    /// Copies what a record holds, and frees its slot.
    ///
    /// # Safety
    /// The record must be whole.
    #[inline]
    unsafe fn take(&self, number: u64) -> Data {
        let record = self.record(number);
        // SAFETY: the caller's promise; the thread does not touch it before it is free.
        let data = unsafe { *record.data.get() };
        record.end.store(0, Ordering::Release);
        data
    }

    /// The writer goes to sleep: from here on it wants to be woken when the ring is half full.
    pub fn arm(&self) {
        self.set_limit(self.tail() + HALF);
    }

    /// How many calls found the ring full since this was asked last.
    pub fn take_dropped(&self) -> u64 {
        match self.head.dropped.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.head.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// Whether no record is waiting.
    pub fn is_empty(&self) -> bool {
        self.peek().is_none()
    }

    /// Frees the ring when its thread is gone. For an empty ring, now and then: it asks the kernel.
    pub fn free_if_orphaned(&self, pid: i32) {
        let tid = self.head.tid.load(Ordering::Acquire);
        if tid != 0 && !sys::thread_exists(pid, tid) && self.is_empty() {
            self.head.live.store(0, Ordering::Relaxed);
            self.head.tid.store(0, Ordering::Release);
        }
    }
}
