//! What the tests tell a library that is built for them, by variables of the environment.

use core::ffi::CStr;

/// Whether the dispatch of this call is to panic: `SOCKSHIM_PANIC=call`.
pub fn panics_at(call: &str) -> bool {
    variable(c"SOCKSHIM_PANIC").is_some_and(|wanted| wanted == call.as_bytes())
}

/// Whether data calls are to take the slow path, all of them, and the clock is to be the kernel's:
/// `SOCKSHIM_WITHOUT_RINGS=1`.
pub fn without_rings() -> bool {
    variable(c"SOCKSHIM_WITHOUT_RINGS").is_some_and(|value| value == b"1")
}

fn variable(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the environment is read while the program may change it; the tests' programs do not.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    // SAFETY: getenv gives a C string or null.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_bytes())
}
