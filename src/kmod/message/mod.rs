//! Data calls: whichever way a program sends or receives, the module gets a `struct msghdr`.
//!
//! # Safety
//! The program's memory is copied by the kernel's help ([`crate::user`]). The frames in which a module may wait hold plain data
//! only: the thread may be cancelled there, or a signal handler may jump out.

mod receive;
mod send;
mod splice;

pub use receive::*;
pub use send::*;
pub use splice::*;

use crate::user;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::{ptr, slice};
use libc::{iovec, msghdr, off64_t, sockaddr, socklen_t, ssize_t};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// `struct sockaddr_storage`, in bytes.
pub const STORAGE: usize = 128;
/// Parts of a message that are copied to the stack. Whoever passes more gets them from a mapping.
const NEAR: usize = 32;
/// UIO_MAXIOV.
const MOST: usize = 1024;

/// An address of the program's that a message goes to, or room for the one that it comes from.
#[repr(align(8))]
struct Name([u8; STORAGE]);

const fn empty() -> msghdr {
    // SAFETY: integers and raw pointers.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// Calls the module's sendmsg.
#[inline(always)]
unsafe fn to_module(sock: &mut Socket, msg: &mut msghdr, len: usize, flags: c_int) -> ssize_t {
    // SAFETY: ops are those of a loaded module.
    match unsafe { (*sock.ops).sendmsg } {
        // SAFETY: what the header promises.
        Some(sendmsg) => unsafe { sendmsg(sock, msg, len, flags) }.min(len as ssize_t),
        None => -(libc::EOPNOTSUPP as ssize_t),
    }
}

/// Calls the module's recvmsg.
#[inline(always)]
unsafe fn from_module(sock: &mut Socket, msg: &mut msghdr, len: usize, flags: c_int) -> ssize_t {
    // SAFETY: ops are those of a loaded module.
    match unsafe { (*sock.ops).recvmsg } {
        // SAFETY: what the header promises.
        Some(recvmsg) => unsafe { recvmsg(sock, msg, len, flags) },
        None => -(libc::EOPNOTSUPP as ssize_t),
    }
}

/// Makes a call with a message of one part.
///
/// # Safety
/// The part must be valid for `len` bytes.
unsafe fn one_part(base: *mut u8, len: usize, call: impl FnOnce(&mut msghdr) -> ssize_t) -> ssize_t {
    let mut parts = Parts::new();
    let mut msg = empty();
    msg.msg_iov = parts.one(base.cast(), len);
    msg.msg_iovlen = 1;
    call(&mut msg)
}

/// The parts of a message: the first element is left for the module's own use.
struct Parts {
    near: [MaybeUninit<iovec>; NEAR + 1],
    far: *mut iovec,
    count: usize,
}

impl Parts {
    const fn new() -> Parts {
        Parts { near: [const { MaybeUninit::uninit() }; NEAR + 1], far: ptr::null_mut(), count: 0 }
    }

    /// One part.
    fn one(&mut self, base: *mut c_void, len: usize) -> *mut iovec {
        self.near[1].write(iovec { iov_base: base, iov_len: len.min(isize::MAX as usize) });
        self.count = 1;
        self.start()
    }

    fn start(&mut self) -> *mut iovec {
        if self.far.is_null() { self.near.as_mut_ptr().cast::<iovec>() } else { self.far }.wrapping_add(1)
    }

    /// Copies the program's parts; how many bytes they add up to.
    fn copy(&mut self, from: *const iovec, count: usize) -> Result<usize, c_int> {
        if count > NEAR {
            let memory = sys::mmap((MOST + 1) * size_of::<iovec>()).map_err(|_| libc::ENOMEM)?;
            self.far = memory.cast();
        }
        let start = self.start();
        self.count = count;
        // SAFETY: room for as many parts.
        user::iovecs(unsafe { slice::from_raw_parts_mut(start.cast(), count) }, from)?;
        // SAFETY: just copied.
        let parts = unsafe { slice::from_raw_parts(start, count) };
        let mut total = 0usize;
        for part in parts {
            if part.iov_len > isize::MAX as usize {
                return Err(libc::EINVAL);
            }
            total = total.saturating_add(part.iov_len);
        }
        Ok(total)
    }

    /// Gives the memory back. A thread that is cancelled before leaves it.
    fn free(&mut self) {
        if !self.far.is_null() {
            // SAFETY: made by `copy`.
            unsafe { sys::munmap(self.far.cast(), (MOST + 1) * size_of::<iovec>()) };
            self.far = ptr::null_mut();
        }
    }
}

/// `move_addr_to_user`: as much of an address as there is room for, and its length.
pub fn address_to_user(name: &[u8], addr: *mut sockaddr, addrlen: *mut socklen_t) -> Result<(), c_int> {
    let room = user::get(addrlen.cast::<c_int>())?;
    if room < 0 {
        return Err(libc::EINVAL);
    }
    user::write(addr.cast(), &name[..name.len().min(room as usize)])?;
    user::put(addrlen.cast::<c_int>(), name.len() as c_int)
}

/// RWF_NOWAIT is all that a socket knows of the flags that read and write calls have.
fn message_flags(offset: off64_t, flags: c_int) -> Result<c_int, c_int> {
    match (offset, flags) {
        (-1, 0) => Ok(0),
        (-1, libc::RWF_NOWAIT) => Ok(libc::MSG_DONTWAIT),
        (-1, _) => Err(libc::EOPNOTSUPP),
        (..-1, _) => Err(libc::EINVAL),
        _ => Err(libc::ESPIPE),
    }
}
