//! Modules that are asked for when a table has no entry (`kernel/module/kmod.c`).
//!
//! The function stands at the kernel's places in `__sock_create` and `inet_create`. Nothing can be loaded into the
//! running kernel from here, so it only records which name the kernel would ask for.

use crate::func;
use crate::net::path::{Finding, Path};
use libc::c_int;

/// `request_module`: records the name that the kernel would ask for.
pub fn request_module(path: &mut Path, family: c_int, protocol: Option<c_int>, ty: Option<c_int>) {
    path.step(
        func!(request_module),
        Finding::Module { family: family as u8, protocol, ty: ty.map(|ty| ty as u8) },
    );
}
