//! libc's own functions, one pointer per hook.
//!
//! Each pointer begins at a stand-in of its own that makes the plain system call, so a hook that runs before the
//! constructor has called [`crate::real::resolve`] needs neither a lookup nor a test.
//!
//! # Safety
//! A pointer is only ever replaced by the next definition of the same symbol, so the prototypes agree.

use crate::table::{HASHES, HOOKS, Place};
use core::slice;
use core::sync::atomic::Ordering;

/// The pointers to libc's functions, in the order of the table.
pub use rows::TARGETS;
/// libc's functions under their own names.
pub use rows::original::*;

/// Looks for the function at `place` if the constructor has not done so yet, because another library's has run before
/// ours. For trampolines, which have no stand-in.
pub fn find(place: Place) {
    let place = place as usize;
    let target = &TARGETS[place];
    if target.load(Ordering::Relaxed).is_null() {
        let (hook, hash) = (slice::from_ref(&HOOKS[place]), slice::from_ref(&HASHES[place]));
        crate::real::resolve(hook, hash, slice::from_ref(target));
    }
}

/// The next definition of a hook's symbol. Apart, because each stand-in would have a copy of it.
#[cold]
#[inline(never)]
fn next(place: Place) -> Option<*mut ()> {
    crate::real::lookup(HOOKS[place as usize].symbol())
}

/// From each line of the table, the function of libc that it stands in for.
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
        use crate::table::{COUNT, HOOKS, Place};
        use crate::word::Word;
        use core::sync::atomic::{AtomicPtr, Ordering};

        pub static TARGETS: [AtomicPtr<()>; COUNT] = [
            $(AtomicPtr::new(early::$name as *const () as *mut ()),)*
            // Trampolines look their target up themselves when they run this early.
            $({
                const { assert!((Place::$tname as usize) < COUNT) };
                AtomicPtr::new(core::ptr::null_mut())
            },)*
        ];

        /// What stands in for libc's function until the constructor has run.
        #[allow(non_snake_case, reason = "the names are the symbols")]
        mod early {
            use super::*;
            $(pub unsafe extern "C-unwind" fn $name($($arg: $ty),*) -> $ret {
                let hook = &HOOKS[Place::$name as usize];
                if let Some(nr) = hook.nr() {
                    let mut args = [0; 6];
                    for (slot, word) in args.iter_mut().zip([$($arg.word()),*]) { *slot = word; }
                    // SAFETY: the caller's own arguments for the call that it made.
                    return <$ret>::from_word(crate::sys::libc_answer(unsafe { crate::sys::syscall(nr, args) }));
                }
                let Some(address) = crate::original::next(Place::$name) else {
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
                    let target = TARGETS[Place::$name as usize].load(Ordering::Relaxed);
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
