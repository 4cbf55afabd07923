//! execl(3), execlp(3) and execle(3): the new program's arguments are the call's own, as many as there are.
//!
//! libc's functions put them into a vector on the stack and call exec with it. So does the code here, with a vector of
//! the same length: then a failed exec comes back to a frame of ours and can be logged, and the library's variables can
//! be passed on. Nothing limits the number of arguments but the stack, as in libc; what is too much for a new program is
//! the kernel's to judge (E2BIG).
//!
//! # Safety
//! What is read of the caller's registers and stack is what C promises: arguments up to a null, and for execle one
//! environment behind it. The vector is pushed word by word, so that a stack that ends is met at its guard page.

use crate::table::{HOOKS, Place};
use crate::word::padded;
use crate::{call, mode};
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use sockshim_core::hook::Does;

type Strings = *const *const c_char;
/// What makes the call: [`crate::propagate`] has one for each symbol.
pub type Perform = unsafe extern "C-unwind" fn(*const c_char, Strings, Strings) -> c_int;

/// An exported symbol that makes the vector and calls [`exec`].
macro_rules! exec_list {
    ($name:ident, $place:expr) => {
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
                // From the lowest address on: the path and five arguments, rbp, the return address, other arguments.
                "push r9", "push r8", "push rcx", "push rdx", "push rsi", "push rdi",
                "mov rdi, rsp",
                "call {on_stack}",
                "test rax, rax",
                // The arguments end in the registers, so the vector is there already.
                "lea rdx, [rbp - 40]",
                "jz 4f",
                // With the five arguments from registers the number of words must be even: calls want an aligned stack.
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
                "mov edi, {place}",
                "lea rsi, [rbp - 48]",
                "lea rcx, [rip + {perform}]",
                "call {exec}",
                "leave",
                ".cfi_def_cfa rsp, 8",
                "ret",
                ".cfi_endproc",
                place = const $place as usize,
                on_stack = sym crate::exec_list::on_stack,
                perform = sym crate::propagate::$name,
                exec = sym crate::exec_list::exec,
            )
        }
    };
}
pub(crate) use exec_list;

/// The call's arguments, from the path on, where the code above has pushed them.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Frame(*const i64);

impl Frame {
    /// How many arguments come in registers.
    const REGISTERS: usize = 6;

    /// The argument at `index`, from 0.
    ///
    /// # Safety
    /// The caller must have passed it.
    unsafe fn argument(self, index: usize) -> i64 {
        // Two words, rbp and the return address, are no arguments.
        let slot = if index < Self::REGISTERS { index } else { index + 2 };
        // SAFETY: the caller's promise.
        unsafe { *self.0.add(slot) }
    }

    /// The index of the null that ends the arguments.
    ///
    /// # Safety
    /// There must be one.
    unsafe fn end(self) -> usize {
        let mut index = 1;
        // SAFETY: the caller's promise; nothing behind the null is looked at.
        while unsafe { self.argument(index) } != 0 {
            index += 1;
        }
        index
    }
}

/// How many of the arguments, with their null, stand on the caller's stack.
pub unsafe extern "C" fn on_stack(frame: Frame) -> usize {
    // SAFETY: the program's own call, which has a null.
    (unsafe { frame.end() } + 1).saturating_sub(Frame::REGISTERS)
}

/// The call with its arguments in a vector.
pub unsafe extern "C-unwind" fn exec(place: Place, frame: Frame, argv: Strings, perform: Perform) -> c_int {
    let hook = &HOOKS[place as usize];
    // SAFETY: the program's own call, which has a path and a null, and an environment if it is of that kind.
    let (path, first, environment) = unsafe {
        let has_environment = hook.does == Does::ExecsListEnv;
        let environment = if has_environment { frame.argument(frame.end() + 1) } else { 0 };
        (frame.argument(0), frame.argument(1), environment)
    };
    // SAFETY: the program's own call.
    let perform = || unsafe { perform(path as *const c_char, argv, environment as Strings) };
    if !mode::control() {
        return perform();
    }
    let mut ticket = MaybeUninit::uninit();
    match call::enter(&mut ticket, place, &padded([path, first, environment])) {
        call::Performer::Pass => perform(),
        // Decisions act on calls on sockets, and this is none.
        call::Performer::Host | call::Performer::Acts => {
            let ret = perform();
            // SAFETY: the answer says that the ticket was written.
            unsafe { call::leave(&mut ticket, ret.into()) };
            ret
        }
    }
}
