//! The short way for data calls at level io: one ring of small records per thread.
//!
//! A data call on a known socket needs no decision, so nothing is walked and nothing is built: the call's words, its
//! result and two readings of the time stamp counter go into the thread's own ring, and the writer makes an event of
//! them. No system call, no lock, no locked instruction. Whatever is unusual (an unknown descriptor, a thread without
//! a ring, an address, a child) takes the long way through [`crate::call`] instead.
//!
//! The writer merges rings and channel by the time at which calls ended; see [`crate::log::merge`].
//!
//! # Safety
//! A ring is mapped for ever and belongs to one thread at a time; only that thread writes slots and moves the head,
//! only the writer moves the tail. A signal handler may interrupt the thread anywhere: the place is taken by one
//! instruction, and a slot counts only when its stamp is written, which is last.

use crate::log::clock;
use crate::{mode, process, sys, tls};
use core::arch::asm;
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering};
use sockshim_core::fdtable::FDS;

/// How many records a ring holds.
const SLOTS: usize = 4096;
/// The places that stay free, so that handlers which interrupt a thread between looking and taking find room.
const MARGIN: u64 = 64;
/// The argument words after the descriptor that a record keeps.
pub const WORDS: usize = 5;

/// One data call.
#[repr(C)]
pub struct Record {
    /// The slot's number plus one, once the record is whole.
    stamp: AtomicU64,
    /// The rest, which belongs to whoever the stamp and the tail say.
    data: UnsafeCell<Data>,
}

/// What is known of a data call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Data {
    /// The time stamp counter when the call had ended.
    pub end: u64,
    /// How many ticks libc took.
    pub ticks: u64,
    /// The descriptor's word in the fd table.
    pub socket: u64,
    /// The result.
    pub ret: i64,
    /// The descriptor.
    pub fd: i32,
    /// errno, when the result is an error.
    pub errno: u16,
    /// The hook's place in the table.
    pub place: u16,
    /// The argument words after the descriptor.
    pub words: [i64; WORDS],
}

/// The ring of one thread.
#[repr(C)]
pub struct Ring {
    head: UnsafeCell<u64>,
    dropped: AtomicU64,
    /// The thread; 0 when the ring is free.
    tid: AtomicI32,
    /// The process, so that a forked child does not take its parent's ring for its own.
    pid: AtomicI32,
    next: AtomicPtr<Ring>,
    // The writer's line.
    tail: Aligned,
    records: [Record; SLOTS],
}

#[repr(align(64))]
struct Aligned(AtomicU64);

static RINGS: AtomicPtr<Ring> = AtomicPtr::new(ptr::null_mut());

/// What a data call has found before libc.
pub enum Begin {
    /// Nothing to observe.
    Pass,
    /// The long way.
    Long,
    /// The short way.
    Short(Started),
}

/// Carried over libc's call.
#[derive(Clone, Copy)]
pub struct Started {
    ring: &'static Ring,
    socket: u64,
    start: u64,
}

/// The start of a call on any descriptor (read, write): something else than a socket is of no interest.
#[inline(always)]
pub fn bytes(fd: i32) -> Begin {
    match FDS.word(fd) {
        1 => Begin::Pass,
        word => begin(word),
    }
}

/// The start of a call that is for sockets only (send, recv): on something else its error is of interest.
#[inline(always)]
pub fn message(fd: i32) -> Begin {
    begin(FDS.word(fd))
}

#[inline(always)]
fn begin(socket: u64) -> Begin {
    let tls = tls::get();
    // SAFETY: the pointer is null or a ring, which is mapped for ever.
    let Some(ring) = (unsafe { tls.ring.get().as_ref() }) else { return Begin::Long };
    let own = ring.pid.load(Ordering::Relaxed) == process::pid() && tls.vfork.get() == 0;
    if socket <= 1 || !own || !mode::rings() {
        return Begin::Long;
    }
    Begin::Short(Started { ring, socket, start: clock::ticks() })
}

/// The end of a call that took the short way.
#[inline(always)]
pub fn end<const N: usize>(started: Started, place: usize, args: [i64; N], ret: i64) {
    let end = clock::ticks();
    let ring = started.ring;
    // SAFETY: only this thread changes the head.
    let head = unsafe { *ring.head.get() };
    if head.wrapping_sub(ring.tail.0.load(Ordering::Acquire)) > SLOTS as u64 - MARGIN {
        ring.dropped.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let mut at: u64 = 1;
    // SAFETY: the one instruction takes a place even if a handler takes others around it.
    unsafe {
        asm!("xadd qword ptr [{}], {}", in(reg) ring.head.get(), inout(reg) at, options(nostack));
    }
    let record = &ring.records[at as usize % SLOTS];
    // SAFETY: the place is this call's alone until its stamp is written.
    unsafe {
        let data = record.data.get();
        (&raw mut (*data).end).write(end);
        (&raw mut (*data).ticks).write(end.wrapping_sub(started.start));
        (&raw mut (*data).socket).write(started.socket);
        (&raw mut (*data).ret).write(ret);
        (&raw mut (*data).fd).write(args[0] as i32);
        (&raw mut (*data).errno).write(if ret == -1 { sys::errno() as u16 } else { 0 });
        (&raw mut (*data).place).write(place as u16);
        let words = (&raw mut (*data).words).cast::<i64>();
        let mut index = 1;
        while index < N && index <= WORDS {
            words.add(index - 1).write(args[index]);
            index += 1;
        }
    }
    record.stamp.store(at + 1, Ordering::Release);
}

/// Gives the calling thread a ring, if it has none of this process. From the long way only.
pub fn make(tid: i32) {
    let tls = tls::get();
    let pid = process::pid();
    // SAFETY: the pointer is null or a ring, which is mapped for ever.
    let has = unsafe { tls.ring.get().as_ref() }.is_some_and(|ring| ring.pid.load(Ordering::Relaxed) == pid);
    if has || !mode::rings() || process::is_sandboxed() {
        return;
    }
    let free = all().find(|ring| ring.tid.compare_exchange(0, tid, Ordering::AcqRel, Ordering::Relaxed).is_ok());
    if let Some(ring) = free.or_else(|| map(tid)) {
        ring.pid.store(pid, Ordering::Release);
        tls.ring.set(ptr::from_ref(ring).cast_mut());
    }
}

fn map(tid: i32) -> Option<&'static Ring> {
    let ring = sys::mmap(size_of::<Ring>()).cast::<Ring>();
    // SAFETY: the mapping is zeroed, which is an empty ring, and never unmapped.
    let ring = unsafe { ring.as_ref() }?;
    ring.tid.store(tid, Ordering::Relaxed);
    let mut first = RINGS.load(Ordering::Acquire);
    loop {
        ring.next.store(first, Ordering::Relaxed);
        let new = ptr::from_ref(ring).cast_mut();
        match RINGS.compare_exchange_weak(first, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Some(ring),
            Err(seen) => first = seen,
        }
    }
}

/// Every ring that there is.
pub fn all() -> impl Iterator<Item = &'static Ring> {
    // SAFETY: the pointers are null or rings, which are mapped for ever.
    let next = |from: &AtomicPtr<Ring>| unsafe { from.load(Ordering::Acquire).as_ref() };
    let mut ring = next(&RINGS);
    core::iter::from_fn(move || {
        let this = ring?;
        ring = next(&this.next);
        Some(this)
    })
}

/// In a forked child: the rings are copies of those of threads that do not exist here, so all are free.
pub fn free_all() {
    for ring in all() {
        // SAFETY: the child has one thread, and it is not between `begin` and `end` of this ring: it is here.
        let used = unsafe { ring.head.get().replace(0) };
        // No further than it was used, so that the rest stays unmapped.
        let used = usize::try_from(used).map_or(SLOTS, |used| used.min(SLOTS));
        ring.records[..used].iter().for_each(|record| record.stamp.store(0, Ordering::Relaxed));
        ring.tail.0.store(0, Ordering::Relaxed);
        ring.dropped.store(0, Ordering::Relaxed);
        ring.pid.store(0, Ordering::Relaxed);
        ring.tid.store(0, Ordering::Release);
    }
}

/// The writer's side.
impl Ring {
    /// The next record that is whole, with the thread that made it.
    pub fn next(&self) -> Option<(i32, Data)> {
        let tail = self.tail.0.load(Ordering::Relaxed);
        let record = &self.records[tail as usize % SLOTS];
        if record.stamp.load(Ordering::Acquire) != tail + 1 {
            return None;
        }
        // SAFETY: the stamp says that the record is whole, and the tail that it is the writer's.
        let data = unsafe { *record.data.get() };
        self.tail.0.store(tail + 1, Ordering::Release);
        Some((self.tid.load(Ordering::Relaxed), data))
    }

    /// How many calls had no room since this was asked last.
    pub fn take_dropped(&self) -> u64 {
        match self.dropped.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// Whether a record is waiting.
    pub fn is_empty(&self) -> bool {
        let tail = self.tail.0.load(Ordering::Relaxed);
        self.records[tail as usize % SLOTS].stamp.load(Ordering::Acquire) != tail + 1
    }

    /// Frees the ring when its thread is gone. For an empty ring, now and then: it asks the kernel.
    pub fn free_if_orphaned(&self, pid: i32) {
        let tid = self.tid.load(Ordering::Acquire);
        if tid != 0 && self.pid.load(Ordering::Acquire) == pid && !sys::thread_exists(pid, tid) && self.is_empty() {
            self.pid.store(0, Ordering::Relaxed);
            self.tid.store(0, Ordering::Release);
        }
    }
}
