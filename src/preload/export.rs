//! The exported functions: from each line of the table, a symbol that stands in for libc's.
//!
//! A symbol is three functions. The exported one is the fast exit: one load, one test, and a jump to libc. Behind it are
//! two that never inline, without a destructor or a landing pad, in which libc's function runs: one for the fast path and
//! one for the slow path. Cancelling the thread or jumping out of them leaves nothing behind.
//!
//! What runs in every program, logging or not, stands in one section, `.text.always`: the exported functions and the
//! constructor. The kernel maps a file in pieces of 64 kB, and a program pays for each piece that it touches.

/// What is done before and after each call, in the order of the table.
pub use rows::ROWS;

/// Who is called in libc's place: where the line names a module, its function of the same name.
macro_rules! performer {
    ($name:ident) => {
        crate::original::$name
    };
    ($name:ident $by:ident) => {
        crate::$by::$name
    };
}

/// From each line of the table, its exported function and its row.
macro_rules! hooks {
    (
        calls { $(
            #[doc = $doc:literal]
            [$level:ident $gate:ident $(($by:ident))? $does:ident $($nr:ident)?]
            fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty = $enter:path, $leave:path;
        )* }
        trampolines { $(
            #[doc = $tdoc:literal]
            [$tlevel:ident $tdoes:ident]
            fn $tname:ident($($targ:ident: $tty:ty),* $(,)?) -> $tret:tt = $tenter:path, $tleave:path;
        )* }
        not_hooked { $($unhooked:ident: $why:literal;)* }
    ) => {
        #[allow(unused_imports, reason = "which types of libc the table uses is the table's business")]
        use libc::*;
        use crate::act::act;
        use crate::call::{self, Performer, Halves, Ticket};
        use crate::dispatch::{create, data, fd, name, option, process, ready};
        use crate::gate::{self, Gate, Site};
        use crate::original;
        use crate::table::{COUNT, HOOKS, Place};
        use crate::word::{Word, padded};
        use core::mem::MaybeUninit;
        use sockshim_core::hook::MAX_ARGS;

        pub static ROWS: [Halves; COUNT] = [
            $(Halves { enter: $enter, leave: $leave },)*
            $(Halves { enter: $tenter, leave: $tleave },)*
        ];

        #[inline(always)]
        fn site(place: Place) -> Site {
            let place = place as usize;
            Site { place, hook: &HOOKS[place], row: &ROWS[place] }
        }

        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod export {
            use super::*;
            $(
                #[doc = $doc]
                #[unsafe(no_mangle)]
                #[unsafe(link_section = ".text.always")]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    if !gate::$gate::is_open() {
                        // SAFETY: the program's own call.
                        return unsafe { original::$name($($arg),*) };
                    }
                    // SAFETY: the program's own call.
                    unsafe { observed::$name($($arg),*) }
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
                    gate::$gate::observe(
                        site(Place::$name),
                        [$($arg.word()),*],
                        // SAFETY: the program's own call.
                        || unsafe { performer!($name $($by)?)($($arg),*) },
                        // SAFETY: the program's own call.
                        || unsafe { slow::$name($($arg),*) },
                    )
                }
            )*
        }

        /// The slow path: decide, perform, commit.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod slow {
            use super::*;
            $(
                #[inline(never)]
                pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                    let mut ticket = MaybeUninit::<Ticket>::uninit();
                    match call::enter(&mut ticket, site(Place::$name).hook, site(Place::$name).row, &padded([$($arg.word()),*])) {
                        // SAFETY: the program's own call.
                        Performer::Pass => unsafe { performer!($name $($by)?)($($arg),*) },
                        Performer::Host => {
                            // SAFETY: the program's own call.
                            let ret = unsafe { performer!($name $($by)?)($($arg),*) }.word();
                            // SAFETY: `Host` says that the ticket was written.
                            unsafe { call::leave(&mut ticket, ret) };
                            <$ret>::from_word(ret)
                        }
                        // SAFETY: the answer says that the ticket was written.
                        Performer::Acts => <$ret>::from_word(unsafe {
                            act(&mut ticket, by_words::$name, <$ret as Word>::FAILURE)
                        }),
                    }
                }
            )*
        }

        /// Who performs a call, given its arguments as words: for calls with other arguments than the program's.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod by_words {
            use super::*;
            $(
                pub unsafe extern "C-unwind" fn $name(words: &[i64; MAX_ARGS]) -> i64 {
                    let [$($arg,)* ..] = *words;
                    // SAFETY: the program's own call, but for arguments that the kernel judges as it judges those.
                    unsafe { performer!($name $($by)?)($(<$ty>::from_word($arg)),*) }.word()
                }
            )*
        }

        /// Symbols that return twice, never return or take any number of arguments.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod jump {
            use super::*;
            $(crate::trampoline::trampoline!($tdoes $tname, Place::$tname as usize);)*
        }
    };
}

// After the macro, whose name it uses.
#[path = "hooks.rs"]
mod rows;
