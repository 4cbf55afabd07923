//! All queues of the process: whose they are, and how they change hands.
//!
//! A queue is never unmapped, and there are as many as there were threads at one time. A thread takes over the queue of one
//! that is gone, also before it was read to the end: what it writes stands behind a record that says so. It asks the kernel
//! about a few owners only, so a thread's start costs the same however many there were before.
//!
//! # Safety
//! A queue is zeros in the beginning, and in a forked child again: one that nobody has. Who has exchanged the owner for
//! [`CLAIMED`] has it alone; the owner was nobody, or the kernel has said that it is gone.

use super::memory::{self, Segments};
use super::reserve::{reserve, reserve_further};
use super::segment::{Pool, SLOT, STRIDE, header, is_inside, of, word};
use crate::tls::QueueHead;
use crate::{identity, mode, sys, tls};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// The queue of one thread at a time.
#[repr(C)]
pub struct Queue {
    /// The thread's cache line.
    pub head: QueueHead,
    pub(super) tail: Tail,
}

/// The writer's cache line.
#[repr(C, align(64))]
pub(super) struct Tail {
    /// The place of what is read next.
    pub cursor: AtomicU64,
    /// Where something stands that is not whole, and since when.
    pub stuck: [AtomicU64; 2],
    /// A segment that is not to be used again: a record in it was skipped that may yet be written.
    pub held: AtomicU64,
    /// The thread that has written what is read next.
    pub tid: AtomicI32,
}

/// The first word of a record that says who writes from here on: the thread in its low half.
pub(super) const THREAD: u64 = 1 << 61;
/// In the owner's place while the queue changes hands.
pub(super) const CLAIMED: i32 = -1;
/// How many queues a new thread looks at before it takes a new one.
const LOOKS: usize = 4;
/// The bytes of a table of queues, and how many there are in it.
const TABLE: usize = 64 * 1024;
const QUEUES: usize = TABLE / size_of::<Queue>();
const TABLES: usize = 64;

/// The tables. They are never unmapped, and the kernel empties them in a forked child.
static ALL: [AtomicPtr<Queue>; TABLES] = [const { AtomicPtr::new(ptr::null_mut()) }; TABLES];
/// How many queues there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Set while no thread may take the fast path.
static HELD_BACK: AtomicBool = AtomicBool::new(false);
/// What is lost of threads that have no queue, and what cannot be written.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The calling thread's queue. It gets one, if it has none; `None` when there is no memory.
#[inline(always)]
pub(super) fn own() -> Option<&'static Queue> {
    let head = tls::get().queue.get();
    if head == tls::no_queue() {
        return make(identity::tid());
    }
    // SAFETY: any other head begins a queue.
    Some(unsafe { &*head.cast::<Queue>() })
}

/// Lets the calling thread's next calls take the fast path. From the slow path only.
#[inline(always)]
pub fn make_fast() {
    // SAFETY: the pointer is a queue's head, or the one of zeros; both are there for ever.
    if unsafe { &*tls::get().queue.get() }.live.load(Ordering::Relaxed) == 0 {
        set_live();
    }
}

#[inline(never)]
fn set_live() {
    if mode::has_fast_path()
        && !identity::is_sandboxed()
        && !HELD_BACK.load(Ordering::SeqCst)
        && let Some(queue) = own()
    {
        queue.head.live.store(1, Ordering::SeqCst);
        if HELD_BACK.load(Ordering::SeqCst) {
            queue.head.live.store(0, Ordering::Release);
        }
    }
}

#[cold]
#[inline(never)]
fn make(tid: i32) -> Option<&'static Queue> {
    let shared = tls::get().shared.get() == 1;
    if shared && let Some(queue) = all().find(|queue| queue.head.tid.load(Ordering::Acquire) == tid) {
        return Some(queue);
    }
    let (queue, before) = abandoned().or_else(fresh)?;
    queue.head.live.store(0, Ordering::Relaxed);
    if !begin(queue, tid) {
        queue.release(before);
        return None;
    }
    queue.release(tid);
    if shared {
        return Some(queue);
    }
    // The pointer is to the whole queue, which begins with its head.
    tls::get().queue.set(ptr::from_ref(queue).cast::<QueueHead>());
    Some(queue)
}

/// Says in the queue who writes from here on.
fn begin(queue: &Queue, tid: i32) -> bool {
    let next = &queue.head.next;
    // In a forked child a call may have come back that had begun in the parent, and have taken slots in vain.
    if next.load(Ordering::Relaxed) < STRIDE {
        let Some(segment) = Segments.take() else { return false };
        queue.tail.cursor.store(segment + SLOT, Ordering::Release);
        next.store(segment + SLOT, Ordering::Release);
    }
    let mut at = reserve(next, 1);
    if !is_inside(at) {
        let Some((_, further)) = reserve_further(next, 1, &Segments) else { return false };
        at = further;
    }
    // SAFETY: the slot was just taken.
    unsafe { word(at) }.store(THREAD | u64::from(tid as u32), Ordering::Release);
    true
}

/// Claims the queue of a thread that is gone, or that was given back: it, and the owner that it had.
fn abandoned() -> Option<(&'static Queue, i32)> {
    /// Where to look next, so that all queues get their turn.
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.load(Ordering::Acquire);
    for _ in 0..LOOKS.min(count) {
        let queue = at(TURN.fetch_add(1, Ordering::Relaxed) % count)?;
        let owner = queue.head.tid.load(Ordering::Acquire);
        let free = owner == 0 || (owner > 0 && !identity::is_sandboxed() && is_gone(identity::pid(), owner));
        if free && queue.claim(owner) {
            return Some((queue, owner));
        }
    }
    None
}

/// Whether a queue's owner is gone: a thread of the process `pid`, or another process in the same memory.
pub(super) fn is_gone(pid: i32, owner: i32) -> bool {
    !sys::thread_exists(pid, owner) && !sys::thread_exists(owner, owner)
}

/// Claims a queue that nobody has had yet.
fn fresh() -> Option<(&'static Queue, i32)> {
    loop {
        let number = COUNT.load(Ordering::Acquire);
        let queue = at(number)?;
        let claimed = queue.claim(0);
        // Whoever has claimed it: it is one of all.
        if COUNT.compare_exchange(number, number + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            memory::entitle();
        }
        if claimed {
            return Some((queue, 0));
        }
    }
}

/// The queue with this number; its memory is made, if there is none yet.
fn at(number: usize) -> Option<&'static Queue> {
    let table = ALL.get(number / QUEUES)?;
    if table.load(Ordering::Acquire).is_null() {
        map(table);
    }
    let start = table.load(Ordering::Acquire);
    // SAFETY: the pointer is null or to a table of queues, which is mapped for ever.
    (!start.is_null()).then(|| unsafe { &*start.add(number % QUEUES) })
}

/// Maps a table, if nobody else has done so meanwhile. In a sandbox the kernel is asked for nothing.
#[cold]
fn map(table: &AtomicPtr<Queue>) {
    if identity::is_sandboxed() {
        return;
    }
    let Ok(memory) = sys::mmap(TABLE) else { return };
    let queues = memory.cast::<Queue>();
    // SAFETY: the mapping was made here, and zeros are queues.
    let wiped = unsafe { sys::wipe_on_fork(memory, TABLE) }.is_ok();
    let first =
        || table.compare_exchange(ptr::null_mut(), queues, Ordering::AcqRel, Ordering::Acquire).is_ok();
    if !(wiped && first()) {
        // SAFETY: nobody has seen the mapping.
        unsafe { sys::munmap(memory, TABLE) };
    }
}

/// Every queue that there is.
pub fn all() -> impl Iterator<Item = &'static Queue> {
    (0..COUNT.load(Ordering::Acquire)).map_while(at)
}

/// Before a sandbox, in which no memory can be mapped: makes sure that there is some, and a queue for the calling thread.
pub fn provide() {
    own();
    memory::provide();
}

/// Before vfork: the child runs on this thread, and must not take the fast path, which does not ask who it is.
pub fn put_aside() {
    // SAFETY: the pointer is a queue's head, or the one of zeros, which stays so; both are there for ever.
    unsafe { &*tls::get().queue.get() }.live.store(0, Ordering::Relaxed);
}

/// Before a child begins that uses the calling thread's storage beside it: from now on both look for their queues with each
/// call.
pub fn share() {
    let tls = tls::get();
    tls.shared.set(1);
    tls.pid.set(0);
    tls.queue.set(tls::no_queue());
}

/// Until a writer begins again all data calls take the slow path.
pub fn hold_back() {
    HELD_BACK.store(true, Ordering::SeqCst);
    put_all_aside();
}

/// A writer begins.
pub fn let_go() {
    HELD_BACK.store(false, Ordering::SeqCst);
}

fn put_all_aside() {
    all().for_each(|queue| queue.head.live.store(0, Ordering::SeqCst));
}

/// From now on all calls take the slow path.
pub fn retire_all() {
    mode::forbid_fast_path();
    put_all_aside();
}

/// In a forked child: the queues are those of threads that do not exist here. The kernel has emptied them.
pub fn forget_all() {
    tls::get().queue.set(tls::no_queue());
    tls::get().shared.set(0);
    COUNT.store(0, Ordering::Relaxed);
    DROPPED.store(0, Ordering::Relaxed);
    let_go();
    memory::forget_all();
}

/// Counts records as lost that have no queue, or that were read and could not be written.
pub fn add_dropped(count: u64) {
    DROPPED.fetch_add(count, Ordering::Relaxed);
}

/// How many records were lost since this was asked last.
pub fn take_dropped() -> u64 {
    let take = |count: &AtomicU64| match count.load(Ordering::Relaxed) {
        0 => 0,
        _ => count.swap(0, Ordering::Relaxed),
    };
    take(&DROPPED) + all().map(|queue| take(&queue.head.dropped)).sum::<u64>()
}

impl Queue {
    /// Has the queue alone, if this is still its owner.
    pub(super) fn claim(&self, owner: i32) -> bool {
        self.head.tid.compare_exchange(owner, CLAIMED, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Lets others have a queue that was claimed.
    pub(super) fn release(&self, owner: i32) {
        self.head.tid.store(owner, Ordering::Release);
    }

    /// Takes the segment from a queue that was claimed and read to its end.
    pub(super) fn empty(&self) {
        let at = self.head.next.load(Ordering::Acquire);
        if at >= STRIDE {
            self.head.next.store(0, Ordering::Relaxed);
            self.tail.cursor.store(0, Ordering::Relaxed);
            self.tail.held.store(0, Ordering::Relaxed);
            // SAFETY: the queue's last segment, in which everything was read.
            unsafe { header(of(at)) }.previous.store(0, Ordering::Relaxed);
            Segments.give(of(at));
        }
    }
}
