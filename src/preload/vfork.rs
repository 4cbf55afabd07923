//! vfork(2): the child runs on the parent's stack until it execs or ends; then the parent returns once more from the
//! same call.
//!
//! The parent's result is known only if the parent returns to code of ours. The return address on the stack cannot
//! lead there, because the child overwrites it. So the code here removes it from the stack, keeps it in the thread's
//! storage, calls libc's vfork with the caller's stack, and jumps to the kept address: the child at once, the parent
//! after [`after`]. libc and the kernel preserve all other registers.
//!
//! - A vfork in a vfork child is passed directly to libc: the child must not change the parent's storage.
//! - So is a vfork in a signal handler that interrupts another one, because the storage holds only one address. Its
//!   result is not known, and its event says so.
//! - If such a handler ends with longjmp, the storage stays in use, and later vforks of the thread are passed
//!   directly to libc too. An address is never dropped while a process may still return to it.
//! - A child that was forked from a vfork child finds the address of another process, and may reuse the storage.
//! - The child jumps instead of returning: with a shadow stack, its entries must stay for the parent. libc's vfork
//!   does the same. The parent's two returns, from libc's function and to the caller, match the two calls.
//!
//! # Safety
//! The address is read by the thread that has stored it, between a call and its return. The block is static storage
//! of that thread, addressed as in `tls.rs`.

use crate::capture::tap;
use crate::log::{clock, queue};
use crate::table::{HOOKS, HookIndex};
use crate::{call, fork, identity, mode, original, tls};
use core::arch::{asm, global_asm};
use core::cell::Cell;
use core::mem::MaybeUninit;
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::trace::event::Event;
use sockshim_core::verdict::Reason;

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".p2align 3",
    ".type sockshim_vfork, @object",
    ".size sockshim_vfork, 24",
    ".globl sockshim_vfork",
    ".hidden sockshim_vfork",
    "sockshim_vfork:",
    ".zero 24",
    ".popsection",
);

/// A vfork whose parent has not returned yet.
#[repr(C)]
struct Pending {
    /// The caller's return address; 0 when no vfork is pending. It is the first word, because the code below reads
    /// it.
    back: Cell<usize>,
    /// When the call began, on the clock that `in_ticks` tells.
    start: Cell<u64>,
    /// The process that made the call.
    pid: Cell<i32>,
    in_ticks: Cell<bool>,
}

const _: () = assert!(size_of::<Pending>() == 24 && core::mem::offset_of!(Pending, back) == 0);

fn pending() -> &'static Pending {
    let block: *const Pending;
    // SAFETY: reads the thread pointer's self reference and a constant of the dynamic linker.
    unsafe {
        asm!("mov {0}, qword ptr [rip + sockshim_vfork@GOTTPOFF]", "add {0}, qword ptr fs:[0]", out(reg) block,
             options(nostack, readonly));
    }
    // SAFETY: the block lives as long as the thread, and only this thread uses the reference.
    unsafe { &*block }
}

/// Defines the exported symbol for vfork.
macro_rules! vfork {
    ($name:ident, $index:expr) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".text.always")]
        pub unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                "mov rsi, qword ptr [rsp]",
                "mov edi, {index}",
                // The stack is aligned for a call after the return address and one more word.
                "push rsi",
                "call {before}",
                "pop rsi",
                "test al, al",
                "jnz 2f",
                "jmp qword ptr [rip + {targets} + 8 * {index}]",
                "2:",
                "add rsp, 8",
                "call qword ptr [rip + {targets} + 8 * {index}]",
                "mov rdx, qword ptr [rip + sockshim_vfork@GOTTPOFF]",
                "mov rdx, qword ptr fs:[rdx]",
                "test eax, eax",
                "jnz 3f",
                "jmp rdx",
                "3:",
                "push rdx",
                "push rax",
                "mov edi, {index}",
                "movsxd rsi, eax",
                "call {after}",
                "pop rax",
                "ret",
                index = const $index as usize,
                before = sym crate::vfork::before,
                after = sym crate::vfork::after,
                targets = sym crate::original::TARGETS,
            )
        }
    };
}
pub(crate) use vfork;

/// Before the call, which will return to `back`. Whether the address was kept; else the call takes the plain way.
pub extern "C" fn before(index: HookIndex, back: usize) -> bool {
    original::find(index);
    let observed = mode::control() && !identity::is_vfork_child() && fork::is_ready();
    let kept = observed && mode::logs(HOOKS[index as usize].level) && keep(index, back);
    if tls::exists() {
        // From here on whoever runs on this thread may be the child.
        queue::put_aside();
        tls::get().vfork.set(1);
    }
    kept
}

fn keep(index: HookIndex, back: usize) -> bool {
    let (pending, pid) = (pending(), identity::pid());
    if pending.back.get() != 0 && pending.pid.get() == pid {
        log(index, 0, |event| event.reason = Reason::ResultUnknown);
        return false;
    }
    tap::shared();
    let (in_ticks, start) = clock::now();
    pending.pid.set(pid);
    pending.in_ticks.set(in_ticks);
    pending.start.set(start);
    pending.back.set(back);
    true
}

/// The parent is back.
pub extern "C" fn after(index: HookIndex, ret: i64) {
    let pending = pending();
    let (in_ticks, start) = (pending.in_ticks.get(), pending.start.get());
    pending.back.set(0);
    tls::get().vfork.set(0);
    log(index, ret, |event| (event.in_ticks, event.start) = (in_ticks, start));
}

/// Both halves of the call at once.
fn log(index: HookIndex, ret: i64, change: impl FnOnce(&mut Event)) {
    let mut ticket = MaybeUninit::uninit();
    if !matches!(call::enter(&mut ticket, index, &[0; MAX_ARGS]), call::Performer::Pass) {
        // SAFETY: the answer says that the ticket was written.
        change(unsafe { &mut ticket.assume_init_mut().event });
        // SAFETY: the same.
        unsafe { call::leave(&mut ticket, ret) };
    }
}
