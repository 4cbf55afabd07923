//! Events in a queue: their bytes, without what they have room for and do not use.
//!
//! # Safety
//! An event is plain data without heap memory, so its bytes are an event again. Its path is its last field, and the path's
//! steps are the last thing in it; what is behind the last step holds nothing.

use super::producer::further;
use super::registry::{add_dropped, own};
use super::reserve::reserve;
use super::segment::{EVENT, OPEN, SLOT, is_inside, word};
use core::arch::asm;
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::Ordering;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::path::{MAX_STEPS, Step};
use sockshim_core::trace::event::{Event, Extra};

/// Where the event's bytes begin, behind the word that says what is here.
const BODY: usize = 8;
/// What every event has, before its address.
const FIXED: usize = offset_of!(Event, addr);
const ADDRESS: usize = offset_of!(Event, path) - FIXED;
const PATH: usize = size_of::<Event>() - offset_of!(Event, path);
/// What is copied at once.
const CHUNK: usize = 64;

const _: () = assert!(FIXED >= CHUNK && ADDRESS >= CHUNK && ADDRESS >= size_of::<SockAddr>());

/// Whether the event has an address or a text.
fn has_address(extra: Extra) -> bool {
    matches!(extra, Extra::Address | Extra::Text)
}

/// Puts a copy of the event into the calling thread's queue, or counts it as lost.
#[inline]
pub fn put(event: &Event) {
    let Some(queue) = own() else { return add_dropped(1) };
    let begin = ptr::from_ref(event).cast::<u8>();
    let steps = event.path.steps().as_ptr_range();
    // The compiler knows where a path keeps its steps, so the test costs nothing.
    let at = steps.start as usize - begin as usize;
    let end = match at + size_of::<[Step; MAX_STEPS]>() == size_of::<Event>() {
        true => steps.end as usize - begin as usize,
        false => size_of::<Event>(),
    };
    let address = if has_address(event.extra) { ADDRESS } else { 0 };
    let path = end - offset_of!(Event, path);
    let slots = (BODY + FIXED + address + path).div_ceil(SLOT as usize) as u64;
    let mut at = reserve(&queue.head.next, slots);
    if !is_inside(at) {
        at = further(&queue.head, slots);
        if at == 0 {
            return;
        }
    }
    // SAFETY: the slots were taken for this record, and are at least as long as its parts.
    unsafe {
        word(at).store(OPEN | slots, Ordering::Relaxed);
        let body = (at as *mut u8).add(BODY);
        // The path is first: a short one is copied with what is before it, and the other parts are written over that.
        copy(begin.add(offset_of!(Event, path)), body.add(FIXED + address), path);
        if address != 0 {
            copy(begin.add(FIXED), body.add(FIXED), ADDRESS);
        }
        copy(begin, body, FIXED);
        word(at).store(EVENT | slots, Ordering::Release);
    }
}

/// Copies so many bytes, in chunks of which the last one ends where they end. If they are fewer than a chunk, what is before
/// them is copied, too. Not with the compiler's own means, which call memcpy: that may be another library's.
///
/// # Safety
/// There must be so many bytes on either side, and a chunk up to their end.
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    let mut at = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while at + CHUNK < len {
            copy_chunk(from.add(at), to.add(at));
            at += CHUNK;
        }
        copy_chunk(from.add(len).sub(CHUNK), to.add(len).sub(CHUNK));
    }
}

/// # Safety
/// There must be so many bytes on either side.
#[inline(always)]
unsafe fn copy_chunk(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise. Bytes that hold nothing are copied as they are.
    unsafe {
        asm!(
            "movups {a}, xmmword ptr [{from}]",
            "movups {b}, xmmword ptr [{from} + 16]",
            "movups {c}, xmmword ptr [{from} + 32]",
            "movups {d}, xmmword ptr [{from} + 48]",
            "movups xmmword ptr [{to}], {a}",
            "movups xmmword ptr [{to} + 16], {b}",
            "movups xmmword ptr [{to} + 32], {c}",
            "movups xmmword ptr [{to} + 48], {d}",
            from = in(reg) from,
            to = in(reg) to,
            a = out(xmm_reg) _,
            b = out(xmm_reg) _,
            c = out(xmm_reg) _,
            d = out(xmm_reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// When the event of a whole record ended, and whether that is in ticks.
///
/// # Safety
/// There must be a record of an event at that place, and nobody else may read it.
pub(super) unsafe fn ended(at: u64) -> (u64, bool) {
    // SAFETY: the caller's promise.
    unsafe {
        let body = (at as *const u8).add(BODY);
        let start = body.add(offset_of!(Event, start)).cast::<u64>().read();
        let ns = body.add(offset_of!(Event, ns)).cast::<u64>().read();
        (start.wrapping_add(ns), body.add(offset_of!(Event, in_ticks)).cast::<bool>().read())
    }
}

/// Copies the event of a whole record of so many slots.
///
/// # Safety
/// As for [`ended`].
pub(super) unsafe fn get(at: u64, slots: u64, event: &mut Event) {
    // SAFETY: the caller's promise; the parts are what `put` has written.
    unsafe {
        let body = (at as *const u8).add(BODY);
        let to = ptr::from_mut(event).cast::<u8>();
        ptr::copy_nonoverlapping(body, to, FIXED);
        let mut behind = body.add(FIXED);
        if has_address((*to.cast::<Event>()).extra) {
            ptr::copy_nonoverlapping(behind, to.add(FIXED), ADDRESS);
            behind = behind.add(ADDRESS);
        }
        let rest = (slots * SLOT) as usize - (behind as usize - at as usize);
        ptr::copy_nonoverlapping(behind, to.add(offset_of!(Event, path)), rest.min(PATH));
    }
}
