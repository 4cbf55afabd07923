//! What the linked unwinder wants of libc, so that the library needs no newer one.
//!
//! It asks `_dl_find_object` for the tables of an object, which came with glibc 2.35, and has no other way. A panic is caught
//! where it begins, so the only object on its way is this library. The unwinder's locks, for objects that are registered
//! at run time, are not needed: nobody registers one. It takes a weak reference that leads nowhere for "no threads".
//!
//! pthread_cancel(3) is none of its business: libc loads an unwinder of its own.
//!
//! # Safety
//! The unwinder passes a structure that `dlfcn.h` describes, and reads it only after the answer 0.

use crate::sys;
use core::arch::global_asm;
use core::ffi::c_int;

/// `struct dl_find_object` of `<dlfcn.h>`. The unwinder reads the last member that has a name.
#[repr(C)]
struct Object {
    flags: u64,
    map_start: usize,
    map_end: usize,
    link_map: usize,
    eh_frame: usize,
}

// Hidden: neither is the one exported, nor are the others looked for in libc.
global_asm!(
    ".globl _dl_find_object",
    ".hidden _dl_find_object",
    "_dl_find_object:",
    "jmp {find}",
    ".weak __pthread_key_create, pthread_mutex_lock, pthread_mutex_unlock, pthread_once",
    ".hidden __pthread_key_create, pthread_mutex_lock, pthread_mutex_unlock, pthread_once",
    find = sym find,
);

/// Answers -1 for code of other objects: there is no way on.
#[cold]
extern "C" fn find(address: usize, object: &mut Object) -> c_int {
    match sys::unwind_table_of(address) {
        Some(table) => {
            object.eh_frame = table;
            0
        }
        None => -1,
    }
}
