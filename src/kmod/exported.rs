//! What modules are given: `struct sockshim_kernel`.
//!
//! # Safety
//! Each function passes on what its caller promises.

use crate::{host, modules, original, registry, saved, user};
use core::ffi::{CStr, c_char, c_int, c_long};
use libc::{msghdr, ssize_t};
use sockshim_module::{ABI, SockshimKernel};
use sockshim_sys as sys;

static KERNEL: SockshimKernel = SockshimKernel {
    abi: ABI,
    size: size_of::<SockshimKernel>() as u32,
    sock_register: registry::sock_register,
    sock_unregister: registry::sock_unregister,
    inet_register_protosw: registry::inet_register_protosw,
    inet_unregister_protosw: registry::inet_unregister_protosw,
    register_netdevice: registry::register_netdevice,
    kernel_syscall,
    kernel_sendmsg,
    kernel_recvmsg,
    copy_from_user: user::copy_from_user,
    copy_to_user: user::copy_to_user,
    sock_save: saved::sock_save,
    sock_load: saved::sock_load,
    getenv: modules::getenv,
    printk,
};

/// It.
pub fn kernel() -> &'static SockshimKernel {
    &KERNEL
}

unsafe extern "C" fn kernel_syscall(
    nr: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    // SAFETY: the caller's promise.
    unsafe { sys::syscall(nr, [a, b, c, d, e, f]) }
}

/// A libc function's answer, or -errno; errno is left as it was.
fn answered(ret: ssize_t, before: c_int) -> ssize_t {
    if ret >= 0 {
        return ret;
    }
    let errno = sys::errno();
    sys::set_errno(before);
    -(errno as ssize_t)
}

unsafe extern "C-unwind" fn kernel_sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t {
    let before = sys::errno();
    // SAFETY: the caller's promise.
    answered(unsafe { original::sendmsg(fd, msg, flags) }, before)
}

unsafe extern "C-unwind" fn kernel_recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t {
    let before = sys::errno();
    // SAFETY: the caller's promise.
    answered(unsafe { original::recvmsg(fd, msg, flags) }, before)
}

unsafe extern "C" fn printk(text: *const c_char) {
    // SAFETY: the caller's promise.
    host::note(unsafe { CStr::from_ptr(text) }.to_bytes());
}
