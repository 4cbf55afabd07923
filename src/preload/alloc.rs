//! The library's own memory: never the program's malloc.
//!
//! A hook may run inside malloc, in a signal handler that interrupted malloc, or in a child that was forked while
//! another thread held malloc's lock. So everything that Rust allocates here comes from private mappings: small
//! blocks from lock-free lists by size, which are never returned to the kernel, and large blocks from mmap directly.
//!
//! Memory may be missing: under a limit on the address space, and in a sandbox, where a program's thread must not ask
//! the kernel for any. The allocation then fails. So everything that is allocated after the start uses `try_boxed` or
//! `try_reserve`.
//!
//! # Safety
//! Blocks on a free list are type-stable: they stay mapped. So a thread that lost a race may still read the first
//! word of a block that another thread has taken; the tag in the list's head then makes its exchange fail.

use crate::{identity, sys, tls};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Blocks of class `c` have 16 << c bytes, up to 32 KiB.
const CLASSES: usize = 12;
const SMALLEST: usize = 16;
const CHUNK: usize = 256 * 1024;
/// What the start of a log needs: two chunks before they are aligned, a block of the queues' memory, the
/// writer's stack and buffers, and the same amount again.
const NEEDED: usize = 4 * 1024 * 1024;

struct Arena {
    free: [AtomicU64; CLASSES],
    /// Where the unused part of the current chunk begins. Chunks are aligned to their size, so this also tells the
    /// chunk's end.
    cursor: AtomicUsize,
}

#[global_allocator]
static ARENA: Arena = Arena { free: [const { AtomicU64::new(0) }; CLASSES], cursor: AtomicUsize::new(0) };

/// In a list's head, the low 48 bits are the block's address, and the high 16 a tag that changes with every exchange.
const ADDRESS: u64 = (1 << 48) - 1;

fn tagged(old: u64, block: u64) -> u64 {
    (old & !ADDRESS).wrapping_add(ADDRESS + 1) | block
}

#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(SMALLEST).next_power_of_two();
    let class = (size / SMALLEST).trailing_zeros() as usize;
    (class < CLASSES).then_some(class)
}

fn next_of(block: u64) -> &'static AtomicU64 {
    // SAFETY: blocks are at least 16 bytes, aligned, and mapped for ever.
    unsafe { &*(block as *const AtomicU64) }
}

/// A mapping of `len` bytes, or null.
fn map(len: usize) -> *mut u8 {
    if identity::is_sandboxed() && !tls::get().is_writer() {
        return ptr::null_mut();
    }
    sys::mmap(len).unwrap_or(ptr::null_mut())
}

/// Whether the address space has enough for the start of a log, whose allocations are not checked one by one.
pub fn has_memory() -> bool {
    let Ok(probe) = sys::mmap(NEEDED) else { return false };
    // SAFETY: the mapping was made here, and nobody else knows it.
    unsafe { sys::munmap(probe, NEEDED) };
    true
}

impl Arena {
    #[inline]
    fn pop(&self, class: usize) -> Option<*mut u8> {
        let mut head = self.free[class].load(Ordering::Acquire);
        while head & ADDRESS != 0 {
            let next = next_of(head & ADDRESS).load(Ordering::Relaxed) & ADDRESS;
            match self.free[class].compare_exchange_weak(
                head,
                tagged(head, next),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some((head & ADDRESS) as *mut u8),
                Err(seen) => head = seen,
            }
        }
        None
    }

    fn push(&self, class: usize, block: u64) {
        let mut head = self.free[class].load(Ordering::Relaxed);
        loop {
            next_of(block).store(head & ADDRESS, Ordering::Relaxed);
            match self.free[class].compare_exchange_weak(
                head,
                tagged(head, block),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    /// Cuts a block from the current chunk, or from a new one.
    #[cold]
    fn carve(&self, class: usize) -> *mut u8 {
        let size = SMALLEST << class;
        let mut cursor = self.cursor.load(Ordering::Acquire);
        loop {
            let start = cursor.next_multiple_of(size);
            let left = CHUNK - cursor % CHUNK;
            // A cursor at the beginning of a chunk is the end of the chunk before: nothing is left.
            let fits = !cursor.is_multiple_of(CHUNK) && start - cursor + size < left;
            if fits {
                match self.cursor.compare_exchange_weak(
                    cursor,
                    start + size,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                ) {
                    Ok(_) => return start as *mut u8,
                    Err(seen) => cursor = seen,
                }
                continue;
            }
            // Twice the size, so that it contains an aligned chunk; the rest is never touched and takes only address
            // space.
            let mapping = map(2 * CHUNK);
            if mapping.is_null() {
                return mapping;
            }
            let chunk = (mapping as usize).next_multiple_of(CHUNK) + SMALLEST;
            match self.cursor.compare_exchange(cursor, chunk, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => cursor = chunk,
                Err(seen) => {
                    // SAFETY: the mapping was made here, and nobody else knows it.
                    unsafe { sys::munmap(mapping, 2 * CHUNK) };
                    cursor = seen;
                }
            }
        }
    }
}

// SAFETY: blocks are disjoint, aligned to their size, and valid until they are freed.
unsafe impl GlobalAlloc for Arena {
    // Not inlined, like `dealloc`: there are a hundred places that call it, none of them in a hurry.
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_of(layout) {
            Some(class) => self.pop(class).unwrap_or_else(|| self.carve(class)),
            // Mappings are aligned to pages; nothing here needs more.
            None if layout.align() <= 4096 => map(layout.size()),
            None => ptr::null_mut(),
        }
    }

    /// A new mapping is already zero and need not be touched, so the log's buffer becomes resident only as it is
    /// filled.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() && class_of(layout).is_some() {
            // SAFETY: the block has the layout's size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match class_of(layout) {
            Some(class) => self.push(class, block as u64),
            // SAFETY: the caller frees what `alloc` mapped with the same layout.
            None => unsafe { sys::munmap(block, layout.size()) },
        }
    }
}
