//! dlsym, dlopen and dlclose, whichever library has them.
//!
//! Since glibc 2.34 that is libc. Before, it was libdl: to need it would load it into every program. So they are looked up when
//! one of them is called, which is rare. Where libdl is not loaded either, libc has functions for its own use that open a
//! library; and dlsym finds nothing, which is asked only where the objects' tables do not tell.
//!
//! The linker leads calls of dlsym here (`build.rs`), because redhook makes one.
//!
//! # Safety
//! The functions that are found have the types that are given to them here: the public ones those of `<dlfcn.h>`, and libc's
//! private ones, which end with glibc 2.33, those of `<dlfcn.h>` of the glibcs before.

use crate::sys::elf::{self, Found, Symbol};
use core::arch::{global_asm, naked_asm};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;

global_asm!(
    ".globl __wrap_dlsym",
    ".hidden __wrap_dlsym",
    "__wrap_dlsym:",
    "jmp {dlsym}",
    dlsym = sym dlsym,
);

/// Goes on in the function that is found, as if the caller had called it: what is next depends on who asks.
#[unsafe(naked)]
unsafe extern "C" fn dlsym(_: *mut c_void, _: *const c_char) -> *mut c_void {
    naked_asm!(
        ".cfi_startproc",
        "push rdi",
        ".cfi_adjust_cfa_offset 8",
        "push rsi",
        ".cfi_adjust_cfa_offset 8",
        "push rax",
        ".cfi_adjust_cfa_offset 8",
        "call {find}",
        "pop rsi",
        ".cfi_adjust_cfa_offset -8",
        "pop rsi",
        ".cfi_adjust_cfa_offset -8",
        "pop rdi",
        ".cfi_adjust_cfa_offset -8",
        "jmp rax",
        ".cfi_endproc",
        find = sym find_dlsym,
    )
}

#[cold]
extern "C" fn find_dlsym() -> *mut () {
    find(&Symbol::new("dlsym\0")).unwrap_or(nothing as *mut ())
}

fn find(symbol: &Symbol) -> Option<*mut ()> {
    match elf::first(symbol) {
        Found::At(address) => Some(address),
        Found::No | Found::Ask => None,
    }
}

/// In place of a dlsym that is not there: nothing is found.
unsafe extern "C" fn nothing(_: *mut c_void, _: *const c_char) -> *mut c_void {
    ptr::null_mut()
}

/// What opens a library, finds a function in it, and closes it.
pub struct Opener {
    open: unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void,
    find: unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void,
    close: unsafe extern "C" fn(*mut c_void) -> c_int,
    mode: c_int,
}

impl Opener {
    /// libc's, if it has any.
    pub fn of_libc() -> Option<Opener> {
        const PUBLIC: [Symbol; 3] =
            [Symbol::new("dlopen\0"), Symbol::new("dlsym\0"), Symbol::new("dlclose\0")];
        const PRIVATE: [Symbol; 3] = [
            Symbol::new("__libc_dlopen_mode\0"),
            Symbol::new("__libc_dlsym\0"),
            Symbol::new("__libc_dlclose\0"),
        ];
        // The bit that libc itself adds to a mode, so that the dynamic linker knows dlopen.
        const DLOPEN: c_int = c_int::MIN;
        [(PRIVATE, DLOPEN), (PUBLIC, 0)].iter().find_map(|(symbols, mode)| {
            let [open, function, close] = [0, 1, 2].map(|index| find(&symbols[index]));
            // SAFETY: functions of these types.
            unsafe {
                Some(Opener {
                    open: transmute::<*mut (), unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void>(open?),
                    find: transmute::<*mut (), unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void>(function?),
                    close: transmute::<*mut (), unsafe extern "C" fn(*mut c_void) -> c_int>(close?),
                    mode: *mode,
                })
            }
        })
    }

    /// dlopen(3). `None` where it fails.
    pub fn open(&self, path: &CStr) -> Option<*mut c_void> {
        // SAFETY: a C string.
        let handle = unsafe { (self.open)(path.as_ptr(), self.mode | libc::RTLD_NOW | libc::RTLD_LOCAL) };
        (!handle.is_null()).then_some(handle)
    }

    /// dlsym(3), in what was opened.
    pub fn find(&self, handle: *mut c_void, name: &CStr) -> Option<*mut c_void> {
        // SAFETY: a handle and a C string.
        let address = unsafe { (self.find)(handle, name.as_ptr()) };
        (!address.is_null()).then_some(address)
    }

    /// dlclose(3).
    ///
    /// # Safety
    /// Nothing of the library may be used any more.
    pub unsafe fn close(&self, handle: *mut c_void) {
        // SAFETY: the caller's promise.
        unsafe { (self.close)(handle) };
    }
}
