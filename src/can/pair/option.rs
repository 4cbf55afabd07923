//! What a program may set and ask of the descriptor itself.
//!
//! # Safety
//! Buffers are as long as the header says.

use super::message::take_error;
use super::pair_sk;
use crate::caught::caught;
use crate::kernel;
use core::ffi::{c_int, c_uint, c_void};
use core::slice;
use core::sync::atomic::Ordering;
use sockshim_module::{ENOIOCTLCMD, Socket};

/// `SIOCGSTAMP`, with the times of 64-bit machines.
const SIOCGSTAMP: u64 = 0x8906;
/// `SIOCGSTAMPNS`.
const SIOCGSTAMPNS: u64 = 0x8907;

/// A getsockopt for SOL_SOCKET.
///
/// # Safety
/// `value` is a buffer as the header says.
pub unsafe fn get_of_descriptor(sock: &Socket, name: c_int, value: *mut c_void, len: &mut c_int) -> c_int {
    match name {
        libc::SO_ERROR => match take_error(sock) {
            0 => -ENOIOCTLCMD,
            errno => {
                // SAFETY: the caller's promise.
                unsafe { put(&errno.to_ne_bytes(), value, len) };
                0
            }
        },
        // SO_GET_FILTER: the program has none.
        libc::SO_ATTACH_FILTER => {
            *len = 0;
            0
        }
        _ => -ENOIOCTLCMD,
    }
}

/// A value, cut to the room there is.
///
/// # Safety
/// `value` is a buffer as the header says.
pub unsafe fn put(bytes: &[u8], value: *mut c_void, len: &mut c_int) {
    let count = (*len).clamp(0, bytes.len() as c_int);
    // SAFETY: the caller's promise: more room than any of our values takes.
    let to = unsafe { slice::from_raw_parts_mut(value.cast::<u8>(), count as usize) };
    to.copy_from_slice(&bytes[..count as usize]);
    *len = count;
}

/// setsockopt of a protocol without options: `sock_no_setsockopt`.
pub unsafe extern "C" fn set(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: c_uint,
) -> c_int {
    caught(|| {
        let _ = (sock, name, value, len);
        if level == libc::SOL_SOCKET { -ENOIOCTLCMD } else { -libc::EOPNOTSUPP }
    })
}

/// getsockopt of a protocol without options.
pub unsafe extern "C" fn get(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut c_int,
) -> c_int {
    caught(|| {
        if level != libc::SOL_SOCKET {
            return -libc::EOPNOTSUPP;
        }
        // SAFETY: what the header promises.
        unsafe { get_of_descriptor(sock, name, value, &mut *len) }
    })
}

/// What of ioctl(2) is not the descriptor's.
pub unsafe extern "C" fn ioctl(sock: &mut Socket, cmd: c_uint, arg: u64) -> c_int {
    caught(|| {
        const SECOND: u64 = 1_000_000_000;
        const SIOCATMARK: u64 = 0x8905;
        const SIOCPROTOPRIVATE: u64 = 0x89e0;
        let cmd = u64::from(cmd);
        match cmd {
            // AF_UNIX answers these, CAN does not.
            libc::FIONREAD | libc::TIOCOUTQ | SIOCATMARK | SIOCPROTOPRIVATE => -libc::ENOTTY,
            SIOCGSTAMP | SIOCGSTAMPNS => {
                let stamp = pair_sk(sock).stamp.load(Ordering::Relaxed);
                if stamp == 0 {
                    return -libc::ENOENT;
                }
                let part = if cmd == SIOCGSTAMP { stamp % SECOND / 1000 } else { stamp % SECOND };
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&(stamp / SECOND).to_ne_bytes());
                bytes[8..].copy_from_slice(&part.to_ne_bytes());
                kernel::copy_to_user(arg as *mut u8, &bytes).map_or_else(|errno| -errno, |()| 0)
            }
            _ => -ENOIOCTLCMD,
        }
    })
}
