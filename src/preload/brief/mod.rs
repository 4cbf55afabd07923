//! Brief calls: control calls on a known socket that succeed, as most do.
//!
//! Of such a call the program's thread notes what there was before it, and applies what a success changes; the writer walks
//! it, and so finds the prediction, the reason and the path. Whatever is unusual takes the slow path ([`crate::slow`]):
//! before the call, where something has to be asked or decided, and after it, where it has failed.
//!
//! Beside other threads a wrong prediction may be nobody's fault. So there a call is brief only if it changes nothing itself,
//! and if the socket's sequence shows that no other call has changed it meanwhile.
//!
//! # Safety
//! The frame in which libc's function runs has no destructor and no landing pad, as on the slow path.

pub mod create;
pub mod fd;
pub mod name;
pub mod option;

use crate::call::{Ticket, enter, leave};
use crate::log::clock;
use crate::log::queue::brief::{Noted, put};
use crate::log::queue::{self, Thread};
use crate::slow::five;
use crate::stack::Page;
use crate::table::{HOOKS, HookIndex};
use crate::target::Target;
use crate::track::{self, Begun, Known};
use crate::word::{Word, padded};
use crate::{fork, identity, mode, sys};
use core::mem::MaybeUninit;
use sockshim_core::fdtable::{FDS, Packed, Seen};
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::net::state::{Sort, State};
use sockshim_core::trace::event::{Course, Extra};
use sockshim_core::verdict::Action;

pub use crate::log::queue::brief::Address;

/// The argument words of a call.
pub type Words = [i64; MAX_ARGS];

/// Applies what a success changes, unless a signal handler has changed the socket meanwhile.
#[inline(always)]
pub fn commit(known: &mut Known, change: impl FnOnce(State, Sort) -> State) -> Result<Success, Unusual> {
    let socket = known.socket();
    let state = change(socket.states(), socket.sort());
    if known.change(state) { Ok(Success::PLAIN) } else { Err(Unusual) }
}

/// A signal handler may have changed the socket meanwhile.
#[inline(always)]
pub fn unchanged(known: &Known) -> Result<(), Unusual> {
    if known.is_unchanged() { Ok(()) } else { Err(Unusual) }
}

/// Something is not as it is in most calls: they take the slow path.
pub struct Unusual;

/// What a success leaves.
pub struct Success {
    /// What the event carries.
    pub extra: Extra,
    /// The address that the call has returned, which stands in the program's memory.
    pub address: Option<Address>,
}

impl Success {
    /// Nothing beside the result.
    pub const PLAIN: Success = Success { extra: Extra::None, address: None };
}

/// A call whose first argument is its socket, and which has at most five. No function may panic or change errno.
pub trait Brief {
    /// How the writer decides it; `None` where nothing is predicted.
    const COURSE: Option<&'static Course>;
    /// Whether it changes anything that is remembered.
    const CHANGES: bool = true;

    /// What the walk needs from before the call ([`Event::input`](sockshim_core::trace::event::Event::input)). `page` can be
    /// read without asking.
    #[inline(always)]
    fn before(_words: &Words, _known: &mut Known, _page: Page) -> Result<Option<i32>, Unusual> {
        Ok(None)
    }

    /// Applies a success.
    fn after(words: &Words, known: &mut Known, input: Option<i32>, ret: i64) -> Result<Success, Unusual>;

    /// Applies a failure that is as usual as a success.
    #[inline(always)]
    fn failed(_words: &Words, _known: &mut Known) -> Result<Success, Unusual> {
        Err(Unusual)
    }

    /// Takes back what was applied before the call, which takes the slow path afterwards.
    #[inline(always)]
    fn take_back(_known: &mut Known, _before: Packed) {}

    /// Before a call on something that is not known as a socket: whether it leaves no trace, neither here nor in the log.
    #[inline(always)]
    fn leaves_no_trace(_words: &Words, _seen: Seen) -> bool {
        false
    }

    /// After such a call: whether it has left none.
    #[inline(always)]
    fn left_no_trace(_ret: i64) -> bool {
        true
    }
}

/// A call that makes sockets, and has at most five arguments. No function may panic or change errno.
pub trait Makes {
    /// How the writer decides it.
    const COURSE: &'static Course;

    /// What the call will make, if that is known without a walk.
    fn before(words: &Words) -> Option<Packed>;

    /// Stores what a successful call has made: the descriptor that it is about, and what else the event carries.
    fn after(words: &Words, made: Packed, ret: i64) -> Result<(Option<i32>, Extra), Unusual>;
}

/// How a brief call begins.
enum Begin {
    /// As the trait's name says.
    Brief(Started),
    /// Nothing is to be observed.
    Pass,
    /// On the slow path.
    Slow,
}

/// What is carried over libc's call.
#[derive(Clone, Copy)]
struct Started {
    thread: Thread,
    known: Known,
    before: Packed,
    input: Option<i32>,
    start: u64,
}

/// A call of libc's function of the hook at `index`.
///
/// # Safety
/// As for [`crate::slow::of_libc`].
#[inline(always)]
pub unsafe fn of_libc<B: Brief, const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
    let [a, b, c, d, e, ..] = padded(words);
    // SAFETY: the caller's promise.
    unsafe {
        match mode::logs(HOOKS[index as usize].level) {
            true => brief::<B, R>(a, b, c, d, e, index),
            false => five(a, b, c, d, e, index),
        }
    }
}

/// [`of_libc`] of a call that makes a socket.
///
/// # Safety
/// The same.
#[inline(always)]
pub unsafe fn making<M: Makes, const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
    let [a, b, c, d, e, ..] = padded(words);
    // SAFETY: the caller's promise.
    unsafe { makes::<M, R>(a, b, c, d, e, index) }
}

/// [`making`] in registers.
///
/// # Safety
/// The same.
#[inline(never)]
unsafe extern "C-unwind" fn makes<M: Makes, R: Word>(
    a: i64,
    b: i64,
    c: i64,
    d: i64,
    e: i64,
    index: HookIndex,
) -> R {
    let words = [a, b, c, d, e, 0, 0];
    let known = if sys::has_threads() { None } else { thread().zip(M::before(&words)) };
    let Some((thread, made)) = known else {
        // SAFETY: the caller's promise.
        return unsafe { five(a, b, c, d, e, index) };
    };
    let start = clock::ticks();
    // SAFETY: the caller's promise.
    let result: R = unsafe { Target::of(index).call_five(&words) };
    let (end, ret) = (clock::ticks(), result.word());
    let stored = if ret < 0 { Err(Unusual) } else { M::after(&words, made, ret) };
    let Ok((fd, extra)) = stored else {
        late(start, None, index, &words, ret);
        return result;
    };
    put(
        thread,
        &Noted {
            hook: &HOOKS[index as usize],
            args: &words,
            start,
            end,
            ret,
            errno: None,
            fd,
            before: made,
            course: Some(M::COURSE),
            input: None,
            extra,
            address: None,
        },
    );
    result
}

/// [`of_libc`] in registers.
///
/// # Safety
/// The same.
#[inline(never)]
unsafe extern "C-unwind" fn brief<B: Brief, R: Word>(
    a: i64,
    b: i64,
    c: i64,
    d: i64,
    e: i64,
    index: HookIndex,
) -> R {
    let words = [a, b, c, d, e, 0, 0];
    // SAFETY: the caller's promise.
    unsafe {
        match begin::<B>(&words) {
            Begin::Brief(mut started) => {
                let ret: R = Target::of(index).call_five(&words);
                if !end::<B>(&mut started, index, &words, ret.word()) {
                    B::take_back(&mut started.known, started.before);
                    late(started.start, Some(started.before), index, &words, ret.word());
                }
                ret
            }
            Begin::Pass => {
                let ret: R = Target::of(index).call_five(&words);
                if !B::left_no_trace(ret.word()) {
                    late(clock::ticks(), None, index, &words, ret.word());
                }
                ret
            }
            Begin::Slow => five(a, b, c, d, e, index),
        }
    }
}

/// The calling thread, if its calls can be brief.
#[inline(always)]
fn thread() -> Option<Thread> {
    let unusual = identity::is_vfork_child() || !identity::is_known() || track::is_interposed();
    if unusual { None } else { queue::thread() }
}

#[inline(always)]
fn begin<B: Brief>(words: &Words) -> Begin {
    let Some(thread) = thread() else { return Begin::Slow };
    let has_threads = sys::has_threads();
    if has_threads && B::CHANGES {
        return Begin::Slow;
    }
    let fd = words[0] as i32;
    let Some(mut known) = track::known(fd) else {
        return if B::leaves_no_trace(words, FDS.seen(fd)) { Begin::Pass } else { Begin::Slow };
    };
    if (has_threads && !known.is_quiet()) || !track::is_current(fd, &known) {
        return Begin::Slow;
    }
    let before = known.socket();
    match B::before(words, &mut known, Page::behind(words)) {
        Ok(input) => Begin::Brief(Started { thread, known, before, input, start: clock::ticks() }),
        Err(Unusual) => Begin::Slow,
    }
}

/// Whether the call was brief.
#[inline(always)]
fn end<B: Brief>(started: &mut Started, index: HookIndex, words: &Words, ret: i64) -> bool {
    let end = clock::ticks();
    let (result, errno) = match ret {
        0.. => (B::after(words, &mut started.known, started.input, ret), None),
        _ => (B::failed(words, &mut started.known), Some(sys::errno())),
    };
    let Ok(Success { extra, address }) = result else { return false };
    put(
        started.thread,
        &Noted {
            hook: &HOOKS[index as usize],
            args: words,
            start: started.start,
            end,
            ret,
            errno,
            fd: Some(words[0] as i32),
            before: started.before,
            course: B::COURSE,
            input: started.input,
            extra,
            address,
        },
    );
    true
}

/// The slow path of a call that has been performed.
#[cold]
#[inline(never)]
fn late(start: u64, before: Option<Packed>, index: HookIndex, words: &Words, ret: i64) {
    let mut ticket = MaybeUninit::<Ticket>::uninit();
    if !fork::is_ready() || matches!(enter(&mut ticket, index, words), crate::call::Performer::Pass) {
        return;
    }
    // SAFETY: the ticket was written.
    let written = unsafe { ticket.assume_init_mut() };
    // The call has been performed, so no verdict can act.
    written.event.action = Action::Host;
    clock::start_at(&mut written.event, start);
    if before.is_some() && written.event.before.is_some() && written.event.before != before {
        // A signal handler has changed the socket meanwhile.
        written.begun = Begun::OVERTAKEN;
    }
    // SAFETY: the same.
    unsafe { leave(&mut ticket, ret) };
}
