//! The kernel's clocks, read in userspace by the code that the kernel maps into every process (the vDSO).
//!
//! libc's clock_gettime(3) does the same, but the program may have interposed a function of another library, which
//! may return another time, wait for a lock, or require a thread that libc knows.
//!
//! # Safety
//! The pointer to the kernel's function is null or an address in the vDSO, which is never unmapped.

use crate::elf::{self, Found, Symbol};
use crate::syscall;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use libc::{c_int, c_long};

static CLOCK_GETTIME: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

type ClockGettime = unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int;

/// Looks up the kernel's function. Call it while no object is being loaded or unloaded, for example in a constructor.
/// Until then each reading is a system call.
pub fn init() {
    const NAME: Symbol = Symbol::new("__vdso_clock_gettime\0");
    if let Some(Found::At(function)) = elf::vdso().map(|object| object.find(NAME.name, NAME.hash)) {
        CLOCK_GETTIME.store(function, Ordering::Relaxed);
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
pub fn monotonic() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// CLOCK_REALTIME in nanoseconds since the epoch.
pub fn realtime() -> u64 {
    clock(libc::CLOCK_REALTIME)
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let function = CLOCK_GETTIME.load(Ordering::Relaxed);
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
