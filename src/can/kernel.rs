//! What the host gives this module.
//!
//! # Safety
//! It is stored once, before anything here is called.

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use libc::{msghdr, sock_filter, ssize_t};
use sockshim_module::{Socket, SockshimKernel};

static KERNEL: AtomicPtr<SockshimKernel> = AtomicPtr::new(ptr::null_mut());

/// Stores it.
pub fn set(kernel: &'static SockshimKernel) {
    KERNEL.store(ptr::from_ref(kernel).cast_mut(), Ordering::Release);
}

/// It.
#[inline(always)]
pub fn get() -> &'static SockshimKernel {
    // SAFETY: it was stored.
    unsafe { &*KERNEL.load(Ordering::Relaxed) }
}

/// A variable as the process was started with it.
pub fn getenv(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: C strings, which are never changed.
    unsafe {
        let value = (get().getenv)(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// A line for the log.
pub fn printk(text: &CStr) {
    // SAFETY: a C string.
    unsafe { (get().printk)(text.as_ptr()) };
}

/// Copies from the program.
pub fn copy_from_user(to: &mut [u8], from: *const u8) -> Result<(), i32> {
    // SAFETY: a slice is writable.
    match unsafe { (get().copy_from_user)(to.as_mut_ptr().cast(), from.cast(), to.len()) } {
        0 => Ok(()),
        _ => Err(libc::EFAULT),
    }
}

/// Copies to the program.
pub fn copy_to_user(to: *mut u8, from: &[u8]) -> Result<(), i32> {
    // SAFETY: a slice is readable.
    match unsafe { (get().copy_to_user)(to.cast(), from.as_ptr().cast(), from.len()) } {
        0 => Ok(()),
        _ => Err(libc::EFAULT),
    }
}

/// Keeps words and a filter with a socket's descriptor.
pub fn sock_save(sock: &Socket, state: &[u32], filter: &[sock_filter]) -> Result<(), i32> {
    // SAFETY: slices.
    let ret = unsafe {
        (get().sock_save)(sock.fd, sock, state.as_ptr(), state.len(), filter.as_ptr(), filter.len())
    };
    if ret < 0 { Err(-ret) } else { Ok(()) }
}

/// Reads the words again; how many there are.
pub fn sock_load(fd: i32, state: &mut [u32]) -> Option<usize> {
    // SAFETY: a slice.
    let count = unsafe { (get().sock_load)(fd, state.as_mut_ptr(), state.len()) };
    usize::try_from(count).ok().filter(|count| *count <= state.len())
}

/// sendmsg(2), in which the thread may be cancelled.
///
/// # Safety
/// As for sendmsg(2).
#[inline(always)]
pub unsafe fn sendmsg(fd: i32, msg: &msghdr, flags: i32) -> ssize_t {
    // SAFETY: the caller's promise.
    unsafe { (get().kernel_sendmsg)(fd, msg, flags) }
}

/// recvmsg(2), in which the thread may be cancelled.
///
/// # Safety
/// As for recvmsg(2).
#[inline(always)]
pub unsafe fn recvmsg(fd: i32, msg: &mut msghdr, flags: i32) -> ssize_t {
    // SAFETY: the caller's promise.
    unsafe { (get().kernel_recvmsg)(fd, msg, flags) }
}
