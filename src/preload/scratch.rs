//! Scratch memory for one call: on the stack if little is needed, else a mapping.
//!
//! It is for calls that start programs. A vfork child borrows its parent's memory and does not return after the exec,
//! so whatever it takes beside its stack is lost to the parent. So only a vfork child that passes on an environment
//! of more than a thousand lines costs its parent a mapping.
//!
//! # Safety
//! A mapping is used by one call only, and unmapped when that returns.

use crate::sys;

const SMALL: usize = 128;
const LARGE: usize = 1152;

/// Makes the call with `words` words of scratch memory, or with `None` when there is no memory.
pub fn with<R>(words: usize, call: &dyn Fn(Option<&mut [usize]>) -> R) -> R {
    match words {
        _ if words <= SMALL => on_stack::<SMALL, R>(call),
        _ if words <= LARGE => on_stack::<LARGE, R>(call),
        _ => mapped(words, call),
    }
}

#[inline(never)]
fn on_stack<const N: usize, R>(call: &dyn Fn(Option<&mut [usize]>) -> R) -> R {
    let mut memory = [0; N];
    call(Some(&mut memory))
}

#[inline(never)]
fn mapped<R>(words: usize, call: &dyn Fn(Option<&mut [usize]>) -> R) -> R {
    let len = words.saturating_mul(size_of::<usize>());
    let Ok(start) = sys::mmap(len) else { return call(None) };
    // SAFETY: the mapping is new, zeroed, aligned to a page, and has `len` bytes.
    let answer = call(Some(unsafe { core::slice::from_raw_parts_mut(start.cast::<usize>(), words) }));
    // SAFETY: the call has returned.
    unsafe { sys::munmap(start, len) };
    answer
}
