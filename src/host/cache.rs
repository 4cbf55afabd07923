//! Answers that are remembered, in atomics. Two threads that ask at the same time both ask; the answers are the same.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

/// A positive number; 0 means "not asked yet".
pub struct Number(AtomicI32);

impl Number {
    pub const fn new() -> Self {
        Number(AtomicI32::new(0))
    }

    pub fn get_or(&self, ask: impl FnOnce() -> Option<c_int>) -> Option<c_int> {
        match self.0.load(Relaxed) {
            0 => {
                let answer = ask()?;
                self.0.store(answer, Relaxed);
                Some(answer)
            }
            known => Some(known),
        }
    }
}

/// An answer of yes or no.
pub struct YesNo(AtomicU8);

const UNASKED: u8 = 2;

impl YesNo {
    pub const fn new() -> Self {
        YesNo(AtomicU8::new(UNASKED))
    }

    pub fn get_or(&self, ask: impl FnOnce() -> Option<bool>) -> Option<bool> {
        match self.0.load(Relaxed) {
            UNASKED => {
                let answer = ask()?;
                self.0.store(u8::from(answer), Relaxed);
                Some(answer)
            }
            known => Some(known == 1),
        }
    }

    pub fn forget(&self) {
        self.0.store(UNASKED, Relaxed);
    }
}

/// Numbers below 32 times `WORDS` for which the answer was yes.
pub struct Flags<const WORDS: usize>([AtomicU32; WORDS]);

impl<const WORDS: usize> Flags<WORDS> {
    pub const fn new() -> Self {
        Flags([const { AtomicU32::new(0) }; WORDS])
    }

    pub fn get_or(&self, number: c_int, ask: impl FnOnce() -> Option<bool>) -> Option<bool> {
        let bit = 1 << (number & 31);
        let word = usize::try_from(number / 32).ok().and_then(|index| self.0.get(index));
        if word.is_some_and(|word| word.load(Relaxed) & bit != 0) {
            return Some(true);
        }
        let answer = ask()?;
        if let Some(word) = word.filter(|_| answer) {
            word.fetch_or(bit, Relaxed);
        }
        Some(answer)
    }

    pub fn forget(&self) {
        self.0.iter().for_each(|word| word.store(0, Relaxed));
    }
}

/// Families, types and protocols for which the answer was yes. The walks ask about fewer than the array holds.
pub struct Triples([AtomicU64; 24]);

impl Triples {
    pub const fn new() -> Self {
        Triples([const { AtomicU64::new(0) }; 24])
    }

    pub fn get_or(
        &self,
        (family, ty, protocol): (c_int, c_int, c_int),
        ask: impl FnOnce() -> Option<bool>,
    ) -> Option<bool> {
        // Never 0, because the family is not.
        let key = u64::from(family as u16) << 48 | u64::from(ty as u16) << 32 | u64::from(protocol as u32);
        if self.0.iter().any(|place| place.load(Relaxed) == key) {
            return Some(true);
        }
        let answer = ask()?;
        if answer {
            // Without a free element it is asked again next time.
            let _ = self.0.iter().find(|place| place.compare_exchange(0, key, Relaxed, Relaxed).is_ok());
        }
        Some(answer)
    }

    pub fn forget(&self) {
        self.0.iter().for_each(|place| place.store(0, Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_is_remembered_and_no_is_asked_again() {
        let flags = Flags::<2>::new();
        assert_eq!(flags.get_or(40, || Some(false)), Some(false));
        assert_eq!(flags.get_or(40, || Some(true)), Some(true));
        assert_eq!(flags.get_or(40, || None), Some(true));
        assert_eq!(flags.get_or(8, || None), None);
        assert_eq!(flags.get_or(-3, || Some(true)), Some(true));
        assert_eq!(flags.get_or(4000, || Some(true)), Some(true));
        flags.forget();
        assert_eq!(flags.get_or(40, || None), None);
    }

    #[test]
    fn triples_are_told_apart_and_more_than_fit_are_asked_again() {
        let triples = Triples::new();
        for protocol in 0..40 {
            assert_eq!(triples.get_or((2, 1, protocol), || Some(true)), Some(true));
        }
        assert_eq!(triples.get_or((2, 1, 3), || None), Some(true));
        assert_eq!(triples.get_or((2, 2, 3), || Some(false)), Some(false));
        assert_eq!(triples.get_or((2, 1, 39), || None), None);
        triples.forget();
        assert_eq!(triples.get_or((2, 1, 3), || None), None);
    }

    #[test]
    fn an_answer_that_is_none_is_not_remembered() {
        let (number, flag) = (Number::new(), YesNo::new());
        assert_eq!((number.get_or(|| None), flag.get_or(|| None)), (None, None));
        assert_eq!((number.get_or(|| Some(46)), flag.get_or(|| Some(false))), (Some(46), Some(false)));
        assert_eq!((number.get_or(|| None), flag.get_or(|| None)), (Some(46), Some(false)));
        flag.forget();
        assert_eq!(flag.get_or(|| None), None);
    }
}
