//! What libsockshim.so has given to this library.
//!
//! # Safety
//! It is set once, before any function here is called, and its strings are never changed nor freed.

use core::ffi::{CStr, c_char};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_module::host::Host;

static HOST: AtomicPtr<Host> = AtomicPtr::new(ptr::null_mut());

/// Stores it.
pub fn set(host: &'static Host) {
    HOST.store(ptr::from_ref(host).cast_mut(), Ordering::Release);
}

/// It.
pub fn get() -> &'static Host {
    // SAFETY: it was stored.
    unsafe { &*HOST.load(Ordering::Acquire) }
}

/// The directory that libsockshim.so is in, with a slash at its end.
pub fn directory() -> &'static [u8] {
    // SAFETY: a C string.
    unsafe { CStr::from_ptr(get().directory) }.to_bytes()
}

/// The value of a variable as the process was started with it; a NUL follows it.
pub fn variable(name: &CStr) -> Option<&'static [u8]> {
    let mut line: *const c_char = get().variables;
    loop {
        // SAFETY: a list of C strings, which an empty one ends.
        let text = unsafe { CStr::from_ptr(line) }.to_bytes();
        if text.is_empty() {
            return None;
        }
        if let Some(value) = text.strip_prefix(name.to_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
            return Some(value);
        }
        // SAFETY: the next string begins behind the NUL.
        line = unsafe { line.add(text.len() + 1) };
    }
}

/// A line for the log.
pub fn note(text: &[u8]) {
    // SAFETY: a slice.
    unsafe { (get().note)(text.as_ptr(), text.len()) };
}
