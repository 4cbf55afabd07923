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
use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_core::hook::{Hook, Level};
use sockshim_sys::elf::{self, Found, Object, Side, Symbol};

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
/// had some of libc's functions.
#[inline]
fn is_libc(object: &Object) -> bool {
    const OWN: [Symbol; 2] = [Symbol::new("__recv_chk\0"), Symbol::new("__pthread_key_create\0")];
    OWN.iter().any(|symbol| object.find(symbol.name, symbol.hash) != Found::No)
}

/// The next definition of a symbol after this library, `RTLD_NEXT`, by dlsym.
pub fn lookup(symbol: &'static str) -> Option<*mut ()> {
    // redhook panics for a symbol that does not exist, which is an expected case here.
    let found = attempt(|| {
        // SAFETY: the name ends with NUL.
        unsafe { redhook::ld_preload::dlsym_next(symbol) }
    });
    found.ok().map(|address| address.cast_mut().cast())
}

/// Whether the program runs with ThreadSanitizer: with its library, or with its clone(2) in place of libc's, in the
/// program or in a library before this one.
pub fn is_sanitized() -> bool {
    const INIT: Symbol = Symbol::new("__tsan_init\0");
    const CLONE: Symbol = Symbol::new("clone\0");
    let (mut init, mut before, mut behind) = (false, false, false);
    let complete = elf::each_other(|side, object| {
        let defines = |symbol: Symbol| object.find(symbol.name, symbol.hash) != Found::No;
        init |= defines(INIT);
        match side {
            Side::Before => before |= defines(CLONE),
            Side::Behind => behind |= defines(CLONE),
        }
    });
    // A library that is loaded at run time comes after libc itself.
    if complete && (behind || !before) {
        return init || before;
    }
    !find(libc::RTLD_DEFAULT, c"__tsan_init").is_null() || is_replaced(c"clone")
}

/// Whether the program, or a library before this one, defines the function in place of libc's. Asked only if
/// necessary: dlsym takes long, and longest when there is nothing to find.
#[cold]
fn is_replaced(symbol: &CStr) -> bool {
    let first = find(libc::RTLD_DEFAULT, symbol);
    first != find(libc::RTLD_NEXT, symbol) && object_of(first) != object_of(resolve as *const c_void)
}

/// The address at which the object begins that contains `address`.
fn object_of(address: *const c_void) -> *mut c_void {
    // SAFETY: all zeros are a valid structure of pointers.
    let mut info: libc::Dl_info = unsafe { core::mem::zeroed() };
    // SAFETY: any address may be passed; an unknown one leaves the zeros.
    unsafe { libc::dladdr(address, &raw mut info) };
    info.dli_fbase
}

fn find(handle: *mut c_void, symbol: &CStr) -> *mut c_void {
    // SAFETY: the name is a C string, and the handle is one of the two that always exist.
    unsafe { libc::dlsym(handle, symbol.as_ptr()) }
}
