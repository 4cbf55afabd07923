//! A few words per thread.
//!
//! `thread_local!` in a shared object goes through `__tls_get_addr`, which may allocate, and a hook may run inside
//! malloc. So the words are defined in assembly, in the thread's static block (the initial-exec model): their address
//! is the thread pointer plus an offset that the dynamic linker fills in.
//!
//! # Safety
//! The two words of the block that are read by assembly never change, and no function goes on in another thread: so the reads
//! are `pure`, and may be made once for several.
//!
//! The block belongs to the thread that accesses it. A vfork child shares it with its parent's thread, which is
//! stopped meanwhile; the vfork flag marks that time.

use core::arch::{asm, global_asm};
use core::cell::Cell;
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
    ".quad sockshim_no_queue",
    ".popsection",
    ".pushsection .bss.sockshim_no_queue,\"aw\",@nobits",
    ".p2align 6",
    ".type sockshim_no_queue, @object",
    ".size sockshim_no_queue, 64",
    ".globl sockshim_no_queue",
    ".hidden sockshim_no_queue",
    "sockshim_no_queue:",
    ".zero 64",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "sockshim_no_queue"]
    safe static NO_QUEUE: QueueHead;
}

/// Stands for the queue of a thread that has none: a head of zeros.
pub fn no_queue() -> *const QueueHead {
    &raw const NO_QUEUE
}

/// The first cache line of a thread's queue of records. Only the thread and its signal handlers change `next`.
#[repr(C, align(64))]
pub struct QueueHead {
    /// The place of the next free slot, as an address, so that the thread need not compute it. Zero when there is none.
    pub next: AtomicU64,
    /// How many records found no room.
    pub dropped: AtomicU64,
    /// Whether the thread's calls may take the fast path.
    pub live: AtomicU32,
    /// The thread; 0 when nobody has the queue.
    pub tid: AtomicI32,
}

// The assembly above reserves this much.
const _: () = assert!(size_of::<QueueHead>() == 64 && align_of::<QueueHead>() == 64);

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
    /// 1 when a child of clone(2) has been given the same block: from then on nothing of one thread's is kept in it.
    pub shared: Cell<u32>,
    /// The head of the thread's queue, or [`no_queue`].
    pub queue: Cell<*const QueueHead>,
}

// The assembly above has the same layout.
const _: () = assert!(size_of::<Tls>() == 32 && core::mem::offset_of!(Tls, queue) == 24);

/// Whether the calling thread has thread-local storage of libc's making. A child of clone(2) may have been given memory that
/// is none, as Chromium's has that goes into an empty root; libc's block points to itself, twice.
#[inline(always)]
pub fn exists() -> bool {
    let (first, second): (usize, usize);
    // SAFETY: reads two words of what the thread pointer points to; without one no program of libc's would have come here.
    unsafe {
        asm!("mov {}, qword ptr fs:[0]", "mov {}, qword ptr fs:[16]", out(reg) first, out(reg) second,
             options(pure, nostack, readonly, preserves_flags));
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
             options(pure, nostack, readonly));
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
