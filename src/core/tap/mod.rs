//! The tap: copies of what the processes of a tree send and receive, in memory that they share with whoever has started them.
//!
//! The memory is divided into chunks. A process takes a free one and puts packets into it until it is full; whoever reads
//! ([`reader`]) frees a chunk that is full, or that nothing is put into for a moment, when everything in it was read. Nobody waits for anybody: where no chunk is free, the
//! packet is lost, and counted.
//!
//! Any process may be killed between two steps, and any can write anything to the memory. So there is no lock. A packet's place is
//! taken by one step; then its length is stored, so that the reader finds the next one; when it is complete, its first word says so.

pub mod packet;
pub mod reader;
#[cfg(test)]
mod tests;

use crate::cells::Cells;
use core::sync::atomic::{AtomicU64, Ordering};
use packet::Head;

/// "socktap", as the first word, and the version of the layout.
const MAGIC: u64 = u64::from_le_bytes(*b"socktap\x01");

/// The header's words.
mod header {
    pub const MAGIC: usize = 0;
    /// How many words a chunk has.
    pub const CHUNK: usize = 1;
    /// How many bytes of a call are copied at most.
    pub const LIMIT: usize = 2;
    /// Calls for which there was no room.
    pub const LOST: usize = 3;
    /// Calls whose bytes could not be looked at.
    pub const UNSEEN: usize = 4;
    /// How many chunks were ever taken: where the search for a free one begins.
    pub const TAKEN: usize = 5;
    /// How many of them were freed.
    pub const FREED: usize = 6;
    pub const WORDS: usize = 8;
}

/// The words about one chunk.
mod of_chunk {
    /// Not 0 while a process has it or something in it is to be read.
    pub const TAKEN: usize = 0;
    /// How many of its words are packets', and [`super::CLOSED`].
    pub const FILLED: usize = 1;
    pub const WORDS: usize = 2;
}

/// No packet is put into the chunk any more.
const CLOSED: u64 = 1 << 63;
/// The same, and nobody is there who could complete one.
const OVER: u64 = 1 << 62;
/// What a process says in its log that cannot reach the memory.
pub const UNREACHABLE: &str = "the capture cannot be reached: no packets of this process are in it";
/// In a packet's first word, which is its length: it is complete.
const COMPLETE: u64 = 1 << 63;

/// The words of a packet's head and its addresses, and some more.
const MOST_HEAD: usize = packet::WORDS + 2 * 128 / 8;

/// The shared memory.
#[derive(Clone, Copy)]
pub struct Tap<'a> {
    words: &'a [AtomicU64],
    chunk: usize,
    chunks: usize,
}

/// How many words of memory so many bytes take.
#[inline]
fn words_of(bytes: usize) -> usize {
    bytes.div_ceil(8)
}

impl<'a> Tap<'a> {
    /// Makes a tap of memory that is all zeros. At most `limit` bytes of a call are copied.
    pub fn init(words: &'a [AtomicU64], limit: usize) {
        let chunk = (MOST_HEAD + words_of(limit)).next_multiple_of(8192) + 8192;
        words[header::CHUNK].store(chunk as u64, Ordering::Relaxed);
        words[header::LIMIT].store(limit as u64, Ordering::Relaxed);
        words[header::MAGIC].store(MAGIC, Ordering::Release);
    }

    /// The tap in this memory; `None` if it is none.
    pub fn open(words: &'a [AtomicU64]) -> Option<Tap<'a>> {
        if words.first()?.load(Ordering::Acquire) != MAGIC {
            return None;
        }
        let chunk = words.get(header::CHUNK)?.load(Ordering::Relaxed) as usize;
        let chunks =
            words.len().checked_sub(header::WORDS)?.checked_div(chunk.checked_add(of_chunk::WORDS)?)?;
        Some(Tap { words, chunk, chunks })
    }

    fn header(self, at: usize) -> Option<&'a AtomicU64> {
        self.words.get(at)
    }

    fn of_chunk(self, index: usize, at: usize) -> Option<&'a AtomicU64> {
        if index < self.chunks { self.words.get(header::WORDS + index * of_chunk::WORDS + at) } else { None }
    }

    /// The words of a chunk from `at` on.
    fn within(self, index: usize, at: usize) -> Option<&'a [AtomicU64]> {
        let begin = header::WORDS + self.chunks * of_chunk::WORDS + index * self.chunk;
        self.words.get(begin..begin + self.chunk)?.get(at..)
    }

    /// How many bytes of a call are copied at most.
    pub fn limit(self) -> usize {
        self.header(header::LIMIT).map_or(0, |limit| limit.load(Ordering::Relaxed) as usize)
    }

    /// Counts a call that is not in the capture: because there is no room, or because its bytes could not be looked at.
    pub fn miss(self, unseen: bool) {
        let at = if unseen { header::UNSEEN } else { header::LOST };
        if let Some(count) = self.header(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether there is surely no room for a packet of whoever has this chunk. It is one or two looks, and no search.
    pub fn is_full(self, index: usize) -> bool {
        let count = |at| self.header(at).map_or(0, |count| count.load(Ordering::Relaxed));
        let filled =
            self.of_chunk(index, of_chunk::FILLED).map_or(CLOSED, |filled| filled.load(Ordering::Relaxed));
        filled & CLOSED != 0 && count(header::TAKEN).wrapping_sub(count(header::FREED)) >= self.chunks as u64
    }

    /// Takes a free chunk.
    pub fn take(self) -> Option<usize> {
        let all = self.header(header::TAKEN)?;
        let first = all.load(Ordering::Relaxed) as usize;
        for step in 0..self.chunks {
            let index = first.wrapping_add(step) % self.chunks;
            let taken = self.of_chunk(index, of_chunk::TAKEN)?;
            let free = taken.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed);
            if free.is_ok() {
                all.fetch_add(1, Ordering::Relaxed);
                self.of_chunk(index, of_chunk::FILLED)?.store(0, Ordering::Release);
                return Some(index);
            }
        }
        None
    }

    /// A place for a packet with so many bytes of data and of both addresses. `None` if the chunk is full or closed; then it is closed.
    pub fn place(self, index: usize, lengths: [usize; 3]) -> Option<Place<'a>> {
        let words = packet::WORDS + lengths.into_iter().map(words_of).sum::<usize>();
        let filled = self.of_chunk(index, of_chunk::FILLED)?;
        let fits = |filled: u64| {
            let end = filled.checked_add(words as u64)?;
            (end <= self.chunk as u64).then_some(end)
        };
        let Ok(at) = filled.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits) else {
            filled.fetch_or(CLOSED, Ordering::AcqRel);
            return None;
        };
        let place = Place { words: self.within(index, at as usize)?.get(..words)?, lengths };
        place.words.first()?.store(words as u64, Ordering::Release);
        Some(place)
    }

    /// No packet is put into the chunk any more. If it `is_over`, what is not complete never will be.
    pub fn close(self, index: usize, is_over: bool) {
        if let Some(filled) = self.of_chunk(index, of_chunk::FILLED) {
            filled.fetch_or(if is_over { CLOSED | OVER } else { CLOSED }, Ordering::AcqRel);
        }
    }
}

/// A packet's place.
pub struct Place<'a> {
    words: &'a [AtomicU64],
    lengths: [usize; 3],
}

impl<'a> Place<'a> {
    /// Where the data belongs.
    pub fn data(&self) -> &'a [AtomicU64] {
        self.after(2)
    }

    /// What follows the head and so many addresses.
    fn after(&self, addresses: usize) -> &'a [AtomicU64] {
        let before = self.lengths.into_iter().take(addresses).map(words_of).sum::<usize>();
        self.words.get(packet::WORDS + before..).unwrap_or_default()
    }

    /// Completes the packet, whose data is there.
    pub fn complete(&self, head: &Head, local: &[u8], peer: &[u8]) {
        Cells(self.after(0)).write(local);
        Cells(self.after(1)).write(peer);
        for (word, value) in self.words.iter().skip(1).zip(head.to_words()) {
            word.store(value, Ordering::Relaxed);
        }
        if let Some(first) = self.words.first() {
            first.fetch_or(COMPLETE, Ordering::Release);
        }
    }
}
