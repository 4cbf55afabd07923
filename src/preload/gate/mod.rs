//! Gates: when the calls of a hook are observed, and which path they take. There is one type per gate; each row of
//! the table names one.
//!
//! A call that nobody looks at leaves by the fast exit ([`crate::mode::is_open`]). Of the others, most data calls take the fast
//! path: two readings of the clock and a record in the thread's queue (`log/queue`). Whatever is unusual takes the slow
//! path (`slow.rs`), which decides, performs and commits.
//!
//! Everything here is inlined into the frame that calls libc. That frame holds only plain data, so cancelling the
//! thread or jumping out of it leaves nothing behind. The bound `Copy` tells the compiler, which otherwise adds code
//! that drops the closures if it does not inline.
//!
//! Control calls and what else is observed at every level are in [`control`], data calls in [`data`], calls that ask for
//! names in [`resolve`].

mod control;
mod data;
mod resolve;

pub use control::*;
pub use data::*;
pub use resolve::*;

pub use crate::mode::Interest;
use crate::slow;
use crate::table::HookIndex;
use crate::word::Word;

/// An observed call.
#[derive(Clone, Copy)]
pub struct Call<const N: usize, P, S> {
    /// The hook's index in the table.
    pub index: HookIndex,
    /// The arguments.
    pub words: [i64; N],
    /// libc's function with these arguments.
    pub perform: P,
    /// The same on the slow path.
    pub slow: S,
}

/// What performs a call.
pub trait Perform<R>: Fn() -> R + Copy {}

impl<R, F: Fn() -> R + Copy> Perform<R> for F {}

impl<const N: usize, P: Copy, S: Copy> Call<N, P, S> {
    #[inline(always)]
    fn perform<R>(self) -> R
    where
        P: Perform<R>,
    {
        (self.perform)()
    }

    #[inline(always)]
    fn slow<R>(self) -> R
    where
        S: Perform<R>,
    {
        (self.slow)()
    }

    /// The first argument of a call on a descriptor.
    #[inline(always)]
    fn fd(&self) -> i32 {
        self.words[0] as i32
    }
}

/// When calls are observed, and on which path.
pub trait Gate {
    /// Whether an observed call ever does anything else than taking the slow path.
    const HAS_FAST_PATH: bool = true;

    /// When its calls are of interest.
    const INTEREST: Interest;

    /// Makes a call that is observed and takes no fast path.
    ///
    /// # Safety
    /// As for [`slow::of_libc`].
    #[inline(always)]
    unsafe fn slow<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
        // SAFETY: the caller's promise.
        unsafe { slow::of_libc(index, words) }
    }

    /// Makes an observed call.
    #[inline(always)]
    fn observe<const N: usize, R: Word>(call: Call<N, impl Perform<R>, impl Perform<R>>) -> R {
        call.slow()
    }
}
