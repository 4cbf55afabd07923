//! Signals: sending them, and what the calling process does at one.

use crate::{Result, done, syscall};
use core::ptr;
use libc::{c_int, c_long};

/// The kernel's `struct sigaction` on x86-64, for an action that is no handler.
#[repr(C)]
struct Action {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

/// kill(2), to a process.
///
/// # Errors
/// That of kill(2): ESRCH when there is no such process, EPERM, EINVAL.
pub fn send(pid: i32, signal: c_int) -> Result<()> {
    // SAFETY: takes numbers.
    done(unsafe { syscall(libc::SYS_kill, [pid.into(), signal.into(), 0, 0, 0, 0]) })
}

/// tgkill(2), to the calling thread: as the kernel sends what a call of the thread's is the reason of.
pub fn raise(signal: c_int) {
    let args = [crate::getpid().into(), crate::gettid().into(), signal.into(), 0, 0, 0];
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_tgkill, args) };
}

/// Of the two signals that glibc keeps for itself (32 for cancellation, 33 for set*id of all threads) those that this process
/// does not ignore. Its sigaddset(3) refuses them, and its posix_spawn(3) leaves a program with both ignored unless it is told
/// to give them their default.
pub fn of_libc() -> libc::sigset_t {
    // SAFETY: all zeros are an empty set.
    let mut set: libc::sigset_t = unsafe { core::mem::zeroed() };
    let bits = [32, 33].into_iter().filter(|signal| !is_ignored(*signal));
    let bits = bits.fold(0, |bits, signal| bits | 1 << (signal - 1));
    // SAFETY: a set is a mask of the kernel's, a bit for each signal from 1, and longer than that.
    unsafe { (&raw mut set).cast::<u64>().write(bits) };
    set
}

/// Whether the process ignores the signal.
pub fn is_ignored(signal: c_int) -> bool {
    let mut action = Action { handler: 0, flags: 0, restorer: 0, mask: 0 };
    // SAFETY: the kernel writes one `struct sigaction`.
    unsafe { syscall(libc::SYS_rt_sigaction, [signal.into(), 0, &raw mut action as c_long, 8, 0, 0]) };
    action.handler == libc::SIG_IGN
}

/// Gives the signal its default action.
///
/// # Errors
/// EINVAL for SIGKILL, SIGSTOP, and what is no signal.
pub fn set_default(signal: c_int) -> Result<()> {
    let action = Action { handler: libc::SIG_DFL, flags: 0, restorer: 0, mask: 0 };
    let args = [signal.into(), ptr::from_ref(&action) as c_long, 0, 8, 0, 0];
    // SAFETY: the action outlives the call. Without a handler nothing of the program's can run.
    done(unsafe { syscall(libc::SYS_rt_sigaction, args) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_known() {
        // Rust's runtime ignores it.
        assert!(is_ignored(libc::SIGPIPE));
        assert!(!is_ignored(libc::SIGUSR1) && !is_ignored(libc::SIGKILL) && !is_ignored(1000));
        assert_eq!(set_default(libc::SIGKILL), Err(libc::EINVAL));
        assert_eq!(set_default(libc::SIGWINCH), Ok(()));
    }

    #[test]
    fn signals_are_sent() {
        assert_eq!(send(crate::getpid(), 0), Ok(()));
        assert_eq!(send(i32::MAX, 0), Err(libc::ESRCH));
        assert_eq!(send(crate::getpid(), 1000), Err(libc::EINVAL));
    }
}
