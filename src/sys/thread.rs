//! The calling thread: its id, name and signal mask, and waiting.

use crate::syscall;
use core::arch::naked_asm;
use core::sync::atomic::{AtomicI32, AtomicU32};
use libc::{c_int, c_long};

/// gettid(2).
pub fn gettid() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { syscall(libc::SYS_gettid, [0; 6]) as i32 }
}

/// Whether the thread exists, tested with signal 0. Where that may not be asked, it does.
pub fn thread_exists(pid: i32, tid: i32) -> bool {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_tgkill, [pid.into(), tid.into(), 0, 0, 0, 0]) != -c_long::from(libc::ESRCH) }
}

/// prctl(PR_SET_NAME) for the calling thread.
pub fn set_name(name: &core::ffi::CStr) {
    // SAFETY: the name is a C string.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_SET_NAME.into(), name.as_ptr() as c_long, 0, 0, 0, 0]) };
}

/// prctl(PR_GET_NAME): the calling thread's name, without its end.
pub fn name(buffer: &mut [u8; 16]) -> &[u8] {
    // SAFETY: the kernel writes at most 16 bytes.
    unsafe {
        syscall(libc::SYS_prctl, [libc::PR_GET_NAME.into(), buffer.as_mut_ptr() as c_long, 0, 0, 0, 0])
    };
    buffer.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// prctl(PR_GET_TSC): whether the calling thread may read the processor's counter.
pub fn may_read_counter() -> bool {
    let mut state: c_int = 0;
    // SAFETY: the kernel writes an int.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_TSC.into(), &raw mut state as c_long, 0, 0, 0, 0]) };
    state != libc::PR_TSC_SIGSEGV
}

/// futex(2), FUTEX_WAIT: sleeps while `word` is `value`, for at most `nanos`.
pub fn futex_wait(word: &AtomicU32, value: u32, nanos: i64) {
    let timeout = libc::timespec { tv_sec: nanos / 1_000_000_000, tv_nsec: nanos % 1_000_000_000 };
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    let args = [word.as_ptr() as c_long, op.into(), value.into(), &raw const timeout as c_long, 0, 0];
    // SAFETY: the word and the timeout outlive the call.
    let raw = unsafe { syscall(libc::SYS_futex, args) } as c_int;
    if raw < 0 && ![-libc::EAGAIN, -libc::EINTR, -libc::ETIMEDOUT].contains(&raw) {
        // A filter forbids futex. The caller waits in a loop, and without a pause the loop would spin.
        let pause = libc::timespec { tv_sec: 0, tv_nsec: nanos.clamp(0, 1_000_000) };
        // SAFETY: the pause outlives the call.
        unsafe { syscall(libc::SYS_nanosleep, [&raw const pause as c_long, 0, 0, 0, 0, 0]) };
    }
}

/// Sleeps while `word` is `value`, for at most `nanos`. For a word that the kernel clears when a task ends
/// (CLONE_CHILD_CLEARTID): it wakes as if the word were shared between processes.
pub fn futex_wait_for_end(word: &AtomicI32, value: i32, nanos: i64) {
    let timeout = libc::timespec { tv_sec: nanos / 1_000_000_000, tv_nsec: nanos % 1_000_000_000 };
    let args =
        [word.as_ptr() as c_long, libc::FUTEX_WAIT.into(), value.into(), &raw const timeout as c_long, 0, 0];
    // SAFETY: the word and the timeout outlive the call.
    unsafe { syscall(libc::SYS_futex, args) };
}

/// Sleeps for at most `nanos`.
pub fn sleep(nanos: i64) {
    // Nobody wakes this word.
    futex_wait(&AtomicU32::new(0), 0, nanos);
}

/// futex(2), FUTEX_WAKE: wakes all waiters on `word`.
pub fn futex_wake(word: &AtomicU32) {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word outlives the call.
    unsafe { syscall(libc::SYS_futex, [word.as_ptr() as c_long, op.into(), i32::MAX.into(), 0, 0, 0]) };
}

/// Blocks all signals of the calling thread, and returns the previous mask.
pub fn block_signals() -> u64 {
    let (all, mut old) = (u64::MAX, 0_u64);
    sigprocmask(Some(&all), Some(&mut old));
    old
}

/// Sets the calling thread's signal mask.
pub fn restore_signals(mask: u64) {
    sigprocmask(Some(&mask), None);
}

fn sigprocmask(new: Option<&u64>, old: Option<&mut u64>) {
    let new = new.map_or(0, |mask| core::ptr::from_ref(mask) as c_long);
    let old = old.map_or(0, |mask| core::ptr::from_mut(mask) as c_long);
    // SAFETY: the kernel's signal set is eight bytes, which both words have.
    unsafe { syscall(libc::SYS_rt_sigprocmask, [libc::SIG_SETMASK.into(), new, old, 8, 0, 0]) };
}

/// For a process that shares nothing of its signals: `signal` interrupts its sleeping calls, and `handler` is told.
pub fn interrupt_sleep_at(signal: c_int, handler: extern "C" fn(c_int)) {
    /// The kernel's `struct sigaction` on x86-64.
    #[repr(C)]
    struct Action {
        handler: extern "C" fn(c_int),
        flags: u64,
        restorer: unsafe extern "C" fn(),
        mask: u64,
    }
    const SA_RESTORER: u64 = 0x0400_0000;
    let action = Action { handler, flags: SA_RESTORER, restorer: sigreturn, mask: u64::MAX };
    let args = [signal.into(), &raw const action as c_long, 0, 8, 0, 0];
    // SAFETY: the action outlives the call.
    unsafe { syscall(libc::SYS_rt_sigaction, args) };
    restore_signals(!(1 << (signal - 1)));
}

/// Where a handler returns to: rt_sigreturn(2).
#[unsafe(naked)]
unsafe extern "C" fn sigreturn() {
    naked_asm!("mov eax, {call}", "syscall", call = const libc::SYS_rt_sigreturn);
}
