//! Hooks that cannot be a Rust function around libc's: vfork returns twice in its caller's frame, execl takes any
//! number of arguments, clone starts its child on another stack, _exit does not return.
//!
//! # Safety
//! The code keeps every argument register and the stack as the caller left them, and jumps. What execl and its relatives
//! read beyond their registers is what C promises them: arguments up to a null.

use crate::export::ROWS;
use crate::original::TARGETS;
use crate::table::{HASHES, HOOKS};
use crate::word::padded;
use crate::{call, environment, mode, propagate};
use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;
use sockshim_core::hook::Does;
use sockshim_core::hook::MAX_ARGS;

/// An exported symbol that tells [`before`] and jumps to the original.
macro_rules! trampoline {
    (execl, $place:expr) => {
        crate::trampoline::variadic!(execl, $place);
    };
    (execlp, $place:expr) => {
        crate::trampoline::variadic!(execlp, $place);
    };
    (execle, $place:expr) => {
        crate::trampoline::variadic!(execle, $place);
    };
    ($name:ident, $place:expr) => {
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
                "mov edi, {place}",
                "call {before}",
                "pop rax", "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
                "jmp qword ptr [rip + {targets} + 8 * {place}]",
                place = const $place,
                before = sym crate::trampoline::before,
                targets = sym crate::original::TARGETS,
            )
        }
    };
}
pub(crate) use trampoline;

/// An exported symbol with any number of arguments: [`exec`] sees them all, and may make the call itself.
macro_rules! variadic {
    ($name:ident, $place:expr) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9", "push rax",
                "mov rsi, rsp",
                "mov edi, {place}",
                "call {exec}",
                "test rax, rax",
                "jnz 2f",
                "pop rax", "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
                "jmp qword ptr [rip + {targets} + 8 * {place}]",
                // The call was made, and has failed.
                "2:",
                "add rsp, 56",
                "mov eax, edx",
                "ret",
                place = const $place,
                exec = sym crate::trampoline::exec,
                targets = sym crate::original::TARGETS,
            )
        }
    };
}
pub(crate) use variadic;

/// What every trampoline does first: the row's function, with the call's first three arguments.
pub extern "C" fn before(place: usize, first: i64, second: i64, third: i64) {
    observe(place, &padded([first, second, third]));
    if HOOKS[place].does == Does::Vforks {
        crate::log::ring::put_aside();
        crate::tls::get().vfork.set(1);
    }
}

fn observe(place: usize, words: &[i64; MAX_ARGS]) {
    let (hook, target) = (&HOOKS[place], &TARGETS[place]);
    if target.load(Ordering::Relaxed).is_null() {
        // Another library's constructor runs before ours.
        let (hooks, hashes) = (core::slice::from_ref(hook), core::slice::from_ref(&HASHES[place]));
        crate::real::resolve(hooks, hashes, core::slice::from_ref(target));
    }
    if mode::control() {
        let mut ticket = MaybeUninit::uninit();
        // There is no way back here after the call, so the event is complete when it begins.
        if let call::Answer::Host = call::enter(&mut ticket, hook, &ROWS[place], words) {
            // SAFETY: `Host` says that the ticket was written.
            unsafe { call::leave(&mut ticket, 0) };
        }
        crate::dispatch::process::leaving(hook.name());
    }
}

/// Whether a call was made, and what came of it: two registers.
#[repr(C)]
pub struct Made {
    made: i64,
    ret: i64,
}

/// The arguments as the trampoline has pushed them: rax, r9, r8, rcx, rdx, rsi, rdi, the return address, and then what
/// the caller has on its stack.
#[derive(Clone, Copy)]
struct Frame(*const i64);

impl Frame {
    /// The argument at `index`, from 0.
    fn argument(self, index: usize) -> i64 {
        const PUSHED: usize = 6;
        let slot = if index < PUSHED { PUSHED - index } else { index + 2 };
        // SAFETY: the caller has passed this argument: callers here ask for none behind the first null.
        unsafe { *self.0.add(slot) }
    }
}

/// The middle of execl, execlp and execle.
pub extern "C" fn exec(place: usize, frame: *const i64) -> Made {
    let frame = Frame(frame);
    let name = HOOKS[place].name();
    let path = frame.argument(0);
    if !mode::exec() {
        observe(place, &padded([path, frame.argument(1)]));
        return Made { made: 0, ret: 0 };
    }
    let count = (1..).take_while(|index| frame.argument(*index) != 0).count();
    let environment = match name {
        "execle" => frame.argument(count + 2) as *const *const c_char,
        _ => environment::of_program(),
    };
    observe(place, &padded([path, frame.argument(1), environment as i64]));
    // SAFETY: the program's own call and its arguments.
    let answer = unsafe {
        propagate::variadic(name, path as *const c_char, environment, count, |index| {
            frame.argument(index + 1)
        })
    };
    answer.map_or(Made { made: 0, ret: 0 }, |ret| Made { made: 1, ret: ret.into() })
}
