//! How the writer finds what is whole.
//!
//! The reading side is one word, too: the place of what is read next. What stands there is a whole record, or one that is
//! not whole: then its thread is writing it, or a handler has interrupted that, and the reader comes back later. What never
//! becomes whole is skipped: the thread was killed there, or a handler has jumped out.
//!
//! # Safety
//! There is one reader. What it leaves is zero in the first word of each slot.

use super::segment::{Pool, header, is_end, is_whole, of, slots, word};
use super::segment::{SEGMENT, SLOT};
use core::sync::atomic::{AtomicU64, Ordering};

/// A queue as its reader sees it.
pub struct Reader<'a, P> {
    /// The place of the next free slot.
    pub next: &'a AtomicU64,
    /// The place of what is read next; zero when there is no segment.
    pub cursor: &'a AtomicU64,
    /// Whether to skip what is not whole.
    pub skips: bool,
    /// Where segments go that were read.
    pub pool: &'a P,
}

/// More segments than a process can have.
const MANY: u32 = 1 << 20;

impl<P: Pool> Reader<'_, P> {
    /// The next record that is whole: its place and its first word.
    #[inline]
    pub fn find(&self) -> Option<(u64, u64)> {
        loop {
            let at = self.cursor.load(Ordering::Relaxed);
            if at == 0 {
                return None;
            }
            if self.is_left(at) {
                self.move_on(of(at))?;
                continue;
            }
            // SAFETY: the place is in a segment, and not at its end.
            let first = unsafe { word(at) }.load(Ordering::Acquire);
            if is_whole(first) {
                return Some((at, first));
            }
            if !self.skips || self.next.load(Ordering::Acquire) == at {
                return None;
            }
            self.free(at, slots(first));
        }
    }

    /// Whether there is anything to be read, as far as can be seen without reading. Changes nothing.
    pub fn has_any(&self) -> bool {
        let at = self.cursor.load(Ordering::Acquire);
        if at == 0 {
            return false;
        }
        // SAFETY: the place is in a segment or at its end.
        let is_left = unsafe { header(of(at)) }.end.load(Ordering::Acquire) == at;
        // SAFETY: the place is in a segment, and not at its end.
        is_left || (!is_end(at) && is_whole(unsafe { word(at) }.load(Ordering::Acquire)))
    }

    /// Whether the segment ends at this place.
    fn is_left(&self, at: u64) -> bool {
        // SAFETY: the place is in a segment or at its end.
        is_end(at) || unsafe { header(of(at)) }.end.load(Ordering::Acquire) == at
    }

    /// Goes to the next segment, if the thread is done with this one.
    fn move_on(&self, segment: u64) -> Option<()> {
        // SAFETY: it is the segment of a place.
        let left = unsafe { header(segment) };
        let next = match left.end.load(Ordering::Acquire) {
            0 if self.skips => self.successor(segment)?,
            0 => return None,
            _ => left.following.load(Ordering::Acquire),
        };
        self.cursor.store(next + SLOT, Ordering::Release);
        for word in [&left.end, &left.following, &left.previous] {
            word.store(0, Ordering::Release);
        }
        self.pool.give(segment);
        Some(())
    }

    /// The segment that follows one which does not say it: the thread was killed on its way. The newest segment is known,
    /// and each one knows where the thread came from.
    fn successor(&self, segment: u64) -> Option<u64> {
        let mut newer = of(self.next.load(Ordering::Acquire));
        for _ in 0..MANY {
            if newer == segment || newer == 0 {
                return None;
            }
            // SAFETY: it is the segment of a place, or one that was left and not read.
            match unsafe { header(newer) }.previous.load(Ordering::Acquire) {
                previous if previous == segment => return Some(newer),
                previous => newer = previous,
            }
        }
        None
    }

    /// Whether a whole record is behind one that is not: then the thread has come back from writing that one, or a handler
    /// has not. For a place at which [`Reader::find`] has found nothing.
    pub fn has_later(&self) -> bool {
        let (start, next) = (self.cursor.load(Ordering::Relaxed), self.next.load(Ordering::Acquire));
        let mut at = start;
        if at == 0 || at == next || is_end(at) {
            return at != 0 && of(at) != of(next);
        }
        let end = if of(next) == of(at) { next } else { of(at) + SEGMENT };
        while at < end {
            // SAFETY: the place is in a segment, and not at its end.
            let first = unsafe { word(at) }.load(Ordering::Acquire);
            if is_whole(first) {
                return true;
            }
            at += slots(first) * SLOT;
        }
        of(next) != of(start)
    }

    /// Frees the slots of a record that was read, or is skipped.
    #[inline]
    pub fn free(&self, at: u64, slots: u64) {
        for slot in 0..slots {
            // SAFETY: the record's slots are in one segment.
            unsafe { word(at + slot * SLOT) }.store(0, Ordering::Relaxed);
        }
        self.cursor.store(at + slots * SLOT, Ordering::Release);
    }
}
