//! Data calls in a queue: what the gates call around libc's function.
//!
//! # Safety
//! Slots that were taken are the call's alone, and a record counts only when its end is written, which is last.

use super::memory::{self, Segments};
use super::record::{MORE, Record, Shape, WORDS};
use super::reserve::{reserve, reserve_further};
use super::segment::{OPEN, SLOT, is_inside, word};
use crate::log::clock;
use crate::log::writer::control;
use crate::mode::NAMED;
use crate::table::HookIndex;
use crate::tls::{self, QueueHead};
use crate::{identity, mode, sys};
use core::sync::atomic::Ordering;
use sockshim_core::fdtable::{FDS, Seen};
use sockshim_core::hook::Level;

/// What a data call has found before libc.
pub enum Begin {
    /// Nothing to observe.
    Pass,
    /// The slow path.
    Slow,
    /// The fast path.
    Fast(Started),
}

/// Carried over libc's call.
#[derive(Clone, Copy)]
pub struct Started {
    head: &'static QueueHead,
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
    FDS.word(words[0] as i32).is_not_socket() && !copies(words)
}

/// Whether the descriptor is known to be no socket.
#[inline(always)]
pub fn is_no_socket_at(fd: i64) -> bool {
    FDS.word(fd as i32).is_not_socket()
}

/// Whether fcntl(2) makes another descriptor.
#[inline(always)]
pub fn copies(words: &[i64]) -> bool {
    words[1] == i64::from(libc::F_DUPFD) || words[1] == i64::from(libc::F_DUPFD_CLOEXEC)
}

/// The start of a control call of which nothing is predicted and that changes nothing: the fast path, if its line is wanted
/// and `find` is certain that the descriptor is a socket. `find` must neither panic nor change errno.
#[inline(always)]
pub fn control(fd: i32, find: fn(i32) -> Seen) -> Begin {
    if mode::logs(Level::Call)
        && tls::exists()
        && let Some(head) = own()
        && FDS.word(fd).is_socket()
        && let socket = find(fd)
        && socket.is_socket()
    {
        return Begin::Fast(Started { head, socket: socket.raw(), start: clock::ticks() });
    }
    Begin::Slow
}

/// A thread on the fast path, which leaves the events of brief calls.
#[derive(Clone, Copy)]
pub struct Thread(pub(super) &'static QueueHead);

/// The calling thread, if it is on the fast path.
#[inline(always)]
pub fn thread() -> Option<Thread> {
    own().map(Thread)
}

/// The start of a call that is for sockets only (send, recv): on something else its error is of interest.
#[inline(always)]
pub fn message(fd: i32) -> Begin {
    begin(FDS.word(fd))
}

/// The start of a call of the hook at `index`, which may bring descriptors, and so is of interest at every level.
#[inline(always)]
pub fn rights(fd: i32, index: HookIndex) -> Begin {
    if mode::data() || mode::bits(index) & NAMED != 0 { message(fd) } else { Begin::Pass }
}

#[inline(always)]
fn begin(socket: Seen) -> Begin {
    match own() {
        Some(head) if socket.is_free_socket() => {
            Begin::Fast(Started { head, socket: socket.raw(), start: clock::ticks() })
        }
        // Where only rules look at data calls, those on a socket that none concerns are not observed. Without the fd table
        // nobody knows what the number means by now.
        _ if socket.is_free_socket() && !mode::data() && mode::control() => Begin::Pass,
        _ => Begin::Slow,
    }
}

/// The start of a call that waits. `None` for the slow path.
#[inline(always)]
pub fn start() -> Option<Started> {
    own().map(|head| Started { head, socket: 0, start: clock::ticks() })
}

/// The head of the thread's queue, if the fast path may be taken.
#[inline(always)]
fn own() -> Option<&'static QueueHead> {
    // SAFETY: the pointer is a queue's head, or the one of zeros; both are there for ever.
    let head = unsafe { &*tls::get().queue.get() };
    (head.live.load(Ordering::Relaxed) != 0).then_some(head)
}

/// Whether a call has more arguments that are not zero than a record has room for. Asked before the call, while they are
/// at hand.
#[inline(always)]
pub fn has_rest(shape: Shape, args: &[i64]) -> bool {
    // One test for all of them.
    args.iter().skip(shape.rest()).fold(0, |any, word| any | word) != 0
}

/// The end of a call that took the fast path.
#[inline(always)]
pub fn end<const N: usize>(started: Started, index: usize, args: [i64; N], ret: i64) {
    started.put::<1, N>(clock::ticks(), index as u16, args[0] as i32, &args, ret);
}

/// The end of a call that waits: its arguments are all that there is to say.
#[inline(always)]
pub fn end_wait<const N: usize>(started: Started, index: usize, args: [i64; N], ret: i64) {
    started.with_fifth(&args).put::<1, N>(clock::ticks(), index as u16, args[0] as i32, &args, ret);
}

/// The end of a call whose argument `AT` is the descriptor; the words are the others.
#[inline(always)]
pub fn end_about<const AT: usize>(started: Started, index: usize, args: [i64; WORDS + 1], ret: i64) {
    let [a, b, c, d] = args;
    let others = if AT == 0 { [b, c, d] } else { [a, b, d] };
    started.put::<0, WORDS>(clock::ticks(), index as u16, args[AT] as i32, &others, ret);
}

/// The end of a call that [`has_rest`].
#[inline(never)]
pub fn end_long(started: Started, index: usize, shape: Shape, args: &[i64], ret: i64) {
    let started = if shape == Shape::Wait { started.with_fifth(args) } else { started };
    started.put_two(clock::ticks(), index as u16, args[0] as i32, &args[1..], &args[shape.rest()..], ret);
}

/// The end of poll, which is of interest when `find` finds a socket among its descriptors, given the array, how many
/// entries it has, and whether the kernel has just read it: then it can be read without asking. `find` must neither panic
/// nor change errno. `rest` has the arguments
/// after the first three, or nothing if they are all zero.
#[inline(never)]
pub fn end_poll(
    mut started: Started,
    index: usize,
    args: [i64; WORDS],
    rest: &[i64],
    ret: i64,
    find: impl Fn(i64, i64, bool) -> Option<(i32, Seen)> + Copy,
) {
    // The call's time does not hold what is done here.
    let end = clock::ticks();
    if let Some((fd, socket)) = find(args[0], args[1], ret >= 0) {
        started.socket = socket.raw();
        if rest.is_empty() {
            started.put::<0, WORDS>(end, index as u16, fd, &args, ret);
        } else {
            started.put_two(end, index as u16, fd, &args, rest, ret);
        }
    }
}

impl Started {
    /// The counter when libc was called.
    #[inline(always)]
    pub fn ticks(self) -> u64 {
        self.start
    }

    /// The fifth argument in the socket's place.
    #[inline(always)]
    fn with_fifth(self, args: &[i64]) -> Started {
        Started { socket: args.get(WORDS + 1).map_or(0, |word| *word as u64), ..self }
    }

    /// Puts a record into the queue, with the arguments from `FIRST` on as its words.
    #[inline(always)]
    fn put<const FIRST: usize, const N: usize>(
        self,
        end: u64,
        index: u16,
        fd: i32,
        args: &[i64; N],
        ret: i64,
    ) {
        let mut at = reserve(&self.head.next, 1);
        if !is_inside(at) {
            at = further(self.head, 1);
            if at == 0 {
                return;
            }
        }
        // SAFETY: the slot is taken.
        unsafe { self.fill::<FIRST, N>(at, end, index, fd, args, ret) };
    }

    /// Puts a record of two slots into the queue: the second one has the words that the first one has no room for.
    #[inline(never)]
    fn put_two(self, end: u64, index: u16, fd: i32, words: &[i64], rest: &[i64], ret: i64) {
        let mut at = reserve(&self.head.next, 2);
        if !is_inside(at) {
            at = further(self.head, 2);
            if at == 0 {
                return;
            }
        }
        // SAFETY: the slots are taken.
        unsafe { word(at) }.store(OPEN | 2, Ordering::Relaxed);
        let mut both = [[0; WORDS]; 2];
        for (copy, words) in both.iter_mut().zip([words, rest]) {
            copy.iter_mut().zip(words).for_each(|(copy, word)| *copy = *word);
        }
        // SAFETY: the slots are taken. Nobody looks at the second one before the first one is whole.
        unsafe {
            (&raw mut (*(*((at + SLOT) as *const Record)).data.get()).words).write(both[1]);
            self.fill::<0, WORDS>(at, end, index | MORE, fd, &both[0], ret);
        }
    }

    /// Writes a record, with the arguments from `FIRST` on as its words.
    ///
    /// # Safety
    /// The slot must be taken for this call.
    #[inline(always)]
    unsafe fn fill<const FIRST: usize, const N: usize>(
        self,
        at: u64,
        end: u64,
        index: u16,
        fd: i32,
        args: &[i64; N],
        ret: i64,
    ) {
        // SAFETY: the slot is there, and this call's alone until its end is written.
        let record = unsafe { &*(at as *const Record) };
        // SAFETY: the same.
        unsafe {
            let data = record.data.get();
            (&raw mut (*data).start).write(self.start);
            (&raw mut (*data).socket).write(self.socket);
            (&raw mut (*data).ret).write(ret);
            (&raw mut (*data).fd).write(fd);
            if ret == -1 {
                (&raw mut (*data).errno).write(sys::errno() as u16);
            }
            (&raw mut (*data).index).write(index);
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

/// Where the segment has no room: takes slots in another one, and wakes the writer if it is behind. 0 without memory: then
/// the record is lost. The only system call of the fast path, once in a thousand calls at most, and none in a sandbox.
#[cold]
#[inline(never)]
pub(super) fn further(head: &QueueHead, slots: u64) -> u64 {
    let Some((moved, at)) = reserve_further(&head.next, slots, &Segments) else {
        head.dropped.fetch_add(1, Ordering::Relaxed);
        return 0;
    };
    if moved && memory::is_behind() && !identity::is_sandboxed() {
        control::wake();
    }
    at
}
