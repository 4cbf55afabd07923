//! Which calls are of interest: the byte that every hook tests first, and why it is set.
//!
//! Each hook has a byte of its own, so that a rule about one call opens the gate of that call only. Its bits say why the
//! gate is open; [`refresh`] computes them from what is wanted: a log of some level, the fd table, and the calls that rules
//! name.

use crate::table::{COUNT, HOOKS, HookIndex};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use once_cell::race::OnceRef;
use sockshim_core::hook::{Does, Level};
use sockshim_core::rules::{Call, CallSet};

/// Which calls a gate is for.
#[derive(Clone, Copy)]
pub enum Interest {
    /// Control calls and the life of descriptors.
    Control,
    /// The same, the environment that is passed on to new programs, or which programs those are.
    Exec,
    /// The same, or any call that a rule names: syscall(2).
    Numbers,
    /// Data calls.
    Data,
    /// Calls that ask for names or addresses.
    Names,
    /// None: their symbols are there for modules.
    Nothing,
}

/// The log or the fd table wants to see the call.
pub const OBSERVED: u8 = 1;
/// The log has a line for each call that is seen.
pub const LOGGED: u8 = 2;
/// A rule names the call.
pub const NAMED: u8 = 4;
/// A rule names connect(2), and the call may connect: MSG_FASTOPEN.
pub const CONNECTS: u8 = 8;
/// The call makes or ends a connection, and somebody wants to know more of it than its event has.
pub const TAPPED: u8 = 16;

/// Why the gates are open. All bytes are one page's at most, and most are tested by one instruction.
static OPEN: [AtomicU8; COUNT] = [const { AtomicU8::new(0) }; COUNT];

/// The level of the log, and whether calls may take the fast path.
static MODE: AtomicU8 = AtomicU8::new(of(Level::Off));
/// Added to a level's number when calls may take the fast path.
const FAST: u8 = 1;

/// The number of a level, below that of every higher one with or without the fast path.
const fn of(level: Level) -> u8 {
    level as u8 * 2
}

/// Whether calls that make or close descriptors are seen, for the log or because rules need the fd table.
static CONTROL: AtomicBool = AtomicBool::new(false);
/// `SOCKSHIM_PROPAGATE=always`.
static PROPAGATES: AtomicBool = AtomicBool::new(false);
/// Whether rules need the fd table.
static TRACKS: AtomicBool = AtomicBool::new(false);
/// Whether somebody wants to know which programs are started without the library.
static REPORTS: AtomicBool = AtomicBool::new(false);
/// Whether some sockets have other addresses than the program believes.
static HIDES: AtomicBool = AtomicBool::new(false);
/// How many bytes of data are in the log, and [`TAP`].
static CAPTURED: AtomicU16 = AtomicU16::new(0);
/// Packets are captured.
const TAP: u16 = 1 << 8;
/// The calls that rules name, as the bits of a [`CallSet`].
static NAMED_CALLS: AtomicU16 = AtomicU16::new(0);

/// What the gate of each hook is for, in the order of the table.
static INTERESTS: OnceRef<'static, [Interest; COUNT]> = OnceRef::new();

/// Stores what the gates are for, which is known further up, before anything is wanted.
pub fn register(interests: &'static [Interest; COUNT]) {
    // The constructor runs once.
    let _ = INTERESTS.set(interests);
}

/// Whether anybody looks at the calls of a hook: the test of the fast exit.
#[inline(always)]
pub fn is_open(index: HookIndex) -> bool {
    bits(index) != 0
}

/// Why the gate of a hook is open.
#[inline(always)]
pub fn bits(index: HookIndex) -> u8 {
    OPEN[index as usize].load(Ordering::Relaxed)
}

/// [`bits`] of the row at `index` of the table.
#[inline]
pub fn bits_of_row(index: usize) -> u8 {
    OPEN.get(index).map_or(0, |bits| bits.load(Ordering::Relaxed))
}

/// How many bytes of what is sent and received are in the log.
#[inline(always)]
pub fn captured() -> usize {
    (CAPTURED.load(Ordering::Relaxed) & !TAP).into()
}

/// Whether packets are captured.
#[inline(always)]
pub fn taps() -> bool {
    CAPTURED.load(Ordering::Relaxed) & TAP != 0
}

/// Whether anybody wants bytes of what calls move. Such calls take the slow path.
#[inline(always)]
pub fn captures() -> bool {
    CAPTURED.load(Ordering::Relaxed) != 0
}

/// Sets how many bytes of what is sent and received are in the log.
pub fn capture(bytes: u8) {
    CAPTURED.store(bytes.into(), Ordering::Relaxed);
}

/// Packets are captured from now on.
pub fn tap() {
    CAPTURED.fetch_or(TAP, Ordering::Relaxed);
    refresh();
}

/// Whether new programs get the library's variables whatever environment the program passes on.
pub fn propagates() -> bool {
    PROPAGATES.load(Ordering::Relaxed)
}

/// Makes new programs get the library's variables from now on.
pub fn propagate() {
    PROPAGATES.store(true, Ordering::Relaxed);
    refresh();
}

/// Whether control calls, and calls that make or close descriptors, are observed.
#[inline(always)]
pub fn control() -> bool {
    CONTROL.load(Ordering::Relaxed)
}

/// Whether data calls are logged.
#[inline(always)]
pub fn data() -> bool {
    MODE.load(Ordering::Relaxed) >= of(Level::Io)
}

/// Whether anything is wanted of any call.
pub fn observes() -> bool {
    control() || NAMED_CALLS.load(Ordering::Relaxed) != 0
}

/// Whether somebody wants to know which programs are started without the library.
pub fn reports() -> bool {
    REPORTS.load(Ordering::Relaxed)
}

/// Whether calls may take the fast path.
#[inline(always)]
pub fn has_fast_path() -> bool {
    MODE.load(Ordering::Relaxed) & FAST != 0
}

/// Lets calls take the fast path, if they are observed at all.
pub fn allow_fast_path() {
    let allowed = |mode: u8| (mode != of(Level::Off)).then_some(mode | FAST);
    // Where nothing is observed there is no change, which is intended.
    let _ = MODE.fetch_update(Ordering::AcqRel, Ordering::Relaxed, allowed);
}

/// Sends all calls down the slow path again.
pub fn forbid_fast_path() {
    MODE.fetch_and(!FAST, Ordering::AcqRel);
}

/// Whether a call of this level is logged.
#[inline(always)]
pub fn logs(level: Level) -> bool {
    of(level) <= MODE.load(Ordering::Relaxed)
}

/// Whether there is a log.
#[inline(always)]
pub fn has_log() -> bool {
    MODE.load(Ordering::Relaxed) != of(Level::Off)
}

/// Sets the level from which calls are logged; `Level::Off` ends the log.
pub fn set(level: Level) {
    MODE.store(of(level), Ordering::Release);
    refresh();
}

/// What rules want to see.
pub struct Wanted {
    /// The calls that they name.
    pub calls: CallSet,
    /// Whether they need the fd table.
    pub tracks: bool,
    /// Whether the programs that are started are of interest.
    pub reports: bool,
    /// Whether some sockets have other addresses than the program believes.
    pub hides: bool,
}

/// Sets what rules want to see.
pub fn want(wanted: &Wanted) {
    NAMED_CALLS.store(wanted.calls.bits(), Ordering::Relaxed);
    TRACKS.store(wanted.tracks, Ordering::Relaxed);
    REPORTS.store(wanted.reports, Ordering::Relaxed);
    HIDES.store(wanted.hides, Ordering::Relaxed);
    refresh();
}

/// Rules need the fd table from now on.
pub fn track() {
    TRACKS.store(true, Ordering::Relaxed);
    refresh();
}

/// Opens and closes the gates.
fn refresh() {
    let Some(interests) = INTERESTS.get() else { return };
    let control = has_log() || TRACKS.load(Ordering::Relaxed);
    let calls = CallSet::of_bits(NAMED_CALLS.load(Ordering::Relaxed)).unwrap_or(CallSet::NONE);
    for ((open, hook), interest) in OPEN.iter().zip(&HOOKS).zip(interests) {
        let observed = match interest {
            Interest::Control => control,
            // Also a filter of the program's own concerns rules.
            Interest::Exec if hook.does == Does::Changes => {
                control || propagates() || reports() || !calls.is_empty()
            }
            Interest::Exec => control || propagates() || reports(),
            Interest::Numbers => control || propagates() || reports() || !calls.is_empty(),
            Interest::Data => data(),
            Interest::Names => logs(Level::Call),
            Interest::Nothing => false,
        };
        let mut bits = if observed { OBSERVED } else { 0 };
        if observed && logs(hook.level) && has_log() {
            bits |= LOGGED;
        }
        // What a listener has accepted has the listener's own address.
        let hides = matches!(hook.does, Does::Names | Does::Accepts) && HIDES.load(Ordering::Relaxed);
        if hides || hook.does.calls().iter().any(|call| calls.has(call)) {
            bits |= NAMED;
        }
        let is_tapped = match hook.does {
            Does::Binds | Does::Connects | Does::Accepts => captures(),
            Does::Pairs | Does::ShutsDown | Does::Closes => taps(),
            _ => false,
        };
        if is_tapped {
            bits |= TAPPED;
        }
        if hook.does == Does::SendsTo && calls.has(Call::Connect) {
            bits |= CONNECTS;
        }
        open.store(bits, Ordering::Release);
    }
    CONTROL.store(control, Ordering::Release);
}
