//! A few words per thread.
//!
//! `thread_local!` in a shared object goes through `__tls_get_addr`, which may allocate; a hook may run inside
//! malloc. So the words are defined in assembly, in the thread's static block (the initial-exec model): their
//! address is the thread pointer plus an offset that the dynamic linker fills in.
//!
//! # Safety
//! The block belongs to the thread that looks at it. A vfork child shares it with its parent's thread, which is
//! stopped meanwhile; that sharing is what the vfork flag is for.

use core::arch::{asm, global_asm};
use core::cell::{Cell, UnsafeCell};
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64};

global_asm!(
    ".pushsection .tdata,\"awT\",@progbits",
    ".p2align 3",
    ".type sockshim_tls, @object",
    ".size sockshim_tls, 32",
    ".globl sockshim_tls",
    ".hidden sockshim_tls",
    "sockshim_tls:",
    ".zero 24",
    // Never null, so that the fast path has one test less.
    ".quad sockshim_no_ring",
    ".popsection",
    ".pushsection .bss.sockshim_no_ring,\"aw\",@nobits",
    ".p2align 6",
    ".type sockshim_no_ring, @object",
    ".size sockshim_no_ring, 64",
    ".globl sockshim_no_ring",
    ".hidden sockshim_no_ring",
    "sockshim_no_ring:",
    ".zero 64",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "sockshim_no_ring"]
    safe static NO_RING: RingHead;
}

/// What a thread without a ring has in its place: a head of zeros, which says that there is none.
pub fn no_ring() -> *const RingHead {
    &raw const NO_RING
}

/// The first cache line of a thread's ring of records, which is the thread's own but for what the writer tells it.
#[repr(C, align(64))]
pub struct RingHead {
    /// Where the next record goes, in bytes from the first one there ever was: the thread does not multiply.
    pub next: UnsafeCell<u64>,
    /// Where, counted the same way, the thread has to look closer: the ring is half full, or full. Moved on by the writer.
    pub limit: AtomicU64,
    /// How many calls found the ring full.
    pub dropped: AtomicU64,
    /// Whether the ring may be used: 1 while it belongs to a thread.
    pub live: AtomicU32,
    /// The thread; 0 when the ring is free.
    pub tid: AtomicI32,
}

// SAFETY: only one thread touches `next`: the one that the ring belongs to.
unsafe impl Sync for RingHead {}

// The assembly above has room for one.
const _: () = assert!(size_of::<RingHead>() == 64 && align_of::<RingHead>() == 64);

/// The calling thread's words.
#[repr(C)]
pub struct Tls {
    /// Raised by vfork: whoever runs next on this thread may be the child.
    pub vfork: Cell<u32>,
    /// The thread's id, valid while `pid` is the process's.
    pub tid: Cell<i32>,
    /// The process in which `tid` was asked.
    pub pid: Cell<i32>,
    /// Whether a panic is unwinding towards an [`crate::panic::attempt`].
    pub unwinding: Cell<u32>,
    /// 1 on the log's own thread.
    writer: Cell<u32>,
    /// The thread's ring for data calls, or [`no_ring`].
    pub ring: Cell<*const RingHead>,
}

// The assembly above writes the layout down once more.
const _: () = assert!(size_of::<Tls>() == 32 && core::mem::offset_of!(Tls, ring) == 24);

/// Whether the calling thread has thread-local storage of libc's making. A child of clone(2) may have been given memory that
/// is none, as Chromium's has that goes into an empty root; libc's block points to itself, twice.
#[inline(always)]
pub fn exists() -> bool {
    let (first, second): (usize, usize);
    // SAFETY: reads two words of what the thread pointer points to; without one no program of libc's would have come here.
    unsafe {
        asm!("mov {}, qword ptr fs:[0]", "mov {}, qword ptr fs:[16]", out(reg) first, out(reg) second,
             options(nostack, readonly, preserves_flags));
    }
    first == second && first != 0
}

/// The calling thread's block, if it [`exists`].
#[inline(always)]
pub fn get() -> &'static Tls {
    let block: *const Tls;
    // SAFETY: reads the thread pointer's self reference and a constant of the dynamic linker.
    unsafe {
        asm!("mov {0}, qword ptr [rip + sockshim_tls@GOTTPOFF]", "add {0}, qword ptr fs:[0]", out(reg) block,
             options(nostack, readonly));
    }
    // SAFETY: the block lives as long as the thread, and only this thread uses the reference.
    unsafe { &*block }
}

impl Tls {
    /// Says that this is the log's own thread.
    pub fn set_writer(&self) {
        self.writer.set(1);
    }

    /// Whether this is the log's own thread, which a filter on the program's thread does not reach.
    pub fn is_writer(&self) -> bool {
        self.writer.get() == 1
    }
}
