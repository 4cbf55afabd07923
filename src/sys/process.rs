//! Facts about the calling process.

use crate::syscall;

/// getpid(2).
pub fn getpid() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { syscall(libc::SYS_getpid, [0; 6]) as i32 }
}

/// Whether the process may have more than one thread, as far as libc knows. The log's writer does not count: it has a
/// descriptor table of its own.
pub fn has_threads() -> bool {
    unsafe extern "C" {
        /// glibc's own record, since 2.32: zero after the first pthread_create(3).
        static __libc_single_threaded: core::ffi::c_char;
    }
    // SAFETY: libc defines the byte and writes it atomically.
    unsafe { (&raw const __libc_single_threaded).read_volatile() == 0 }
}

/// prctl(PR_GET_NO_NEW_PRIVS).
pub fn no_new_privs() -> bool {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_NO_NEW_PRIVS.into(), 0, 0, 0, 0, 0]) == 1 }
}
