//! The memory that a tree counts in, which `sockshim run` makes, and here the test.

use sockshim_core::rules::shared::Shared;
use sockshim_sys::segment::Segment;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of so many rules.
pub struct Counters {
    segment: Segment,
    rules: usize,
}

impl Counters {
    pub fn of(rules: usize) -> Counters {
        let segment = Segment::new(Shared::words(rules), 0o600).expect("memory that processes share");
        Shared::init(segment.words(), rules);
        Counters { segment, rules }
    }

    /// Zeros, and as many words as this.
    pub fn bad(words: usize) -> Counters {
        Counters { segment: Segment::new(words, 0o600).expect("memory that processes share"), rules: 0 }
    }

    /// The value of `SOCKSHIM_SHARED`.
    pub fn number(&self) -> String {
        format!("{}.{}", self.segment.id(), std::process::id())
    }

    pub fn shared(&self) -> Shared<'_> {
        Shared::open(self.segment.words(), self.rules).expect("the counters are whole")
    }

    /// Writes a word, as a process may that has a fault.
    pub fn overwrite(&self, words: impl Iterator<Item = usize>, value: u64) {
        let all: &[AtomicU64] = self.segment.words();
        words.for_each(|word| all[word].store(value, Ordering::Relaxed));
    }
}
