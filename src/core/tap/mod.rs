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
    /// How many of its words are packets', who has it, and [`super::CLOSED`].
    pub const FILLED: usize = 1;
    pub const WORDS: usize = 2;
}

/// No packet is put into the chunk any more.
const CLOSED: u64 = 1 << 63;
/// The same, and nobody is there who could complete one.
const OVER: u64 = 1 << 62;
/// What a process says in its log that cannot reach the memory.
pub const UNREACHABLE: &str = "the capture cannot be reached: no packets of this process are in it";
/// Above how many words are filled: how many chunks were taken before, by which those who had it earlier are told apart.
const HOLDER: u64 = 0x3fff_ffff << 32;
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

    /// What is filled of a chunk that somebody has taken, whoever has it now.
    fn filled(self, chunk: Chunk) -> Option<&'a AtomicU64> {
        self.of_chunk(chunk.index(), of_chunk::FILLED)
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
    pub fn is_full(self, chunk: Chunk) -> bool {
        let count = |at| self.header(at).map_or(0, |count| count.load(Ordering::Relaxed));
        let has_it = self.filled(chunk).is_some_and(|filled| chunk.is_of(filled.load(Ordering::Relaxed)));
        !has_it && count(header::TAKEN).wrapping_sub(count(header::FREED)) >= self.chunks as u64
    }

    /// Takes a free chunk.
    pub fn take(self) -> Option<Chunk> {
        let all = self.header(header::TAKEN)?;
        let first = all.load(Ordering::Relaxed) as usize;
        for step in 0..self.chunks {
            let index = first.wrapping_add(step) % self.chunks;
            let taken = self.of_chunk(index, of_chunk::TAKEN)?;
            let free = taken.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed);
            if free.is_ok() {
                let chunk = Chunk::new(index, all.fetch_add(1, Ordering::Relaxed));
                self.filled(chunk)?.store(chunk.0 & HOLDER, Ordering::Release);
                return Some(chunk);
            }
        }
        None
    }

    /// A place for a packet with so many bytes of data and of both addresses. `None` if the chunk is full or closed; then it is closed.
    pub fn place(self, chunk: Chunk, lengths: [usize; 3]) -> Option<Place<'a>> {
        let words = packet::WORDS + lengths.into_iter().map(words_of).sum::<usize>();
        let filled = self.filled(chunk)?;
        let fits = |filled: u64| {
            let end = u64::from(filled as u32) + words as u64;
            (chunk.is_of(filled) && end <= self.chunk as u64).then_some(filled + words as u64)
        };
        let Ok(before) = filled.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits) else {
            self.close(chunk, false);
            return None;
        };
        let at = before as u32 as usize;
        let place = Place { words: self.within(chunk.index(), at)?.get(..words)?, lengths };
        place.words.first()?.store(words as u64, Ordering::Release);
        Some(place)
    }

    /// No packet is put into the chunk any more. If it `is_over`, what is not complete never will be.
    pub fn close(self, chunk: Chunk, is_over: bool) {
        let close = |filled: u64| {
            // Somebody else may have it by now.
            let closed = filled | if is_over { CLOSED | OVER } else { CLOSED };
            ((filled ^ chunk.0) & HOLDER == 0).then_some(closed)
        };
        if let Some(filled) = self.filled(chunk) {
            let _ = filled.fetch_update(Ordering::AcqRel, Ordering::Relaxed, close);
        }
    }
}

/// A chunk that somebody has taken, and may have lost since: its index, and [`HOLDER`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chunk(pub u64);

impl Chunk {
    /// No chunk.
    pub const NONE: Chunk = Chunk(u32::MAX as u64);

    fn new(index: usize, taken: u64) -> Chunk {
        Chunk(index as u64 | taken << 32 & HOLDER)
    }

    fn index(self) -> usize {
        self.0 as u32 as usize
    }

    /// Whether what is filled says that it is open, and whose chunk this is.
    fn is_of(self, filled: u64) -> bool {
        filled >> 32 == (self.0 & HOLDER) >> 32
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
