//! syscall(2): the calls that a program makes by their numbers.
//!
//! # Safety
//! The arguments of a system call are those of libc's function of the same name.

use crate::interpose::by_number;
use crate::original;
use core::ffi::c_long;

pub unsafe extern "C-unwind" fn syscall(
    nr: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    // SAFETY: the program's own call.
    match unsafe { by_number(nr, [a, b, c, d, e, f]) } {
        Some(ret) => ret,
        // SAFETY: the program's own call.
        None => unsafe { original::syscall(nr, a, b, c, d, e, f) },
    }
}
