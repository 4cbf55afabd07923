//! libc's own functions, one pointer per hook.
//!
//! Each pointer starts at a stand-in that makes the plain system call. So a hook that runs before the constructor has
//! called [`crate::real::resolve`] needs neither a lookup nor a test.
//!
//! # Safety
//! A pointer is only ever replaced by the next definition of the same symbol, so the prototypes agree.

use crate::table::{HASHES, HOOKS, HookIndex};
use core::slice;
use core::sync::atomic::Ordering;

/// The pointers to libc's functions, in the order of the table.
pub use rows::TARGETS;
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

/// The next definition of a hook's symbol. Apart, because each stand-in would have a copy of it.
#[cold]
#[inline(never)]
fn next(index: HookIndex) -> Option<*mut ()> {
    crate::real::lookup(HOOKS[index as usize].symbol())
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
        use crate::table::{COUNT, HOOKS, HookIndex};
        use crate::word::Word;
        use core::sync::atomic::{AtomicPtr, Ordering};

        pub static TARGETS: [AtomicPtr<()>; COUNT] = [
            $(AtomicPtr::new(early::$name as *const () as *mut ()),)*
            // Trampolines look up their target themselves when they run this early.
            $({
                const { assert!((HookIndex::$tname as usize) < COUNT) };
                AtomicPtr::new(core::ptr::null_mut())
            },)*
        ];

        /// The stand-in for libc's function until the constructor has run.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod early {
            use super::*;
            $(pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                let hook = &HOOKS[HookIndex::$name as usize];
                if let Some(nr) = hook.nr() {
                    let mut args = [0; 6];
                    for (slot, word) in args.iter_mut().zip([$($arg.word()),*]) { *slot = word; }
                    // SAFETY: the caller's own call, made directly.
                    return <$ret>::from_word(crate::sys::libc_answer(unsafe { crate::sys::syscall(nr, args) }));
                }
                let Some(address) = crate::original::next(HookIndex::$name) else {
                    return <$ret>::from_word(crate::sys::libc_answer(-c_long::from(ENOSYS)));
                };
                // SAFETY: the next definition of the same symbol has the same prototype.
                unsafe { core::mem::transmute::<*mut (), unsafe extern "C-unwind" fn($($ty),*) -> $ret>(address)($($arg),*) }
            })*
        }

        #[allow(non_snake_case, reason = "the names are the symbols")]
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
