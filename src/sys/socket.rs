//! What the kernel tells about sockets.

use crate::{Result, syscall};
use libc::{c_int, c_long};

/// An int-sized SOL_SOCKET option.
///
/// # Errors
/// That of getsockopt(2).
pub fn getsockopt_int(fd: c_int, option: c_int) -> Result<c_int> {
    let mut value: c_int = 0;
    // SAFETY: the value is a local of this size.
    unsafe { getsockopt(fd, option, (&raw mut value).cast(), size_of::<c_int>()) }?;
    Ok(value)
}

/// SO_COOKIE, which is unique to a socket; 0 where the kernel has none.
///
/// # Errors
/// That of getsockopt(2).
pub fn getsockopt_cookie(fd: c_int) -> Result<u64> {
    let mut value: u64 = 0;
    // SAFETY: the value is a local of this size.
    unsafe { getsockopt(fd, libc::SO_COOKIE, (&raw mut value).cast(), size_of::<u64>()) }?;
    Ok(value)
}

/// # Safety
/// `value` must be writable for `size` bytes.
#[inline(always)]
unsafe fn getsockopt(fd: c_int, option: c_int, value: *mut u8, size: usize) -> Result<()> {
    let mut len = size as libc::socklen_t;
    let args =
        [fd.into(), libc::SOL_SOCKET.into(), option.into(), value as c_long, &raw mut len as c_long, 0];
    // SAFETY: the caller's promise; the length is a local.
    let raw = unsafe { syscall(libc::SYS_getsockopt, args) };
    // One comparison is enough: getsockopt(2) never returns a positive number.
    if raw < 0 { Err(-raw as c_int) } else { Ok(()) }
}

/// Whether getpeername(2) returns a peer.
pub fn has_peer(fd: c_int) -> bool {
    let mut addr = [0_u64; 16];
    let mut len = size_of_val(&addr) as libc::socklen_t;
    let args = [fd.into(), addr.as_mut_ptr() as c_long, &raw mut len as c_long, 0, 0, 0];
    // SAFETY: the buffer is a local of the length that is passed.
    unsafe { syscall(libc::SYS_getpeername, args) == 0 }
}
