//! libc's errno, which belongs to the program.

use core::arch::asm;
use libc::{c_int, c_long};

/// Where the calling thread's errno is, for the life of the thread. The function is called by its address and not by the
/// jump of the linkage table, because this happens twice in each call on the slow path.
#[inline(always)]
fn location() -> *mut c_int {
    let location;
    // SAFETY: the function takes nothing.
    unsafe {
        asm!("call [rip + __errno_location@GOTPCREL]", lateout("rax") location, clobber_abi("C"));
    }
    location
}

/// The calling thread's errno.
#[inline]
pub fn errno() -> c_int {
    // SAFETY: the location is valid for the life of the thread.
    unsafe { *location() }
}

/// Sets the calling thread's errno.
#[inline]
pub fn set_errno(value: c_int) {
    // SAFETY: the location is valid for the life of the thread.
    unsafe { *location() = value }
}

/// A saved errno, to be restored. Remembers the location, so that it is looked up only once.
pub struct SavedErrno {
    location: *mut c_int,
    value: c_int,
}

impl SavedErrno {
    /// Saves the calling thread's errno.
    #[inline]
    pub fn now() -> SavedErrno {
        // SAFETY: the location is valid for the life of the thread.
        unsafe {
            let location = location();
            SavedErrno { location, value: *location }
        }
    }

    /// The saved value.
    pub fn value(&self) -> c_int {
        self.value
    }

    /// Restores it, on the same thread: the type is not Send.
    #[inline]
    pub fn restore(&self) {
        // SAFETY: the location is the calling thread's own.
        unsafe { *self.location = self.value }
    }
}

/// A raw result as libc reports it: -1 and errno for an error.
pub fn libc_answer(raw: c_long) -> c_long {
    crate::result(raw).unwrap_or_else(|errno| {
        set_errno(errno);
        -1
    })
}
