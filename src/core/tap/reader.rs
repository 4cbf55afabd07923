//! The reading half of the tap.

use super::packet::{self, Head};
use super::{CLOSED, COMPLETE, OVER, Tap, header, of_chunk, words_of};
use crate::cells::Cells;
use core::sync::atomic::{AtomicU64, Ordering};

/// A packet as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// What it tells.
    pub head: Head,
    /// The socket's own address, a `struct sockaddr`.
    pub local: Vec<u8>,
    /// The peer's.
    pub peer: Vec<u8>,
    /// The bytes that were moved, as far as they are copied.
    pub data: Vec<u8>,
}

/// Reads packets, and frees the chunks in which they were.
pub struct Reader<'a> {
    tap: Tap<'a>,
    /// How many words of each chunk were read, and whether all of them were the last time.
    read: Vec<usize>,
    idle: Vec<bool>,
    /// Packets that were begun, and that nobody is there to complete.
    broken: u64,
}

/// What is not in a capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Missed {
    /// Calls for which there was no room, or in which a process was killed.
    pub lost: u64,
    /// Calls whose bytes could not be looked at.
    pub unseen: u64,
}

impl<'a> Reader<'a> {
    /// The only reader of a tap.
    pub fn new(tap: Tap<'a>) -> Reader<'a> {
        Reader { tap, read: vec![0; tap.chunks], idle: vec![false; tap.chunks], broken: 0 }
    }

    /// Gives out every packet that is complete, those of one chunk in its order. At the `end`, when no process is there any more,
    /// what is not complete is given up.
    pub fn read(&mut self, end: bool, mut give: impl FnMut(Packet)) {
        for index in 0..self.tap.chunks {
            self.read_chunk(index, end, &mut give);
        }
    }

    fn read_chunk(&mut self, index: usize, end: bool, give: &mut impl FnMut(Packet)) -> Option<()> {
        let taken = self.tap.of_chunk(index, of_chunk::TAKEN)?;
        if taken.load(Ordering::Acquire) == 0 {
            return None;
        }
        let word = self.tap.of_chunk(index, of_chunk::FILLED)?;
        let mut state = word.load(Ordering::Acquire);
        if self.idle[index] && state & CLOSED == 0 && state as u32 as usize == self.read[index] {
            // Many processes send once and then nothing: others may have the chunk. Who has it takes another one.
            state = word.fetch_or(CLOSED, Ordering::AcqRel) | CLOSED;
        }
        let filled = (state as u32 as usize).min(self.tap.chunk);
        let is_over = end || state & OVER != 0;
        let mut at = self.read[index];
        while at < filled {
            let words = self.tap.within(index, at)?;
            let first = words[0].load(Ordering::Acquire);
            let len = (first & !COMPLETE) as usize;
            if first & COMPLETE == 0 && !is_over {
                break;
            }
            if first & COMPLETE == 0 || !(packet::WORDS..=filled - at).contains(&len) {
                self.broken += 1;
            } else if let Some(packet) = parse(&words[..len]) {
                give(packet);
            }
            // Where there is not even a length, nobody knows where the next one begins.
            at = if (packet::WORDS..=filled - at).contains(&len) { at + len } else { filled };
        }
        self.read[index] = at;
        self.idle[index] = at == filled && state & CLOSED == 0;
        if at == filled && state & CLOSED != 0 {
            // What comes next is put between zeros, so that nobody takes old bytes for a length.
            self.tap.within(index, 0)?[..filled].iter().for_each(|word| word.store(0, Ordering::Relaxed));
            self.read[index] = 0;
            taken.store(0, Ordering::Release);
            self.tap.header(header::FREED)?.fetch_add(1, Ordering::Relaxed);
        }
        Some(())
    }

    /// What is missing so far.
    pub fn missed(&self) -> Missed {
        let count = |at| self.tap.header(at).map_or(0, |count: &AtomicU64| count.load(Ordering::Relaxed));
        Missed { lost: count(header::LOST) + self.broken, unseen: count(header::UNSEEN) }
    }
}

fn parse(words: &[AtomicU64]) -> Option<Packet> {
    let mut values = [0; packet::WORDS - 1];
    values.iter_mut().zip(&words[1..]).for_each(|(value, word)| *value = word.load(Ordering::Relaxed));
    let head = Head::of_words(values)?;
    let mut rest = &words[packet::WORDS..];
    let mut next = |len: usize| {
        let (these, others) = rest.split_at_checked(words_of(len))?;
        rest = others;
        let mut bytes = vec![0; len];
        Cells(these).read_into(&mut bytes, len);
        Some(bytes)
    };
    let (local, peer) = (next(head.local.into())?, next(head.peer.into())?);
    Some(Packet { head, local, peer, data: next(head.data as usize)? })
}
