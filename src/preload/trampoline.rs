//! Hooks that cannot be a Rust function around libc's. Each is machine code, selected by the `does` column of its
//! row:
//!
//! | does | code | because |
//! |---|---|---|
//! | `ExecsList`, `ExecsListEnv` | [`crate::exec_list`] | it takes any number of arguments |
//! | `Vforks` | [`crate::vfork`] | it returns twice, on one stack |
//! | all others | here | the call does not return, or its child starts on another stack |
//!
//! The code here calls [`before`] and then jumps to libc.
//!
//! # Safety
//! It preserves every argument register, and the stack as the caller left it.

use crate::table::{HOOKS, HookIndex};
use crate::word::padded;
use crate::{call, mode, original};
use core::mem::MaybeUninit;

/// The exported symbol `$name` at `$index` of the table.
macro_rules! trampoline {
    (ExecsList $name:ident, $index:expr) => {
        crate::exec_list::exec_list!($name, $index);
    };
    (ExecsListEnv $name:ident, $index:expr) => {
        crate::exec_list::exec_list!($name, $index);
    };
    (Vforks $name:ident, $index:expr) => {
        crate::vfork::vfork!($name, $index);
    };
    ($does:ident $name:ident, $index:expr) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".text.always")]
        pub unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                // Seven registers and the return address keep the stack aligned for the call.
                "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9", "push rax",
                "mov rcx, rdx",
                "mov rdx, rsi",
                "mov rsi, rdi",
                "mov edi, {index}",
                "call {before}",
                "pop rax", "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
                "jmp qword ptr [rip + {targets} + 8 * {index}]",
                index = const $index as usize,
                before = sym crate::trampoline::before,
                targets = sym crate::original::TARGETS,
            )
        }
    };
}
pub(crate) use trampoline;

/// The hook's function of the table, with the call's first three arguments. The event is written before the call.
pub extern "C" fn before(index: HookIndex, first: i64, second: i64, third: i64) {
    original::find(index);
    if !mode::control() {
        return;
    }
    let mut ticket = MaybeUninit::uninit();
    if !matches!(call::enter(&mut ticket, index, &padded([first, second, third])), call::Performer::Pass) {
        // SAFETY: the answer says that the ticket was written.
        unsafe { call::leave(&mut ticket, 0) };
    }
    crate::dispatch::process::leaving(HOOKS[index as usize].does);
}
