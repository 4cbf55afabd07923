//! Reading and writing the program's memory.
//!
//! The program may pass any pointer, and the kernel answers EFAULT for a bad one. So before a call, memory is read
//! through process_vm_readv(2) on the own process, which answers EFAULT instead of faulting; only the page that holds
//! the hook's own variables is read directly ([`crate::stack`]). After a successful call the kernel has used the
//! memory, so it can be read directly.
//!
//! # Safety
//! [`read_used`] relies on the kernel having read or written the same bytes in the call that just succeeded.

use crate::stack::Page;
use crate::{identity, sys};
use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::socket::Copied;
use sockshim_core::uapi::SOCKADDR_STORAGE;

/// Copies `buffer.len()` bytes from the program's `address`. `None` if the memory cannot be looked at here.
#[inline]
fn peek(own: Page, address: i64, buffer: &mut [u8]) -> Copied<()> {
    if own.peek(address, buffer) { Some(Ok(())) } else { copied_by_kernel(address, buffer) }
}

#[inline(never)]
fn copied_by_kernel(address: i64, buffer: &mut [u8]) -> Copied<()> {
    if identity::is_sandboxed() {
        return None;
    }
    match read(identity::pid(), address as usize, buffer) {
        Ok(count) if count == buffer.len() => Some(Ok(())),
        // A partial copy ends at an unreadable page, where the kernel's own copy would fail too.
        Ok(_) | Err(libc::EFAULT) => Some(Err(Errno::EFAULT)),
        Err(_) => None,
    }
}

/// `move_addr_to_kernel`: the address argument of bind(2), connect(2) and sendto(2).
#[inline]
pub fn sockaddr(own: Page, address: i64, len: c_int, addr: &mut SockAddr) -> Copied<()> {
    let len = match usize::try_from(len) {
        Ok(len) if len <= SOCKADDR_STORAGE => len,
        _ => return Some(Err(Errno::EINVAL)),
    };
    let copied = if len > 0 { peek(own, address, &mut addr.buffer()[..len]) } else { Some(Ok(())) };
    if copied == Some(Ok(())) {
        addr.set_len(len);
    }
    copied
}

/// A value of plain bytes at the program's `address`; `None` if it cannot be read.
pub fn value<T: Plain>(own: Page, address: i64) -> Option<T> {
    let mut value = T::ZERO;
    // SAFETY: `Plain` types are valid for any bytes.
    let bytes = unsafe { core::slice::from_raw_parts_mut((&raw mut value).cast::<u8>(), size_of::<T>()) };
    peek(own, address, bytes)?.ok()?;
    Some(value)
}

/// Copies bytes from the program's `address`. Whether they can all be read.
pub fn bytes(own: Page, address: i64, bytes: &mut [u8]) -> bool {
    peek(own, address, bytes) == Some(Ok(()))
}

/// [`value`] if it can be read without asking.
#[inline(always)]
pub fn near(own: Page, address: i64) -> Option<c_int> {
    let mut bytes = [0; size_of::<c_int>()];
    own.peek(address, &mut bytes).then_some(c_int::from_ne_bytes(bytes))
}

/// Copies bytes from the memory of `pid`, which is this process or one that shares its memory. `None` if they cannot
/// all be read.
pub fn copy(pid: i32, address: usize, buffer: &mut [u8]) -> Option<()> {
    (read(pid, address, buffer) == Ok(buffer.len())).then_some(())
}

/// Copies bytes from the `count` parts of a `struct iovec[]`, as many as can be read and fit into `len`; how many those are. The
/// parts are the program's, or one of ours.
///
/// # Safety
/// `to` must be writable for `len` bytes.
#[inline(never)]
pub unsafe fn gather(parts: *const [i64; 2], count: i64, to: *mut u8, len: usize) -> usize {
    let local = libc::iovec { iov_base: to.cast(), iov_len: len };
    let args = [identity::pid().into(), &raw const local as i64, 1, parts as i64, count, 0];
    // SAFETY: the caller's promise; the kernel checks the parts and what they mean.
    let copied = unsafe { sys::syscall(libc::SYS_process_vm_readv, args) };
    usize::try_from(copied).unwrap_or(0)
}

/// Copies as many bytes as can be read, up to the buffer's length.
#[inline]
fn read(pid: i32, address: usize, buffer: &mut [u8]) -> sys::Result<usize> {
    let local = [libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() }];
    let remote = [libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() }];
    // SAFETY: the local buffer is `buffer`.
    unsafe { sys::copy_memory(pid, &local, &remote) }
}

/// Writes to the program's `address`, as far as it is writable. In a sandbox nothing is written, because the call may be
/// forbidden.
pub fn store(address: i64, bytes: &[u8]) {
    if identity::is_sandboxed() {
        return;
    }
    let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
    let args = [identity::pid().into(), &raw const local as i64, 1, &raw const remote as i64, 1, 0];
    // SAFETY: the local vector describes `bytes`, which is only read; the kernel checks the remote one.
    unsafe { sys::syscall(libc::SYS_process_vm_writev, args) };
}

/// Words as bytes.
pub fn bytes_of(words: &mut [usize]) -> &mut [u8] {
    // SAFETY: any bytes are a valid word, and any word is valid as bytes.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) }
}

/// Copies the C string at the program's `address` into `buffer`. `None` if it cannot be read or is too long.
pub fn c_string(address: i64, buffer: &mut [u8]) -> Option<&core::ffi::CStr> {
    const PIECE: usize = 256;
    let mut length = 0;
    while length < buffer.len() {
        let at = (address as usize).wrapping_add(length);
        let wanted = PIECE.min(4096 - at % 4096).min(buffer.len() - length);
        let piece = &mut buffer[length..length + wanted];
        copy(identity::pid(), at, piece)?;
        if piece.contains(&0) {
            return core::ffi::CStr::from_bytes_until_nul(buffer).ok();
        }
        length += wanted;
    }
    None
}

/// The C string at the program's `address`, up to the event's capacity or the first unreadable byte.
#[inline(never)]
pub fn text(address: i64) -> SockAddr {
    let mut text = SockAddr::EMPTY;
    let (len, whole) = beginning(address, text.buffer()).unwrap_or((0, false));
    text.set_len(len);
    if !whole {
        text.set_truncated();
    }
    text
}

/// Copies the C string at the program's `address`, up to the buffer's length or the first page that cannot be read. How
/// long the copy is, and whether it is the whole string; `None` if not even its beginning can be read.
pub fn beginning(address: i64, buffer: &mut [u8]) -> Option<(usize, bool)> {
    // Page by page, because the string may end just before an unmapped page.
    let mut len = 0;
    while len < buffer.len() {
        let at = (address as usize).wrapping_add(len);
        let piece = len..(len + 4096 - at % 4096).min(buffer.len());
        if copied_by_kernel(at as i64, &mut buffer[piece.clone()]) != Some(Ok(())) {
            return (len > 0).then_some((len, false));
        }
        if let Some(end) = buffer[piece.clone()].iter().position(|byte| *byte == 0) {
            return Some((len + end, true));
        }
        len = piece.end;
    }
    // A string that exactly fills the buffer is complete if its NUL follows.
    let mut next = [1];
    let known = copied_by_kernel(address.wrapping_add(len as i64), &mut next) == Some(Ok(()));
    Some((len, known && next == [0]))
}

/// Types for which any bytes are a valid value.
///
/// # Safety
/// Every bit pattern must be a valid value.
pub unsafe trait Plain: Copy {
    /// A value of zeros, which a copy then replaces.
    const ZERO: Self;
}
// SAFETY: integers.
unsafe impl Plain for c_int {
    const ZERO: Self = 0;
}
// SAFETY: integers.
unsafe impl Plain for i64 {
    const ZERO: Self = 0;
}
// SAFETY: integers and raw pointers.
unsafe impl Plain for libc::msghdr {
    // SAFETY: all zeros are a valid value of integers and raw pointers.
    const ZERO: Self = unsafe { core::mem::zeroed() };
}
// SAFETY: integers and raw pointers.
unsafe impl Plain for libc::mmsghdr {
    // SAFETY: all zeros are a valid value of integers and raw pointers.
    const ZERO: Self = unsafe { core::mem::zeroed() };
}
// SAFETY: integers and raw pointers.
unsafe impl Plain for libc::iovec {
    const ZERO: Self = libc::iovec { iov_base: core::ptr::null_mut(), iov_len: 0 };
}
// SAFETY: integers.
unsafe impl Plain for libc::pollfd {
    const ZERO: Self = libc::pollfd { fd: 0, events: 0, revents: 0 };
}
// SAFETY: integers.
unsafe impl<const N: usize> Plain for [c_int; N] {
    const ZERO: Self = [0; N];
}

/// The value at an address that the kernel has just used.
///
/// # Safety
/// The call that has just succeeded must have read or written these bytes.
pub unsafe fn read_used<T: Plain>(address: i64) -> T {
    // SAFETY: the caller's promise; the address need not be aligned.
    unsafe { (address as *const T).read_unaligned() }
}

/// Copies the address that a call has just written, with the length that it stored. `capacity` is the length of the
/// program's buffer. Returns whether an address was written.
///
/// # Safety
/// The call that has just succeeded must have written both.
pub unsafe fn sockaddr_used(address: i64, len: i64, capacity: c_int, addr: &mut SockAddr) -> bool {
    // SAFETY: the caller's promise.
    let Some((len, truncated)) = (unsafe { sockaddr_len(address, len, capacity) }) else { return false };
    // SAFETY: the call has written as many bytes of the address as the program's buffer holds.
    let bytes = unsafe { core::slice::from_raw_parts(address as *const u8, len) };
    addr.buffer()[..len].copy_from_slice(bytes);
    addr.set_len(len);
    if truncated {
        addr.set_truncated();
    }
    true
}

/// How many bytes of an address a call has just written, and whether it is longer. `None` if it has written no address.
///
/// # Safety
/// As for [`sockaddr_used`].
#[inline(always)]
pub unsafe fn sockaddr_len(address: i64, len: i64, capacity: c_int) -> Option<(usize, bool)> {
    if address == 0 || len == 0 {
        return None;
    }
    // SAFETY: the call has stored the length.
    let full = unsafe { read_used::<c_int>(len) };
    let len = usize::try_from(full.min(capacity)).ok()?;
    Some((len.min(SOCKADDR_STORAGE), full > capacity))
}
