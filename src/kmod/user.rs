//! The program's memory (`include/linux/uaccess.h`): it may pass any pointer, and the kernel answers EFAULT for a bad one. So it
//! is read and written through process_vm_readv(2) and process_vm_writev(2) on the own process.
//!
//! # Safety
//! The local side of each copy is a buffer of ours; the kernel checks the program's.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use libc::{c_long, iovec};
use sockshim_sys as sys;

fn part(address: usize, len: usize) -> iovec {
    iovec { iov_base: address as *mut c_void, iov_len: len }
}

/// Copies between our buffer and the program's memory; how many bytes could not be copied.
///
/// # Safety
/// `own` must be valid for `len` bytes.
unsafe fn transfer(nr: c_long, own: usize, user: usize, len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    let (local, remote) = (part(own, len), part(user, len));
    let args = [sys::getpid().into(), &raw const local as i64, 1, &raw const remote as i64, 1, 0];
    // SAFETY: the caller's promise; the kernel checks the program's side.
    let copied = unsafe { sys::syscall(nr, args) };
    if copied == -c_long::from(libc::ENOSYS) || copied == -c_long::from(libc::EPERM) {
        // A sandbox forbids it. Then the pointer is trusted, as most programs' are good.
        let (from, to) = if nr == libc::SYS_process_vm_readv { (user, own) } else { (own, user) };
        // SAFETY: see above.
        unsafe { core::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, len) };
        return 0;
    }
    len - usize::try_from(copied).unwrap_or(0)
}

/// `copy_from_user`: how many bytes could not be copied.
///
/// # Safety
/// `to` must be writable for `len` bytes.
pub unsafe extern "C" fn copy_from_user(to: *mut c_void, from: *const c_void, len: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { transfer(libc::SYS_process_vm_readv, to as usize, from as usize, len) }
}

/// `copy_to_user`: how many bytes could not be copied.
///
/// # Safety
/// `from` must be readable for `len` bytes.
pub unsafe extern "C" fn copy_to_user(to: *mut c_void, from: *const c_void, len: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { transfer(libc::SYS_process_vm_writev, from as usize, to as usize, len) }
}

/// Types of plain bytes, which any bytes are a value of.
///
/// # Safety
/// That must be so.
pub unsafe trait Plain: Copy {}

// SAFETY: integers, and structures of integers and raw pointers.
unsafe impl Plain for libc::c_int {}
// SAFETY: the same.
unsafe impl Plain for u32 {}
// SAFETY: the same.
unsafe impl Plain for i64 {}
// SAFETY: the same.
unsafe impl Plain for libc::msghdr {}
// SAFETY: the same.
unsafe impl Plain for libc::mmsghdr {}
// SAFETY: the same.
unsafe impl Plain for libc::timespec {}
// SAFETY: the same.
unsafe impl Plain for [u8; 40] {}

/// A value at the program's address, or EFAULT.
pub fn get<T: Plain>(from: *const T) -> Result<T, i32> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the buffer is a value's; if it was filled, any bytes are one.
    unsafe {
        match copy_from_user(value.as_mut_ptr().cast(), from.cast(), size_of::<T>()) {
            0 => Ok(value.assume_init()),
            _ => Err(libc::EFAULT),
        }
    }
}

/// Writes a value to the program's address, or EFAULT.
pub fn put<T: Plain>(to: *mut T, value: T) -> Result<(), i32> {
    // SAFETY: a value is readable.
    match unsafe { copy_to_user(to.cast(), (&raw const value).cast(), size_of::<T>()) } {
        0 => Ok(()),
        _ => Err(libc::EFAULT),
    }
}

/// Copies bytes from the program, or EFAULT.
pub fn read(to: &mut [u8], from: *const c_void) -> Result<(), i32> {
    // SAFETY: a slice is writable.
    match unsafe { copy_from_user(to.as_mut_ptr().cast(), from, to.len()) } {
        0 => Ok(()),
        _ => Err(libc::EFAULT),
    }
}

/// Copies bytes to the program, or EFAULT.
pub fn write(to: *mut c_void, from: &[u8]) -> Result<(), i32> {
    // SAFETY: a slice is readable.
    match unsafe { copy_to_user(to, from.as_ptr().cast(), from.len()) } {
        0 => Ok(()),
        _ => Err(libc::EFAULT),
    }
}

/// Copies the program's `iovec`s.
pub fn iovecs(to: &mut [MaybeUninit<iovec>], from: *const iovec) -> Result<(), i32> {
    // SAFETY: a slice is writable.
    match unsafe { copy_from_user(to.as_mut_ptr().cast(), from.cast(), size_of_val(to)) } {
        0 => Ok(()),
        _ => Err(libc::EFAULT),
    }
}
