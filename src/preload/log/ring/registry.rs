//! All rings of the process: making, finding and giving up.
//!
//! # Safety
//! Rings and the nodes of their list are never freed, and a node is never changed once it is in the list.

use super::buffer::{HEADER, Ring};
use crate::tls::RingHead;
use crate::{mode, process, sys, tls};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_core::boxed::try_boxed;

/// The list of all rings. It is apart from them, because a forked child needs it and finds their first pages empty.
struct Node {
    ring: &'static Ring,
    next: *const Node,
}

static RINGS: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

/// Gives the calling thread a ring, if it has none. From the slow path only.
pub fn make(tid: i32) {
    let tls = tls::get();
    // SAFETY: the pointer is a ring's head, or the one of zeros; both are there for ever.
    let has = unsafe { (*tls.ring.get()).live.load(Ordering::Relaxed) } != 0;
    if has || !mode::rings() || process::is_sandboxed() {
        return;
    }
    // The thread's own, which vfork has put aside, or one that nobody has, or a new one.
    let own = all().find(|ring| ring.head.tid.load(Ordering::Relaxed) == tid);
    let free = || {
        all().find(|ring| ring.head.tid.compare_exchange(0, tid, Ordering::AcqRel, Ordering::Relaxed).is_ok())
    };
    if let Some(ring) = own.or_else(free).or_else(|| map(tid)) {
        ring.head.live.store(1, Ordering::Release);
        // The pointer is to the whole ring, which begins with its head.
        tls.ring.set(ptr::from_ref(ring).cast::<RingHead>());
    }
}

fn map(tid: i32) -> Option<&'static Ring> {
    let memory = sys::mmap(size_of::<Ring>()).ok()?;
    // SAFETY: the page was made here, and holds numbers.
    unsafe { sys::wipe_on_fork(memory, HEADER) }.ok()?;
    // SAFETY: the mapping is zeroed, which is a ring, and never unmapped.
    let ring: &'static Ring = unsafe { &*memory.cast::<Ring>() };
    ring.reset();
    ring.head.tid.store(tid, Ordering::Relaxed);
    let [node] = Box::leak(try_boxed(|| Node { ring, next: ptr::null() })?);
    let mut first = RINGS.load(Ordering::Acquire);
    loop {
        node.next = first;
        match RINGS.compare_exchange_weak(first, node, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Some(ring),
            Err(seen) => first = seen,
        }
    }
}

/// Every ring that there is.
pub fn all() -> impl Iterator<Item = &'static Ring> {
    let mut node: *const Node = RINGS.load(Ordering::Acquire);
    core::iter::from_fn(move || {
        // SAFETY: the pointers are null or nodes, which are never freed or changed.
        let this = unsafe { node.as_ref() }?;
        node = this.next;
        Some(this.ring)
    })
}

/// Before vfork: the child runs on this thread, and must not find the ring.
pub fn put_aside() {
    tls::get().ring.set(tls::no_ring());
}

/// From now on all calls take the slow path.
pub fn retire_all() {
    mode::forbid_rings();
    all().for_each(|ring| ring.head.live.store(0, Ordering::Release));
}

/// In a forked child: the rings are those of threads that do not exist here. Their first pages are empty already.
pub fn free_all() {
    put_aside();
    for ring in all() {
        let (records, len) = ring.records();
        // SAFETY: records are numbers in a private mapping, and the thread that used them does not exist here.
        unsafe { sys::discard(records, len) };
        ring.reset();
    }
}
