//! Mappings, and reading memory that may not be readable.

use crate::{Result, done, result, syscall, valgrind};
use libc::{c_int, c_long};

/// process_vm_readv(2) from the remote buffers, which need not be readable, to the local ones: the number of bytes
/// copied.
///
/// # Safety
/// The local buffers must be writable and used by nobody else.
///
/// # Errors
/// That of process_vm_readv(2): EFAULT when the first byte cannot be read.
#[inline]
pub unsafe fn copy_memory(pid: i32, local: &[libc::iovec], remote: &[libc::iovec]) -> Result<usize> {
    let (to, from) = (local.as_ptr() as c_long, remote.as_ptr() as c_long);
    let args = [pid.into(), to, local.len() as c_long, from, remote.len() as c_long, 0];
    // SAFETY: the caller's promise; the kernel checks the remote buffers.
    result(unsafe { syscall(libc::SYS_process_vm_readv, args) }).map(|count| count as usize)
}

/// An anonymous private mapping.
///
/// # Errors
/// That of mmap(2).
pub fn mmap(len: usize) -> Result<*mut u8> {
    map(len, libc::MAP_PRIVATE)
}

/// An anonymous mapping that is shared with children of fork.
///
/// # Errors
/// That of mmap(2).
pub fn mmap_shared(len: usize) -> Result<*mut u8> {
    map(len, libc::MAP_SHARED)
}

fn map(len: usize, kind: c_int) -> Result<*mut u8> {
    let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, kind | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping replaces nothing.
    let raw = unsafe { syscall(libc::SYS_mmap, [0, len as c_long, prot.into(), flags.into(), -1, 0]) };
    result(raw).map(|start| start as *mut u8).inspect(|start| valgrind::untrack(*start as usize, len))
}

/// How many bytes of addresses the process may have (RLIMIT_AS); the greatest number where there is no limit.
pub fn limit_of_addresses() -> u64 {
    let mut limit = libc::rlimit64 { rlim_cur: libc::RLIM64_INFINITY, rlim_max: 0 };
    let args = [0, libc::RLIMIT_AS as c_long, 0, &raw mut limit as c_long, 0, 0];
    // SAFETY: the kernel writes a limit.
    unsafe { syscall(libc::SYS_prlimit64, args) };
    limit.rlim_cur
}

/// munmap(2).
///
/// # Safety
/// Nobody may use the mapping any more.
pub unsafe fn munmap(start: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { syscall(libc::SYS_munmap, [start as c_long, len as c_long, 0, 0, 0, 0]) };
}

/// mprotect(2), PROT_NONE: an access to the pages faults.
///
/// # Safety
/// Nobody may use the pages any more.
pub unsafe fn forbid(start: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { syscall(libc::SYS_mprotect, [start as c_long, len as c_long, libc::PROT_NONE.into(), 0, 0, 0]) };
}

/// madvise(2), MADV_WIPEONFORK: the pages read as zero in every forked child.
///
/// # Safety
/// The pages must be the caller's own, private and anonymous, and hold types for which zero is a value.
///
/// # Errors
/// That of madvise(2): EINVAL before Linux 4.14.
pub unsafe fn wipe_on_fork(start: *mut u8, len: usize) -> Result<()> {
    // SAFETY: the caller's promise. The advice changes nothing in this process.
    unsafe { advise(start, len, libc::MADV_WIPEONFORK) }
}

/// madvise(2), MADV_DONTNEED: the pages read as zero from now on and take no memory.
///
/// # Safety
/// The pages must be the caller's own, private and anonymous, and hold types for which zero is a value. Nobody may be
/// using their contents.
pub unsafe fn discard(start: *mut u8, len: usize) {
    // SAFETY: the caller's promise. If the kernel refuses, the pages stay as they are.
    let _ = unsafe { advise(start, len, libc::MADV_DONTNEED) };
}

unsafe fn advise(start: *mut u8, len: usize, advice: c_int) -> Result<()> {
    // SAFETY: the caller's promise.
    done(unsafe { syscall(libc::SYS_madvise, [start as c_long, len as c_long, advice.into(), 0, 0, 0]) })
}
