//! Kernel modules that are requested when a table has no entry (`kernel/module/kmod.c`).
//!
//! `__sock_create` and `inet_create` call it where the kernel's do. Nothing can be loaded into the running kernel
//! from here, so it only records the name that the kernel would request. Modules of sockshim's own stand where libc stands:
//! they answer the call, and here it is only known that there are some.

use crate::func;
use crate::net::path::{Finding, Path};
use core::sync::atomic::{AtomicBool, Ordering};
use libc::c_int;

/// Whether there are modules that may have families which the kernel does not have.
static HAS_MODULES: AtomicBool = AtomicBool::new(false);

/// There are such modules from now on.
pub fn expect_modules() {
    HAS_MODULES.store(true, Ordering::Relaxed);
}

/// Whether there are such modules.
pub fn has_modules() -> bool {
    HAS_MODULES.load(Ordering::Relaxed)
}

/// `request_module`: records the name that the kernel would request.
pub fn request_module(path: &mut Path, family: c_int, protocol: Option<c_int>, ty: Option<c_int>) {
    path.step(
        func!(request_module),
        Finding::Module { family: family as u8, protocol, ty: ty.map(|ty| ty as u8) },
    );
}
