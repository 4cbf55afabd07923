//! How a socket's engine is started: from any program, on any of its threads, also in a signal handler.
//!
//! The program must not see a child, so the engine is made by a child that ends at once and has no exit signal. Both share the
//! program's memory until the engine is executed (CLONE_VFORK: the calling thread waits), so nothing of it is copied; each has a
//! stack of its own, all signals blocked, and uses nothing but system calls. A tracer does not follow (CLONE_UNTRACED).
//!
//! # Safety
//! The children read the [`Plan`] on the stack of the thread that waits, and change nothing but its `errno`.

use crate::kept::Kept;
use core::arch::asm;
use core::ffi::{c_char, c_int, c_long};
use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering};
use sockshim_sys as sys;

/// The file, beside this one.
const NAME: &[u8] = b"sockshim-can-engine";
/// Where the engine finds its end of the pair.
const END: c_int = 3;
/// Each child's.
const STACK: usize = 32 << 10;

static FILE: Kept = Kept::none();

/// Finds the engine's file.
pub fn init() {
    let own = sys::elf::own_path().to_bytes();
    let directory = own.iter().rposition(|byte| *byte == b'/').map_or(&b"."[..], |slash| &own[..slash]);
    if let Some(path) = sockshim_can_bus::directory::Path::of(&[directory, b"/", NAME]) {
        FILE.keep(path.bytes());
    }
}

struct Plan {
    file: *const c_char,
    argv: [*const c_char; 2],
    envp: [*const c_char; 1],
    end: c_int,
    /// The second child's stack.
    stack: *mut u8,
    /// Why it did not work.
    errno: AtomicI32,
}

/// Starts an engine with this end of the pair.
pub fn engine(end: c_int) -> Result<(), c_int> {
    let file = FILE.get().ok_or(libc::ENOENT)?.as_ptr();
    let stacks = sys::mmap(2 * STACK)?;
    let plan = Plan {
        file,
        argv: [c"sockshim-can".as_ptr(), ptr::null()],
        envp: [ptr::null()],
        end,
        // SAFETY: within the mapping.
        stack: unsafe { stacks.add(2 * STACK) },
        errno: AtomicI32::new(0),
    };
    let mask = sys::block_signals();
    // SAFETY: a stack and a plan that outlive the child.
    let child = unsafe { clone(stacks.add(STACK), between, &plan) };
    if child > 0 {
        sys::reap(child as i32, true);
    }
    sys::restore_signals(mask);
    // SAFETY: whoever was on these stacks has ended or was executed.
    unsafe { sys::munmap(stacks, 2 * STACK) };
    match plan.errno.load(Ordering::Acquire) {
        0 if child > 0 => Ok(()),
        0 => Err(-child as c_int),
        errno => Err(errno),
    }
}

/// clone(2) as vfork(2) does it, but on another stack and without an exit signal: the child calls `main` and ends. The caller
/// waits until it has ended or was executed.
///
/// # Safety
/// `stack` is the end of the child's stack. `main` must use nothing of the calling thread's but the plan.
unsafe fn clone(stack: *mut u8, main: extern "C" fn(&Plan), plan: &Plan) -> c_long {
    const FLAGS: c_int = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_UNTRACED;
    let mut ret = libc::SYS_clone;
    // SAFETY: the parent returns with its registers as the constraints say. The child has its own stack, on which it
    // calls a function that uses nothing of this frame, and exits.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "xor edi, edi",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            exit = const libc::SYS_exit,
            inlateout("rax") ret,
            in("rdi") i64::from(FLAGS),
            in("rsi") stack,
            in("rdx") 0,
            in("r10") 0,
            in("r8") 0,
            in("r12") ptr::from_ref(plan),
            in("r13") main,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    ret
}

/// The first child: makes the second one, and ends, so that the second is nobody's.
extern "C" fn between(plan: &Plan) {
    // SAFETY: as in `engine`.
    let child = unsafe { clone(plan.stack, begin, plan) };
    if child < 0 {
        plan.errno.store(-child as c_int, Ordering::Release);
    }
}

/// The second child: leaves what is the program's, and becomes the engine.
extern "C" fn begin(plan: &Plan) {
    sys::setsid();
    sys::change_directory(c"/");
    // Above the places that are filled now.
    let end = number(libc::SYS_fcntl, [plan.end, libc::F_DUPFD_CLOEXEC, END + 1]);
    let null = sys::open(c"/dev/null", libc::O_RDWR | libc::O_CLOEXEC, 0).unwrap_or(end);
    let spare = number(libc::SYS_fcntl, [null, libc::F_DUPFD_CLOEXEC, END + 1]);
    for place in 0..END {
        number(libc::SYS_dup2, [spare, place, 0]);
    }
    number(libc::SYS_dup2, [end, END, 0]);
    // A kernel without it leaves those that are not closed by exec.
    let _ = sys::close_range(END as u32 + 1, u32::MAX, 0);
    let args = [plan.file as c_long, plan.argv.as_ptr() as c_long, plan.envp.as_ptr() as c_long, 0, 0, 0];
    // SAFETY: C strings and arrays that end with NULL.
    let ret = unsafe { sys::syscall(libc::SYS_execve, args) };
    plan.errno.store(-ret as c_int, Ordering::Release);
}

/// A system call that takes numbers.
fn number(nr: c_long, [a, b, c]: [c_int; 3]) -> c_int {
    // SAFETY: numbers; the descriptors are the child's own.
    unsafe { sys::syscall(nr, [a.into(), b.into(), c.into(), 0, 0, 0]) as c_int }
}
