//! Questions that are asked with system calls.

use core::ffi::{c_int, c_long};
use sockshim_core::net::address::SockAddr;
use sockshim_sys as sys;

/// The result of socket(2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probed {
    /// A socket, which is closed again.
    Made,
    /// An error.
    Errno(c_int),
}

/// Makes a socket and closes it.
pub fn socket(family: c_int, ty: c_int, protocol: c_int) -> Probed {
    match open(family, ty, protocol) {
        Ok(fd) => {
            sys::close(fd);
            Probed::Made
        }
        Err(errno) => Probed::Errno(errno),
    }
}

fn open(family: c_int, ty: c_int, protocol: c_int) -> Result<c_int, c_int> {
    // A child that the program forks and that execs meanwhile must not keep it.
    let ty = ty | libc::SOCK_CLOEXEC;
    // SAFETY: takes numbers.
    let raw = unsafe { sys::syscall(libc::SYS_socket, [family.into(), ty.into(), protocol.into(), 0, 0, 0]) };
    if raw < 0 { Err(-raw as c_int) } else { Ok(raw as c_int) }
}

fn bind(fd: c_int, addr: &SockAddr) -> Result<(), c_int> {
    let bytes = addr.bytes();
    let args = [fd.into(), bytes.as_ptr() as c_long, bytes.len() as c_long, 0, 0, 0];
    // SAFETY: the address is readable for its length.
    let raw = unsafe { sys::syscall(libc::SYS_bind, args) };
    if raw < 0 { Err(-raw as c_int) } else { Ok(()) }
}

/// CAP_NET_BIND_SERVICE, tested without occupying a privileged port: binding a bound socket again always fails, but
/// the privilege is checked first. `None` when the kernel does not say; port 1 must be privileged.
pub fn may_bind_privileged_port() -> Option<bool> {
    let fd = open(libc::AF_INET, libc::SOCK_DGRAM, 0).ok()?;
    let any = SockAddr::of_v4([0; 4]);
    let mut privileged = [0; 16];
    privileged.copy_from_slice(any.bytes());
    privileged[3] = 1;
    let answer = bind(fd, &any).and_then(|()| bind(fd, &SockAddr::new(&privileged)));
    sys::close(fd);
    match answer {
        Err(libc::EACCES) => Some(false),
        Err(libc::EINVAL) => Some(true),
        _ => None,
    }
}

/// Whether the address belongs to the namespace, tested by binding it with a port that the kernel chooses.
pub fn is_local(addr: &SockAddr) -> Option<bool> {
    let mut with_any_port = [0; 28];
    let len = match addr.family()? {
        libc::AF_INET => 16,
        libc::AF_INET6 => 28,
        _ => return None,
    };
    let given = addr.bytes().len().min(len);
    with_any_port[..given].copy_from_slice(&addr.bytes()[..given]);
    with_any_port[2..4].fill(0);
    let fd = open(addr.family()?, libc::SOCK_DGRAM, 0).ok()?;
    let answer = bind(fd, &SockAddr::new(&with_any_port[..len]));
    sys::close(fd);
    match answer {
        Ok(()) => Some(true),
        Err(libc::EADDRNOTAVAIL) => Some(false),
        Err(_) => None,
    }
}

/// Asks a question of a fresh socket, which is closed again; the error when there is no such socket.
pub fn with_socket(family: c_int, ty: c_int, protocol: c_int, ask: impl FnOnce(c_int) -> c_int) -> c_int {
    match open(family, ty | libc::SOCK_NONBLOCK, protocol) {
        Ok(fd) => {
            let answer = ask(fd);
            sys::close(fd);
            answer
        }
        Err(errno) => errno,
    }
}

/// setsockopt(2) of the value 0, of which the kernel reads `len` bytes, at most four; 0 or the error.
pub fn setsockopt(fd: c_int, level: c_int, name: c_int, len: c_int) -> c_int {
    debug_assert!(len <= 4, "no more than the value has");
    let value: c_int = 0;
    let args = [fd.into(), level.into(), name.into(), &raw const value as c_long, len.into(), 0];
    // SAFETY: the value is readable for its length.
    errno(unsafe { sys::syscall(libc::SYS_setsockopt, args) })
}

/// ioctl(2) without a buffer; 0 or the error.
pub fn ioctl(fd: c_int, request: libc::c_ulong) -> c_int {
    // SAFETY: a request that wrote through the null pointer would fail with EFAULT.
    errno(unsafe { sys::syscall(libc::SYS_ioctl, [fd.into(), request as c_long, 0, 0, 0, 0]) })
}

/// recv(2) of no bytes, without waiting; 0 or the error.
pub fn recv(fd: c_int, flags: c_int) -> c_int {
    let flags = flags | libc::MSG_DONTWAIT;
    // SAFETY: no byte is written.
    errno(unsafe { sys::syscall(libc::SYS_recvfrom, [fd.into(), 0, 0, flags.into(), 0, 0]) })
}

fn errno(raw: c_long) -> c_int {
    if raw < 0 { -raw as c_int } else { 0 }
}
