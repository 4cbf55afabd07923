//! The gate of calls that ask libc's resolver.
//!
//! # Safety
//! Like every frame in which libc's function runs, [`with_eight`] holds only plain data.

use super::{Gate, Interest};
use crate::eight::Rest;
use crate::slow;
use crate::table::HookIndex;
use crate::target::Target;
use crate::word::Word;
use sockshim_core::hook::MAX_PARAMS;

/// Calls that ask for names or addresses: at level call. They change nothing that is tracked, so at level decision nobody
/// looks at them.
pub struct Resolve;

impl Gate for Resolve {
    const HAS_FAST_PATH: bool = false;
    const INTEREST: Interest = Interest::Names;

    #[inline(always)]
    unsafe fn slow<const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
        // SAFETY: the caller's promise.
        unsafe {
            match <&[i64; MAX_PARAMS]>::try_from(&words[..]) {
                Ok(eight) => with_eight(index, eight),
                Err(_) => slow::of_libc(index, words),
            }
        }
    }
}

/// A call with eight arguments.
///
/// # Safety
/// As for [`slow::of_libc`].
#[inline(never)]
unsafe fn with_eight<R: Word>(index: HookIndex, words: &[i64; MAX_PARAMS]) -> R {
    let rest = Rest::of(words, Target::of(index));
    // SAFETY: the caller's promise. `rest` is there during the call.
    unsafe { slow::all(index, &rest.words(words), Rest::target::<R>()) }
}
