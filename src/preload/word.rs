//! Arguments and results as words: what fits a register of the calling convention.

use sockshim_core::hook::MAX_ARGS;

/// A value that fits an argument register. `Copy`, because nothing drops it when the thread is cancelled.
pub trait Word: Copy {
    /// What a function of this type returns when it fails.
    const FAILURE: i64;
    /// The register's content, sign-extended.
    fn word(self) -> i64;
    /// The value of a register.
    fn from_word(word: i64) -> Self;
}

macro_rules! words {
    ($($ty:ty),*) => { $(impl Word for $ty {
        const FAILURE: i64 = -1;
        fn word(self) -> i64 { self as i64 }
        fn from_word(word: i64) -> Self { word as $ty }
    })* };
}
words!(i32, u32, i64, u64, isize, usize);

impl<T> Word for *const T {
    const FAILURE: i64 = 0;
    fn word(self) -> i64 {
        self as i64
    }
    fn from_word(word: i64) -> Self {
        word as *const T
    }
}

impl<T> Word for *mut T {
    const FAILURE: i64 = 0;
    fn word(self) -> i64 {
        self as i64
    }
    fn from_word(word: i64) -> Self {
        word as *mut T
    }
}

impl Word for () {
    const FAILURE: i64 = 0;
    fn word(self) -> i64 {
        0
    }
    fn from_word(_: i64) -> Self {}
}

/// A call's arguments, padded with zeros to the fixed number that an event holds, so that they are copied at once.
#[inline(always)]
pub fn padded<const N: usize>(words: [i64; N]) -> [i64; MAX_ARGS] {
    let mut all = [0; MAX_ARGS];
    all[..N].copy_from_slice(&words);
    all
}
