//! execl(3), execlp(3) and execle(3): the new program's arguments are the call's own, and there may be any number.
//!
//! libc's functions collect them in a vector on the stack and call exec with it. The code here does the same, with a
//! vector of the same length. So a failed exec returns to a frame of ours and can be logged, and the library's
//! variables can be passed on. As in libc, only the stack limits the number of arguments; the kernel decides what is
//! too much for a new program (E2BIG).
//!
//! # Safety
//! It reads from the caller's registers and stack what C guarantees: arguments up to a null, and for execle the
//! environment after it. The vector is pushed word by word, so that a stack overflow hits the guard page.

use crate::environment::Strings;
use crate::table::{HOOKS, HookIndex};
use crate::word::padded;
use crate::{call, mode};
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use sockshim_core::hook::Does;

/// The function that makes the call: [`crate::propagate`] has one for each symbol.
pub type ExecFunction = unsafe extern "C-unwind" fn(*const c_char, Strings, Strings) -> c_int;

/// An exported symbol that makes the vector and calls [`exec`].
macro_rules! exec_list {
    ($name:ident, $index:expr) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "push rbp",
                ".cfi_def_cfa_offset 16",
                ".cfi_offset rbp, -16",
                "mov rbp, rsp",
                ".cfi_def_cfa_register rbp",
                // In order of address: the path and five arguments, rbp, the return address, the other arguments.
                "push r9", "push r8", "push rcx", "push rdx", "push rsi", "push rdi",
                "mov rdi, rsp",
                "call {on_stack}",
                "test rax, rax",
                // All arguments are in registers, so the pushed registers are the vector.
                "lea rdx, [rbp - 40]",
                "jz 4f",
                // Five arguments come from registers, so the number of pushed words must be made even: calls need an
                // aligned stack.
                "test al, 1",
                "jnz 3f",
                "push rax",
                "3:",
                "push qword ptr [rbp + 8 + 8 * rax]",
                "dec rax",
                "jnz 3b",
                "push qword ptr [rbp - 8]",
                "push qword ptr [rbp - 16]",
                "push qword ptr [rbp - 24]",
                "push qword ptr [rbp - 32]",
                "push qword ptr [rbp - 40]",
                "mov rdx, rsp",
                "4:",
                "mov edi, {index}",
                "lea rsi, [rbp - 48]",
                "lea rcx, [rip + {perform}]",
                "call {exec}",
                "leave",
                ".cfi_def_cfa rsp, 8",
                "ret",
                ".cfi_endproc",
                index = const $index as usize,
                on_stack = sym crate::exec_list::on_stack,
                perform = sym crate::propagate::$name,
                exec = sym crate::exec_list::exec,
            )
        }
    };
}
pub(crate) use exec_list;

/// The call's arguments from the path on, as the code above has pushed them.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Frame(*const i64);

impl Frame {
    /// How many arguments are passed in registers.
    const REGISTERS: usize = 6;

    /// The argument at `index`, counted from 0.
    ///
    /// # Safety
    /// The caller must have passed this argument.
    unsafe fn argument(self, index: usize) -> i64 {
        // Two words, rbp and the return address, lie between the pushed registers and the stack arguments.
        let slot = if index < Self::REGISTERS { index } else { index + 2 };
        // SAFETY: the caller's promise.
        unsafe { *self.0.add(slot) }
    }

    /// The index of the null that ends the arguments.
    ///
    /// # Safety
    /// The arguments must end with a null.
    unsafe fn end(self) -> usize {
        let mut index = 1;
        // SAFETY: the caller's promise; nothing after the null is read.
        while unsafe { self.argument(index) } != 0 {
            index += 1;
        }
        index
    }
}

/// How many of the arguments, including the null, are on the caller's stack.
pub unsafe extern "C" fn on_stack(frame: Frame) -> usize {
    // SAFETY: the program's own call, which ends with a null.
    (unsafe { frame.end() } + 1).saturating_sub(Frame::REGISTERS)
}

/// The call with its arguments in a vector.
pub unsafe extern "C-unwind" fn exec(
    index: HookIndex,
    frame: Frame,
    argv: Strings,
    perform: ExecFunction,
) -> c_int {
    let hook = &HOOKS[index as usize];
    // SAFETY: the program's own call, which has a path and a null, and an environment if it is of that kind.
    let (path, first, environment) = unsafe {
        let has_environment = hook.does == Does::ExecsListEnv;
        let environment = if has_environment { frame.argument(frame.end() + 1) } else { 0 };
        (frame.argument(0), frame.argument(1), environment)
    };
    // SAFETY: the program's own call.
    let perform = || unsafe { perform(path as *const c_char, argv, environment as Strings) };
    if mode::reports() {
        crate::dispatch::exec::report(index, &padded([path, first, environment]));
    }
    if !mode::control() {
        return perform();
    }
    let mut ticket = MaybeUninit::uninit();
    match call::enter(&mut ticket, index, &padded([path, first, environment])) {
        call::Performer::Pass => perform(),
        // Decisions act on socket calls only, and exec is not one.
        call::Performer::Host | call::Performer::Acts => {
            let ret = perform();
            // SAFETY: `enter` has written the ticket in these cases.
            unsafe { call::leave(&mut ticket, ret.into()) };
            ret
        }
    }
}
