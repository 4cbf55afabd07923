//! What `when` and `chance` count, and what the report of `sockshim run` shows.
//!
//! The counts of a process stand in a page that the kernel empties in forked children, those of a tree in memory that
//! `sockshim run` has made and every process attaches.
//!
//! # Safety
//! Both are mapped for ever, and are atomics only, for which any bytes are valid.

use super::subject::CallSubject;
use crate::identity;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use sockshim_core::decimal::number;
use sockshim_core::rules::shared::{About, First, Shared, kept};
use sockshim_core::rules::{Rule, Rules, Scope};
use sockshim_sys as sys;
use sys::segment::Segment;

/// The counts of this process: one for each rule.
static OWN: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// The counts of the tree.
static SHARED: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
static SHARED_LEN: AtomicUsize = AtomicUsize::new(0);
/// What the sequence of a rule without a seed follows from.
static SEED: AtomicU64 = AtomicU64::new(0);

/// What became of the counters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// As was asked for.
    Whole,
    /// Those of the tree cannot be reached: this process counts alone.
    Alone,
    /// The same, because the tree's parent has ended.
    Over,
    /// There is no memory.
    Nowhere,
}

/// Makes the counters, with those of the tree if it has some.
pub fn init(rules: &Rules, shared: Option<&[u8]>) -> Counting {
    COUNT.store(rules.len(), Ordering::Relaxed);
    if rules.iter().any(counts) {
        let len = (rules.len() * size_of::<AtomicU64>()).next_multiple_of(4096);
        let Ok(page) = sys::mmap(len) else { return Counting::Nowhere };
        // SAFETY: the pages were just made.
        if unsafe { sys::wipe_on_fork(page, len) }.is_err() {
            return Counting::Nowhere;
        }
        OWN.store(page.cast(), Ordering::Release);
    }
    SEED.store(sys::monotonic() ^ (sys::getpid() as u64) << 32, Ordering::Relaxed);
    let Some(shared) = shared else { return Counting::Whole };
    let alone = |parent: Option<i32>| {
        // A parent that has ended has taken its counters with it, and waits for none.
        let is_over = parent.is_some_and(|parent| sys::signal::send(parent, 0) == Err(libc::ESRCH));
        if is_over { Counting::Over } else { Counting::Alone }
    };
    let Some((number, parent)) = parse(shared) else { return alone(None) };
    if let Ok(segment) = Segment::attach(number) {
        if Shared::open(segment.words(), rules.len()).is_none() {
            return alone(Some(parent));
        }
        let words = segment.leak();
        SHARED_LEN.store(words.len(), Ordering::Relaxed);
        SHARED.store(words.as_ptr().cast_mut(), Ordering::Release);
    }
    match tree() {
        Some(shared) => shared.join(),
        None => return alone(Some(parent)),
    }
    Counting::Whole
}

/// `ID.PID`: the segment, and the process that has made it.
fn parse(shared: &[u8]) -> Option<(i32, i32)> {
    let dot = shared.iter().position(|byte| *byte == b'.')?;
    Some((number(&shared[..dot])?, number(&shared[dot + 1..])?))
}

/// The counters of the tree, if the process belongs to one.
fn tree() -> Option<Shared<'static>> {
    let start = SHARED.load(Ordering::Acquire);
    if start.is_null() {
        return None;
    }
    // SAFETY: the memory is attached for ever, page by page, so it is aligned.
    let words = unsafe { core::slice::from_raw_parts(start, SHARED_LEN.load(Ordering::Relaxed)) };
    Shared::open(words, COUNT.load(Ordering::Relaxed))
}

/// Whether it matters to a rule how often its keys have held.
fn counts(rule: &Rule) -> bool {
    rule.when.is_some() || rule.chance.is_some()
}

/// Counts a call for which the keys of this rule hold, and says whether the rule fires.
pub fn fires(number: usize, rule: &Rule) -> bool {
    if !counts(rule) {
        return true;
    }
    let ordinal = match (rule.scope, tree()) {
        (Scope::Tree, Some(tree)) => tree.count(number),
        _ => own(number),
    };
    let seed = || {
        let own = || SEED.load(Ordering::Relaxed) ^ identity::pid() as u64 ^ (number as u64) << 48;
        rule.chance.and_then(|chance| chance.seed).unwrap_or_else(own)
    };
    rule.when.is_none_or(|when| when.includes(ordinal))
        && rule.chance.is_none_or(|chance| chance.fires(ordinal, seed()))
}

/// The ordinal of a call in this process, from 1.
fn own(number: usize) -> u64 {
    let counts = OWN.load(Ordering::Acquire);
    if counts.is_null() || number >= COUNT.load(Ordering::Relaxed) {
        return 0;
    }
    // SAFETY: there is one for each rule.
    unsafe { &*counts.add(number) }.fetch_add(1, Ordering::Relaxed) + 1
}

/// A rule has decided a call.
pub fn hit(number: usize, call: &str, subject: &CallSubject) {
    let Some(tree) = tree() else { return };
    tree.hit(number, || {
        let mut program = [0; 16];
        identity::name(&mut program);
        let about = match (subject.host, subject.told()) {
            (Some(host), _) => About::Host(kept(host)),
            (None, Some(address)) => About::Address(*address),
            (None, None) => About::Nothing,
        };
        First { time: sys::realtime(), pid: identity::pid(), program, call: kept(call.as_bytes()), about }
    });
}

/// A program is started that the library will not be loaded into.
pub fn uncovered(path: &[u8], reason: &str) {
    if let Some(tree) = tree() {
        tree.uncovered(path, reason);
    }
}

/// A rule would have needed a system call that a sandbox of the program's own may forbid. It is counted once.
pub fn is_blind() {
    static COUNTED: AtomicBool = AtomicBool::new(false);
    if !COUNTED.swap(true, Ordering::Relaxed) {
        uncovered(sys::file_of_program(), "own-filter");
    }
}

/// An io_uring was made.
pub fn io_uring() {
    if let Some(tree) = tree() {
        tree.io_uring();
    }
}
