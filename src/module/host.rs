//! Between libsockshim.so and libsockshim_kmod.so, which are of one build: not a part of the ABI of modules.

use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::AtomicPtr;

/// What libsockshim.so gives to libsockshim_kmod.so.
#[repr(C)]
pub struct Host {
    /// Puts a function in the place of libc's of this name, and before that stores libc's function. A name that is no
    /// hook's is passed over.
    pub replace:
        unsafe extern "C" fn(name: *const c_char, function: *const (), original: &'static AtomicPtr<()>),
    /// dlopen(3); null if it fails.
    pub open: unsafe extern "C" fn(path: *const c_char) -> *mut c_void,
    /// dlsym(3); null if there is no such symbol.
    pub find: unsafe extern "C" fn(handle: *mut c_void, name: *const c_char) -> *mut c_void,
    /// dlclose(3).
    pub close: unsafe extern "C" fn(handle: *mut c_void),
    /// A line for the log.
    pub note: unsafe extern "C" fn(text: *const u8, len: usize),
    /// The directory that libsockshim.so is in, with a slash at its end.
    pub directory: *const c_char,
    /// The variables that are about modules, as `NAME=VALUE` with a NUL each, and a NUL behind the last one.
    pub variables: *const c_char,
}

// SAFETY: the strings are never changed nor freed.
unsafe impl Sync for Host {}

/// What libsockshim_kmod.so answers: says which socket of a module's a descriptor stands for, by family, type and protocol.
pub type Describe = unsafe extern "C" fn(fd: c_int, socket: &mut [c_int; 3]) -> bool;

/// The function that libsockshim_kmod.so begins with.
pub type Start = unsafe extern "C" fn(&'static Host) -> Describe;

/// Its symbol.
pub const START: &core::ffi::CStr = c"sockshim_kmod_start";
