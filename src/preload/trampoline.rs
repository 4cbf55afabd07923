//! Hooks that cannot be a Rust function around libc's: vfork returns twice in its caller's frame, execl takes any
//! number of arguments, clone starts its child on another stack, _exit does not return.
//!
//! # Safety
//! The code keeps every argument register and the stack as the caller left them, and jumps.

use crate::{call, hooks};
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;

/// An exported symbol that tells [`before`] and jumps to the original.
macro_rules! trampoline {
    ($name:ident, $place:expr) => {
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
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
                targets = sym crate::hooks::TARGETS,
            )
        }
    };
}
pub(crate) use trampoline;

/// What every trampoline does first: the row's function, with the call's first three arguments.
pub extern "C" fn before(place: usize, first: i64, second: i64, third: i64) {
    let (row, real, target) = (&hooks::ROWS[place], &hooks::REALS[place], &hooks::TARGETS[place]);
    if target.load(Ordering::Relaxed).is_null() {
        // Another library's constructor runs before ours.
        crate::real::resolve(core::slice::from_ref(real), core::slice::from_ref(target));
    }
    if crate::mode::control() {
        let mut ticket = MaybeUninit::uninit();
        // There is no way back here after the call, so the event is complete when it begins.
        if let call::Answer::Host = call::enter(&mut ticket, row, &[first, second, third]) {
            // SAFETY: `Host` says that the ticket was written.
            unsafe { call::leave(&mut ticket, 0) };
        }
        crate::dispatch::process::leaving(row.hook.name);
    }
    if row.hook.name.ends_with("vfork") {
        crate::log::ring::put_aside();
        crate::tls::get().vfork.set(1);
    }
}
