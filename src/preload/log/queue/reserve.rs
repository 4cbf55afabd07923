//! How a thread takes slots.
//!
//! All that is known of the writing side is one word, the place of the next free slot. It changes by one instruction which
//! fails when somebody else has changed it: a signal handler comes before it or after it and finds the queue in order, and
//! so does a reader when the process was killed. The instruction is not a locked one, because only the thread itself and
//! its handlers change the word.
//!
//! # Safety
//! A place that was taken belongs to who took it until its record is whole. A thread touches the segment that it leaves for
//! the last time when it stores the end, and nobody gives the segment away before.

use super::segment::{Pool, SEGMENT, SLOT, header, of};
use super::step;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// Takes slots, if the segment has room for them.
#[inline(always)]
pub fn reserve(next: &AtomicU64, slots: u64) -> Option<u64> {
    let at = next.load(Ordering::Relaxed);
    if !has_room(at, slots) {
        return None;
    }
    step();
    replace(next, at, at + slots * SLOT).then_some(at)
}

/// Whether there is room between a place and the end of its segment. At the end there is none, nor at zero, which stands
/// for no segment at all.
#[inline(always)]
fn has_room(place: u64, slots: u64) -> bool {
    place.wrapping_sub(SLOT) % SEGMENT <= SEGMENT - SLOT - slots * SLOT
}

/// Takes slots, in another segment if need be: whether it is another one, and the place. `None` when there is no memory, or
/// no segment at all, as in a child that was forked meanwhile.
pub fn reserve_further(next: &AtomicU64, slots: u64, pool: &impl Pool) -> Option<(bool, u64)> {
    let mut moved = false;
    loop {
        if let Some(at) = reserve(next, slots) {
            return Some((moved, at));
        }
        let at = next.load(Ordering::Relaxed);
        if at == 0 {
            return None;
        }
        // A handler has come in between, and has left room.
        if has_room(at, slots) {
            continue;
        }
        let new = pool.take()?;
        step();
        // SAFETY: both are segments: one that was just taken, and the one in which the queue ends.
        let (left, entered) = unsafe { (header(of(at)), header(new)) };
        // By this the reader finds the way if the process is killed before the segment that is left says it.
        entered.previous.store(of(at), Ordering::Release);
        step();
        if !replace(next, at, new + SLOT) {
            entered.previous.store(0, Ordering::Relaxed);
            pool.give(new);
            continue;
        }
        moved = true;
        step();
        left.following.store(new, Ordering::Release);
        step();
        left.end.store(at, Ordering::Release);
        step();
    }
}

/// Stores `new` if there still is `old`, by one instruction. Whether it has.
#[inline(always)]
fn replace(next: &AtomicU64, old: u64, new: u64) -> bool {
    let mut seen = old;
    // SAFETY: the word is there. Only this thread and what interrupts it change it, so the instruction is atomic for all
    // who do; who only reads it sees one value or the other.
    unsafe {
        asm!("cmpxchg qword ptr [{}], {}", in(reg) next.as_ptr(), in(reg) new, inout("rax") seen, options(nostack));
    }
    seen == old
}
