//! The kernel's clocks, read in userspace by the code that the kernel maps into every process (the vDSO).
//!
//! libc's clock_gettime(3) does the same, but the program may have interposed a function of another library, which
//! may return another time, wait for a lock, or require a thread that libc knows.
//!
//! It reads the processor's counter, and enters the kernel where that cannot tell the time. A process may have forbidden
//! itself either, so there are two other sources: the system call, and a time that somebody else leaves here.
//!
//! # Safety
//! The pointer to the kernel's function is null or an address in the vDSO, which is never unmapped.

use crate::elf::{self, Found, Symbol};
use crate::syscall;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use libc::{c_int, c_long};

static CLOCK_GETTIME: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Whether the time is the one that was left here last: CLOCK_MONOTONIC and CLOCK_REALTIME.
static LEFT: AtomicBool = AtomicBool::new(false);
static MONOTONIC: AtomicU64 = AtomicU64::new(0);
static REALTIME: AtomicU64 = AtomicU64::new(0);

type ClockGettime = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int;

/// Looks up the kernel's function. Call it while no object is being loaded or unloaded, for example in a constructor.
/// Until then each reading is a system call.
pub fn init() {
    const NAME: Symbol = Symbol::new("__vdso_clock_gettime\0");
    if let Some(Found::At(function)) = elf::vdso().map(|object| object.find(NAME.name, NAME.hash)) {
        CLOCK_GETTIME.store(function, Ordering::Relaxed);
    }
}

/// From now on the processor's counter is left alone: every reading is a system call.
pub fn leave_counter_alone() {
    CLOCK_GETTIME.store(ptr::null_mut(), Ordering::Relaxed);
}

/// From now on readings are what [`publish`] has left, which somebody does every few milliseconds who may ask the kernel.
pub fn take_what_is_left() {
    publish();
    LEFT.store(true, Ordering::Release);
}

/// The opposite of [`take_what_is_left`].
pub fn take_nothing() {
    LEFT.store(false, Ordering::Release);
}

/// Leaves the time for those who may not ask. Asks the kernel by a system call.
pub fn publish() {
    let none = ptr::null_mut();
    MONOTONIC.store(read(none, libc::CLOCK_MONOTONIC), Ordering::Relaxed);
    REALTIME.store(read(none, libc::CLOCK_REALTIME), Ordering::Relaxed);
}

/// Whether somebody relies on [`publish`].
pub fn is_left() -> bool {
    LEFT.load(Ordering::Acquire)
}

/// CLOCK_MONOTONIC in nanoseconds.
pub fn monotonic() -> u64 {
    clock(libc::CLOCK_MONOTONIC, &MONOTONIC)
}

/// CLOCK_REALTIME in nanoseconds since the epoch.
pub fn realtime() -> u64 {
    clock(libc::CLOCK_REALTIME, &REALTIME)
}

fn clock(id: libc::clockid_t, left: &AtomicU64) -> u64 {
    if is_left() {
        return left.load(Ordering::Relaxed);
    }
    read(CLOCK_GETTIME.load(Ordering::Relaxed), id)
}

fn read(function: *mut (), id: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the timespec is a local, and the function has this prototype.
    unsafe {
        if function.is_null() {
            syscall(libc::SYS_clock_gettime, [id.into(), &raw mut now as c_long, 0, 0, 0, 0]);
        } else {
            core::mem::transmute::<*mut (), ClockGettime>(function)(id, &raw mut now);
        }
    }
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_read_the_same_clock() {
        let before = monotonic();
        init();
        assert!(!CLOCK_GETTIME.load(Ordering::Relaxed).is_null(), "no vDSO");
        let after = monotonic();
        assert!(before > 0 && (before..before + 60_000_000_000).contains(&after), "{before} {after}");
        assert!(realtime() > 1_600_000_000_000_000_000);
    }
}
