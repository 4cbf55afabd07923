//! The hooks of the Linux security modules (`security/security.c`), at the kernel's places in every call.
//!
//! They allow everything until there are rules; a rule's answer will be the `Err` of these functions.

use crate::errno::Errno;
use crate::func;
use crate::net::ops::Socket;
use crate::net::path::{Finding, Func, Path};
use libc::c_int;

fn allow(path: &mut Path, func: Func) -> Result<(), Errno> {
    path.step(func, Finding::Allow);
    Ok(())
}

/// `security_socket_create`: before anything is allocated.
pub fn security_socket_create(
    path: &mut Path,
    _family: c_int,
    _ty: c_int,
    _protocol: c_int,
) -> Result<(), Errno> {
    allow(path, func!(security_socket_create))
}

/// `security_socket_post_create`: the socket exists; a refusal releases it.
pub fn security_socket_post_create(path: &mut Path, _sock: &Socket) -> Result<(), Errno> {
    allow(path, func!(security_socket_post_create))
}

/// `security_socket_socketpair`.
pub fn security_socket_socketpair(path: &mut Path, _one: &Socket, _two: &Socket) -> Result<(), Errno> {
    allow(path, func!(security_socket_socketpair))
}

/// The hook of a call on an existing socket, such as `security_socket_bind`.
pub fn security_socket(path: &mut Path, hook: Func, _sock: &Socket) -> Result<(), Errno> {
    allow(path, hook)
}
