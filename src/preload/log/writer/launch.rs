//! How the writer is made: by clone(2), with the program's memory and a descriptor table of its own.
//!
//! **A process, not a thread.** A thread of the program's shows: programs count their threads before they enter a
//! namespace or fork, and signal all of them; it dies with the program, and with it what it had not fetched. A process
//! that shares the memory (CLONE_VM) is none of that. It has no exit signal, so no wait(2) of the program's finds it but
//! one that asks for such children; a process group of its own, so nothing that is sent to the program's reaches it; its
//! own directory and root, so the log stays where it was; and no tracer follows to it (CLONE_UNTRACED). A reader in
//! another process over a shared mapping would do the same, at the price of an exec, a second program to find, and a
//! copy of every table.
//!
//! **Where that is refused, a thread**: qemu-user has no such clone, and Valgrind aborts at it, so it is asked first.
//!
//! It is the plain system call: that takes no lock and no memory of the program's, so it can be made in a child that was
//! forked while other threads ran, and in a signal handler; and libc keeps its shortcuts for programs with one thread.
//! The price: the writer must not call anything in libc that uses thread-local state. It makes raw system calls, copies
//! memory, and formats.
//!
//! Its first act is to leave the program's descriptor table, with close_range(2) and CLOSE_RANGE_UNSHARE. So the
//! program keeps its fast path for descriptors, its closefrom(3) does not reach the log, and none of its sockets and pipes
//! are kept open.
//!
//! # Safety
//! The writer has a stack and a thread control block of its own, which are never unmapped. The block is a copy of the
//! starting thread's head, so that the stack protector and thread-local addresses resolve; errno and the like fall
//! into zeroed memory below it.

use super::drain::Writer;
use super::program::Program;
use super::{apart, control};
use crate::log::output::{LogFile, is_relative};
use crate::log::{clock, refine, settings};
use crate::panic::attempt;
use crate::{mode, sys, tls};
use core::arch::asm;
use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use sockshim_core::hook::Level;

const STACK: usize = 256 * 1024;
const GUARD: usize = 4096;
/// Zeroed memory below the control block, in place of static thread-local variables.
const STATIC_TLS: usize = 16 * 1024;
/// How much of the starting thread's control block is copied.
const CONTROL_BLOCK: usize = 704;

/// What the writer is.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A process that shares the program's memory.
    Process = 1,
    /// A thread of the program.
    Thread = 2,
}

impl Kind {
    /// What it shares with the program, by clone(2)'s flags.
    const fn flags(self) -> c_int {
        let both = libc::CLONE_VM
            | libc::CLONE_FILES
            | libc::CLONE_SETTLS
            | libc::CLONE_PARENT_SETTID
            | libc::CLONE_CHILD_CLEARTID;
        both | match self {
            Kind::Process => libc::CLONE_UNTRACED,
            Kind::Thread => libc::CLONE_FS | libc::CLONE_SIGHAND | libc::CLONE_THREAD | libc::CLONE_SYSVSEM,
        }
    }
}

/// Makes the writer for the process `pid`, with signals blocked. `None` when it cannot be made.
pub fn start(pid: i32) -> Option<Kind> {
    let memory = memory()?;
    let kinds: &[Kind] =
        if sys::valgrind::is_present() { &[Kind::Thread] } else { &[Kind::Process, Kind::Thread] };
    // SAFETY: the mapping has room for a stack, the zeroed variables and the block, and nobody uses it; the caller has
    // blocked signals.
    kinds.iter().copied().find(|kind| unsafe { launch(memory, pid, *kind) })
}

/// Whether a writer was a thread before, here or in the parent of a forked child.
static KNOWN: AtomicBool = AtomicBool::new(false);
/// Whether the log has to say that the writer is a thread.
static SAYS: AtomicBool = AtomicBool::new(false);

/// The memory of a writer, used again for the next one: in a forked child the parent's does not exist.
static MEMORY: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());

fn memory() -> Option<*mut u8> {
    let memory = MEMORY.load(Ordering::Acquire);
    if !memory.is_null() {
        return Some(memory);
    }
    let memory = sys::mmap(STACK + STATIC_TLS + 4096).ok()?;
    MEMORY.store(memory, Ordering::Release);
    Some(memory)
}

/// The last writer did not end in time, so its memory is not used again.
pub fn abandon_memory() {
    MEMORY.store(core::ptr::null_mut(), Ordering::Release);
}

/// # Safety
/// `memory` must be a mapping of STACK + STATIC_TLS + 4096 bytes that nobody uses, and signals must be blocked.
unsafe fn launch(memory: *mut u8, pid: i32, kind: Kind) -> bool {
    if kind == Kind::Thread {
        SAYS.store(!KNOWN.swap(true, Ordering::Relaxed), Ordering::Relaxed);
    }
    let own: *const u8;
    // SAFETY: reads the thread pointer.
    unsafe { asm!("mov {}, qword ptr fs:[0]", out(reg) own, options(nostack, readonly, preserves_flags)) };
    // SAFETY: the offsets are inside the mapping; glibc's control block is longer than what is copied.
    unsafe {
        let block = memory.add(STACK + STATIC_TLS);
        core::ptr::copy_nonoverlapping(own, block, CONTROL_BLOCK);
        // The two words of the block that contain its own address.
        block.cast::<*mut u8>().write(block);
        block.cast::<*mut u8>().add(2).write(block);
        sys::forbid(memory, GUARD);
        if kind == Kind::Process {
            apart::begin();
        }
        let writer = begin(kind, memory.add(STACK), block, pid);
        if writer > 0 && kind == Kind::Process {
            control::begun(writer as i32);
            // At once, for what is sent to the program's group must not reach the writer before it has left by itself.
            sys::setpgid(writer as i32);
        }
        if writer <= 0 {
            apart::end();
        }
        writer > 0
    }
}

/// clone(2) into [`main`], as the plain system call: libc's function is a hook, and may be another library's.
///
/// # Safety
/// Stack and block must be the writer's alone.
unsafe fn begin(kind: Kind, stack: *mut u8, block: *mut u8, pid: i32) -> i64 {
    let mut tid = libc::SYS_clone;
    // SAFETY: the parent returns with its registers as the constraints say. The child has its own stack, on which it
    // calls a function that uses nothing of this frame, and exits.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov edi, r12d",
            "mov esi, r14d",
            "call r13",
            "mov edi, eax",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            exit = const libc::SYS_exit,
            inlateout("rax") tid,
            in("rdi") i64::from(kind.flags()),
            in("rsi") stack,
            in("rdx") control::tid_word(),
            in("r10") control::tid_word(),
            in("r8") block,
            in("r12") pid,
            in("r13") main as extern "C" fn(i32, bool) -> c_int,
            in("r14") u32::from(kind == Kind::Process),
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    tid
}

extern "C" fn main(pid: i32, is_process: bool) -> c_int {
    tls::get().set_writer();
    leave_the_programs_table();
    apart::end();
    if is_process {
        become_apart();
    }
    sys::set_name(c"sockshim-log");
    let program = Program::new(pid, is_process);
    program.watch();
    let opened = settings::get().and_then(|settings| Some((settings, LogFile::open(settings, pid)?)));
    let Some((settings, output)) = opened else {
        if !is_process {
            mode::set(Level::Off);
        }
        control::finish_start(false);
        return 0;
    };
    refine::forget();
    if has_fast_path() && clock::is_usable() {
        clock::use_ticks();
        mode::allow_fast_path();
    }
    control::finish_start(true);
    let worked = attempt(|| {
        let mut writer = Writer::new(settings, output, program, pid);
        if !is_process && SAYS.load(Ordering::Relaxed) {
            writer.say(b"the log's writer is a thread of the program here, for it cannot be a process");
        }
        writer.run();
    });
    if worked.is_err() {
        // Nobody reads the queues any more, so nobody should fill them.
        mode::set(Level::Off);
    }
    0
}

/// What a process has of its own: a process group, or a session where it comes first; a directory; and a mask for the
/// log's file, whose mode does not depend on when the program has changed its own.
fn become_apart() {
    sys::setsid();
    sys::umask(0);
    // The program may go away from its directory and unmount the file system that it is on.
    if !settings::get().and_then(|settings| settings.file).is_some_and(is_relative) {
        sys::change_directory(c"/");
    }
}

/// Whether calls may take the fast path: always, unless bytes of them are wanted, or a test requires the slow one.
fn has_fast_path() -> bool {
    #[cfg(feature = "test-support")]
    if crate::test_support::without_fast_path() {
        return false;
    }
    !mode::captures()
}

/// Keeps stderr alone, in a table of the writer's own.
fn leave_the_programs_table() {
    const UNSHARE: u32 = libc::CLOSE_RANGE_UNSHARE;
    #[cfg(feature = "test-support")]
    if crate::test_support::lingers() {
        let _ = sys::unshare_files();
        sys::sleep(20_000_000);
    }
    if sys::close_range(3, u32::MAX, UNSHARE).is_err() {
        // Before Linux 5.9. The copy keeps the program's descriptors open until this loop is done.
        if sys::unshare_files().is_err() {
            return;
        }
        (3..65_536).for_each(sys::close);
    }
    sys::close(0);
    sys::close(1);
}
