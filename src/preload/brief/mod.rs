//! Brief calls: control calls on a known socket that succeed, as most do.
//!
//! Of such a call the program's thread notes what there was before it, and applies what a success changes; the writer walks
//! it, and so finds the prediction, the reason and the path. Whatever is unusual takes the slow path: before the call, where
//! something has to be asked or decided ([`crate::slow`]), and after it, where it has failed ([`late`]).
//!
//! Beside other threads a wrong prediction may be nobody's fault. So there a call is brief only if it changes nothing itself,
//! and if the socket's sequence shows that no other call has changed it meanwhile. And where the tables predict an error that
//! another process may be the reason of, the call is not brief: only on the program's thread the kernel can be asked.
//!
//! A brief call asks for no verdict. What decides calls in the program's place has to make them unusual ([`thread`]).
//!
//! # Safety
//! The frame in which libc's function runs has no destructor and no landing pad, as on the slow path.

pub mod create;
pub mod fd;
pub mod name;
pub mod option;

use crate::late::{Performed, late};
use crate::log::clock;
use crate::log::queue::noted::{Noted, put};
use crate::log::queue::{self, Thread};
use crate::mode::{self, LOGGED, NAMED, OBSERVED, TAPPED};
use crate::slow::{five, five_named};
use crate::stack::Page;
use crate::table::{HOOKS, HookIndex};
use crate::target::Target;
use crate::track::{self, Known};
use crate::word::{Word, padded};
use crate::{identity, rules, sys, threads};
use sockshim_core::fdtable::{FDS, Packed, Seen};
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::net::state::{Sort, State};
use sockshim_core::trace::event::{Course, Extra};

pub use crate::log::queue::noted::Address;

/// The argument words of a call.
pub type Words = [i64; MAX_ARGS];

/// Something is not as it is in most calls: they take the slow path.
pub struct Unusual;

/// What a call leaves.
pub struct Success {
    /// What the event carries.
    pub extra: Extra,
    /// The address that `extra` speaks of.
    pub address: Option<Address>,
}

impl Success {
    /// Nothing beside the result.
    pub const PLAIN: Success = Success { extra: Extra::None, address: None };

    /// An address.
    #[inline(always)]
    pub fn with(address: Address) -> Success {
        Success { extra: Extra::Address, address: Some(address) }
    }
}

/// What is carried over a call.
pub trait Kept: Copy {
    /// What its walk needs of it ([`Event::input`](sockshim_core::trace::event::Event::input)).
    #[inline(always)]
    fn input(&self) -> Option<i32> {
        None
    }
}

/// Nothing.
impl Kept for () {}

/// A number that the program's memory held before the call.
impl Kept for Option<i32> {
    #[inline(always)]
    fn input(&self) -> Option<i32> {
        *self
    }
}

/// A call whose first argument is its socket, and which has at most five. No function may panic or change errno.
pub trait Brief {
    /// How the writer decides it; `None` where nothing is predicted.
    const COURSE: Option<&'static Course>;
    /// Whether it changes anything that is remembered.
    const CHANGES: bool = true;
    /// What is kept from before the call.
    type Kept: Kept;

    /// Before the call. `page` can be read without asking.
    fn start(words: &Words, known: &mut Known, page: Page) -> Result<Self::Kept, Unusual>;

    /// Applies a success.
    fn succeeded(words: &Words, known: &mut Known, kept: &Self::Kept, ret: i64) -> Result<Success, Unusual>;

    /// Applies a failure that is as usual as a success.
    #[inline(always)]
    fn failed(_known: &mut Known, _kept: &Self::Kept) -> Result<Success, Unusual> {
        Err(Unusual)
    }

    /// Takes back what was applied before the call, which takes the slow path afterwards.
    #[inline(always)]
    fn undo(_known: &mut Known, _before: Packed) {}

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
    fn start(words: &Words) -> Option<Packed>;

    /// Stores what a successful call has made: the descriptor that it is about, and what else the event carries.
    fn succeeded(words: &Words, made: Packed, ret: i64) -> Result<(Option<i32>, Extra), Unusual>;
}

/// Applies what a success changes, unless a signal handler has changed the socket meanwhile.
#[inline(always)]
pub fn commit(known: &mut Known, change: impl FnOnce(State, Sort) -> State) -> Result<Success, Unusual> {
    let socket = known.socket();
    let state = change(socket.states(), socket.sort());
    if known.change(state) { Ok(Success::PLAIN) } else { Err(Unusual) }
}

/// A signal handler may have changed the socket meanwhile.
#[inline(always)]
pub fn unchanged(known: &Known) -> Result<Success, Unusual> {
    if known.is_unchanged() { Ok(Success::PLAIN) } else { Err(Unusual) }
}

/// The way that a call takes.
enum Way<K> {
    /// As the trait's name says.
    Brief(Started<K>),
    /// Nothing is to be observed.
    Pass,
    /// The slow path.
    Slow,
}

/// What is carried over libc's call.
#[derive(Clone, Copy)]
struct Started<K> {
    thread: Thread,
    known: Known,
    before: Packed,
    kept: K,
    ticks: u64,
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
        match mode::bits(index) {
            BRIEF => brief::<B, R>(a, b, c, d, e, index),
            bits if bits & NAMED == 0 => five(a, b, c, d, e, index),
            BRIEF_AND_NAMED => named::<B, R>(a, b, c, d, e, index),
            _ => five_named(a, b, c, d, e, index),
        }
    }
}

/// The gate's bits of a call that is logged, and that no rule names.
const BRIEF: u8 = OBSERVED | LOGGED;
/// The gate's bits of a call that is logged, and that a rule names.
const BRIEF_AND_NAMED: u8 = BRIEF | NAMED;

/// A call that is logged, and that rules name: brief if none can concern it.
///
/// # Safety
/// As for [`of_libc`].
#[cold]
#[inline(never)]
unsafe extern "C-unwind" fn named<B: Brief, R: Word>(
    a: i64,
    b: i64,
    c: i64,
    d: i64,
    e: i64,
    index: HookIndex,
) -> R {
    let may_be_ruled = may_be_ruled(a, b, c, d, e, index);
    // SAFETY: the caller's promise.
    unsafe { if may_be_ruled { five(a, b, c, d, e, index) } else { brief::<B, R>(a, b, c, d, e, index) } }
}

/// Whether a rule may decide this call: `false` is certain.
#[cold]
#[inline(never)]
extern "C-unwind" fn may_be_ruled(a: i64, b: i64, c: i64, d: i64, e: i64, index: HookIndex) -> bool {
    rules::may_decide(index, &[a, b, c, d, e, 0, 0])
}

/// [`of_libc`] of a call that makes a socket.
///
/// # Safety
/// The same.
#[inline(always)]
pub unsafe fn making<M: Makes, const N: usize, R: Word>(index: HookIndex, words: [i64; N]) -> R {
    let [a, b, c, d, e, ..] = padded(words);
    // SAFETY: the caller's promise.
    unsafe {
        match mode::bits(index) & (NAMED | TAPPED) {
            0 => makes::<M, R>(a, b, c, d, e, index),
            _ => five(a, b, c, d, e, index),
        }
    }
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
        match start::<B>(&words) {
            Way::Brief(mut started) => {
                let ret: R = Target::of(index).call_five(&words);
                end::<B>(&mut started, index, &words, ret.word());
                ret
            }
            Way::Pass => {
                let ret: R = Target::of(index).call_five(&words);
                if !B::left_no_trace(ret.word()) {
                    late(index, &{ words }, &Performed::new(ret.word(), None));
                }
                ret
            }
            Way::Slow => five(a, b, c, d, e, index),
        }
    }
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
    let known = if threads::may_have_others() { None } else { thread().zip(M::start(&words)) };
    let Some((thread, made)) = known else {
        // SAFETY: the caller's promise.
        return unsafe { five(a, b, c, d, e, index) };
    };
    let start = clock::ticks();
    // SAFETY: the caller's promise.
    let result: R = unsafe { Target::of(index).call_five(&words) };
    let (ticks, ret) = ((start, clock::ticks()), result.word());
    let is_usual = ret >= 0 && identity::is_known();
    let stored = if is_usual { M::succeeded(&words, made, ret) } else { Err(Unusual) };
    let Ok((fd, extra)) = stored else {
        late(index, &{ words }, &Performed::new(ret, Some(ticks)));
        return result;
    };
    put(
        thread,
        &Noted {
            hook: &HOOKS[index as usize],
            args: &words,
            ticks,
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

/// The calling thread, if its calls can be brief.
#[inline(always)]
fn thread() -> Option<Thread> {
    #[cfg(feature = "test-support")]
    if crate::test_support::decides() {
        return None;
    }
    let unusual = identity::is_vfork_child() || !identity::is_known() || track::is_interposed();
    if unusual { None } else { queue::thread() }
}

#[inline(always)]
fn start<B: Brief>(words: &Words) -> Way<B::Kept> {
    let Some(thread) = thread() else { return Way::Slow };
    let has_threads = threads::may_have_others();
    if has_threads && B::CHANGES {
        return Way::Slow;
    }
    let fd = words[0] as i32;
    let Some(mut known) = track::known(fd) else {
        return if B::leaves_no_trace(words, FDS.seen(fd)) { Way::Pass } else { Way::Slow };
    };
    if (has_threads && !known.is_quiet()) || !track::is_current(fd, &known) {
        return Way::Slow;
    }
    let before = known.socket();
    match B::start(words, &mut known, Page::behind(words)) {
        Ok(kept) => Way::Brief(Started { thread, known, before, kept, ticks: clock::ticks() }),
        Err(Unusual) => Way::Slow,
    }
}

#[inline(always)]
fn end<B: Brief>(started: &mut Started<B::Kept>, index: HookIndex, words: &Words, ret: i64) {
    let ticks = (started.ticks, clock::ticks());
    // A handler may have forked by a way that is not seen, and have returned in the child.
    let (result, errno) = match ret {
        _ if !identity::is_known() => (Err(Unusual), None),
        0.. => (B::succeeded(words, &mut started.known, &started.kept, ret), None),
        _ => (B::failed(&mut started.known, &started.kept), Some(sys::errno())),
    };
    let Ok(Success { extra, address }) = result else {
        let overtaken = if started.known.is_unchanged() { None } else { Some(started.before) };
        B::undo(&mut started.known, started.before);
        let input = started.kept.input();
        return late(index, &{ *words }, &Performed { ret, ticks: Some(ticks), input, overtaken });
    };
    put(
        started.thread,
        &Noted {
            hook: &HOOKS[index as usize],
            args: words,
            ticks,
            ret,
            errno,
            fd: Some(words[0] as i32),
            before: started.before,
            course: B::COURSE,
            input: started.kept.input(),
            extra,
            address,
        },
    );
}
