//! The identity of this process: the one that the library was set up in, a fork of it, or a vfork child that only
//! borrows its memory.
//!
//! # Safety
//! [`Identity`] lives in a page that the kernel zeroes in every forked child (MADV_WIPEONFORK), however it was
//! forked; it holds atomics, for which zero is a valid value.

use crate::{sys, tls};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// What belongs to one process only.
struct Identity {
    /// The process id; 0 in a freshly forked child.
    pid: AtomicI32,
    /// Whether a freshly forked child is being prepared.
    busy: AtomicU32,
}

static IDENTITY: AtomicPtr<Identity> = AtomicPtr::new((&raw const NOBODY).cast_mut());
/// The identity before `init`, so that there is always one to read.
static NOBODY: Identity = Identity { pid: AtomicI32::new(0), busy: AtomicU32::new(0) };
/// The name of the main thread, as far as it was told: its bytes, then zeros.
static NAME: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
static SANDBOXED: AtomicBool = AtomicBool::new(false);

#[inline(always)]
fn identity() -> &'static Identity {
    // SAFETY: the pointer is `NOBODY` or the page that `init` mapped for ever.
    unsafe { &*IDENTITY.load(Ordering::Relaxed) }
}

/// Stores the identity of this process. `false` when the kernel cannot zero a page in children. Then nothing is
/// observed, because a child could not detect that it is one.
pub fn init() -> bool {
    let Ok(page) = sys::mmap(4096) else { return false };
    // SAFETY: the page was made here, and is an `Identity`, for which zero is a valid value.
    if unsafe { sys::wipe_on_fork(page, 4096) }.is_err() {
        return false;
    }
    let page = page.cast::<Identity>();
    // SAFETY: the page is zeroed, which is a valid `Identity`.
    unsafe { (*page).pid.store(sys::getpid(), Ordering::Release) };
    IDENTITY.store(page, Ordering::Release);
    true
}

/// The process is called after the file that it was made of, as by exec.
pub fn set_name_of_file(path: &[u8]) {
    set_name(path.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
}

/// The main thread has this name, as far as the kernel keeps it.
pub fn set_name(name: &[u8]) {
    let mut padded = [0; 16];
    let len = name.len().min(padded.len() - 1);
    padded[..len].copy_from_slice(&name[..len]);
    let whole = u128::from_ne_bytes(padded);
    NAME[0].store(whole as u64, Ordering::Relaxed);
    NAME[1].store((whole >> 64) as u64, Ordering::Relaxed);
}

/// The main thread's name, as far as it was told.
pub fn name(buffer: &mut [u8; 16]) -> &[u8] {
    let [low, high] = [0, 1].map(|half| u128::from(NAME[half].load(Ordering::Relaxed)));
    *buffer = (high << 64 | low).to_ne_bytes();
    buffer.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The process id, without asking the kernel; 0 in a child that has just been forked.
#[inline(always)]
pub fn pid() -> i32 {
    identity().pid.load(Ordering::Relaxed)
}

/// Whether this is a vfork child: it runs in its parent's memory, so it must change nothing there. The same goes for a thread
/// that has no storage to tell what it is.
pub fn is_vfork_child() -> bool {
    if !tls::exists() {
        return true;
    }
    let flag = &tls::get().vfork;
    if flag.get() == 0 {
        return false;
    }
    if sys::getpid() != pid() && pid() != 0 {
        return true;
    }
    // The parent runs again, so the child has exec'd or ended. Or the child has forked, and this is a new process.
    flag.set(0);
    false
}

/// Whether another process runs here that shares this one's memory, made by clone(2) with CLONE_VM: its calls are logged with
/// this one's, but its end is not this one's, and the writer is not its child. In a sandbox it is not asked.
pub fn is_guest() -> bool {
    let pid = pid();
    pid != 0 && !is_sandboxed() && sys::getpid() != pid
}

/// Whether the process has its identity: a freshly forked child does not.
#[inline(always)]
pub fn is_known() -> bool {
    identity().pid.load(Ordering::Acquire) != 0
}

/// The right to prepare a freshly forked child.
pub struct Claim(&'static Identity);

/// Claims a freshly forked child. `None` when the code that the caller has interrupted is preparing it, or when
/// nothing was set up.
pub fn claim() -> Option<Claim> {
    let identity = identity();
    if ptr::eq(identity, &raw const NOBODY) || identity.busy.swap(1, Ordering::AcqRel) != 0 {
        return None;
    }
    Some(Claim(identity))
}

impl Claim {
    /// Gives the child an identity of its own.
    pub fn settle(&self, pid: i32) {
        self.0.pid.store(pid, Ordering::Release);
    }

    /// Releases the claim.
    pub fn release(self) {
        self.0.busy.store(0, Ordering::Release);
    }
}

/// The calling thread's id, which is asked once per thread and process. In a sandbox no system call is made, and the
/// process id is returned.
#[inline(always)]
pub fn tid() -> i32 {
    let (tls, pid) = (tls::get(), pid());
    if tls.pid.get() != pid {
        if is_sandboxed() {
            return pid;
        }
        if tls.shared.get() == 1 {
            return sys::gettid();
        }
        tls.tid.set(sys::gettid());
        tls.pid.set(pid);
    }
    tls.tid.get()
}

/// Sets whether the program is in a sandbox. There the library makes no system calls of its own on the program's
/// threads: a seccomp filter may kill the process for a call that the program itself never makes.
pub fn set_sandboxed(sandboxed: bool) {
    SANDBOXED.store(sandboxed, Ordering::Release);
}

/// Whether the library must not make system calls of its own on the program's threads.
pub fn is_sandboxed() -> bool {
    SANDBOXED.load(Ordering::Relaxed)
}
