//! How a thread takes slots.
//!
//! All that is known of the writing side is one word, the place of the next free slot. One instruction takes slots from it,
//! and only then is looked whether they are in a segment: a signal handler comes before it or after it and finds the queue
//! in order, and so does a reader when the process was killed. The instruction is not a locked one, because only the thread
//! itself and its handlers change the word.
//!
//! # Safety
//! A place that was taken belongs to who took it until its record is whole. A thread touches the segment that it leaves for
//! the last time when it says what follows, and nobody gives the segment away before.

use super::segment::{Pool, SEGMENT, SLOT, STRIDE, header, is_inside, of};
use super::step;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// Takes slots. The place is in a segment ([`is_inside`]), or the slots are worth nothing and the thread has to ask
/// [`reserve_further`].
#[inline(always)]
pub fn reserve(next: &AtomicU64, slots: u64) -> u64 {
    let mut at = slots * SLOT;
    // SAFETY: the word is there. Only this thread and what interrupts it change it, so the instruction is atomic for all
    // who do; who only reads it sees one value or the other.
    unsafe { asm!("xadd qword ptr [{}], {}", in(reg) next.as_ptr(), inout(reg) at, options(nostack)) };
    step();
    at
}

/// Takes slots in another segment: whether this call has moved there, and the place. `None` when there is no memory, or no
/// segment at all, as in a child that was forked meanwhile.
pub fn reserve_further(next: &AtomicU64, slots: u64, pool: &impl Pool) -> Option<(bool, u64)> {
    let mut moved = false;
    loop {
        let seen = next.load(Ordering::Relaxed);
        step();
        if is_inside(seen) {
            // This thread has moved on, or a handler that has interrupted it here.
            let at = reserve(next, slots);
            if is_inside(at) {
                return Some((moved, at));
            }
            continue;
        }
        if seen < STRIDE {
            return None;
        }
        let Some(new) = pool.take() else {
            // What is taken in vain must not get to the next segment.
            replace(next, seen, of(seen) + SEGMENT);
            return None;
        };
        step();
        // SAFETY: both are segments: one that was just taken, and the one in which the queue ends.
        let (left, entered) = unsafe { (header(of(seen)), header(new)) };
        // By this the reader finds the way if the process is killed before the segment that is left says it.
        entered.previous.store(of(seen), Ordering::Release);
        step();
        if replace(next, seen, new + SLOT) {
            moved = true;
            step();
            left.following.store(new, Ordering::Release);
        } else {
            entered.previous.store(0, Ordering::Relaxed);
            pool.give(new);
        }
        step();
    }
}

/// Stores `new` if there still is `old`, by one instruction. Whether it has.
fn replace(next: &AtomicU64, old: u64, new: u64) -> bool {
    let mut seen = old;
    // SAFETY: as in `reserve`.
    unsafe {
        asm!("cmpxchg qword ptr [{}], {}", in(reg) next.as_ptr(), in(reg) new, inout("rax") seen, options(nostack));
    }
    seen == old
}
