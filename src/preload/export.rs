//! The exported functions: for each row of the table, a symbol that interposes libc's.
//!
//! A symbol is up to three functions. The exported one is the fast exit: one load, one test, and a jump to libc. Behind it
//! is the fast path, where the gate has one: a function that never inlines, without a destructor or a landing pad, in which
//! libc's function runs. Cancelling the thread or jumping out of it leaves nothing behind. The third leads from there to the
//! slow path, which all hooks share ([`crate::slow`]).
//!
//! Code that runs in every program, logging or not, is in one section, `.text.always`: the exported functions and the
//! constructor. The kernel maps a file in pieces of 64 kB, and a program pays for each piece that it touches.

/// What the gate of each call is for, in the order of the table.
pub use rows::INTERESTS;

/// The function that performs the call: libc's, or, if the row names a module, that module's function of the same
/// name.
macro_rules! performer {
    ($name:ident) => {
        crate::original::$name
    };
    ($name:ident $by:ident) => {
        crate::$by::$name
    };
}

/// The slow path of a call with these words.
macro_rules! slow_path {
    ($gate:ident $name:ident $words:expr) => {
        <gate::$gate as Gate>::slow(HookIndex::$name, $words)
    };
    ($gate:ident $name:ident $words:expr; $by:ident) => {
        slow::all(HookIndex::$name, &padded($words), Target::new(crate::$by::$name as *const ()))
    };
}

/// For each row of the table, its exported function and its functions before and after.
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
        use crate::call::{self, Half};
        use crate::dispatch::{create, data, exec, fd, name, option, process, ready, resolve};
        use crate::gate::{self, Call, Gate};
        use crate::{mode, original, slow};
        use crate::mode::Interest;
        use crate::table::{COUNT, HookIndex};
        use crate::target::Target;
        use crate::word::{Word, padded};
        use core::arch::global_asm;

        // The functions before and after each call: `call::Rows`. In assembly, because only there a constant can be the distance
        // between two addresses.
        global_asm!(
            ".pushsection .rodata.sockshim_rows, \"a\"",
            ".balign 4",
            ".globl sockshim_rows",
            ".hidden sockshim_rows",
            "sockshim_rows:",
            $(concat!("// ", stringify!($name), "\n.long {} - sockshim_rows, {} - sockshim_rows"),)*
            $(concat!("// ", stringify!($tname), "\n.long {} - sockshim_rows, {} - sockshim_rows"),)*
            ".popsection",
            $(sym $enter, sym $leave,)*
            $(sym $tenter, sym $tleave,)*
        );

        // The functions in it have the type that `Rows` gives them.
        const _: [[Half; 2]; COUNT] = [$([$enter, $leave],)* $([$tenter, $tleave],)*];

        pub static INTERESTS: [Interest; COUNT] = [
            $(<gate::$gate as Gate>::INTEREST,)*
            $({ let _: HookIndex = HookIndex::$tname; Interest::Control },)*
        ];

        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod export {
            use super::*;
            $(
                #[doc = $doc]
                #[unsafe(no_mangle)]
                #[unsafe(link_section = ".text.always")]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    if !mode::is_open(HookIndex::$name) {
                        // SAFETY: the program's own call.
                        return unsafe { original::$name($($arg),*) };
                    }
                    if gate::$gate::HAS_FAST_PATH {
                        // SAFETY: the program's own call.
                        return unsafe { observed::$name($($arg),*) };
                    }
                    // SAFETY: the program's own call.
                    unsafe { slow_path!($gate $name [$($arg.word()),*] $(; $by)?) }
                }
            )*
        }

        /// The frames in which an observed call takes the fast path. They hold plain data only.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod observed {
            use super::*;
            $(
                #[inline(never)]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    gate::$gate::observe(Call {
                        index: HookIndex::$name,
                        words: [$($arg.word()),*],
                        // SAFETY: the program's own call.
                        perform: || unsafe { performer!($name $($by)?)($($arg),*) },
                        // SAFETY: the program's own call.
                        slow: || unsafe { to_slow::$name($($arg),*) },
                    })
                }
            )*
        }

        /// The way from the fast path to the slow one, kept apart so that the former need not prepare for it.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod to_slow {
            use super::*;
            $(
                #[inline(never)]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    // SAFETY: the program's own call.
                    unsafe { slow_path!($gate $name [$($arg.word()),*] $(; $by)?) }
                }
            )*
        }

        /// Symbols that return twice, never return, or take any number of arguments.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod jump {
            use super::*;
            $(crate::trampoline::trampoline!($tdoes $tname, HookIndex::$tname);)*
        }
    };
}

// After the macro, whose name it uses.
#[path = "hooks.rs"]
mod rows;
