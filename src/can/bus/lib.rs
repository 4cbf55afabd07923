//! CAN buses without a kernel module.
//!
//! A bus is a directory ([`directory`]) with one file in it ([`shared`]): the bus's secret, where its datagrams go, and its
//! interfaces. Whoever opens the same directory is on the same bus. A frame is a datagram ([`wire`]) to a multicast address on the
//! loopback interface, which the kernel gives to every socket of the bus ([`member`]); what a socket does not want, its
//! filter keeps away. So there is no process that others depend on, and a member that is killed leaves nothing behind.
//!
//! Other users are kept out: the file is readable by its owner only, and a port that is shared by SO_REUSEPORT is shared
//! with sockets of the same user only.
//!
//! Nothing here allocates: it runs inside programs, also in signal handlers.
//!
//! # Safety
//! System calls get buffers of ours. The file is mapped, as large as it was made; members change it by atomic words.

pub mod directory;
pub mod member;
pub mod pair;
pub mod shared;
pub mod spec;
pub mod wire;

pub use shared::{Bus, Interface, Opened};

use libc::{c_int, c_long};
use sockshim_sys as sys;

/// The kernel's answer, or the errno.
fn result(raw: c_long) -> Result<c_long, c_int> {
    if (-4095..0).contains(&raw) { Err(-raw as c_int) } else { Ok(raw) }
}

/// A system call that takes numbers and buffers of ours.
///
/// # Safety
/// The contract of the call.
unsafe fn call(nr: c_long, args: [c_long; 6]) -> Result<c_long, c_int> {
    // SAFETY: the caller's promise.
    result(unsafe { sys::syscall(nr, args) })
}
