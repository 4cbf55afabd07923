//! Whether the calling process is this one: a child of vfork(2) shares its memory for a while, but not its descriptors.
//!
//! # Safety
//! The page holds an atomic, which the kernel zeroes in every forked child.

use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use sockshim_sys as sys;

static PID: AtomicPtr<AtomicI32> = AtomicPtr::new(ptr::null_mut());

/// Remembers the process.
pub fn init() {
    let Ok(page) = sys::mmap(4096) else { return };
    // SAFETY: made here.
    if unsafe { sys::wipe_on_fork(page, 4096) }.is_ok() {
        PID.store(page.cast(), Ordering::Release);
        is_one();
    }
}

/// Whether it is such a child.
pub fn is_one() -> bool {
    // SAFETY: null, or the page.
    let Some(pid) = (unsafe { PID.load(Ordering::Acquire).as_ref() }) else { return false };
    let own = sys::getpid();
    match pid.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => false,
        Err(process) => process != own,
    }
}
