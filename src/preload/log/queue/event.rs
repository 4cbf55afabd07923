//! Events in a queue: their bytes, without what they have room for and do not use.
//!
//! # Safety
//! An event is plain data without heap memory, so its bytes are an event again. Its path is its last field, and the path's
//! steps are the last thing in it; what is behind the last step holds nothing.

use super::producer::further;
use super::registry::{add_dropped, own};
use super::reserve::reserve;
use super::segment::{EVENT, OPEN, SLOT, is_inside, slots, word};
use crate::tls::QueueHead;
use core::arch::asm;
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::Ordering;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::path::{MAX_STEPS, Step};
use sockshim_core::trace::event::{Event, Extra};

/// Where the event's bytes begin, behind the word that says what is here.
pub(super) const BODY: usize = 8;
/// What every event has, before its socket.
pub(super) const FIXED: usize = offset_of!(Event, socket);
const SOCKET: usize = offset_of!(Event, addr) - FIXED;
const ADDRESS: usize = offset_of!(Event, path) - offset_of!(Event, addr);
const PATH: usize = size_of::<Event>() - offset_of!(Event, path);
/// What is copied at once.
pub(super) const CHUNK: usize = 64;

/// In the first word of a record: which parts the event has beside the fixed one.
const HAS_SOCKET: u64 = 1 << 32;
const HAS_ADDRESS: u64 = 1 << 33;
const HAS_PATH: u64 = 1 << 34;
/// In place of [`HAS_ADDRESS`]: of the address there is no more than a chunk.
pub(super) const HAS_SHORT_ADDRESS: u64 = 1 << 35;

const _: () = assert!(FIXED >= CHUNK && ADDRESS >= size_of::<SockAddr>() && SOCKET + FIXED >= CHUNK);

/// Whether the event has an address or a text.
fn has_address(extra: Extra) -> bool {
    matches!(extra, Extra::Address | Extra::Text | Extra::Resolved(_) | Extra::Bytes)
}

/// Puts a copy of the event into the calling thread's queue, or counts it as lost.
#[inline(always)]
pub fn put(event: &Event) {
    let Some(queue) = own() else { return add_dropped(1) };
    if event.socket.is_some() || event.ops.is_some() || !event.path.steps().is_empty() {
        return put_long(&queue.head, event);
    }
    if has_address(event.extra) {
        return match SockAddr::used(event.addr.len()) <= CHUNK {
            true => put_short_address(&queue.head, event),
            false => put_long(&queue.head, event),
        };
    }
    let slots = (BODY + FIXED).div_ceil(SLOT as usize) as u64;
    let Some(at) = taken(&queue.head, slots) else { return };
    // SAFETY: the slots were taken for this record, and are at least as long as the event's fixed part.
    unsafe { finish(at, slots, event, 0) };
}

/// [`put`] of an event that has an address of the usual length, beside its fixed part.
#[inline(always)]
fn put_short_address(head: &QueueHead, event: &Event) {
    let slots = (BODY + FIXED + CHUNK).div_ceil(SLOT as usize) as u64;
    let Some(at) = taken(head, slots) else { return };
    // SAFETY: the slots were taken for this record, and are at least as long as its parts.
    unsafe {
        copy_chunk::<0>((&raw const event.addr).cast(), (at as *mut u8).add(BODY + FIXED));
        finish(at, slots, event, HAS_SHORT_ADDRESS);
    }
}

/// Takes the slots of a record that is not whole yet.
#[inline(always)]
pub(super) fn taken(head: &QueueHead, slots: u64) -> Option<u64> {
    let mut at = reserve(&head.next, slots);
    if !is_inside(at) {
        at = further(head, slots);
        if at == 0 {
            return None;
        }
    }
    // SAFETY: the slots were taken for this record.
    unsafe { word(at) }.store(OPEN | slots, Ordering::Relaxed);
    Some(at)
}

/// Copies the fixed part of an event, which makes its record whole.
///
/// # Safety
/// The slots must have been [`taken`].
#[inline(always)]
unsafe fn finish(at: u64, slots: u64, event: &Event, parts: u64) {
    // SAFETY: the caller's promise.
    unsafe {
        copy_part::<FIXED, { FIXED - CHUNK }>(ptr::from_ref(event).cast(), (at as *mut u8).add(BODY));
        word(at).store(EVENT | parts | slots, Ordering::Release);
    }
}

/// [`put`] of an event with any other parts.
#[inline(never)]
fn put_long(head: &QueueHead, event: &Event) {
    let begin = ptr::from_ref(event).cast::<u8>();
    let (mut path, mut len, mut parts) = (0, BODY + FIXED, 0);
    if !event.path.steps().is_empty() {
        let steps = event.path.steps().as_ptr_range();
        // The compiler knows where a path keeps its steps, so the test costs nothing.
        path = match steps.start as usize + size_of::<[Step; MAX_STEPS]>()
            == begin as usize + size_of::<Event>()
        {
            true => steps.end as usize - begin as usize - offset_of!(Event, path),
            false => PATH,
        };
        (len, parts) = (len + path, HAS_PATH);
    }
    if has_address(event.extra) {
        (len, parts) = (len + ADDRESS, parts | HAS_ADDRESS);
    }
    if event.socket.is_some() || event.ops.is_some() {
        (len, parts) = (len + SOCKET, parts | HAS_SOCKET);
    }
    let slots = len.div_ceil(SLOT as usize) as u64;
    let Some(at) = taken(head, slots) else { return };
    // SAFETY: the slots were taken for this record, and are at least as long as its parts.
    unsafe {
        // Backwards: a part that is shorter than a chunk is copied with what is before it, which is then written over.
        let mut to = (at as *mut u8).add(len - path);
        if path != 0 {
            copy(begin.add(offset_of!(Event, path)), to, path);
        }
        if parts & HAS_ADDRESS != 0 {
            to = to.sub(ADDRESS);
            copy_part::<ADDRESS, { ADDRESS - CHUNK }>(begin.add(offset_of!(Event, addr)), to);
        }
        if parts & HAS_SOCKET != 0 {
            copy(begin.add(FIXED), to.sub(SOCKET), SOCKET);
        }
        finish(at, slots, event, parts);
    }
}

/// Copies so many bytes, in chunks of which the last one ends where they end. If they are fewer than a chunk, what is before
/// them is copied, too. `ptr::copy_nonoverlapping` instead costs 20 instructions per event.
///
/// # Safety
/// There must be so many bytes on either side, and a chunk up to their end.
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    let mut at = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while at + CHUNK < len {
            copy_chunk::<0>(from.add(at), to.add(at));
            at += CHUNK;
        }
        copy_chunk::<0>(from.add(len).sub(CHUNK), to.add(len).sub(CHUNK));
    }
}

/// [`copy`] of a part of one, two or three chunks, whose length is known.
///
/// # Safety
/// The same.
#[inline(always)]
unsafe fn copy_part<const LEN: usize, const LAST: usize>(from: *const u8, to: *mut u8) {
    const { assert!(LEN == LAST + CHUNK && LEN <= 3 * CHUNK) };
    // SAFETY: the caller's promise.
    unsafe {
        if LEN > CHUNK {
            copy_chunk::<0>(from, to);
        }
        if LEN > 2 * CHUNK {
            copy_chunk::<CHUNK>(from, to);
        }
        copy_chunk::<LAST>(from, to);
    }
}

/// Copies the chunk at this distance.
///
/// # Safety
/// There must be so many bytes on either side.
#[inline(always)]
unsafe fn copy_chunk<const AT: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: the caller's promise. Bytes that hold nothing are copied as they are.
    unsafe {
        asm!(
            "movups {a}, xmmword ptr [{from} + {at}]",
            "movups {b}, xmmword ptr [{from} + {at} + 16]",
            "movups {c}, xmmword ptr [{from} + {at} + 32]",
            "movups {d}, xmmword ptr [{from} + {at} + 48]",
            "movups xmmword ptr [{to} + {at}], {a}",
            "movups xmmword ptr [{to} + {at} + 16], {b}",
            "movups xmmword ptr [{to} + {at} + 32], {c}",
            "movups xmmword ptr [{to} + {at} + 48], {d}",
            at = const AT,
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

/// Copies the event of a whole record with this first word.
///
/// # Safety
/// As for [`ended`].
pub(super) unsafe fn get(at: u64, word: u64, event: &mut Event) {
    let end = (at + slots(word) * SLOT) as usize;
    // SAFETY: the caller's promise; the parts are what `put` has written.
    unsafe {
        let mut from = (at as *const u8).add(BODY);
        let to = ptr::from_mut(event).cast::<u8>();
        let mut take = |part: usize, len: usize| {
            ptr::copy_nonoverlapping(from, to.add(part), len);
            from = from.add(len);
        };
        take(0, FIXED);
        if word & HAS_SOCKET != 0 {
            take(FIXED, SOCKET);
        }
        if word & HAS_SHORT_ADDRESS != 0 {
            to.add(offset_of!(Event, addr)).cast::<SockAddr>().write(SockAddr::EMPTY);
            take(offset_of!(Event, addr), CHUNK);
        }
        if word & HAS_ADDRESS != 0 {
            take(offset_of!(Event, addr), ADDRESS);
        }
        let rest = end - from as usize;
        if word & HAS_PATH != 0 {
            ptr::copy_nonoverlapping(from, to.add(offset_of!(Event, path)), rest.min(PATH));
        }
    }
    if word & HAS_SOCKET == 0 {
        (event.socket, event.ops, event.prot) = (None, None, None);
    }
    if word & HAS_PATH == 0 {
        event.path.clear();
    }
}
