//! Paths that are kept as they were when this module was loaded: from the root, whatever the program does to its working
//! directory later.
//!
//! # Safety
//! What is kept is never changed and never unmapped.

use core::ffi::{CStr, c_char};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use sockshim_can_bus::directory::Path;
use sockshim_sys as sys;

/// A path, once it is known.
pub struct Kept(AtomicPtr<c_char>);

impl Kept {
    /// None yet.
    pub const fn none() -> Kept {
        Kept(AtomicPtr::new(ptr::null_mut()))
    }

    /// Keeps it, if there is memory for it.
    pub fn keep(&self, path: &[u8]) {
        let Some(path) = from_the_root(path) else { return };
        let bytes = path.c_str().to_bytes_with_nul();
        let Ok(memory) = sys::mmap(bytes.len()) else { return };
        // SAFETY: new memory, as much as is copied.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), memory, bytes.len()) };
        self.0.store(memory.cast(), Ordering::Release);
    }

    /// It.
    pub fn get(&self) -> Option<&'static CStr> {
        let path = self.0.load(Ordering::Acquire);
        // SAFETY: a C string that stays.
        (!path.is_null()).then(|| unsafe { CStr::from_ptr(path) })
    }
}

fn from_the_root(path: &[u8]) -> Option<Path> {
    if path.starts_with(b"/") {
        return Path::of(&[path]);
    }
    let mut directory = [0; libc::PATH_MAX as usize];
    let len = sys::current_directory(&mut directory).ok()?;
    Path::of(&[&directory[..len.checked_sub(1)?], b"/", path])
}
