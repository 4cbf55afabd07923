//! The short way for data calls at level io: one ring of small records per thread.
//!
//! A data call on a known socket needs no decision, so nothing is walked and nothing is built: the call's words, its
//! result and two readings of the time stamp counter go into the thread's own ring, and the writer makes an event of
//! them. No lock, no locked instruction, and no system call but to wake a writer that is late. Whatever is unusual (an
//! unknown descriptor, a thread without a ring, an address to send to, a child) takes the long way through
//! [`crate::call`] instead.
//!
//! The writer merges rings and channel by the time at which calls ended; see [`crate::log::merge`].
//!
//! # Safety
//! A ring is mapped for ever and belongs to one thread at a time; only that thread writes slots and moves the head,
//! only the writer moves the tail. A signal handler may interrupt the thread anywhere: the place is taken by one
//! instruction, and a record counts only when its end is written, which is last.

use crate::dispatch::ready;
use crate::log::{clock, writer};
use crate::panic::attempt;
use crate::{mode, process, sys, tls};
use core::arch::asm;
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use sockshim_core::boxed::try_boxed;
use sockshim_core::fdtable::{FDS, Seen};
use sockshim_core::hook::Does;
use sockshim_core::trace::event::Event;

/// How many records a ring holds.
pub const SLOTS: usize = 4096;
/// The bytes from one record to the next.
const SIZE: u64 = size_of::<Record>() as u64;
/// The places that may be taken. The rest stays free, so that handlers which interrupt a thread between looking and
/// taking find room.
const FULL: u64 = SLOTS as u64 - 64;
/// So many records without the writer having looked, and it is woken.
const HALF: u64 = SLOTS as u64 / 2;
/// The room that the writer has made is told in pieces of so many places: telling takes the thread's line from it.
const PIECE: u64 = 64;
/// The argument words after the descriptor that a record keeps.
pub const WORDS: usize = 3;

/// Set in a record's place when the next record has more of the call's arguments.
const MORE: u16 = 1 << 15;

/// One data call: a cache line.
#[repr(C, align(64))]
pub struct Record {
    /// The counter when libc was back. Not zero once the record is whole, and zero again when it has been read.
    end: AtomicU64,
    /// The rest, which belongs to the thread while `end` is zero, and to the writer while it is not.
    data: UnsafeCell<Data>,
}

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A call on one socket: its first argument.
    Socket,
    /// A call that waits: the fifth argument stands in the socket's place.
    Wait,
    /// poll: its first arguments, beside the socket that makes it one of interest.
    Poll,
}

impl Shape {
    /// What the records of a call hold.
    pub const fn of(does: Does) -> Shape {
        match does {
            Does::Polls => Shape::Poll,
            Does::Selects | Does::Waits => Shape::Wait,
            _ => Shape::Socket,
        }
    }

    /// The first argument that the record has no room for.
    pub const fn rest(self) -> usize {
        match self {
            Shape::Socket => WORDS + 1,
            Shape::Wait => WORDS + 2,
            Shape::Poll => WORDS,
        }
    }
}

/// What is known of a data call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Data {
    /// The time stamp counter when libc was called.
    pub start: u64,
    /// The descriptor's word in the fd table.
    pub socket: u64,
    /// The result.
    pub ret: i64,
    /// The descriptor.
    pub fd: i32,
    /// errno, when the result is an error; else what an earlier record has left.
    pub errno: u16,
    /// The hook's place in the table.
    pub place: u16,
    /// The argument words after the descriptor.
    pub words: [i64; WORDS],
}

/// A call that was taken from a ring.
pub struct Taken {
    /// The counter when libc was back.
    pub end: u64,
    /// The record.
    pub data: Data,
    /// The arguments that it has no room for, from [`Shape::rest`] on.
    pub rest: [i64; WORDS],
}

/// The ring of one thread. Its first page is emptied by the kernel in a forked child (MADV_WIPEONFORK), so that the
/// child cannot take its parent's ring for its own.
#[repr(C)]
pub struct Ring {
    /// The thread's line.
    line: Line,
    /// The writer's line.
    tail: Aligned,
    _page: [u64; (4096 - 128) / 8],
    records: [Record; SLOTS],
}

/// What the thread looks at before it looks at a record.
#[repr(C, align(64))]
pub struct Line {
    /// The next place, in bytes: the thread does not multiply.
    head: UnsafeCell<u64>,
    /// The place, in bytes, at which the thread looks closer: the ring is half full, or full. Moved on by the writer.
    limit: AtomicU64,
    /// The calls that had no room.
    dropped: AtomicU64,
    /// Whether the ring may be used: 1 while it belongs to a thread.
    live: AtomicU32,
    /// The thread; 0 when the ring is free.
    tid: AtomicI32,
}

// SAFETY: the head is touched by one thread only, the one that the ring belongs to.
unsafe impl Sync for Line {}

#[repr(align(64))]
struct Aligned(AtomicU64);

const HEADER: usize = 4096;

/// The list of all rings. It is apart from them, because a forked child needs it.
struct Node {
    ring: &'static Ring,
    next: *const Node,
}

static RINGS: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

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
        word if word.is_not_socket() => Begin::Pass,
        word => begin(word),
    }
}

/// Whether fcntl(2) or ioctl(2) is about something that is known to be no socket, and makes no other descriptor of it.
#[inline(always)]
pub fn is_no_socket(words: &[i64]) -> bool {
    let copies = words[1] == i64::from(libc::F_DUPFD) || words[1] == i64::from(libc::F_DUPFD_CLOEXEC);
    FDS.word(words[0] as i32).is_not_socket() && !copies
}

/// The start of a call that is for sockets only (send, recv): on something else its error is of interest.
#[inline(always)]
pub fn message(fd: i32) -> Begin {
    begin(FDS.word(fd))
}

/// The start of a call that may bring descriptors, which is of interest at every level.
#[inline(always)]
pub fn rights(fd: i32) -> Begin {
    if mode::data() { message(fd) } else { Begin::Pass }
}

#[inline(always)]
fn begin(socket: Seen) -> Begin {
    match own() {
        Some(ring) if socket.is_socket() => {
            Begin::Short(Started { ring, socket: socket.raw(), start: clock::ticks() })
        }
        _ => Begin::Long,
    }
}

/// The start of a call that waits. `None` for the long way.
#[inline(always)]
pub fn start() -> Option<Started> {
    own().map(|ring| Started { ring, socket: 0, start: clock::ticks() })
}

/// The thread's ring, if it may be used.
#[inline(always)]
fn own() -> Option<&'static Ring> {
    let line = tls::get().ring.get();
    // SAFETY: the pointer is a ring's first line, or the line of zeros; both are there for ever.
    if unsafe { (*line).live.load(Ordering::Relaxed) } == 0 {
        return None;
    }
    // SAFETY: a line that is live begins a ring.
    Some(unsafe { &*line.cast::<Ring>() })
}

/// Whether a call has more arguments that are not zero than a record has room for. Asked before the call, while they are
/// at hand.
#[inline(always)]
pub fn has_rest(shape: Shape, args: &[i64]) -> bool {
    // One test for all of them.
    args.iter().skip(shape.rest()).fold(0, |any, word| any | word) != 0
}

/// The end of a call that took the short way.
#[inline(always)]
pub fn end<const N: usize>(started: Started, place: usize, args: [i64; N], ret: i64) {
    started.put::<1, N>(clock::ticks(), place as u16, args[0] as i32, &args, ret);
}

/// The end of a call that waits: its arguments are all that there is to say.
#[inline(always)]
pub fn end_wait<const N: usize>(started: Started, place: usize, args: [i64; N], ret: i64) {
    started.with_fifth(&args).put::<1, N>(clock::ticks(), place as u16, args[0] as i32, &args, ret);
}

/// The end of a call that [`has_rest`].
#[inline(never)]
pub fn end_long(started: Started, place: usize, shape: Shape, args: &[i64], ret: i64) {
    let started = if shape == Shape::Wait { started.with_fifth(args) } else { started };
    started.put_two(clock::ticks(), place as u16, args[0] as i32, &args[1..], &args[shape.rest()..], ret);
}

/// The end of poll, which is of interest when one of the first descriptors is a socket. The kernel has read the array,
/// so it is read here without asking, unless the call has failed. `rest` has the arguments after the first three, or
/// nothing if they are all zero.
#[inline(never)]
pub fn end_poll(mut started: Started, place: usize, args: [i64; WORDS], rest: &[i64], ret: i64) {
    // The call's time does not hold what is done here.
    let end = clock::ticks();
    let errno = sys::errno();
    // Looking may ask the kernel what an unknown descriptor is. A panic there loses no more than this record.
    let found = attempt(|| ready::find_socket(args[0], args[1], ret >= 0));
    sys::set_errno(errno);
    if let Ok(Some((fd, socket))) = found {
        started.socket = socket.raw();
        if rest.is_empty() {
            started.put::<0, WORDS>(end, place as u16, fd, &args, ret);
        } else {
            started.put_two(end, place as u16, fd, &args, rest, ret);
        }
    }
}

impl Started {
    /// Gives an event the time at which the call began.
    pub fn date(self, event: &mut Event) {
        clock::start_at(event, self.start);
    }

    /// The fifth argument in the socket's place.
    #[inline(always)]
    fn with_fifth(self, args: &[i64]) -> Started {
        Started { socket: args.get(WORDS + 1).map_or(0, |word| *word as u64), ..self }
    }

    /// Puts a record into the ring, with the arguments from `FIRST` on as its words.
    #[inline(always)]
    fn put<const FIRST: usize, const N: usize>(
        self,
        end: u64,
        place: u16,
        fd: i32,
        args: &[i64; N],
        ret: i64,
    ) {
        if let Some(at) = self.ring.reserve(1) {
            // SAFETY: the place is reserved.
            unsafe { self.fill::<FIRST, N>(at, end, place, fd, args, ret) };
        }
    }

    /// Puts two records into the ring: the second one has the words that the first one has no room for.
    #[inline(never)]
    fn put_two(self, end: u64, place: u16, fd: i32, words: &[i64], rest: &[i64], ret: i64) {
        let Some(at) = self.ring.reserve(2) else { return };
        let mut both = [[0; WORDS]; 2];
        for (copy, words) in both.iter_mut().zip([words, rest]) {
            copy.iter_mut().zip(words).for_each(|(copy, word)| *copy = *word);
        }
        let second = self.ring.place(at + SIZE);
        // SAFETY: the places are reserved. Nobody looks at the second one before the first one is whole.
        unsafe {
            (&raw mut (*second.data.get()).words).write(both[1]);
            second.end.store(end, Ordering::Release);
            self.fill::<0, WORDS>(at, end, place | MORE, fd, &both[0], ret);
        }
    }

    /// Writes a record, with the arguments from `FIRST` on as its words.
    ///
    /// # Safety
    /// The place must be reserved for this call.
    #[inline(always)]
    unsafe fn fill<const FIRST: usize, const N: usize>(
        self,
        at: u64,
        end: u64,
        place: u16,
        fd: i32,
        args: &[i64; N],
        ret: i64,
    ) {
        let record = self.ring.place(at);
        // SAFETY: the place is this call's alone until its end is written.
        unsafe {
            let data = record.data.get();
            (&raw mut (*data).start).write(self.start);
            (&raw mut (*data).socket).write(self.socket);
            (&raw mut (*data).ret).write(ret);
            (&raw mut (*data).fd).write(fd);
            if ret == -1 {
                (&raw mut (*data).errno).write(sys::errno() as u16);
            }
            (&raw mut (*data).place).write(place);
            let words = (&raw mut (*data).words).cast::<i64>();
            let mut index = FIRST;
            while index < N && index < FIRST + WORDS {
                words.add(index - FIRST).write(args[index]);
                index += 1;
            }
        }
        record.end.store(end, Ordering::Release);
    }
}

/// Gives the calling thread a ring, if it has none. From the long way only.
pub fn make(tid: i32) {
    let tls = tls::get();
    // SAFETY: the pointer is a ring's first line, or the line of zeros; both are there for ever.
    let has = unsafe { (*tls.ring.get()).live.load(Ordering::Relaxed) } != 0;
    if has || !mode::rings() || process::is_sandboxed() {
        return;
    }
    // The thread's own, which vfork has put aside, or one that nobody has, or a new one.
    let own = all().find(|ring| ring.line.tid.load(Ordering::Relaxed) == tid);
    let free = || {
        all().find(|ring| ring.line.tid.compare_exchange(0, tid, Ordering::AcqRel, Ordering::Relaxed).is_ok())
    };
    if let Some(ring) = own.or_else(free).or_else(|| map(tid)) {
        ring.line.live.store(1, Ordering::Release);
        tls.ring.set(&raw const ring.line);
    }
}

fn map(tid: i32) -> Option<&'static Ring> {
    let memory = sys::mmap(size_of::<Ring>());
    // SAFETY: the mapping is zeroed, which is an empty ring, and never unmapped.
    let ring = unsafe { memory.cast::<Ring>().as_ref() }?;
    if !sys::wipe_on_fork(memory, HEADER) {
        return None;
    }
    ring.reset();
    ring.line.tid.store(tid, Ordering::Relaxed);
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

/// From now on all calls take the long way.
pub fn retire_all() {
    mode::forbid_rings();
    all().for_each(|ring| ring.line.live.store(0, Ordering::Release));
}

/// In a forked child: the rings are those of threads that do not exist here. Their first pages are empty already.
pub fn free_all() {
    put_aside();
    for ring in all() {
        let records = ptr::from_ref(&ring.records).cast_mut().cast::<u8>();
        sys::discard(records, size_of_val(&ring.records));
        ring.reset();
    }
}

impl Ring {
    fn reset(&self) {
        self.tail.0.store(0, Ordering::Relaxed);
        self.line.limit.store(SIZE * HALF, Ordering::Release);
    }

    /// Takes the next places for the calling thread, if there is room.
    #[inline(always)]
    fn reserve(&self, count: u64) -> Option<u64> {
        // SAFETY: only this thread changes the head.
        if unsafe { *self.line.head.get() } >= self.line.limit.load(Ordering::Acquire) && !self.has_room() {
            return None;
        }
        let mut at = count * SIZE;
        // SAFETY: the one instruction takes the places even if a handler takes others around it.
        unsafe {
            asm!("xadd qword ptr [{}], {}", in(reg) self.line.head.get(), inout(reg) at, options(nostack));
        }
        Some(at)
    }

    /// The record at a place that was taken.
    #[inline(always)]
    fn place(&self, at: u64) -> &Record {
        let offset = at as usize % size_of_val(&self.records);
        // SAFETY: places are whole records apart, so this is one of them.
        unsafe { &*self.records.as_ptr().byte_add(offset) }
    }

    fn record(&self, number: u64) -> &Record {
        &self.records[number as usize % SLOTS]
    }

    /// At the limit: the writer is late and gets woken, or the ring is full and the call is lost. The one system call
    /// of the short way, once in two thousand calls at most, and none in a sandbox.
    #[cold]
    #[inline(never)]
    fn has_room(&self) -> bool {
        let full = SIZE * (self.tail.0.load(Ordering::Acquire) + FULL);
        // SAFETY: only this thread changes the head.
        if unsafe { *self.line.head.get() } >= full {
            self.line.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.line.limit.store(full, Ordering::Release);
        if !process::is_sandboxed() {
            writer::wake();
        }
        true
    }
}

/// The writer's side.
impl Ring {
    /// When the next record ended, by the counter, if there is one that is whole.
    #[inline]
    pub fn peek(&self) -> Option<u64> {
        let tail = self.tail.0.load(Ordering::Relaxed);
        let end = self.record(tail).end.load(Ordering::Acquire);
        (end != 0).then_some(end)
    }

    /// The thread. It stands in the thread's line, which is left alone as far as possible.
    pub fn tid(&self) -> i32 {
        self.line.tid.load(Ordering::Relaxed)
    }

    /// The next call whose record is whole.
    #[inline]
    pub fn next(&self) -> Option<Taken> {
        let end = self.peek()?;
        let tail = self.tail.0.load(Ordering::Relaxed);
        // SAFETY: the end says that the record is whole, and the tail that it is the writer's.
        let mut data = unsafe { self.take(tail) };
        let (mut next, mut rest) = (tail + 1, [0; WORDS]);
        if data.place & MORE != 0 {
            data.place &= !MORE;
            // SAFETY: the second record was whole before the first one.
            rest = unsafe { self.take(next) }.words;
            next += 1;
        }
        self.tail.0.store(next, Ordering::Release);
        if tail / PIECE != next / PIECE {
            self.line.limit.store(SIZE * (next + FULL), Ordering::Release);
        }
        Some(Taken { end, data, rest })
    }

    /// Copies what a record holds, and frees its place.
    ///
    /// # Safety
    /// The record must be whole.
    #[inline]
    unsafe fn take(&self, at: u64) -> Data {
        let record = self.record(at);
        // SAFETY: the caller's promise; the thread does not touch it before it is free.
        let data = unsafe { *record.data.get() };
        record.end.store(0, Ordering::Release);
        data
    }

    /// The writer goes to sleep: from here on it wants to be woken when the ring is half full.
    pub fn arm(&self) {
        self.line.limit.store(SIZE * (self.tail.0.load(Ordering::Relaxed) + HALF), Ordering::Release);
    }

    /// How many calls had no room since this was asked last.
    pub fn take_dropped(&self) -> u64 {
        match self.line.dropped.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.line.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// Whether a record is waiting.
    pub fn is_empty(&self) -> bool {
        self.peek().is_none()
    }

    /// Frees the ring when its thread is gone. For an empty ring, now and then: it asks the kernel.
    pub fn free_if_orphaned(&self, pid: i32) {
        let tid = self.line.tid.load(Ordering::Acquire);
        if tid != 0 && !sys::thread_exists(pid, tid) && self.is_empty() {
            self.line.live.store(0, Ordering::Relaxed);
            self.line.tid.store(0, Ordering::Release);
        }
    }
}
