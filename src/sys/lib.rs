//! Raw system calls, for the time before libc's functions are known, and for everything that sockshim does inside a
//! program on its own account. They touch neither errno nor a lock, and no hook sees them.
//!
//! What can fail returns a [`Result`] with the errno as a positive number. A yes-or-no question that fails is
//! answered no.
//!
//! # Safety
//! A system call is as safe as its arguments. Functions whose arguments the kernel checks are safe; functions that
//! take raw memory are `unsafe` and have a contract.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("the system call instruction here is that of Linux on x86-64");

mod credentials;
pub mod elf;
mod errno;
mod fd;
mod file;
mod image;
mod memory;
mod process;
mod scratch;
pub mod segment;
pub mod signal;
mod socket;
mod thread;
pub mod time;
pub mod valgrind;

pub use credentials::{
    capabilities, geteuid, groups, keep_capabilities, resgid, resuid, set_capabilities, set_groups,
    set_resgid, set_resuid,
};
pub use errno::{SavedErrno, errno, libc_answer, set_errno};
pub use fd::{
    attribute, close, close_range, is_nonblocking, open, open_at, position, pread, pread_to, read,
    unshare_files, write,
};
pub use file::{
    File, Stat, change_directory, current_directory, fstat, is_nosuid, may_execute, may_read, read_link,
    stat_at,
};
pub use image::unwind_table_of;
pub use memory::{copy_memory, discard, forbid, limit_of_addresses, mmap, mmap_shared, munmap, wipe_on_fork};
pub use process::{
    CLONE_NEWTIME, file_of_program, getpid, getppid, is_time_namespace, kernel_release, kill,
    leads_a_pid_namespace, no_new_privs, pid_namespace, pidfd_open, reap, setns, setpgid, setsid,
    signal_parents_end, umask,
};
pub use scratch::Scratch;
pub use socket::{
    address, connect_unix, getsockopt_cookie, getsockopt_int, has_cookie, has_peer, peer_pid, send,
    setsockopt, wake_at,
};
pub use thread::{
    block_signals, futex_wait, futex_wait_for_end, futex_wake, gettid, interrupt_sleep_at, may_read_counter,
    name, restore_signals, set_name, sleep, thread_exists,
};
pub use time::{monotonic, realtime};

use core::arch::asm;
use libc::{c_int, c_long};

/// The kernel's answer, or the errno.
pub type Result<T> = core::result::Result<T, c_int>;

/// A system call with up to six arguments. Returns the kernel's raw answer; an error is a negative errno.
///
/// # Safety
/// The contract of the call that `nr` names.
#[inline(always)]
pub unsafe fn syscall(nr: c_long, a: [c_long; 6]) -> c_long {
    let ret;
    // SAFETY: the instruction's clobbers are declared; the caller answers for what the kernel does with memory.
    unsafe {
        asm!("syscall", inlateout("rax") nr => ret, in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3],
             in("r8") a[4], in("r9") a[5], lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    ret
}

/// Separates an error from an answer.
#[inline(always)]
fn result(raw: c_long) -> Result<c_long> {
    if (-4095..0).contains(&raw) { Err(-raw as c_int) } else { Ok(raw) }
}

/// The same for a call whose only answer is success.
#[inline(always)]
fn done(raw: c_long) -> Result<()> {
    result(raw).map(|_| ())
}
