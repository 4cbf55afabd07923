//! How a socket's descriptor is recognised in the kernel.

use crate::{identity, sys};
use libc::c_int;
use sockshim_core::fdtable::Packed;
use sockshim_core::net::module::Owner;
use sockshim_core::net::ops::Socket;

/// What confirms an entry against the kernel, by the socket's protocol, for each kind of owner: a module's descriptor is a kernel socket too,
/// but of another family than the socket that it stands for.
struct OwnerOps {
    /// The kernel's name for the socket behind the descriptor, which is unique, or the errno.
    name: fn(c_int, u16) -> Result<u64, c_int>,
    /// Whether that is the name.
    has_name: fn(c_int, u16, u64) -> bool,
}

/// A socket of the host's is its own descriptor.
static HOST: OwnerOps = OwnerOps { name: host_name, has_name: host_has_name };

/// How the owner's descriptors are recognised.
#[inline(always)]
fn looks_of(owner: Owner) -> &'static OwnerOps {
    match owner {
        // Modules cannot be loaded yet. If one is named all the same, the host's answer is the cautious one.
        Owner::Host | Owner::Module(_) => &HOST,
    }
}

/// The kernel's name for the socket behind `fd`, if that is `socket`.
#[inline(always)]
pub fn name_of(fd: c_int, socket: &Socket) -> Result<u64, c_int> {
    (looks_of(socket.owner).name)(fd, socket.sk.protocol)
}

/// [`name_of`] for a socket as the table has it.
#[inline(always)]
pub fn name_of_packed(fd: c_int, socket: Packed) -> Result<u64, c_int> {
    (looks_of(socket.owner()).name)(fd, socket.protocol())
}

/// The cookie. A connection that an MPTCP listener accepts has the listener's cookie, so there the inode is part of
/// the name.
#[inline(always)]
fn host_name(fd: c_int, protocol: u16) -> Result<u64, c_int> {
    let cookie = sys::getsockopt_cookie(fd)?;
    if c_int::from(protocol) != libc::IPPROTO_MPTCP {
        return Ok(cookie);
    }
    with_inode(fd, cookie)
}

#[inline(always)]
fn host_has_name(fd: c_int, protocol: u16, name: u64) -> bool {
    match c_int::from(protocol) {
        libc::IPPROTO_MPTCP => host_name(fd, protocol) == Ok(name),
        _ => sys::has_cookie(fd, name),
    }
}

#[inline(never)]
fn with_inode(fd: c_int, cookie: u64) -> Result<u64, c_int> {
    sys::fstat(fd).map(|file| cookie ^ file.inode << 32)
}

/// Whether the kernel says that `fd` is still the socket of this name. Where nothing can be asked, it is trusted.
pub fn is_current(fd: c_int, socket: &Socket, name: u64) -> bool {
    name == 0 || identity::is_sandboxed() || name_of(fd, socket) == Ok(name)
}

/// [`is_current`] for a socket as the table has it.
#[inline(always)]
pub fn is_current_packed(fd: c_int, socket: Packed, name: u64) -> bool {
    name == 0 || identity::is_sandboxed() || (looks_of(socket.owner()).has_name)(fd, socket.protocol(), name)
}

/// [`is_current`], but what cannot be asked or has no name is doubted.
#[inline]
pub fn is_still(fd: c_int, socket: &Socket, name: u64) -> bool {
    !identity::is_sandboxed() && name_of(fd, socket) == Ok(name)
}
