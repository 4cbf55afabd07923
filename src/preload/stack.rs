//! What can be read without asking the kernel: the stack that the calling thread runs on.
//!
//! Most addresses, lengths and option values stand in the frames of the hook's caller. From the stack pointer to the
//! stack's top everything is mapped and readable, but only if both belong to the same stack: a signal handler or a
//! coroutine may run on another, and the page above that may be a guard. So nobody is believed. The first time that a
//! thread gets this deep, the kernel is asked whether all pages from here up to the top can be read, and the deepest page
//! is noted. A foreign stack that lies below is not reached, for there is a guard or a hole in between; one that lies
//! elsewhere is too far away. What was found stays true as long as the thread runs there, because the pages above its
//! stack pointer hold the frames that it will return to.
//!
//! # Safety
//! [`peek`] relies on that: frames that are still to be returned to are not taken away.

use crate::{process, sys, tls};
use core::arch::asm;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

const PAGE: usize = 4096;
/// How many pages are asked about at once: whoever is deeper asks the kernel about each argument.
const PAGES: usize = 64;
/// How far above the hook's frame an argument may be: it belongs to a caller that is not far.
const NEAR: usize = 64 * 1024;

/// The main thread's control block, and the top of its stack. Other threads have the one at the other.
static MAIN: AtomicUsize = AtomicUsize::new(0);
static MAIN_TOP: AtomicUsize = AtomicUsize::new(0);

/// Notes where the main thread's stack ends: the kernel has put the program's name there, above everything else.
pub fn init() {
    // SAFETY: looks a number up in a vector that libc keeps.
    let name = unsafe { libc::getauxval(libc::AT_EXECFN) };
    MAIN.store(control_block(), Ordering::Relaxed);
    MAIN_TOP.store(name as usize, Ordering::Relaxed);
}

/// Copies an argument, if it stands in the frames above.
#[inline]
pub fn peek(address: i64, buffer: &mut [u8]) -> bool {
    let (address, here) = (address as usize, stack_pointer());
    // What is below wraps around, and is far away.
    if address.wrapping_sub(here) >= NEAR {
        return false;
    }
    let top = top();
    let inside = here < top && address + buffer.len() <= top;
    if !inside || !is_readable(here, top) {
        return false;
    }
    // SAFETY: the bytes are between the stack pointer and the top of this very stack. The program's pointer may be a stray
    // one to where the buffer is now, so the two may overlap.
    unsafe { ptr::copy(address as *const u8, buffer.as_mut_ptr(), buffer.len()) };
    true
}

/// Whether everything from `here` to `top` can be read.
#[inline]
fn is_readable(here: usize, top: usize) -> bool {
    let deepest = tls::get().deepest.get();
    // Nothing is known while it is 0.
    deepest.wrapping_sub(1) < here || ask(here, top, deepest)
}

/// Asks the kernel about the pages that are not known yet.
#[cold]
#[inline(never)]
fn ask(here: usize, top: usize, deepest: usize) -> bool {
    let first = here & !(PAGE - 1);
    let end = if deepest == 0 { top.next_multiple_of(PAGE) } else { deepest };
    let count = end.saturating_sub(first) / PAGE;
    if count == 0 || count > PAGES || process::is_sandboxed() {
        return false;
    }
    let mut bytes = [0_u8; PAGES];
    let local = [libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: count }];
    let page = |index| libc::iovec { iov_base: (first + index * PAGE) as *mut libc::c_void, iov_len: 1 };
    let remote: [libc::iovec; PAGES] = core::array::from_fn(page);
    // SAFETY: the local piece is `bytes`.
    let readable = unsafe { sys::copy_memory(process::pid(), &local, &remote[..count]) } == Ok(count);
    if readable {
        tls::get().deepest.set(first);
    }
    readable
}

/// Where the stack that belongs to the calling thread ends. libc puts a thread's control block there, but for the main
/// thread's.
#[inline]
fn top() -> usize {
    match control_block() {
        main if main == MAIN.load(Ordering::Relaxed) => MAIN_TOP.load(Ordering::Relaxed),
        top => top,
    }
}

#[inline]
fn control_block() -> usize {
    let block: usize;
    // SAFETY: the first word of the block is its own address.
    unsafe { asm!("mov {}, qword ptr fs:[0]", out(reg) block, options(nostack, readonly, preserves_flags)) };
    block
}

#[inline]
fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}
