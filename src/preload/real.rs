//! Finds libc's own functions: for each symbol, the next definition after this library's.
//!
//! [`resolve`] runs once, in the constructor. It reads the objects' own symbol tables ([`sockshim_sys::elf`]), and
//! uses redhook for unusual cases.
//!
//! redhook's `hook!` macro is not used: it resolves at first use (neither fork- nor signal-safe), and puts a
//! catch_unwind around the blocking call (cancelling a thread there aborts).
//!
//! # Safety
//! A pointer is only ever replaced by the next definition of the same symbol, so the prototypes agree.

use crate::panic::attempt;
use crate::table::COUNT;
use crate::track;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_core::hook::{Hook, Level};
use sockshim_sys::elf::{self, Found, Object, Symbol};

/// Points the target of the hook's symbol, which has this hash, at its next definition. A symbol that libc lacks
/// keeps its stand-in: no program can have been linked with it.
#[unsafe(link_section = ".text.always")]
pub fn resolve(hooks: &[Hook], hashes: &[u32], targets: &[AtomicPtr<()>]) {
    let mut found = [Found::No; COUNT];
    let complete = elf::each_next(|object| {
        let mut makes_sockets = false;
        for ((hook, hash), found) in hooks.iter().zip(hashes).zip(&mut found) {
            if *found == Found::No {
                *found = object.find(hook.symbol(), *hash);
                makes_sockets |= *found != Found::No && hook.level <= Level::Call && !hook.does.resolves();
            }
        }
        if makes_sockets && !is_libc(object) {
            track::set_interposed();
        }
    });
    // Behind a library that is loaded at run time there is no object; dlsym searches its dependencies instead.
    let complete = complete && found.iter().any(|found| matches!(found, Found::At(_)));
    for ((hook, target), found) in hooks.iter().zip(targets).zip(found) {
        let address = match found {
            Found::At(address) => Some(address),
            Found::No if complete => None,
            _ => lookup(hook.symbol()),
        };
        if let Some(address) = address {
            target.store(address, Ordering::Release);
        }
    }
}

/// Whether an object is libc, judged by a name that programs import without knowing it. Before glibc 2.34, libpthread
/// and libutil had some of libc's functions.
#[inline]
fn is_libc(object: &Object) -> bool {
    const OWN: [Symbol; 3] =
        [Symbol::new("__recv_chk\0"), Symbol::new("__pthread_key_create\0"), Symbol::new("logwtmp\0")];
    OWN.iter().any(|symbol| object.find(symbol.name, symbol.hash) != Found::No)
}

/// The next definition of a symbol after this library, `RTLD_NEXT`: from the tables, and by dlsym only where they do not
/// tell. Before glibc 2.34 dlsym allocates, and an allocator may call a hook before the constructor has run.
pub fn lookup(symbol: &'static str) -> Option<*mut ()> {
    if let Found::At(address) = elf::next(&Symbol::new(symbol)) {
        return Some(address);
    }
    // redhook panics for a symbol that does not exist, which is an expected case here.
    let found = attempt(|| {
        // SAFETY: the name ends with NUL.
        unsafe { redhook::ld_preload::dlsym_next(symbol) }
    });
    found.ok().map(|address| address.cast_mut().cast())
}

/// Whether the program runs with ThreadSanitizer: with its library, or with its clone(2) in place of libc's, in the
/// program or in a library before this one. A library that is loaded at run time comes after libc itself.
pub fn is_sanitized() -> bool {
    const INIT: Symbol = Symbol::new("__tsan_init\0");
    const CLONE: Symbol = Symbol::new("clone\0");
    let is_replaced = match (elf::first(&CLONE), elf::next(&CLONE)) {
        (Found::At(first), Found::At(next)) => first != next,
        _ => false,
    };
    is_replaced || matches!(elf::first(&INIT), Found::At(_))
}
