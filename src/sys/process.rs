//! Facts about the calling process.

use crate::{Result, done, read_link, result, syscall};
use libc::{c_int, c_long};

/// getpid(2).
pub fn getpid() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { syscall(libc::SYS_getpid, [0; 6]) as i32 }
}

/// getppid(2): 0 when the parent is outside the process's pid namespace.
pub fn getppid() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { syscall(libc::SYS_getppid, [0; 6]) as i32 }
}

/// setsid(2): out of the reach of the terminal and of the process group.
pub fn setsid() {
    // SAFETY: takes no arguments. It fails for the leader of a group, which has a session or a group of its own already.
    unsafe { syscall(libc::SYS_setsid, [0; 6]) };
}

/// setpgid(2): gives a child a process group of its own. It fails for a child that has a session already.
pub fn setpgid(pid: i32) {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_setpgid, [pid.into(), pid.into(), 0, 0, 0, 0]) };
}

/// umask(2).
pub fn umask(mask: u32) {
    // SAFETY: takes a number.
    unsafe { syscall(libc::SYS_umask, [mask.into(), 0, 0, 0, 0, 0]) };
}

/// kill(2), SIGKILL.
pub fn kill(pid: i32) {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_kill, [pid.into(), libc::SIGKILL.into(), 0, 0, 0, 0]) };
}

/// wait4(2) for a child that was made without an exit signal: whether it was reaped. With `patient` until it has ended.
pub fn reap(pid: i32, patient: bool) -> bool {
    let flags = libc::__WCLONE | if patient { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: takes numbers; without a place for a status, none is written.
        match result(unsafe { syscall(libc::SYS_wait4, [pid.into(), 0, flags.into(), 0, 0, 0]) }) {
            Ok(reaped) => return reaped == c_long::from(pid),
            Err(libc::EINTR) => {}
            Err(_) => return false,
        }
    }
}

/// prctl(PR_SET_PDEATHSIG): the signal that tells of the end of the thread that has made this process. A change of user
/// takes it back.
pub fn signal_parents_end(signal: c_int) {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), signal.into(), 0, 0, 0, 0]) };
}

/// The path that exec was given (AT_EXECFN); empty where the kernel says none.
pub fn file_of_program() -> &'static [u8] {
    // SAFETY: reads what the dynamic linker has kept.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) } as *const core::ffi::c_char;
    if path.is_null() {
        return b"";
    }
    // SAFETY: the kernel has put a C string on the stack. Programs that write titles over their arguments stop before it, or
    // find it later: this is for the start.
    unsafe { core::ffi::CStr::from_ptr(path) }.to_bytes()
}

/// setns(2).
///
/// # Errors
/// That of setns(2).
pub fn setns(fd: c_int, kind: c_int) -> Result<()> {
    // SAFETY: takes numbers.
    done(unsafe { syscall(libc::SYS_setns, [fd.into(), kind.into(), 0, 0, 0, 0]) })
}

/// pidfd_open(2).
///
/// # Errors
/// That of pidfd_open(2): ESRCH when there is no such process.
pub fn pidfd_open(pid: i32) -> Result<c_int> {
    // SAFETY: takes numbers.
    result(unsafe { syscall(libc::SYS_pidfd_open, [pid.into(), 0, 0, 0, 0, 0]) }).map(|fd| fd as c_int)
}

/// The number of the pid namespace, as `/proc` tells it; 0 where it does not.
pub fn pid_namespace() -> u64 {
    let mut name = [0; 32];
    let len = read_link(c"/proc/self/ns/pid", &mut name).unwrap_or(0);
    let digits = name[..len].iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// A time namespace, for clone(2), unshare(2) and setns(2).
pub const CLONE_NEWTIME: c_int = 0x80;

/// Whether the descriptor is a time namespace: ioctl(2), NS_GET_NSTYPE.
pub fn is_time_namespace(fd: c_int) -> bool {
    const NS_GET_NSTYPE: c_long = 0xb703;
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_ioctl, [fd.into(), NS_GET_NSTYPE, 0, 0, 0, 0]) == CLONE_NEWTIME.into() }
}

/// Whether the next child would be in another pid namespace, after unshare(2) or setns(2), as far as `/proc` tells. A
/// namespace without a process yet has no name there.
pub fn leads_a_pid_namespace() -> bool {
    let mut names = [[0; 32]; 2];
    let paths = [c"/proc/self/ns/pid", c"/proc/self/ns/pid_for_children"];
    let [own, next] = [0, 1].map(|index| read_link(paths[index], &mut names[index]));
    own.is_ok() && (next.is_err() || names[0] != names[1])
}

/// prctl(PR_GET_NO_NEW_PRIVS).
pub fn no_new_privs() -> bool {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_NO_NEW_PRIVS.into(), 0, 0, 0, 0, 0]) == 1 }
}

/// The kernel's release as uname(2) has it, such as `6.1.0-50-amd64`, in `buffer`: six names of 65 bytes, of which it is the
/// third.
pub fn kernel_release(buffer: &mut [u8; 390]) -> Option<&[u8]> {
    // SAFETY: the buffer is a `struct new_utsname`.
    result(unsafe { syscall(libc::SYS_uname, [buffer.as_mut_ptr() as c_long, 0, 0, 0, 0, 0]) }).ok()?;
    buffer[2 * 65..].split(|byte| *byte == 0).next()
}
