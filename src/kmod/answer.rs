//! How a call answers: -1 with errno, where the kernel's functions answer -errno.

use sockshim_sys as sys;

/// The answer of libc's function.
#[inline(always)]
pub fn answer(ret: isize) -> isize {
    if ret < 0 { failure(-ret as i32) as isize } else { ret }
}

/// Makes a call of a module's, which must not touch errno, and leaves errno as it was if the call succeeds.
#[inline(always)]
pub fn with_errno<R: PartialEq + From<i8>>(call: impl FnOnce() -> R) -> R {
    let errno = sys::errno();
    let ret = call();
    if ret != R::from(-1) {
        sys::set_errno(errno);
    }
    ret
}

/// The failure with this errno. A module's that is none of the kernel's (`MAX_ERRNO`) is EIO.
#[cold]
pub fn failure(errno: i32) -> i32 {
    const MAX_ERRNO: i32 = 4095;
    sys::set_errno(if (1..=MAX_ERRNO).contains(&errno) { errno } else { libc::EIO });
    -1
}
