//! Steps on shared words. Each changes one word; in the tests a process may be stopped before any of them.

use core::sync::atomic::{AtomicU64, Ordering};

/// Stores a word.
pub fn put(word: &AtomicU64, value: u64, order: Ordering) {
    #[cfg(test)]
    crate::rules::shared::tests::step();
    word.store(value, order);
}

/// Adds to a word, and gives what it was.
pub fn add(word: &AtomicU64, value: u64) -> u64 {
    #[cfg(test)]
    crate::rules::shared::tests::step();
    word.fetch_add(value, Ordering::AcqRel)
}

/// Takes the next index of a list of this length, of which `next` counts those taken; `None` if there is none left.
pub fn begin_list(next: &AtomicU64, length: usize) -> Option<usize> {
    let left = |next: &u64| *next < length as u64;
    // The load keeps the counter from running on.
    let index = left(&next.load(Ordering::Relaxed)).then(|| add(next, 1));
    index.filter(left).map(|index| index as usize)
}

/// Words that hold bytes, eight each.
#[derive(Clone, Copy)]
pub struct Cells<'a>(pub &'a [AtomicU64]);

impl Cells<'_> {
    /// Writes as many bytes as there is room for.
    #[inline(never)]
    pub fn write(self, bytes: &[u8]) {
        for (word, part) in self.0.iter().zip(bytes.chunks(8)) {
            let mut eight = [0; 8];
            eight[..part.len()].copy_from_slice(part);
            put(word, u64::from_le_bytes(eight), Ordering::Relaxed);
        }
    }

    /// Reads up to `length` bytes into a buffer, as many as there are and fit.
    pub fn read_into(self, buffer: &mut [u8], length: usize) -> &[u8] {
        let length = length.min(buffer.len()).min(8 * self.0.len());
        for (word, part) in self.0.iter().zip(buffer[..length].chunks_mut(8)) {
            part.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes()[..part.len()]);
        }
        &buffer[..length]
    }
}

/// Bytes in cells, and how many there are.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// Where they are.
    pub cells: Cells<'a>,
    /// How many.
    pub length: usize,
}

impl Text<'_> {
    /// Whether it is these bytes. It allocates nothing, because the library asks.
    #[inline(never)]
    pub fn is(self, bytes: &[u8]) -> bool {
        let words = self.cells.0.iter().map(|word| word.load(Ordering::Relaxed).to_le_bytes());
        self.length == bytes.len() && words.zip(bytes.chunks(8)).all(|(word, part)| word.starts_with(part))
    }

    /// The bytes.
    pub fn read(self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        self.cells.read_into(&mut bytes, self.length);
        bytes
    }
}
