//! Reads a rule file, by the library that stands beside this one for that ([`sockshim_rulefile`](../../rulefile/lib.rs)).
//!
//! # Safety
//! The library that is loaded exports its one function with the type that is declared here: both are of one build. It is
//! loaded in the constructor, before the program runs.

use crate::dl::Opener;
use crate::sys;
use core::ffi::{CStr, c_void};
use core::mem::transmute;
use core::slice;

/// The library's file, in the directory of this one.
const LIBRARY: &str = "libsockshim_rulefile.so";

/// The function that the library exports.
const FUNCTION: &CStr = c"sockshim_rulefile_compile";

type Take = unsafe extern "C" fn(*mut c_void, bool, *const u8, usize);
type Compile = unsafe extern "C" fn(*const u8, usize, Take, *mut c_void);

/// The rules of a file as the text that `SOCKSHIM_RULES` holds, or what is wrong in one line.
pub fn compile(path: &[u8]) -> Result<Vec<u8>, String> {
    match ask(path) {
        Some((true, rules)) => Ok(rules),
        Some((false, wrong)) => Err(String::from_utf8_lossy(&wrong).into_owned()),
        None => {
            Err([&*String::from_utf8_lossy(path), ": it takes ", LIBRARY, " beside libsockshim.so"].concat())
        }
    }
}

/// Whether the file is good, and the rules or what is wrong. `None` without the library.
fn ask(path: &[u8]) -> Option<(bool, Vec<u8>)> {
    let library = beside(LIBRARY)?;
    let name = CStr::from_bytes_with_nul(&library).ok()?;
    let libc = Opener::of_libc()?;
    let handle = libc.open(name)?;
    let mut answer = None;
    if let Some(function) = libc.find(handle, FUNCTION) {
        // SAFETY: the module's text; the answer outlives the call.
        unsafe {
            let compile = transmute::<*mut c_void, Compile>(function);
            compile(path.as_ptr(), path.len(), take, (&raw mut answer).cast());
        }
    }
    // SAFETY: nothing of the library is used any more.
    unsafe { libc.close(handle) };
    answer
}

/// Copies the answer.
unsafe extern "C" fn take(answer: *mut c_void, good: bool, bytes: *const u8, len: usize) {
    // SAFETY: what `ask` has passed, and bytes that are valid during the call.
    unsafe {
        let bytes = slice::from_raw_parts(bytes, len).to_vec();
        *answer.cast::<Option<(bool, Vec<u8>)>>() = Some((good, bytes));
    }
}

/// The path of a file in the directory of this library, with a NUL.
pub fn beside(file: &str) -> Option<Vec<u8>> {
    let own = sys::elf::own_path().to_bytes();
    let slash = own.iter().rposition(|byte| *byte == b'/')?;
    Some([&own[..=slash], file.as_bytes(), b"\0"].concat())
}
