//! Whether the process has more threads than one, as libc knows it.
//!
//! glibc has a variable for it since 2.32. Before, each thread's control block said whether there are others. Neither is
//! linked with, so that the same library can be loaded with any glibc.
//!
//! # Safety
//! The variable is never unmapped, and libc writes it atomically. Before 2.32 the control block begins as in every glibc
//! for x86-64, with the word that its own functions test.

use core::arch::asm;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use sockshim_sys::elf::{self, Found, Symbol};

/// What says "no" until somebody has asked: there may be other threads.
static UNKNOWN: u8 = 0;

/// Where a byte is that is zero if the process may have other threads: libc's variable.
static SINGLE: AtomicPtr<u8> = AtomicPtr::new((&raw const UNKNOWN).cast_mut());

/// Whether there is no such variable, and the control block is asked.
static OLD: AtomicBool = AtomicBool::new(false);

/// Finds out where libc says it. To be called in the constructor: until then there may be other threads.
#[inline]
pub fn init() {
    // In a namespace of dlmopen(3) libc is another one than that of the objects in the list.
    if !elf::is_listed() {
        return;
    }
    const SINGLE_THREADED: Symbol = Symbol::new("__libc_single_threaded\0");
    match elf::first(&SINGLE_THREADED) {
        Found::At(variable) => SINGLE.store(variable.cast(), Ordering::Relaxed),
        Found::No => OLD.store(true, Ordering::Relaxed),
        Found::Ask => {}
    }
}

/// Whether the process may have more threads than one, as far as libc knows. The log's writer does not count: it has a
/// descriptor table of its own.
#[inline(always)]
pub fn has_others() -> bool {
    may_have_others() && block_has_others()
}

/// The same for where instructions count: with libc's variable it is exact, without it the answer is yes.
#[inline(always)]
pub fn may_have_others() -> bool {
    // SAFETY: libc's variable or `UNKNOWN`.
    unsafe { ptr::read_volatile(SINGLE.load(Ordering::Relaxed)) == 0 }
}

/// Without libc's variable, what the calling thread's control block says, `multiple_threads`. A new thread has it from the
/// beginning, and the thread that makes the first one has it before pthread_create(3) returns.
#[cold]
#[inline(never)]
fn block_has_others() -> bool {
    let others: u32;
    // SAFETY: reads a word of the calling thread's control block.
    unsafe { asm!("mov {:e}, fs:[0x18]", out(reg) others, options(nostack, preserves_flags, readonly)) };
    !OLD.load(Ordering::Relaxed) || others != 0
}
