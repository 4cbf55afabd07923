//! libc's own functions, one pointer per hook.
//!
//! Each pointer starts at a stand-in that makes the plain system call. So a hook that runs before the constructor has
//! called [`crate::real::resolve`] needs neither a lookup nor a test.
//!
//! # Safety
//! A pointer is only ever replaced by the next definition of the same symbol, so the prototypes agree. The stand-ins take any
//! call: they keep its registers and its stack.

use crate::sys;
use crate::table::{COUNT, HASHES, HOOKS, HookIndex};
use core::arch::naked_asm;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::{ptr, slice};

/// libc's functions under their own names.
pub use rows::original::*;

/// Looks up the function at this index if the constructor has not run yet, because another library's constructor
/// called the hook first. For trampolines, which have no stand-in.
pub fn find(index: HookIndex) {
    let index = index as usize;
    let target = &TARGETS[index];
    if target.load(Ordering::Relaxed).is_null() {
        let (hook, hash) = (slice::from_ref(&HOOKS[index]), slice::from_ref(&HASHES[index]));
        crate::real::resolve(hook, hash, slice::from_ref(target));
    }
}

/// The pointers to libc's functions, in the order of the table.
pub static TARGETS: [AtomicPtr<()>; COUNT] = {
    let mut targets = [const { AtomicPtr::new(ptr::null_mut()) }; COUNT];
    let mut index = 0;
    // Trampolines look up their target themselves when they run this early.
    while index < rows::CALLS {
        let stand_in = (stand_ins as *const u8).wrapping_add(STAND_IN * index);
        targets[index] = AtomicPtr::new(stand_in.cast_mut().cast());
        index += 1;
    }
    targets
};

/// The bytes of a stand-in.
const STAND_IN: usize = 16;

/// For each row, the stand-in for libc's function until the constructor has run: the index, and a jump to what they share.
/// That asks [`early`], and either returns its answer or makes the same call of the function that it has found.
#[unsafe(naked)]
unsafe extern "C" fn stand_ins() {
    naked_asm!(
        ".cfi_startproc",
        ".set sockshim_stand_in, 0",
        ".rept {calls}",
        ".balign {size}",
        "mov eax, offset sockshim_stand_in",
        "jmp 2f",
        ".set sockshim_stand_in, sockshim_stand_in + 1",
        ".endr",
        "2:",
        "sub rsp, 56",
        ".cfi_adjust_cfa_offset 56",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "mov edi, eax",
        "mov rsi, rsp",
        "lea rdx, [rsp + 48]",
        "call {early}",
        "mov rdi, [rsp]",
        "mov rsi, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov rcx, [rsp + 24]",
        "mov r8, [rsp + 32]",
        "mov r9, [rsp + 40]",
        "mov r10, [rsp + 48]",
        "add rsp, 56",
        ".cfi_adjust_cfa_offset -56",
        "test rax, rax",
        "jz 3f",
        "jmp rax",
        "3:",
        "mov rax, r10",
        "ret",
        ".cfi_endproc",
        calls = const rows::CALLS,
        size = const STAND_IN,
        early = sym early,
    )
}

/// Makes the plain system call and writes its answer. If there is none, the next definition of the hook's symbol.
#[cold]
extern "C" fn early(index: usize, words: &[i64; 6], answer: &mut i64) -> *mut () {
    let hook = &HOOKS[index];
    if let Some(nr) = hook.nr() {
        let mut args = [0; 6];
        args.iter_mut().zip(words).take(hook.arity()).for_each(|(arg, word)| *arg = *word);
        // SAFETY: the caller's own call, made directly.
        *answer = sys::libc_answer(unsafe { sys::syscall(nr, args) });
        return ptr::null_mut();
    }
    let next = crate::real::lookup(hook.symbol());
    if next.is_none() {
        sys::set_errno(libc::ENOSYS);
        *answer = if hook.ret().starts_with('*') { 0 } else { -1 };
    }
    next.unwrap_or(ptr::null_mut())
}

/// For each row of the table, the function of libc that it interposes.
macro_rules! hooks {
    (
        calls { $(#[doc = $doc:literal] [$level:ident $gate:ident $(($by:ident))? $does:ident $($nr:ident)?]
            fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty = $enter:path, $leave:path;)* }
        trampolines { $(#[doc = $tdoc:literal] [$tlevel:ident $tdoes:ident]
            fn $tname:ident($($targ:ident: $tty:ty),* $(,)?) -> $tret:tt = $tenter:path, $tleave:path;)* }
        not_hooked { $($unhooked:ident: $why:literal;)* }
    ) => {
        #[allow(unused_imports, reason = "which types of libc the table uses is the table's business")]
        use libc::*;
        use crate::original::TARGETS;
        use crate::table::HookIndex;
        use core::sync::atomic::Ordering;

        /// How many rows are calls; trampolines come after them.
        pub const CALLS: usize = [$(HookIndex::$name),*].len();
        const _: [HookIndex; crate::table::COUNT - CALLS] = [$(HookIndex::$tname),*];

        #[allow(non_snake_case, reason = "the names are the symbols")]
        #[allow(clippy::too_many_arguments, reason = "as many as the symbol has")]
        pub mod original {
            use super::*;
            $(
                #[inline(always)]
                pub unsafe fn $name($($arg: $ty),*) -> $ret {
                    let target = TARGETS[HookIndex::$name as usize].load(Ordering::Relaxed);
                    // SAFETY: the pointer is a definition of this symbol or its stand-in; both have this prototype.
                    unsafe { core::mem::transmute::<*mut (), unsafe extern "C-unwind" fn($($ty),*) -> $ret>(target)($($arg),*) }
                }
            )*
        }
    };
}

// After the macro, whose name it uses.
#[path = "hooks.rs"]
mod rows;
