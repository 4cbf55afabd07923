//! `libsockshim_kmod.so`: hosts modules, which are families of sockets from shared objects (`kernel/module/` in the kernel).
//!
//! libsockshim.so loads it at the first call that a module may have to answer, and lets its functions stand in the place of
//! libc's. So a module answers where libc answers: rules have decided before, and the log sees the answer as any other.
//! Processes that need no module never load it.
//!
//! | file | what |
//! |---|---|
//! | [`interpose`] | the functions in libc's place, one line each |
//! | [`create`], [`name`], [`option`], [`message`], [`life`] | from their arguments to the module's ops |
//! | [`netdevice`], [`ifaddrs`], [`ethtool`], [`bindtodevice`], [`rtnetlink`] | network interfaces of modules |
//! | [`table`], [`slot`] | which descriptors are sockets of modules |
//! | [`saved`] | what is kept of a socket in the kernel, for exec and SCM_RIGHTS |
//! | [`modules`], [`registry`], [`exported`] | loading modules, what they register, what they are given |
//!
//! # Safety
//! Both sides of the exported function are of one build.

mod answer;
mod bindtodevice;
mod counts;
mod create;
mod ethtool;
mod exported;
mod guest;
mod host;
mod ifaddrs;
mod interpose;
mod life;
mod message;
mod modules;
mod name;
mod netdevice;
mod option;
#[path = "../rulefile/panic.rs"]
mod panic;
#[cfg(wrapped)]
#[path = "../preload/redirect.rs"]
mod redirect;
mod registry;
mod rights;
mod rtnetlink;
mod saved;
mod slot;
mod table;
#[path = "../preload/unwind.rs"]
mod unwind;
mod user;

use core::ffi::c_int;
use interpose::original;
use sockshim_module::host::{Describe, Host};
use sockshim_sys as sys;

/// Begins: from now on the functions here stand in the place of libc's.
///
/// # Safety
/// It is called once, by libsockshim.so of the same build.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sockshim_kmod_start(host: &'static Host) -> Describe {
    host::set(host);
    guest::init();
    modules::set_kernel(exported::kernel());
    interpose::all(host);
    describe
}

/// Which socket of a module's a descriptor stands for.
unsafe extern "C" fn describe(fd: c_int, socket: &mut [c_int; 3]) -> bool {
    match table::find(fd) {
        Some(found) if !rtnetlink::is_one(&found) => {
            *socket = [found.family, found.ty, found.protocol];
            true
        }
        _ => false,
    }
}
