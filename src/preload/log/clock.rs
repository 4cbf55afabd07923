//! The cheap clock: the processor's time stamp counter, read by one instruction.
//!
//! It is used if the kernel itself keeps time with it, which means that it ticks evenly and equally on all
//! processors. The writer reads both clocks and so learns how long a tick is.

use super::queue;
use crate::sys;
use core::arch::asm;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use sockshim_core::trace::event::Event;

/// Whether events carry ticks.
static CHEAP: AtomicBool = AtomicBool::new(false);

/// From now on events carry ticks.
pub fn use_ticks() {
    CHEAP.store(true, Ordering::Relaxed);
}

/// Before the calling thread forbids itself the counter (PR_SET_TSC), which the kernel's own code reads too.
pub fn leave_counter_alone() {
    CHEAP.store(false, Ordering::Release);
    queue::retire_all();
    sys::time::leave_counter_alone();
}

/// Before a seccomp filter. Where the kernel keeps time with something else than the counter, readings may be system calls.
/// In strict mode the counter is forbidden too.
pub fn enter_sandbox(strict: bool) {
    if strict {
        leave_counter_alone();
    }
    if !CHEAP.load(Ordering::Relaxed) {
        sys::time::take_what_is_left();
    }
}

/// The filter was refused: time may be asked for again.
pub fn leave_sandbox() {
    sys::time::take_nothing();
}

/// Records the start of a call.
pub fn start(event: &mut Event) {
    (event.in_ticks, event.start) = now();
}

/// The time, and whether it is in ticks.
pub fn now() -> (bool, u64) {
    let in_ticks = CHEAP.load(Ordering::Relaxed);
    (in_ticks, read(in_ticks))
}

/// Records start and end of a call as they were read from the counter. A call that nobody has timed has taken no time.
pub fn set(event: &mut Event, ticks: Option<(u64, u64)>) {
    if let Some((start, end)) = ticks {
        (event.in_ticks, event.start, event.ns) = (true, start, end.saturating_sub(start));
    }
}

/// Records the end of a call, on the clock of its start.
pub fn stop(event: &mut Event) {
    event.ns = read(event.in_ticks).saturating_sub(event.start);
}

fn read(cheap: bool) -> u64 {
    if cheap { ticks() } else { sys::monotonic() }
}

const CLOCKSOURCE: &CStr = c"/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// The counter.
#[inline(always)]
pub fn ticks() -> u64 {
    let count: u64;
    // SAFETY: every x86-64 processor has the instruction; where it is not allowed, `is_usable` has returned false.
    unsafe {
        asm!("rdtsc", "shl rdx, 32", "or rax, rdx", out("rax") count, out("rdx") _, options(nomem, nostack))
    };
    count
}

/// Whether the kernel keeps time with the counter, and the calling thread may read it. Reads a file, in the caller's
/// descriptor table.
pub fn is_usable() -> bool {
    if !sys::may_read_counter() {
        return false;
    }
    let Ok(fd) = sys::open(CLOCKSOURCE, libc::O_RDONLY | libc::O_CLOEXEC, 0) else { return false };
    let mut name = [0; 16];
    let len = sys::read(fd, &mut name);
    sys::close(fd);
    len.is_ok_and(|len| name[..len].trim_ascii() == b"tsc")
}

/// Two readings of both clocks, which convert ticks to nanoseconds of CLOCK_MONOTONIC.
#[derive(Clone, Copy)]
pub struct Scale {
    first: (u64, u64),
    last: (u64, u64),
    /// Nanoseconds per 2³² ticks, so that a division is needed only for a new reading.
    rate: u64,
}

impl Scale {
    /// Starts with one reading.
    pub fn begin() -> Scale {
        let now = (ticks(), sys::monotonic());
        Scale { first: now, last: now, rate: 0 }
    }

    /// Adds a reading; the longer the time since the first, the more precise the rate.
    pub fn refresh(&mut self) {
        self.last = (ticks(), sys::monotonic());
        let (ticks, nanos) = (self.last.0 - self.first.0, self.last.1 - self.first.1);
        let rate = (u128::from(nanos) << 32).checked_div(ticks.into()).unwrap_or(0);
        self.rate = u64::try_from(rate).unwrap_or(0);
    }

    /// The time of the last reading.
    pub fn now(&self) -> u64 {
        self.last.1
    }

    /// A number of ticks in nanoseconds.
    pub fn span(&self, ticks: u64) -> u64 {
        ((u128::from(ticks) * u128::from(self.rate)) >> 32) as u64
    }

    /// Converts the event's times to nanoseconds.
    pub fn settle(&self, event: &mut Event) {
        if std::mem::take(&mut event.in_ticks) {
            let end = self.time(event.start + event.ns);
            event.ns = self.span(event.ns);
            event.start = end.saturating_sub(event.ns);
        }
    }

    /// A reading of the counter as a time, computed from the last reading so that errors stay small.
    pub fn time(&self, at: u64) -> u64 {
        if at <= self.last.0 {
            self.last.1.saturating_sub(self.span(self.last.0 - at))
        } else {
            self.last.1 + self.span(at - self.last.0)
        }
    }
}
