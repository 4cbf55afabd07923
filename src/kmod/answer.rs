//! How a call answers: -1 with errno, where the kernel's functions answer -errno.

use sockshim_sys as sys;

/// The answer of libc's function.
#[inline(always)]
pub fn answer(ret: isize) -> isize {
    if ret < 0 { failure(-ret as i32) as isize } else { ret }
}

/// The failure with this errno.
#[cold]
pub fn failure(errno: i32) -> i32 {
    sys::set_errno(errno);
    -1
}
