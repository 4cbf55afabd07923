//! The sockets of a bus: UDP sockets that are bound to its multicast address on the loopback interface.
//!
//! # Safety
//! System calls get buffers of ours.

use crate::{Bus, call};
use core::slice;
use libc::{c_int, in_addr, ip_mreq, sock_filter, sock_fprog, sockaddr_in};
use sockshim_sys as sys;

const LOOPBACK: in_addr = in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) };
const IP_MULTICAST_ALL: c_int = 49;

fn bytes_of<T: Copy>(value: &T) -> &[u8] {
    // SAFETY: the structures here have no padding.
    unsafe { slice::from_raw_parts(ptr(value), size_of::<T>()) }
}

fn ptr<T>(value: &T) -> *const u8 {
    core::ptr::from_ref(value).cast()
}

/// A UDP socket that shares the bus's port with others of the same user, and is not bound yet. `flags` are SOCK_CLOEXEC and
/// SOCK_NONBLOCK.
pub fn socket(flags: c_int) -> Result<c_int, c_int> {
    let args = [libc::AF_INET.into(), (libc::SOCK_DGRAM | flags).into(), 0, 0, 0, 0];
    // SAFETY: numbers.
    let fd = unsafe { call(libc::SYS_socket, args) }? as c_int;
    let set = |level, name, value: &[u8]| sys::setsockopt(fd, level, name, value);
    let prepared = set(libc::SOL_SOCKET, libc::SO_REUSEPORT, &1i32.to_ne_bytes())
        .and_then(|()| set(libc::IPPROTO_IP, IP_MULTICAST_ALL, &0i32.to_ne_bytes()))
        .and_then(|()| set(libc::IPPROTO_IP, libc::IP_MULTICAST_IF, bytes_of(&LOOPBACK)));
    prepared.map(|()| fd).inspect_err(|_| sys::close(fd))
}

/// Has the socket hear the bus. What it does not want, its filter must keep away already.
pub fn join(fd: c_int, bus: &Bus) -> Result<(), c_int> {
    let address = bus.address();
    let args = [fd.into(), ptr(&address) as i64, size_of::<sockaddr_in>() as i64, 0, 0, 0];
    // SAFETY: an address.
    unsafe { call(libc::SYS_bind, args) }?;
    let group = ip_mreq { imr_multiaddr: address.sin_addr, imr_interface: LOOPBACK };
    sys::setsockopt(fd, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, bytes_of(&group))
}

/// Has the kernel run a classic filter on each datagram before it is queued.
pub fn filter(fd: c_int, code: &[sock_filter]) -> Result<(), c_int> {
    let len = u16::try_from(code.len()).map_err(|_| libc::EINVAL)?;
    let program = sock_fprog { len, filter: code.as_ptr().cast_mut() };
    // SAFETY: bytes of ours, up to the padding, which is never read.
    let bytes = unsafe { slice::from_raw_parts(ptr(&program), size_of::<sock_fprog>()) };
    sys::setsockopt(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, bytes)
}

/// Whether the bus's port can be had.
pub(crate) fn try_port(bus: &Bus) -> Result<(), c_int> {
    let fd = socket(libc::SOCK_CLOEXEC)?;
    let joined = join(fd, bus);
    sys::close(fd);
    joined
}

/// Sends a datagram to the bus. Nobody is told if it cannot be sent.
pub fn send(fd: c_int, bus: &Bus, datagram: &[u8]) {
    let address = bus.address();
    let args = [
        fd.into(),
        datagram.as_ptr() as i64,
        datagram.len() as i64,
        libc::MSG_DONTWAIT.into(),
        ptr(&address) as i64,
        size_of::<sockaddr_in>() as i64,
    ];
    // SAFETY: a buffer and an address.
    let _ = unsafe { call(libc::SYS_sendto, args) };
}
