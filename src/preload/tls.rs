//! A few words per thread.
//!
//! `thread_local!` in a shared object goes through `__tls_get_addr`, which may allocate, and a hook may run inside
//! malloc. So the words are defined in assembly, in the thread's static block (the initial-exec model): their address
//! is the thread pointer plus an offset that the dynamic linker fills in.
//!
//! # Safety
//! The block belongs to the thread that accesses it. A vfork child shares it with its parent's thread, which is
//! stopped meanwhile; the vfork flag marks that time.

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
    // Never null, which saves the fast path a test.
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

/// Stands for the ring of a thread that has none: a head of zeros.
pub fn no_ring() -> *const RingHead {
    &raw const NO_RING
}

/// The first cache line of a thread's ring of records. Only the thread uses it, except for what the writer stores
/// there.
#[repr(C, align(64))]
pub struct RingHead {
    /// Where the next record goes, as bytes since the ring's first record ever. Counted in bytes, so that the thread
    /// need not multiply.
    pub next: UnsafeCell<u64>,
    /// The value of `next` at which the thread leaves the fast path, because the ring is half full or full. The
    /// writer advances it.
    pub limit: AtomicU64,
    /// How many calls found the ring full.
    pub dropped: AtomicU64,
    /// Whether a thread may use the ring: 1 while the ring belongs to one.
    pub live: AtomicU32,
    /// The id of the thread; 0 when the ring is free.
    pub tid: AtomicI32,
}

// SAFETY: only the thread that the ring belongs to accesses `next`.
unsafe impl Sync for RingHead {}

// The assembly above reserves this much.
const _: () = assert!(size_of::<RingHead>() == 64 && align_of::<RingHead>() == 64);

/// The calling thread's words.
#[repr(C)]
pub struct Tls {
    /// Set by vfork: the code that runs next on this thread may be the child.
    pub vfork: Cell<u32>,
    /// The thread's id, valid while `pid` is the id of this process.
    pub tid: Cell<i32>,
    /// The process in which `tid` was stored.
    pub pid: Cell<i32>,
    /// Whether a panic is unwinding towards an [`crate::panic::attempt`].
    pub unwinding: Cell<u32>,
    /// 1 on the log's own thread.
    writer: Cell<u32>,
    /// The thread's ring for data calls, or [`no_ring`].
    pub ring: Cell<*const RingHead>,
}

// The assembly above has the same layout.
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
    /// Marks the calling thread as the log's own.
    pub fn set_writer(&self) {
        self.writer.set(1);
    }

    /// Whether this is the log's own thread. A filter that the program's thread installs for itself does not affect
    /// it.
    pub fn is_writer(&self) -> bool {
        self.writer.get() == 1
    }
}
