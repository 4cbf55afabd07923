//! The life of descriptors: what closes and duplicates them. A process that shares this one's memory, but not its descriptors (a
//! child of vfork), changes nothing here.
//!
//! # Safety
//! Each function makes the program's own call.

use crate::{original, table};
use core::ffi::{c_int, c_uint, c_ulong};

pub unsafe extern "C-unwind" fn close(fd: c_int) -> c_int {
    // Before the call: after it, another thread may have the number.
    table::forget(fd);
    // SAFETY: the program's own call.
    unsafe { original::close(fd) }
}

pub unsafe extern "C-unwind" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    const CLOEXEC: c_int = libc::CLOSE_RANGE_CLOEXEC as c_int;
    if flags & CLOEXEC == 0 && first <= last {
        table::forget_range(first, last);
    }
    // SAFETY: the program's own call.
    unsafe { original::close_range(first, last, flags) }
}

pub unsafe extern "C-unwind" fn closefrom(lowfd: c_int) {
    table::forget_range(lowfd.max(0) as u32, u32::MAX);
    // SAFETY: the program's own call.
    unsafe { original::closefrom(lowfd) }
}

/// The kernel has made `to` a duplicate of `from`.
fn duplicated(from: c_int, to: c_int) -> c_int {
    if to >= 0 {
        table::copy(from, to);
    }
    to
}

pub unsafe extern "C-unwind" fn dup(fd: c_int) -> c_int {
    // SAFETY: the program's own call.
    duplicated(fd, unsafe { original::dup(fd) })
}

pub unsafe extern "C-unwind" fn dup2(oldfd: c_int, newfd: c_int) -> c_int {
    // SAFETY: the program's own call.
    duplicated(oldfd, unsafe { original::dup2(oldfd, newfd) })
}

pub unsafe extern "C-unwind" fn dup3(oldfd: c_int, newfd: c_int, flags: c_int) -> c_int {
    // SAFETY: the program's own call.
    duplicated(oldfd, unsafe { original::dup3(oldfd, newfd, flags) })
}

fn duplicates(cmd: c_int) -> bool {
    cmd == libc::F_DUPFD || cmd == libc::F_DUPFD_CLOEXEC
}

pub unsafe extern "C-unwind" fn fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int {
    // SAFETY: the program's own call.
    let ret = unsafe { original::fcntl(fd, cmd, arg) };
    if duplicates(cmd) { duplicated(fd, ret) } else { ret }
}

pub unsafe extern "C-unwind" fn fcntl64(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int {
    // SAFETY: the program's own call.
    let ret = unsafe { original::fcntl64(fd, cmd, arg) };
    if duplicates(cmd) { duplicated(fd, ret) } else { ret }
}

/// Another process's descriptor, which may be a socket of a module's.
pub unsafe extern "C-unwind" fn pidfd_getfd(pidfd: c_int, targetfd: c_int, flags: c_uint) -> c_int {
    // SAFETY: the program's own call.
    let fd = unsafe { original::pidfd_getfd(pidfd, targetfd, flags) };
    if fd >= 0 {
        table::forget(fd);
    }
    fd
}
