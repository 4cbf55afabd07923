//! libc's errno, which belongs to the program.

use libc::{c_int, c_long};

/// The calling thread's errno.
#[inline]
pub fn errno() -> c_int {
    // SAFETY: the location is valid for the life of the thread.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's errno.
#[inline]
pub fn set_errno(value: c_int) {
    // SAFETY: the location is valid for the life of the thread.
    unsafe { *libc::__errno_location() = value }
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
            let location = libc::__errno_location();
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
