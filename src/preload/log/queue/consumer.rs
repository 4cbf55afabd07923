//! The writer's side of the queues.
//!
//! # Safety
//! There is one writer. What it reads is whole, and stays so until it has freed the slots.

use super::event;
use super::memory::{self, Segments};
use super::reader::Reader;
use super::record::{MORE, Record, Taken, WORDS};
use super::registry::{Queue, THREAD, all, is_gone};
use super::segment::{EVENT, Pool, SLOT, of, slots};
use core::sync::atomic::Ordering;
use sockshim_core::trace::event::Event;

/// A whole record that has not been taken yet.
#[derive(Clone, Copy)]
pub struct Peeked {
    at: u64,
    word: u64,
}

/// How long something may stay that is not whole, while what was written later is: in nanoseconds. A signal handler is
/// longer than any other reason for it, and one that jumps out never comes back.
const PATIENCE: u64 = 2_000_000_000;

/// The segments of the process, but for one that must not be used again.
struct Without(u64);

impl Pool for Without {
    fn take(&self) -> Option<u64> {
        None
    }

    fn give(&self, segment: u64) {
        if segment != self.0 {
            Segments.give(segment);
        }
    }
}

impl Queue {
    /// The next record that is whole. `finished` when the process is gone: what is not whole never will be.
    #[inline]
    pub fn peek(&self, finished: bool) -> Option<Peeked> {
        loop {
            let (at, word) = self.find(finished)?;
            if word & THREAD == 0 || word & EVENT != 0 {
                return Some(Peeked { at, word });
            }
            self.tail.tid.store(word as u32 as i32, Ordering::Relaxed);
            self.free(at, 1);
        }
    }

    /// The thread whose record is next.
    pub fn tid(&self) -> i32 {
        self.tail.tid.load(Ordering::Relaxed)
    }

    /// Whether nothing waits to be read. Anybody may ask.
    pub fn is_empty(&self) -> bool {
        !self.reader(false, &Without(0)).has_any()
    }

    /// Takes the record of a data call.
    #[inline]
    pub fn take_data(&self, Peeked { at, word }: Peeked) -> Taken {
        // SAFETY: the record is whole.
        let mut data = unsafe { *(*(at as *const Record)).data.get() };
        let mut rest = [0; WORDS];
        let more = data.index & MORE != 0;
        if more {
            data.index &= !MORE;
            // SAFETY: the record has a second slot, which was written before the first one.
            rest = unsafe { (*(*((at + SLOT) as *const Record)).data.get()).words };
        }
        self.free(at, 1 + u64::from(more));
        Taken { end: word, data, rest }
    }

    /// Takes an event.
    pub fn take_event(&self, Peeked { at, word }: Peeked, event: &mut Event) {
        // SAFETY: the record is whole, and an event's.
        unsafe { event::get(at, word, event) };
        self.free(at, slots(word));
    }

    /// The thread and its owner's cache line are left alone: only what never becomes whole makes anybody look there.
    fn reader<'a, P>(&'a self, skips: bool, pool: &'a P) -> Reader<'a, P> {
        Reader { next: &self.head.next, cursor: &self.tail.cursor, skips, pool }
    }

    #[inline]
    fn find(&self, skips: bool) -> Option<(u64, u64)> {
        self.reader(skips, &Without(self.tail.held.load(Ordering::Relaxed))).find()
    }

    fn free(&self, at: u64, slots: u64) {
        self.reader(false, &Without(0)).free(at, slots);
    }

    /// Gives up what a thread has left that is gone, and gets over what never becomes whole.
    fn tidy(&self, pid: i32, now: u64) {
        if self.peek(false).is_some() {
            return;
        }
        let (owner, tid) = (self.head.tid.load(Ordering::Acquire), self.tid());
        if owner <= 0 {
            return;
        }
        if tid > 0 && tid != owner {
            // A new owner has said so before it became the owner, and what is not whole before that is its predecessor's.
            self.find(true);
        } else if !is_gone(pid, owner) {
            self.unblock(now);
        } else if self.claim(owner) {
            // Nobody writes here meanwhile.
            let all_read = self.find(true).is_none();
            if all_read {
                self.empty();
            }
            self.release(if all_read { 0 } else { owner });
        }
    }

    /// Looks whether something that is not whole has stood before something whole for too long, and skips it. The segment is
    /// not used again: who was to fill the slots may yet come back.
    fn unblock(&self, now: u64) {
        let at = self.tail.cursor.load(Ordering::Relaxed);
        let [stuck_at, since] = &self.tail.stuck;
        if stuck_at.load(Ordering::Relaxed) != at || !self.reader(false, &Without(0)).has_later() {
            stuck_at.store(at, Ordering::Relaxed);
            since.store(now, Ordering::Relaxed);
        } else if now.saturating_sub(since.load(Ordering::Relaxed)) > PATIENCE {
            self.tail.held.store(of(at), Ordering::Relaxed);
            self.find(true);
        }
    }
}

impl Peeked {
    /// Whether it is an event's.
    #[inline]
    pub fn is_event(self) -> bool {
        self.word & EVENT != 0
    }

    /// When it ended, and whether that is in ticks.
    #[inline]
    pub fn ended(self) -> (u64, bool) {
        if self.is_event() {
            // SAFETY: the record is whole, and an event's; the reader has not freed it.
            unsafe { event::ended(self.at) }
        } else {
            (self.word, true)
        }
    }
}

/// Gives up what threads have left that are gone, and memory that is not needed. By the writer, now and then: it asks the
/// kernel.
pub fn tidy(pid: i32, now: u64) {
    all().for_each(|queue| queue.tidy(pid, now));
    memory::trim();
}
