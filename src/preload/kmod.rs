//! Modules: families of sockets from shared objects. `libsockshim_kmod.so` hosts them; here it is loaded, at the first call that a
//! module may have to answer, and its functions are put in the place of libc's.
//!
//! Until then a few functions of this file stand there, for the calls by which such sockets come into a process. What a process
//! without modules runs is not changed at all.
//!
//! # Safety
//! The functions have the prototypes of the symbols in whose places they stand. Both libraries are of one build.

use crate::dl::Opener;
use crate::original::{self, TARGETS};
use crate::table::{HOOKS, HookIndex};
use crate::{log, mode, sys};
use core::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use core::mem::transmute;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use libc::{cmsghdr, ifaddrs, mmsghdr, msghdr, ssize_t, timespec};
use sockshim_core::net::kmod::expect_modules;
use sockshim_module::host::{Describe, Host, START, Start};

/// The library's file, in the directory of this one.
const LIBRARY: &str = "libsockshim_kmod.so";

/// What a function here stands in the place of.
struct Early {
    index: HookIndex,
    function: *const (),
    original: AtomicPtr<()>,
}

// SAFETY: the pointers are to functions.
unsafe impl Sync for Early {}

macro_rules! early {
    ($($name:ident),*) => {
        [$(Early {
            index: HookIndex::$name,
            function: early::$name as *const (),
            original: AtomicPtr::new(ptr::null_mut()),
        }),*]
    };
}

static EARLY: [Early; 11] = early![
    socket,
    socketpair,
    ioctl,
    recvmsg,
    recvmmsg,
    syscall,
    pidfd_getfd,
    if_nametoindex,
    if_indextoname,
    if_nameindex,
    getifaddrs
];

/// The variables that modules look at.
static VARIABLES: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// What asks the library.
static DESCRIBE: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());
/// Whether the library is loaded, or cannot be.
static STATE: AtomicU32 = AtomicU32::new(0);

/// Makes ready for modules, of which the environment speaks, or the rule file: `more` has its entries. The constructor calls it.
pub fn arm(lines: impl Iterator<Item = &'static CStr>, more: &[u8]) {
    const MODULES: &[u8] = b"SOCKSHIM_MODULES=";
    const OF_INTEREST: [&[u8]; 2] = [b"SOCKSHIM_CAN", b"XDG_RUNTIME_DIR="];
    // Copied, because a program may overwrite its environment.
    let (mut kept, mut modules) = (Vec::new(), MODULES);
    for line in lines.map(CStr::to_bytes) {
        if line.starts_with(MODULES) {
            modules = line;
        } else if OF_INTEREST.iter().any(|name| line.starts_with(name)) {
            kept.extend_from_slice(line);
            kept.push(0);
        }
    }
    for part in [modules, b":", more, b"\0\0"] {
        kept.extend_from_slice(part);
    }
    VARIABLES.store(kept.leak().as_mut_ptr(), Ordering::Release);
    expect_modules();
    for early in &EARLY {
        let target = &TARGETS[early.index as usize];
        early.original.store(target.load(Ordering::Relaxed), Ordering::Relaxed);
        target.store(early.function.cast_mut(), Ordering::Release);
    }
    if (0..INHERITED).any(is_marked) {
        load();
    }
}

/// How many descriptors are looked at when a program begins.
const INHERITED: c_int = 64;

/// Whether a descriptor has a filter, as those of modules have.
fn is_marked(fd: c_int) -> bool {
    const SO_GET_FILTER: c_int = libc::SO_ATTACH_FILTER;
    let mut len = 0u32;
    let args = [fd.into(), libc::SOL_SOCKET.into(), SO_GET_FILTER.into(), 0, &raw mut len as c_long, 0];
    // SAFETY: only the number of instructions is asked for.
    unsafe { sys::syscall(libc::SYS_getsockopt, args) == 0 && len != 0 }
}

/// Loads the library, unless that was tried before. Whether it may answer now.
#[cold]
#[inline(never)]
fn load() -> bool {
    const LOADING: u32 = 1;
    const TRIED: u32 = 2;
    if STATE.compare_exchange(0, LOADING, Ordering::AcqRel, Ordering::Acquire).is_err() {
        // Another thread is about to be ready, or a signal handler has interrupted this one there.
        for _ in 0..1000 {
            if STATE.load(Ordering::Acquire) == TRIED {
                return true;
            }
            sys::sleep(1_000_000);
        }
        return false;
    }
    let errno = sys::SavedErrno::now();
    for early in &EARLY {
        TARGETS[early.index as usize].store(early.original.load(Ordering::Relaxed), Ordering::Release);
    }
    let started = start();
    if started.is_none() {
        log::note(b"modules cannot be used: it takes libsockshim_kmod.so beside libsockshim.so");
    }
    STATE.store(TRIED, Ordering::Release);
    errno.restore();
    started.is_some()
}

fn start() -> Option<()> {
    let own = sys::elf::own_path().to_bytes();
    let slash = own.iter().rposition(|byte| *byte == b'/')?;
    let directory: &'static [u8] = [&own[..=slash], b"\0"].concat().leak();
    let path = [&own[..=slash], LIBRARY.as_bytes(), b"\0"].concat();
    let libc = Opener::of_libc()?;
    let handle = libc.open(CStr::from_bytes_with_nul(&path).ok()?)?;
    let start = libc.find(handle, START)?;
    let host: &'static Host = Box::leak(Box::new(Host {
        replace,
        open,
        find,
        close,
        note,
        directory: directory.as_ptr().cast(),
        variables: VARIABLES.load(Ordering::Acquire).cast(),
    }));
    // SAFETY: the module's text.
    let describe: Describe = unsafe { transmute::<*mut c_void, Start>(start)(host) };
    DESCRIBE.store(describe as *mut (), Ordering::Release);
    Some(())
}

/// Family, type and protocol of the socket of a module's that a descriptor stands for, if it does.
pub fn describe(fd: c_int) -> Option<[c_int; 3]> {
    let describe = DESCRIBE.load(Ordering::Acquire);
    if describe.is_null() {
        return None;
    }
    let mut socket = [0; 3];
    // SAFETY: what `start` has stored.
    let is_one = unsafe { transmute::<*mut (), Describe>(describe)(fd, &mut socket) };
    is_one.then_some(socket)
}

unsafe extern "C" fn replace(name: *const c_char, function: *const (), original: &'static AtomicPtr<()>) {
    // SAFETY: the library passes C strings.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    if let Some(index) = HOOKS.iter().position(|hook| hook.name().as_bytes() == name) {
        original.store(TARGETS[index].load(Ordering::Relaxed), Ordering::Release);
        TARGETS[index].store(function.cast_mut(), Ordering::Release);
    }
}

unsafe extern "C" fn open(path: *const c_char) -> *mut c_void {
    // SAFETY: the library passes a C string.
    let path = unsafe { CStr::from_ptr(path) };
    Opener::of_libc().and_then(|libc| libc.open(path)).unwrap_or(ptr::null_mut())
}

unsafe extern "C" fn find(handle: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: the library passes a C string.
    let name = unsafe { CStr::from_ptr(name) };
    Opener::of_libc().and_then(|libc| libc.find(handle, name)).unwrap_or(ptr::null_mut())
}

unsafe extern "C" fn close(handle: *mut c_void) {
    if let Some(libc) = Opener::of_libc() {
        // SAFETY: the library's promise.
        unsafe { libc.close(handle) };
    }
}

unsafe extern "C" fn note(text: *const u8, len: usize) {
    // SAFETY: the library passes a slice.
    let text = unsafe { slice::from_raw_parts(text, len) };
    if mode::has_log() {
        log::note(text);
    }
}

/// What stands in libc's places until the library is loaded.
mod early {
    use super::*;

    /// Whether a module may have to come first: it has what the kernel has, too.
    fn comes_first(family: c_int) -> bool {
        family == libc::AF_CAN || family == libc::AF_NETLINK
    }

    fn original(place: usize) -> *mut () {
        EARLY[place].original.load(Ordering::Relaxed)
    }

    /// Whether the kernel has refused a socket for want of a family or a protocol.
    fn is_missing() -> bool {
        [libc::EAFNOSUPPORT, libc::EPROTONOSUPPORT, libc::ESOCKTNOSUPPORT].contains(&sys::errno())
    }

    pub unsafe extern "C-unwind" fn socket(family: c_int, ty: c_int, protocol: c_int) -> c_int {
        type Function = unsafe extern "C-unwind" fn(c_int, c_int, c_int) -> c_int;
        let errno = sys::SavedErrno::now();
        if !comes_first(family) {
            // SAFETY: libc's function.
            let fd = unsafe { transmute::<*mut (), Function>(original(0))(family, ty, protocol) };
            if fd >= 0 || !is_missing() {
                return fd;
            }
        }
        load();
        errno.restore();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::socket(family, ty, protocol) }
    }

    pub unsafe extern "C-unwind" fn socketpair(
        family: c_int,
        ty: c_int,
        protocol: c_int,
        sv: *mut c_int,
    ) -> c_int {
        type Function = unsafe extern "C-unwind" fn(c_int, c_int, c_int, *mut c_int) -> c_int;
        let errno = sys::SavedErrno::now();
        // SAFETY: libc's function.
        let ret = unsafe { transmute::<*mut (), Function>(original(1))(family, ty, protocol, sv) };
        if ret == 0 || !is_missing() {
            return ret;
        }
        load();
        errno.restore();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::socketpair(family, ty, protocol, sv) }
    }

    pub unsafe extern "C-unwind" fn ioctl(fd: c_int, request: c_ulong, argp: c_ulong) -> c_int {
        type Function = unsafe extern "C-unwind" fn(c_int, c_ulong, c_ulong) -> c_int;
        let errno = sys::SavedErrno::now();
        // SAFETY: libc's function.
        let ret = unsafe { transmute::<*mut (), Function>(original(2))(fd, request, argp) };
        // An interface that the kernel does not have.
        if ret != -1 || request >> 8 != 0x89 || ![libc::ENODEV, libc::EPERM].contains(&sys::errno()) {
            return ret;
        }
        load();
        errno.restore();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::ioctl(fd, request, argp) }
    }

    /// After a call that has received descriptors.
    unsafe fn received(msg: *const msghdr) {
        // SAFETY: libc has just filled it in.
        if unsafe { (*msg).msg_controllen } >= size_of::<cmsghdr>() {
            load();
        }
    }

    pub unsafe extern "C-unwind" fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t {
        type Function = unsafe extern "C-unwind" fn(c_int, *mut msghdr, c_int) -> ssize_t;
        // SAFETY: libc's function, and what it has filled in.
        unsafe {
            let ret = transmute::<*mut (), Function>(original(3))(fd, msg, flags);
            if ret >= 0 {
                received(msg);
            }
            ret
        }
    }

    pub unsafe extern "C-unwind" fn recvmmsg(
        fd: c_int,
        msgvec: *mut mmsghdr,
        vlen: c_uint,
        flags: c_int,
        timeout: *mut timespec,
    ) -> c_int {
        type Function =
            unsafe extern "C-unwind" fn(c_int, *mut mmsghdr, c_uint, c_int, *mut timespec) -> c_int;
        // SAFETY: libc's function, and what it has filled in.
        unsafe {
            let ret = transmute::<*mut (), Function>(original(4))(fd, msgvec, vlen, flags, timeout);
            (0..usize::try_from(ret).unwrap_or(0))
                .for_each(|index| received(&raw const (*msgvec.add(index)).msg_hdr));
            ret
        }
    }

    pub unsafe extern "C-unwind" fn syscall(
        nr: c_long,
        a: c_long,
        b: c_long,
        c: c_long,
        d: c_long,
        e: c_long,
        f: c_long,
    ) -> c_long {
        type Function =
            unsafe extern "C-unwind" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long;
        if nr == libc::SYS_socket && comes_first(a as c_int) || nr == libc::SYS_pidfd_getfd {
            load();
            // SAFETY: the program's own call, of what stands there now.
            return unsafe { original::syscall(nr, a, b, c, d, e, f) };
        }
        // SAFETY: libc's function.
        unsafe { transmute::<*mut (), Function>(original(5))(nr, a, b, c, d, e, f) }
    }

    /// Another process's descriptor, which may be a socket of a module's.
    pub unsafe extern "C-unwind" fn pidfd_getfd(pidfd: c_int, targetfd: c_int, flags: c_uint) -> c_int {
        load();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::pidfd_getfd(pidfd, targetfd, flags) }
    }

    pub unsafe extern "C-unwind" fn if_nametoindex(name: *const c_char) -> c_uint {
        load();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::if_nametoindex(name) }
    }

    pub unsafe extern "C-unwind" fn if_indextoname(index: c_uint, name: *mut c_char) -> *mut c_char {
        load();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::if_indextoname(index, name) }
    }

    pub unsafe extern "C-unwind" fn if_nameindex() -> *mut libc::if_nameindex {
        load();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::if_nameindex() }
    }

    pub unsafe extern "C-unwind" fn getifaddrs(list: *mut *mut ifaddrs) -> c_int {
        load();
        // SAFETY: the program's own call, of what stands there now.
        unsafe { original::getifaddrs(list) }
    }
}
