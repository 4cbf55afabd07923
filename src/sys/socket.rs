//! What the kernel tells about sockets.

use crate::{Result, close, done, result, syscall};
use libc::{c_int, c_long};

/// An int-sized SOL_SOCKET option.
///
/// # Errors
/// That of getsockopt(2).
pub fn getsockopt_int(fd: c_int, option: c_int) -> Result<c_int> {
    let mut value: c_int = 0;
    // SAFETY: the value is a local of this size.
    unsafe { getsockopt(fd, option, (&raw mut value).cast(), size_of::<c_int>()) }?;
    Ok(value)
}

/// SO_COOKIE, which is unique to a socket; 0 where the kernel has none.
///
/// # Errors
/// That of getsockopt(2).
#[inline]
pub fn getsockopt_cookie(fd: c_int) -> Result<u64> {
    let mut value: u64 = 0;
    // SAFETY: the value is a local of this size.
    unsafe { getsockopt(fd, libc::SO_COOKIE, (&raw mut value).cast(), size_of::<u64>()) }?;
    Ok(value)
}

/// SO_PEERCRED's process: who has connected to the socket, or listened when it was connected.
///
/// # Errors
/// That of getsockopt(2).
pub fn peer_pid(fd: c_int) -> Result<c_int> {
    // The process, the user and the group.
    let mut value: [c_int; 3] = [0; 3];
    // SAFETY: the value is a local of this size.
    unsafe { getsockopt(fd, libc::SO_PEERCRED, (&raw mut value).cast(), size_of_val(&value)) }?;
    Ok(value[0])
}

/// Whether `fd` is the socket with this SO_COOKIE.
#[inline(always)]
pub fn has_cookie(fd: c_int, cookie: u64) -> bool {
    let mut value: u64 = 0;
    // SAFETY: the value is a local of this size.
    unsafe { getsockopt(fd, libc::SO_COOKIE, (&raw mut value).cast(), size_of::<u64>()) }.is_ok()
        && value == cookie
}

/// # Safety
/// `value` must be writable for `size` bytes.
#[inline(always)]
unsafe fn getsockopt(fd: c_int, option: c_int, value: *mut u8, size: usize) -> Result<()> {
    let mut len = size as libc::socklen_t;
    let args =
        [fd.into(), libc::SOL_SOCKET.into(), option.into(), value as c_long, &raw mut len as c_long, 0];
    // SAFETY: the caller's promise; the length is a local.
    let raw = unsafe { syscall(libc::SYS_getsockopt, args) };
    // One comparison is enough: getsockopt(2) never returns a positive number.
    if raw < 0 { Err(-raw as c_int) } else { Ok(()) }
}

/// Whether getpeername(2) returns a peer.
pub fn has_peer(fd: c_int) -> bool {
    let mut addr = [0_u64; 16];
    let mut len = size_of_val(&addr) as libc::socklen_t;
    let args = [fd.into(), addr.as_mut_ptr() as c_long, &raw mut len as c_long, 0, 0, 0];
    // SAFETY: the buffer is a local of the length that is passed.
    unsafe { syscall(libc::SYS_getpeername, args) == 0 }
}

/// A socket of AF_UNIX that is connected to `path`; `@` at its beginning stands for an abstract name.
///
/// # Errors
/// That of socket(2) or connect(2); ENAMETOOLONG for a path that an address has no room for.
pub fn connect_unix(path: &[u8], ty: c_int) -> Result<c_int> {
    // SAFETY: all zeros are an address.
    let mut address: libc::sockaddr_un = unsafe { core::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    if path.len() >= address.sun_path.len() {
        return Err(libc::ENAMETOOLONG);
    }
    for (to, from) in address.sun_path.iter_mut().zip(path) {
        *to = *from as libc::c_char;
    }
    let mut len = core::mem::offset_of!(libc::sockaddr_un, sun_path) + path.len();
    if path.starts_with(b"@") {
        address.sun_path[0] = 0;
    } else {
        len += 1;
    }
    let ty = ty | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: takes numbers.
    let fd =
        result(unsafe { syscall(libc::SYS_socket, [libc::AF_UNIX.into(), ty.into(), 0, 0, 0, 0]) })? as c_int;
    let args = [fd.into(), &raw const address as c_long, len as c_long, 0, 0, 0];
    // SAFETY: the address outlives the call.
    let connected = done(unsafe { syscall(libc::SYS_connect, args) });
    connected.inspect_err(|_| close(fd)).map(|()| fd)
}

/// sendto(2) on a connected socket, without SIGPIPE: how many bytes were taken.
///
/// # Errors
/// That of send(2).
pub fn send(fd: c_int, bytes: &[u8]) -> Result<usize> {
    let args = [fd.into(), bytes.as_ptr() as c_long, bytes.len() as c_long, libc::MSG_NOSIGNAL.into(), 0, 0];
    // SAFETY: the slice is readable.
    result(unsafe { syscall(libc::SYS_sendto, args) }).map(|count| count as usize)
}

/// The socket's own address (`peer` false) or its peer's, in `address`: how many bytes it has.
///
/// # Errors
/// That of getsockname(2) or getpeername(2).
pub fn address(fd: c_int, peer: bool, address: &mut [u8; 128]) -> Result<usize> {
    let mut len = size_of_val(address) as libc::socklen_t;
    let nr = if peer { libc::SYS_getpeername } else { libc::SYS_getsockname };
    let args = [fd.into(), address.as_mut_ptr() as c_long, &raw mut len as c_long, 0, 0, 0];
    // SAFETY: the buffer is of the length that is passed.
    done(unsafe { syscall(nr, args) }).map(|()| (len as usize).min(address.len()))
}

/// setsockopt(2).
///
/// # Errors
/// That of setsockopt(2).
pub fn setsockopt(fd: c_int, level: c_int, name: c_int, value: &[u8]) -> Result<()> {
    let args = [fd.into(), level.into(), name.into(), value.as_ptr() as c_long, value.len() as c_long, 0];
    // SAFETY: the slice is readable.
    done(unsafe { syscall(libc::SYS_setsockopt, args) })
}

/// Lets the kernel look again whether a TCP socket is ready, and tell who waits for that: to receive, or to send. Setting
/// SO_RCVLOWAT or TCP_NOTSENT_LOWAT makes it look, and they get the value that they have.
pub fn wake_at(fd: c_int, receives: bool) {
    const TCP_NOTSENT_LOWAT: c_int = 25;
    let (level, name) = match receives {
        true => (libc::SOL_SOCKET, libc::SO_RCVLOWAT),
        false => (libc::IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    };
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as libc::socklen_t;
    let args = [fd.into(), level.into(), name.into(), &raw mut value as c_long, &raw mut len as c_long, 0];
    // SAFETY: the value and its length are locals.
    if unsafe { syscall(libc::SYS_getsockopt, args) } == 0 {
        // A socket that is gone needs no waking.
        let _ = setsockopt(fd, level, name, &value.to_ne_bytes());
    }
}
