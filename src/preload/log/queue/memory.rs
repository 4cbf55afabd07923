//! Where segments come from and go to.
//!
//! Memory is mapped in blocks, when there is no free segment, and stays mapped. Which segments of a block are taken is said
//! by one bit each, so taking and giving is one exchange, and nobody is in anybody's way. The lowest free one is taken
//! first: the few that are used all the time stay in memory, and what a burst has touched above them is given back to the
//! kernel ([`trim`]).
//!
//! # Safety
//! Blocks are never unmapped. The kernel empties them in a forked child, which begins with all segments free.

use super::segment::{Pool, SEGMENT, SLOT, STRIDE};
use crate::{identity, sys};
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// The segments of a block, which is 1 MiB: the kernel makes no huge pages of that.
const SEGMENTS: usize = 8;
const BLOCK: usize = SEGMENTS * STRIDE as usize;
/// How much may wait for the writer, beside one segment for each thread: 64 MiB, and as much again in addresses.
const BOUND: u32 = (64 * 1024 * 1024 / SEGMENT) as u32;
/// Where the program's addresses are limited, the share of them that may be taken.
const SHARE: u64 = 32;
/// One segment for each of some fifteen thousand threads, and the bound.
const BLOCKS: usize = 2048;
/// So many segments beside one for each thread may be taken before the writer is woken.
const AHEAD: u32 = 3;
/// So many free segments keep their memory.
const KEPT: usize = 4;

struct Block {
    /// Its first segment; zero before it is mapped.
    start: AtomicU64,
    /// Which segments are taken.
    taken: AtomicU8,
    /// Which segments have been, and still have their memory.
    touched: AtomicU8,
}

static ALL: [Block; BLOCKS] =
    [const { Block { start: AtomicU64::new(0), taken: AtomicU8::new(0), touched: AtomicU8::new(0) } };
        BLOCKS];

/// How many segments are taken, and how many may be beside the bound: one a thread.
static IN_USE: AtomicU32 = AtomicU32::new(0);
static ENTITLED: AtomicU32 = AtomicU32::new(0);

/// How many segments may be taken beside one for each thread; 0 before that was looked up.
static MOST: AtomicU32 = AtomicU32::new(0);

fn bound() -> u32 {
    match MOST.load(Ordering::Relaxed) {
        0 => look_up_bound(),
        most => most,
    }
}

/// The limit is that of the moment when the first segment is taken: a program that sets itself one has what it had before.
#[cold]
fn look_up_bound() -> u32 {
    let limit = if identity::is_sandboxed() { u64::MAX } else { sys::limit_of_addresses() };
    let most = (limit / SHARE / STRIDE).clamp(SEGMENTS as u64, BOUND.into()) as u32;
    MOST.store(most, Ordering::Relaxed);
    most
}

/// One more thread, which may have a segment of its own.
pub fn entitle() {
    ENTITLED.fetch_add(1, Ordering::Relaxed);
}

/// In a forked child: everything is free.
pub fn forget_all() {
    IN_USE.store(0, Ordering::Relaxed);
    ENTITLED.store(0, Ordering::Relaxed);
    for block in mapped() {
        block.taken.store(0, Ordering::Relaxed);
        block.touched.store(0, Ordering::Relaxed);
    }
}

/// The segments of the process.
pub struct Segments;

impl Pool for Segments {
    fn take(&self) -> Option<u64> {
        let most = bound() + ENTITLED.load(Ordering::Relaxed);
        if IN_USE.fetch_add(1, Ordering::Relaxed) < most
            && let Some(segment) = take()
        {
            return Some(segment);
        }
        IN_USE.fetch_sub(1, Ordering::Relaxed);
        None
    }

    fn give(&self, segment: u64) {
        // Nearly always one of the first blocks.
        for block in mapped() {
            let bit = segment.wrapping_sub(block.start.load(Ordering::Relaxed)) / STRIDE;
            if bit < SEGMENTS as u64 {
                block.taken.fetch_and(!(1 << bit), Ordering::Release);
                IN_USE.fetch_sub(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

fn take() -> Option<u64> {
    for block in &ALL {
        if block.start.load(Ordering::Acquire) == 0 && !map(block) {
            return None;
        }
        let mut taken = block.taken.load(Ordering::Relaxed);
        while taken != u8::MAX {
            let bit = taken.trailing_ones();
            match block.taken.compare_exchange(taken, taken | 1 << bit, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => {
                    block.touched.fetch_or(1 << bit, Ordering::Relaxed);
                    return Some(block.start.load(Ordering::Relaxed) + u64::from(bit) * STRIDE);
                }
                Err(seen) => taken = seen,
            }
        }
    }
    None
}

/// Maps a block, if nobody else has done so meanwhile.
#[cold]
fn map(block: &Block) -> bool {
    map_all(core::slice::from_ref(block)) || block.start.load(Ordering::Acquire) != 0
}

/// Maps blocks side by side. In a sandbox the kernel is asked for nothing. `false` when there is no memory, or somebody else
/// has mapped one of them meanwhile.
fn map_all(blocks: &[Block]) -> bool {
    // Room for aligned blocks wherever the mapping begins. What is left over is never touched.
    let len = blocks.len() * BLOCK + STRIDE as usize - 4096;
    if blocks.is_empty() || identity::is_sandboxed() {
        return false;
    }
    let Ok(memory) = sys::mmap(len) else { return false };
    let start = (memory as u64 + SEGMENT).next_multiple_of(STRIDE) - SEGMENT;
    // SAFETY: the mapping was made here, and zeros are free segments.
    let wiped = unsafe { sys::wipe_on_fork(memory, len) }.is_ok();
    let set = |(block, start): (&Block, u64)| {
        block.start.compare_exchange(0, start, Ordering::AcqRel, Ordering::Acquire).is_ok()
    };
    let mut pairs = blocks.iter().zip((start..).step_by(BLOCK));
    if wiped && pairs.next().is_some_and(set) {
        // What others have mapped meanwhile stays theirs, and the addresses that were for it stay unused.
        return pairs.filter(|pair| !set(*pair)).count() == 0;
    }
    // SAFETY: nobody has seen the mapping.
    unsafe { sys::munmap(memory, len) };
    false
}

/// How many records there are at most.
pub fn capacity() -> u64 {
    u64::from(IN_USE.load(Ordering::Relaxed)) * (SEGMENT / SLOT)
}

/// Whether so much waits that the writer should not sleep any longer.
pub fn is_behind() -> bool {
    IN_USE.load(Ordering::Relaxed) > ENTITLED.load(Ordering::Relaxed) + AHEAD
}

/// Before a sandbox, in which no memory can be mapped: maps all that may be taken. It costs addresses only.
pub fn provide() {
    let most = (bound() as usize).div_ceil(SEGMENTS);
    map_all(&ALL[mapped().count().min(most)..most]);
}

fn mapped() -> impl Iterator<Item = &'static Block> {
    ALL.iter().take_while(|block| block.start.load(Ordering::Acquire) != 0)
}

/// Gives the memory of free segments back to the kernel, but for a few. By the writer, now and then.
pub fn trim() {
    let mut kept = 0;
    for block in mapped() {
        for bit in 0..SEGMENTS {
            let mask = 1 << bit;
            let is_free = block.taken.load(Ordering::Relaxed) & mask == 0;
            if !is_free || block.touched.load(Ordering::Relaxed) & mask == 0 {
                continue;
            }
            kept += 1;
            // Taken meanwhile, so that nobody else takes it.
            if kept <= KEPT || block.taken.fetch_or(mask, Ordering::AcqRel) & mask != 0 {
                continue;
            }
            let segment = block.start.load(Ordering::Relaxed) + bit as u64 * STRIDE;
            block.touched.fetch_and(!mask, Ordering::Relaxed);
            // SAFETY: the segment is free and was taken here. Zeros are a free segment.
            unsafe { sys::discard(segment as *mut u8, STRIDE as usize) };
            block.taken.fetch_and(!mask, Ordering::Release);
        }
    }
}
