//! Descriptors: open, close, read, write.

use crate::{Result, done, result, syscall};
use core::ffi::CStr;
use libc::{c_int, c_long};

/// write(2): how many bytes were written.
///
/// # Errors
/// That of write(2).
pub fn write(fd: c_int, bytes: &[u8]) -> Result<usize> {
    let args = [fd.into(), bytes.as_ptr() as c_long, bytes.len() as c_long, 0, 0, 0];
    // SAFETY: the slice is readable.
    result(unsafe { syscall(libc::SYS_write, args) }).map(|count| count as usize)
}

/// read(2): how many bytes were read.
///
/// # Errors
/// That of read(2).
pub fn read(fd: c_int, bytes: &mut [u8]) -> Result<usize> {
    let args = [fd.into(), bytes.as_mut_ptr() as c_long, bytes.len() as c_long, 0, 0, 0];
    // SAFETY: the slice is writable.
    result(unsafe { syscall(libc::SYS_read, args) }).map(|count| count as usize)
}

/// pread64(2): how many bytes were read.
///
/// # Errors
/// That of pread(2).
pub fn pread(fd: c_int, bytes: &mut [u8], offset: i64) -> Result<usize> {
    let args = [fd.into(), bytes.as_mut_ptr() as c_long, bytes.len() as c_long, offset, 0, 0];
    // SAFETY: the slice is writable.
    result(unsafe { syscall(libc::SYS_pread64, args) }).map(|count| count as usize)
}

/// [`pread`] to memory that others look at.
///
/// # Safety
/// `to` must be writable for `len` bytes, and nobody else may write to it.
///
/// # Errors
/// That of pread(2).
pub unsafe fn pread_to(fd: c_int, to: *mut u8, len: usize, offset: i64) -> Result<usize> {
    let args = [fd.into(), to as c_long, len as c_long, offset, 0, 0];
    // SAFETY: the caller's promise.
    result(unsafe { syscall(libc::SYS_pread64, args) }).map(|count| count as usize)
}

/// Where the next read(2) of a file begins.
///
/// # Errors
/// That of lseek(2).
pub fn position(fd: c_int) -> Result<i64> {
    // SAFETY: takes numbers.
    result(unsafe { syscall(libc::SYS_lseek, [fd.into(), 0, libc::SEEK_CUR.into(), 0, 0, 0]) })
}

/// openat(2) relative to the current directory.
///
/// # Errors
/// That of open(2).
pub fn open(path: &CStr, flags: c_int, mode: c_int) -> Result<c_int> {
    let args = [libc::AT_FDCWD.into(), path.as_ptr() as c_long, flags.into(), mode.into(), 0, 0];
    // SAFETY: the path is a C string.
    result(unsafe { syscall(libc::SYS_openat, args) }).map(|fd| fd as c_int)
}

/// openat(2) of a file that exists.
///
/// # Errors
/// That of openat(2).
pub fn open_at(dir: c_int, path: &CStr, flags: c_int) -> Result<c_int> {
    let args = [dir.into(), path.as_ptr() as c_long, flags.into(), 0, 0, 0];
    // SAFETY: the path is a C string.
    result(unsafe { syscall(libc::SYS_openat, args) }).map(|fd| fd as c_int)
}

/// close(2). Its errors are ignored, because the descriptor is closed in any case.
pub fn close(fd: c_int) {
    // SAFETY: takes a number.
    unsafe { syscall(libc::SYS_close, [fd.into(), 0, 0, 0, 0, 0]) };
}

/// close_range(2).
///
/// # Errors
/// That of close_range(2).
pub fn close_range(first: u32, last: u32, flags: u32) -> Result<()> {
    // SAFETY: takes numbers. The caller makes sure whose descriptors are closed.
    done(unsafe { syscall(libc::SYS_close_range, [first.into(), last.into(), flags.into(), 0, 0, 0]) })
}

/// unshare(2), CLONE_FILES: the calling thread gets its own copy of the descriptor table.
///
/// # Errors
/// That of unshare(2).
pub fn unshare_files() -> Result<()> {
    // SAFETY: takes a number.
    done(unsafe { syscall(libc::SYS_unshare, [libc::CLONE_FILES.into(), 0, 0, 0, 0, 0]) })
}

/// fgetxattr(2): the attribute's length.
///
/// # Errors
/// That of fgetxattr(2).
pub fn attribute(fd: c_int, name: &CStr, value: &mut [u8]) -> Result<usize> {
    let args =
        [fd.into(), name.as_ptr() as c_long, value.as_mut_ptr() as c_long, value.len() as c_long, 0, 0];
    // SAFETY: the name is a C string, and the slice is writable.
    result(unsafe { syscall(libc::SYS_fgetxattr, args) }).map(|length| length as usize)
}

/// Whether the descriptor has O_NONBLOCK.
pub fn is_nonblocking(fd: c_int) -> bool {
    // SAFETY: takes numbers.
    let flags = unsafe { syscall(libc::SYS_fcntl, [fd.into(), libc::F_GETFL.into(), 0, 0, 0, 0]) };
    flags >= 0 && flags & libc::c_long::from(libc::O_NONBLOCK) != 0
}
