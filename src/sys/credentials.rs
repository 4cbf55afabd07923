//! The calling thread's credentials. libc's functions change those of all threads; these change one thread's.

use crate::{Result, result, syscall};
use libc::c_long;

/// getresuid(2): real, effective and saved user.
pub fn resuid() -> [u32; 3] {
    three(libc::SYS_getresuid)
}

/// getresgid(2): real, effective and saved group.
pub fn resgid() -> [u32; 3] {
    three(libc::SYS_getresgid)
}

fn three(nr: c_long) -> [u32; 3] {
    let [mut real, mut effective, mut saved] = [0_u32; 3];
    let args = [&raw mut real as c_long, &raw mut effective as c_long, &raw mut saved as c_long, 0, 0, 0];
    // SAFETY: both callers name calls that write three ids.
    unsafe { syscall(nr, args) };
    [real, effective, saved]
}

/// getgroups(2): the number of groups.
///
/// # Errors
/// EINVAL when there are more groups than the slice can hold.
pub fn groups(groups: &mut [u32]) -> Result<usize> {
    let args = [groups.len() as c_long, groups.as_mut_ptr() as c_long, 0, 0, 0, 0];
    // SAFETY: the kernel writes at most as many ids as the slice can hold.
    result(unsafe { syscall(libc::SYS_getgroups, args) }).map(|count| count as usize)
}

/// setgroups(2) for the calling thread alone.
pub fn set_groups(groups: &[u32]) {
    // SAFETY: the slice is readable.
    unsafe { syscall(libc::SYS_setgroups, [groups.len() as c_long, groups.as_ptr() as c_long, 0, 0, 0, 0]) };
}

/// setresgid(2) for the calling thread alone.
pub fn set_resgid(ids: [u32; 3]) {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_setresgid, [ids[0].into(), ids[1].into(), ids[2].into(), 0, 0, 0]) };
}

/// setresuid(2) for the calling thread alone.
pub fn set_resuid(ids: [u32; 3]) {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_setresuid, [ids[0].into(), ids[1].into(), ids[2].into(), 0, 0, 0]) };
}

/// The calling thread's capabilities: effective, permitted and inheritable, lower and upper half, in the order of
/// capget(2).
pub fn capabilities() -> [u32; 6] {
    let mut sets = [0; 6];
    capability_call(libc::SYS_capget, &mut sets);
    sets
}

/// capset(2) for the calling thread alone.
pub fn set_capabilities(sets: [u32; 6]) {
    let mut sets = sets;
    capability_call(libc::SYS_capset, &mut sets);
}

fn capability_call(nr: c_long, sets: &mut [u32; 6]) {
    const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;
    let header = [LINUX_CAPABILITY_VERSION_3, 0];
    // SAFETY: version 3 has six words of sets, and thread 0 is the caller.
    unsafe { syscall(nr, [header.as_ptr() as c_long, sets.as_mut_ptr() as c_long, 0, 0, 0, 0]) };
}

/// prctl(PR_SET_KEEPCAPS): a change of user by the calling thread leaves it its permitted capabilities.
pub fn keep_capabilities() {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_SET_KEEPCAPS.into(), 1, 0, 0, 0, 0]) };
}

/// The effective user.
pub fn geteuid() -> u32 {
    // SAFETY: takes nothing.
    unsafe { syscall(libc::SYS_geteuid, [0; 6]) as u32 }
}
