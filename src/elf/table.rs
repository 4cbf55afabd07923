//! Tables of equal entries, read in small pieces.

use crate::Source;
use object::pod::{Pod, from_bytes};

/// How many bytes of a file are read at once. They are on the stack, which may be small.
pub(crate) const PIECE: usize = 512;

/// A table of equal entries in a file.
pub(crate) struct Table {
    /// The offset of the first entry.
    pub at: u64,
    /// How many entries there are.
    pub count: u64,
}

impl Table {
    /// Calls `each` for every entry; `false` when the file ends before the table does.
    pub fn each<T: Pod>(&self, source: &(impl Source + ?Sized), mut each: impl FnMut(&T)) -> bool {
        let size = size_of::<T>();
        let mut piece = [0; PIECE];
        let (mut at, mut left) = (self.at, self.count);
        while left > 0 {
            let wanted = left.min((PIECE / size) as u64) as usize;
            let buffer = &mut piece[..wanted * size];
            let count = source.read_at(at, buffer) / size;
            for bytes in buffer[..count * size].chunks_exact(size) {
                if let Ok((entry, _)) = from_bytes(bytes) {
                    each(entry);
                }
            }
            if count < wanted {
                return false;
            }
            at = at.saturating_add((wanted * size) as u64);
            left -= wanted as u64;
        }
        true
    }
}
