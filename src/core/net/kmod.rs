//! Kernel modules that are requested when a table has no entry (`kernel/module/kmod.c`).
//!
//! `__sock_create` and `inet_create` call it where the kernel's do. Nothing can be loaded into the running kernel
//! from here, so it only records the name that the kernel would request.

use crate::func;
use crate::net::path::{Finding, Path};
use libc::c_int;

/// `request_module`: records the name that the kernel would request.
pub fn request_module(path: &mut Path, family: c_int, protocol: Option<c_int>, ty: Option<c_int>) {
    path.step(
        func!(request_module),
        Finding::Module { family: family as u8, protocol, ty: ty.map(|ty| ty as u8) },
    );
}
