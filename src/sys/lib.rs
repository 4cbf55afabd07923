//! Raw system calls: for the time before libc's functions are known, and for everything that sockshim does on its own
//! account inside a program. They touch neither errno nor any lock, and no hook sees them.
//!
//! # Safety
//! A system call is as safe as its arguments. The typed functions below take what the kernel checks itself.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("the system call instruction here is that of Linux on x86-64");

pub mod elf;

use core::arch::asm;
use libc::{c_int, c_long};

/// A system call with up to six arguments; the kernel's raw answer, negative errno included.
///
/// # Safety
/// As for the call that `nr` names.
#[inline(always)]
pub unsafe fn syscall(nr: c_long, a: [c_long; 6]) -> c_long {
    let ret;
    // SAFETY: the instruction's clobbers are declared; what the kernel does with memory is the caller's contract.
    unsafe {
        asm!("syscall", inlateout("rax") nr => ret, in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3],
             in("r8") a[4], in("r9") a[5], lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    ret
}

/// The calling thread's errno.
#[inline]
pub fn errno() -> c_int {
    // SAFETY: the location is valid for the life of the thread.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's errno.
#[inline]
pub fn set_errno(value: c_int) {
    // SAFETY: the location is valid for the life of the thread.
    unsafe { *libc::__errno_location() = value }
}

/// errno as it was, to be put back. The thread's location is asked for once.
pub struct Errno {
    location: *mut c_int,
    value: c_int,
}

impl Errno {
    /// The calling thread's errno.
    #[inline]
    pub fn now() -> Errno {
        // SAFETY: the location is valid for the life of the thread.
        unsafe {
            let location = libc::__errno_location();
            Errno { location, value: *location }
        }
    }

    /// What it was.
    pub fn value(&self) -> c_int {
        self.value
    }

    /// Puts it back. On the same thread: the type is not Send.
    #[inline]
    pub fn restore(&self) {
        // SAFETY: the location is the calling thread's own.
        unsafe { *self.location = self.value }
    }
}

/// A raw answer as libc reports it: -1 and errno for errors.
pub fn libc_answer(raw: c_long) -> c_long {
    if (-4095..0).contains(&raw) {
        set_errno(-raw as c_int);
        return -1;
    }
    raw
}

/// getpid(2).
pub fn getpid() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { syscall(libc::SYS_getpid, [0; 6]) as i32 }
}

/// gettid(2).
pub fn gettid() -> i32 {
    // SAFETY: takes no arguments.
    unsafe { syscall(libc::SYS_gettid, [0; 6]) as i32 }
}

/// Whether the thread exists: signal 0 asks, and nothing more.
pub fn thread_exists(pid: i32, tid: i32) -> bool {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_tgkill, [pid.into(), tid.into(), 0, 0, 0, 0]) == 0 }
}

/// write(2): bytes written or negative errno.
pub fn write(fd: c_int, bytes: &[u8]) -> isize {
    // SAFETY: the slice is readable.
    unsafe {
        syscall(libc::SYS_write, [fd.into(), bytes.as_ptr() as c_long, bytes.len() as c_long, 0, 0, 0])
            as isize
    }
}

/// read(2): bytes read or negative errno.
pub fn read(fd: c_int, bytes: &mut [u8]) -> isize {
    let args = [fd.into(), bytes.as_mut_ptr() as c_long, bytes.len() as c_long, 0, 0, 0];
    // SAFETY: the slice is writable.
    unsafe { syscall(libc::SYS_read, args) as isize }
}

/// openat(2) relative to the current directory: a descriptor or negative errno.
pub fn open(path: &core::ffi::CStr, flags: c_int, mode: c_int) -> c_int {
    let args = [libc::AT_FDCWD.into(), path.as_ptr() as c_long, flags.into(), mode.into(), 0, 0];
    // SAFETY: the path is a C string.
    unsafe { syscall(libc::SYS_openat, args) as c_int }
}

/// close(2).
pub fn close(fd: c_int) {
    // SAFETY: takes a number.
    unsafe { syscall(libc::SYS_close, [fd.into(), 0, 0, 0, 0, 0]) };
}

/// close_range(2): 0 or negative errno.
pub fn close_range(first: u32, last: u32, flags: u32) -> c_int {
    // SAFETY: takes numbers. Whose descriptors are closed is the caller's care.
    unsafe { syscall(libc::SYS_close_range, [first.into(), last.into(), flags.into(), 0, 0, 0]) as c_int }
}

/// Whether the process may have more threads than one, as far as libc knows. The log's writer does not count: it has a
/// descriptor table of its own.
pub fn has_threads() -> bool {
    unsafe extern "C" {
        /// glibc's own note, since 2.32: false from the first pthread_create(3) on.
        static __libc_single_threaded: core::ffi::c_char;
    }
    // SAFETY: libc defines the byte, and only ever writes it whole.
    unsafe { (&raw const __libc_single_threaded).read_volatile() == 0 }
}

/// An int-sized SOL_SOCKET option: its value or the errno.
pub fn getsockopt_int(fd: c_int, option: c_int) -> Result<c_int, c_int> {
    let mut value: c_int = 0;
    getsockopt(fd, option, (&raw mut value).cast(), size_of::<c_int>())?;
    Ok(value)
}

/// SO_COOKIE, the kernel's name for a socket; 0 where the kernel has none.
pub fn getsockopt_cookie(fd: c_int) -> Result<u64, c_int> {
    let mut value: u64 = 0;
    getsockopt(fd, libc::SO_COOKIE, (&raw mut value).cast(), size_of::<u64>())?;
    Ok(value)
}

fn getsockopt(fd: c_int, option: c_int, value: *mut u8, size: usize) -> Result<(), c_int> {
    let mut len = size as libc::socklen_t;
    let args =
        [fd.into(), libc::SOL_SOCKET.into(), option.into(), value as c_long, &raw mut len as c_long, 0];
    // SAFETY: both callers pass a local of `size` bytes.
    let raw = unsafe { syscall(libc::SYS_getsockopt, args) };
    if raw < 0 { Err(-raw as c_int) } else { Ok(()) }
}

/// Whether getpeername(2) finds a peer.
pub fn has_peer(fd: c_int) -> bool {
    let mut addr = [0_u64; 16];
    let mut len = size_of_val(&addr) as libc::socklen_t;
    let args = [fd.into(), addr.as_mut_ptr() as c_long, &raw mut len as c_long, 0, 0, 0];
    // SAFETY: the buffer is a local of the length that is passed.
    unsafe { syscall(libc::SYS_getpeername, args) == 0 }
}

/// Whether calls on the descriptor do not wait: O_NONBLOCK.
pub fn is_nonblocking(fd: c_int) -> bool {
    // SAFETY: takes numbers.
    let flags = unsafe { syscall(libc::SYS_fcntl, [fd.into(), libc::F_GETFL.into(), 0, 0, 0, 0]) };
    flags >= 0 && flags & c_long::from(libc::O_NONBLOCK) != 0
}

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

/// getgroups(2): how many, or negative errno when there are more.
pub fn groups(groups: &mut [u32]) -> c_int {
    let args = [groups.len() as c_long, groups.as_mut_ptr() as c_long, 0, 0, 0, 0];
    // SAFETY: the kernel writes at most as many ids as the slice has.
    unsafe { syscall(libc::SYS_getgroups, args) as c_int }
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

/// The calling thread's capabilities: effective, permitted and inheritable, lower and upper half, as capget(2) orders
/// them.
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

/// What an open descriptor refers to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct File {
    device: u64,
    /// Its number on the device: for a socket that of /proc/self/fd.
    pub inode: u64,
    /// Whether it is a socket.
    pub is_socket: bool,
}

/// fstat(2), for telling one open file from another.
pub fn fstat(fd: c_int) -> Option<File> {
    // SAFETY: all zeros are a `stat`, and the kernel fills it.
    let (raw, stat) = unsafe {
        let mut stat: libc::stat = core::mem::zeroed();
        (syscall(libc::SYS_fstat, [fd.into(), &raw mut stat as c_long, 0, 0, 0, 0]), stat)
    };
    let is_socket = stat.st_mode & libc::S_IFMT == libc::S_IFSOCK;
    (raw == 0).then_some(File { device: stat.st_dev, inode: stat.st_ino, is_socket })
}

/// What stat(2) says of a file, as far as exec looks at it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The device.
    pub device: u64,
    /// The inode's number.
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// newfstatat(2).
pub fn stat_at(dir: c_int, path: &core::ffi::CStr, flags: c_int) -> Option<Stat> {
    // SAFETY: all zeros are a `stat`, the kernel fills it, and the path is a C string.
    let (raw, stat) = unsafe {
        let mut stat: libc::stat = core::mem::zeroed();
        let args = [dir.into(), path.as_ptr() as c_long, &raw mut stat as c_long, flags.into(), 0, 0];
        (syscall(libc::SYS_newfstatat, args), stat)
    };
    (raw == 0).then_some(Stat {
        device: stat.st_dev,
        inode: stat.st_ino,
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
    })
}

/// faccessat2(2) for the effective ids: whether the file may be executed.
pub fn may_execute(dir: c_int, path: &core::ffi::CStr, flags: c_int) -> bool {
    let flags = flags | libc::AT_EACCESS;
    let args = [dir.into(), path.as_ptr() as c_long, libc::X_OK.into(), flags.into(), 0, 0];
    // SAFETY: the path is a C string.
    unsafe { syscall(libc::SYS_faccessat2, args) == 0 }
}

/// openat(2): a descriptor or negative errno.
pub fn open_at(dir: c_int, path: &core::ffi::CStr, flags: c_int) -> c_int {
    // SAFETY: the path is a C string.
    unsafe {
        syscall(libc::SYS_openat, [dir.into(), path.as_ptr() as c_long, flags.into(), 0, 0, 0]) as c_int
    }
}

/// pread64(2): bytes read or negative errno.
pub fn pread(fd: c_int, bytes: &mut [u8], offset: i64) -> isize {
    let args = [fd.into(), bytes.as_mut_ptr() as c_long, bytes.len() as c_long, offset, 0, 0];
    // SAFETY: the slice is writable.
    unsafe { syscall(libc::SYS_pread64, args) as isize }
}

/// fgetxattr(2): the attribute's length or negative errno.
pub fn attribute(fd: c_int, name: &core::ffi::CStr, value: &mut [u8]) -> isize {
    let args =
        [fd.into(), name.as_ptr() as c_long, value.as_mut_ptr() as c_long, value.len() as c_long, 0, 0];
    // SAFETY: the name is a C string, and the slice is writable.
    unsafe { syscall(libc::SYS_fgetxattr, args) as isize }
}

/// Whether the file's mount has the option `nosuid`.
pub fn is_nosuid(fd: c_int) -> bool {
    // A `struct statfs` has fifteen words here; f_flags, which libc's type does not show, is the eleventh.
    let mut mount = [0_u64; 15];
    // SAFETY: the kernel writes one `struct statfs`.
    let raw = unsafe { syscall(libc::SYS_fstatfs, [fd.into(), mount.as_mut_ptr() as c_long, 0, 0, 0, 0]) };
    raw == 0 && mount[10] & libc::ST_NOSUID != 0
}

/// prctl(PR_GET_NO_NEW_PRIVS).
pub fn no_new_privs() -> bool {
    // SAFETY: takes numbers.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_NO_NEW_PRIVS.into(), 0, 0, 0, 0, 0]) == 1 }
}

/// getcwd(2): the path's length with its terminator, or negative errno.
pub fn current_directory(path: &mut [u8]) -> isize {
    let args = [path.as_mut_ptr() as c_long, path.len() as c_long, 0, 0, 0, 0];
    // SAFETY: the slice is writable.
    unsafe { syscall(libc::SYS_getcwd, args) as isize }
}

/// process_vm_readv(2): bytes copied or negative errno.
pub fn copy_memory(pid: i32, local: &[libc::iovec], remote: &[libc::iovec]) -> isize {
    let (to, from) = (local.as_ptr() as c_long, remote.as_ptr() as c_long);
    let args = [pid.into(), to, local.len() as c_long, from, remote.len() as c_long, 0];
    // SAFETY: the local vectors describe writable memory, which is the caller's care; the kernel checks the remote ones.
    unsafe { syscall(libc::SYS_process_vm_readv, args) as isize }
}

/// futex(2), FUTEX_WAIT: sleeps while `word` is `value`, for at most `nanos`.
pub fn futex_wait(word: &core::sync::atomic::AtomicU32, value: u32, nanos: i64) {
    let timeout = libc::timespec { tv_sec: nanos / 1_000_000_000, tv_nsec: nanos % 1_000_000_000 };
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    let args = [word.as_ptr() as c_long, op.into(), value.into(), &raw const timeout as c_long, 0, 0];
    // SAFETY: the word and the timeout outlive the call.
    let raw = unsafe { syscall(libc::SYS_futex, args) } as c_int;
    if raw < 0 && ![-libc::EAGAIN, -libc::EINTR, -libc::ETIMEDOUT].contains(&raw) {
        // A filter forbids it. Whoever waits asks again and again, and should not do so without a pause.
        let pause = libc::timespec { tv_sec: 0, tv_nsec: nanos.clamp(0, 1_000_000) };
        // SAFETY: the pause outlives the call.
        unsafe { syscall(libc::SYS_nanosleep, [&raw const pause as c_long, 0, 0, 0, 0, 0]) };
    }
}

/// futex(2), FUTEX_WAKE: wakes everybody who waits on `word`.
pub fn futex_wake(word: &core::sync::atomic::AtomicU32) {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word outlives the call.
    unsafe { syscall(libc::SYS_futex, [word.as_ptr() as c_long, op.into(), i32::MAX.into(), 0, 0, 0]) };
}

/// prctl(PR_SET_NAME) for the calling thread.
pub fn set_name(name: &core::ffi::CStr) {
    // SAFETY: the name is a C string.
    unsafe { syscall(libc::SYS_prctl, [libc::PR_SET_NAME.into(), name.as_ptr() as c_long, 0, 0, 0, 0]) };
}

/// An anonymous private mapping, or null.
pub fn mmap(len: usize) -> *mut u8 {
    map(len, libc::MAP_PRIVATE)
}

/// An anonymous mapping that children of fork keep sharing, or null.
pub fn mmap_shared(len: usize) -> *mut u8 {
    map(len, libc::MAP_SHARED)
}

fn map(len: usize, kind: c_int) -> *mut u8 {
    let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, kind | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping touches nothing that exists.
    let raw = unsafe { syscall(libc::SYS_mmap, [0, len as c_long, prot.into(), flags.into(), -1, 0]) };
    if (-4095..0).contains(&raw) { core::ptr::null_mut() } else { raw as *mut u8 }
}

/// madvise(2), MADV_WIPEONFORK: the pages read zero in every forked child. `false` where the kernel cannot.
pub fn wipe_on_fork(start: *mut u8, len: usize) -> bool {
    // SAFETY: the advice changes nothing in this process.
    unsafe {
        syscall(libc::SYS_madvise, [start as c_long, len as c_long, libc::MADV_WIPEONFORK.into(), 0, 0, 0])
            == 0
    }
}

/// madvise(2), MADV_DONTNEED: private anonymous pages read zero from now on, and take no memory.
pub fn discard(start: *mut u8, len: usize) {
    // SAFETY: what is given up is the caller's own mapping, of types for which zero is a value.
    unsafe {
        syscall(libc::SYS_madvise, [start as c_long, len as c_long, libc::MADV_DONTNEED.into(), 0, 0, 0])
    };
}

/// munmap(2).
///
/// # Safety
/// Nobody may use the mapping any more.
pub unsafe fn munmap(start: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { syscall(libc::SYS_munmap, [start as c_long, len as c_long, 0, 0, 0, 0]) };
}

/// Blocks every signal for the calling thread and returns the mask that was.
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
    // SAFETY: the kernel's signal set has eight bytes, as the two words have.
    unsafe { syscall(libc::SYS_rt_sigprocmask, [libc::SIG_SETMASK.into(), new, old, 8, 0, 0]) };
}

/// CLOCK_MONOTONIC in nanoseconds; through the vDSO, so without entering the kernel.
pub fn monotonic() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// CLOCK_REALTIME in nanoseconds since the epoch.
pub fn realtime() -> u64 {
    clock(libc::CLOCK_REALTIME)
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the timespec is a local.
    unsafe { libc::clock_gettime(id, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
