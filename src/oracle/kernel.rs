//! The kernel's side of every question: system calls that bypass libc.

use libc::{c_int, c_long};
use sockshim_core::errno::Errno;
use sockshim_sys as sys;

/// The result of a system call.
pub type KernelAnswer = Result<i64, Errno>;

/// A system call whose arguments are numbers, and pointers that the caller guarantees.
///
/// # Safety
/// The contract of the call.
pub unsafe fn call(nr: c_long, args: &[i64]) -> KernelAnswer {
    let mut words = [0; 6];
    words[..args.len()].copy_from_slice(args);
    // SAFETY: the caller's promise.
    let raw = unsafe { sys::syscall(nr, words) };
    if (-4095..0).contains(&raw) { Err(Errno(-raw as c_int)) } else { Ok(raw) }
}

/// A call of the oracle's own that must succeed.
///
/// # Panics
/// When the call failed, with what it was for.
pub fn must(what: &str, answer: KernelAnswer) -> i64 {
    match answer {
        Ok(value) => value,
        Err(errno) => panic!("{what}: {}", name(Some(errno))),
    }
}

/// The name of a result: `"0"` for success.
pub fn name(errno: Option<Errno>) -> String {
    match errno {
        None => "ok".to_string(),
        Some(errno) => errno.name().map_or_else(|| errno.0.to_string(), str::to_string),
    }
}

/// socket(2).
pub fn socket(family: c_int, ty: c_int, protocol: c_int) -> KernelAnswer {
    // SAFETY: takes numbers.
    unsafe { call(libc::SYS_socket, &[family.into(), ty.into(), protocol.into()]) }
}

/// socketpair(2) into an array of the oracle's own.
pub fn socketpair(family: c_int, ty: c_int, protocol: c_int) -> Result<[c_int; 2], Errno> {
    let mut pair = [-1; 2];
    let array = pair.as_mut_ptr() as i64;
    // SAFETY: the array has room for two descriptors.
    unsafe { call(libc::SYS_socketpair, &[family.into(), ty.into(), protocol.into(), array]) }?;
    Ok(pair)
}

/// fcntl(2) with a number as its argument.
pub fn fcntl(fd: c_int, cmd: c_int, argument: c_int) -> KernelAnswer {
    // SAFETY: takes numbers.
    unsafe { call(libc::SYS_fcntl, &[fd.into(), cmd.into(), argument.into()]) }
}

/// ioctl(2) with a buffer of the oracle's own.
pub fn ioctl(fd: c_int, request: c_int, argument: &mut [u8]) -> KernelAnswer {
    // SAFETY: the buffer is large enough for every request that is made here.
    unsafe { call(libc::SYS_ioctl, &[fd.into(), request.into(), argument.as_mut_ptr() as i64]) }
}

/// Limits the number of descriptors; the hard limit too, if one is given.
pub fn limit_descriptors(soft: u64, hard: Option<u64>) {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let resource = i64::from(libc::RLIMIT_NOFILE);
    // SAFETY: the limit is a local.
    must("getrlimit", unsafe { call(libc::SYS_prlimit64, &[0, resource, 0, &raw mut limit as i64]) });
    limit.rlim_cur = soft;
    limit.rlim_max = hard.unwrap_or(limit.rlim_max).max(soft);
    // SAFETY: the limit is a local.
    must("setrlimit", unsafe { call(libc::SYS_prlimit64, &[0, resource, &raw const limit as i64, 0]) });
}

/// Brings up the loopback device of the network namespace.
pub fn loopback_up() {
    const SIOCSIFFLAGS: c_int = 0x8914;
    let fd = must("socket", socket(libc::AF_INET, libc::SOCK_DGRAM, 0)) as c_int;
    let mut request = [0_u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..18].copy_from_slice(&(libc::IFF_UP as u16).to_ne_bytes());
    must("SIOCSIFFLAGS", ioctl(fd, SIOCSIFFLAGS, &mut request));
    sys::close(fd);
}
