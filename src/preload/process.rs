//! Which process this is: the one that the library was set up in, a fork of it, or a vfork child that only borrows
//! its memory.
//!
//! # Safety
//! [`Identity`] lives in a page that the kernel empties in every forked child (MADV_WIPEONFORK), however it was
//! forked; it holds atomics, for which zero is a value.

use crate::{sys, tls};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, Ordering};

/// What is true for one process only.
struct Identity {
    /// Its id; 0 in a fresh child.
    pid: AtomicI32,
    /// Whether a fresh child is being made a process of its own.
    busy: AtomicU32,
}

static IDENTITY: AtomicPtr<Identity> = AtomicPtr::new((&raw const NOBODY).cast_mut());
/// What there is before `init`, so that nobody has to ask whether there is anything.
static NOBODY: Identity = Identity { pid: AtomicI32::new(0), busy: AtomicU32::new(0) };
/// The name of the main thread, as far as it was told: its bytes, then zeros.
static NAME: [AtomicU8; 16] = [const { AtomicU8::new(0) }; 16];
static SANDBOXED: AtomicBool = AtomicBool::new(false);

#[inline(always)]
fn identity() -> &'static Identity {
    // SAFETY: the pointer is `NOBODY` or the page that `init` mapped for ever.
    unsafe { &*IDENTITY.load(Ordering::Relaxed) }
}

/// Remembers the process. `false` when the kernel cannot mark a page for children: then nothing is observed, for
/// a child could not tell that it is one.
pub fn init() -> bool {
    let Ok(page) = sys::mmap(4096) else { return false };
    // SAFETY: the page was made here, and is an `Identity`, for which zero is a value.
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

/// The main thread has this name.
pub fn set_name(name: &[u8]) {
    let padded = name.iter().copied().take(NAME.len() - 1).chain(core::iter::repeat(0));
    NAME.iter().zip(padded).for_each(|(to, from)| to.store(from, Ordering::Relaxed));
}

/// The main thread's name, as far as it was told.
pub fn name(buffer: &mut [u8; 16]) -> &[u8] {
    buffer.iter_mut().zip(&NAME).for_each(|(to, from)| *to = from.load(Ordering::Relaxed));
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
    // The parent runs again, so the child has gone its own way. Or the child has forked: then it is a process.
    flag.set(0);
    false
}

/// Whether this is a process that is known: not a child that has just been forked.
#[inline(always)]
pub fn is_known() -> bool {
    identity().pid.load(Ordering::Acquire) != 0
}

/// The right to make a freshly forked child a process of its own.
pub struct Claim(&'static Identity);

/// Claims a freshly forked child. `None` when that is being done already, by what the caller has interrupted, or when
/// nothing was set up.
pub fn claim() -> Option<Claim> {
    let identity = identity();
    if ptr::eq(identity, &raw const NOBODY) || identity.busy.swap(1, Ordering::AcqRel) != 0 {
        return None;
    }
    Some(Claim(identity))
}

impl Claim {
    /// The child is a process of its own from now on.
    pub fn settle(&self, pid: i32) {
        self.0.pid.store(pid, Ordering::Release);
    }

    /// Gives the right back.
    pub fn release(self) {
        self.0.busy.store(0, Ordering::Release);
    }
}

/// The calling thread's id, asked once per thread and process. In a sandbox nothing is asked: there it is the process's.
#[inline(always)]
pub fn tid() -> i32 {
    let (tls, pid) = (tls::get(), pid());
    if tls.pid.get() != pid {
        if is_sandboxed() {
            return pid;
        }
        tls.tid.set(sys::gettid());
        tls.pid.set(pid);
    }
    tls.tid.get()
}

/// From now on the library makes system calls on its own account only if `sandboxed` is false: a seccomp filter may kill for
/// what the program itself would never do.
pub fn set_sandboxed(sandboxed: bool) {
    SANDBOXED.store(sandboxed, Ordering::Release);
}

/// Whether own system calls are off limits.
pub fn is_sandboxed() -> bool {
    SANDBOXED.load(Ordering::Relaxed)
}
