//! How the writer finds what is whole.
//!
//! The reading side is one word, too: the place of what is read next. What stands there is a whole record, or one that is
//! not whole: then its thread is writing it, or a handler has interrupted that, and the reader comes back later. What never
//! becomes whole is skipped: the thread was killed there, or a handler has jumped out.
//!
//! # Safety
//! There is one reader. What it leaves is zero in the first word of each slot.

use super::segment::{Pool, SLOT, STRIDE, header, is_inside, is_whole, of, slots, word};
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

/// The segment of a place, if it is one. In a forked child slots may have been taken from nothing.
fn of_some(index: u64) -> Option<u64> {
    (index >= STRIDE).then(|| of(index))
}

/// More segments than a process can have.
const MANY: u32 = 1 << 20;

impl<P: Pool> Reader<'_, P> {
    /// The next record that is whole: its place and its first word.
    #[inline]
    pub fn find(&self) -> Option<(u64, u64)> {
        loop {
            let at = self.cursor.load(Ordering::Relaxed);
            if !is_inside(at) {
                self.move_on(at)?;
                continue;
            }
            // SAFETY: the place is in a segment.
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

    /// At the end of a segment: goes to the next one, if the thread is done with this one.
    #[cold]
    fn move_on(&self, at: u64) -> Option<()> {
        let (segment, next) = (of_some(at)?, self.following(at)?);
        self.cursor.store(next + SLOT, Ordering::Release);
        // SAFETY: it is the segment of a place.
        let left = unsafe { header(segment) };
        left.previous.store(0, Ordering::Relaxed);
        left.following.store(0, Ordering::Release);
        self.pool.give(segment);
        Some(())
    }

    /// The segment after the one of this place.
    fn following(&self, at: u64) -> Option<u64> {
        let segment = of_some(at)?;
        // SAFETY: it is the segment of a place.
        match unsafe { header(segment) }.following.load(Ordering::Acquire) {
            0 if self.skips => self.successor(segment),
            0 => None,
            following => Some(following),
        }
    }

    /// The segment that follows one which does not say it: the thread was killed on its way. The newest segment is known,
    /// and each one knows where the thread came from.
    fn successor(&self, segment: u64) -> Option<u64> {
        let mut newer = of_some(self.next.load(Ordering::Acquire))?;
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

    /// Whether there is anything to be read, as far as can be seen without reading. Changes nothing, so anybody may ask.
    pub fn has_any(&self) -> bool {
        let at = self.cursor.load(Ordering::Acquire);
        if is_inside(at) {
            // SAFETY: the place is in a segment.
            is_whole(unsafe { word(at) }.load(Ordering::Acquire))
        } else {
            self.following(at).is_some()
        }
    }

    /// Whether a whole record, or another segment, is behind what is not whole: then the thread has come back from a handler,
    /// or the handler has not. For a place at which [`Reader::find`] has found nothing.
    pub fn has_later(&self) -> bool {
        let (start, next) = (self.cursor.load(Ordering::Relaxed), self.next.load(Ordering::Acquire));
        let (Some(segment), Some(newest)) = (of_some(start), of_some(next)) else { return false };
        let mut at = start;
        while is_inside(at) && at != next {
            // SAFETY: the place is in a segment.
            let first = unsafe { word(at) }.load(Ordering::Acquire);
            if is_whole(first) {
                return true;
            }
            at += slots(first) * SLOT;
        }
        segment != newest
    }

    /// Frees the slots of a record that was read, or is skipped.
    #[inline]
    pub fn free(&self, at: u64, slots: u64) {
        for slot in 0..slots {
            // SAFETY: the record's slots are one segment's.
            unsafe { word(at + slot * SLOT) }.store(0, Ordering::Relaxed);
        }
        self.cursor.store(at + slots * SLOT, Ordering::Release);
    }
}
