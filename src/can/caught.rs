//! A panic, which is a mistake in this module, must not leave its functions: the program gets EIO.

use crate::panic::attempt;
use core::ffi::c_int;

/// The answer of a function of the module's.
#[inline]
pub fn caught(call: impl FnOnce() -> c_int) -> c_int {
    attempt(call).unwrap_or(-libc::EIO)
}

/// The result of a part of a function in which nothing waits: a thread that is cancelled unwinds, too.
#[inline]
pub fn caught_part<T>(call: impl FnOnce() -> Result<T, c_int>) -> Result<T, c_int> {
    attempt(call).unwrap_or(Err(libc::EIO))
}
