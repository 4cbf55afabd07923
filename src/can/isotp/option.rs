//! The options of SOL_CAN_ISOTP.
//!
//! # Safety
//! Options are copies, as long as the header says.

use super::{keep, state};
use crate::caught::caught;
use crate::pair::option::{get_of_descriptor, put};
use core::ffi::{c_int, c_uint, c_void};
use core::slice;
use sockshim_can_proto::isotp::SOL_CAN_ISOTP;
use sockshim_module::{ENOIOCTLCMD, Socket};

/// The default of the machine's, `net.core.wmem_default`.
const SNDBUF: c_int = 212_992;

pub unsafe extern "C" fn set(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: c_uint,
) -> c_int {
    caught(|| {
        if level == libc::SOL_SOCKET {
            return match name {
                // The size that the descriptor has is what makes one PDU fill it.
                libc::SO_SNDBUF | libc::SO_SNDBUFFORCE => 0,
                _ => -ENOIOCTLCMD,
            };
        }
        if level != SOL_CAN_ISOTP {
            return -libc::EINVAL;
        }
        let longest = [0; 64];
        let count = (len as usize).min(longest.len());
        if value.is_null() {
            // The kernel checks the name and the length before it reads.
            let checked = state(sock).and_then(|mut state| {
                // With what is set already, so that only the length can be wrong.
                let present = state.options.value(name, count as c_int).ok();
                let value =
                    present.as_ref().and_then(|(bytes, _)| bytes.get(..count)).unwrap_or(&longest[..count]);
                state.options.set(state.bound, name, value)
            });
            return -checked.err().unwrap_or(libc::EFAULT);
        }
        // SAFETY: a copy; what is longer than any option is refused by its length.
        let value = unsafe { slice::from_raw_parts(value.cast::<u8>(), count) };
        let changed = state(sock).and_then(|mut state| {
            let set = state.options.set(state.bound, name, value);
            // One that is refused may have had an effect.
            keep(sock, &state).and(set)
        });
        changed.map_or_else(|errno| -errno, |()| 0)
    })
}

pub unsafe extern "C" fn get(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut c_int,
) -> c_int {
    caught(|| {
        // SAFETY: what the header promises.
        let len = unsafe { &mut *len };
        if level == libc::SOL_SOCKET {
            if name == libc::SO_SNDBUF {
                // SAFETY: the same.
                unsafe { put(&SNDBUF.to_ne_bytes(), value, len) };
                return 0;
            }
            // SAFETY: the same.
            return unsafe { get_of_descriptor(sock, name, value, len) };
        }
        if level != SOL_CAN_ISOTP {
            return -libc::EINVAL;
        }
        match state(sock).and_then(|state| state.options.value(name, *len)) {
            Ok((bytes, count)) => {
                // SAFETY: the same.
                unsafe { put(&bytes[..count], value, len) };
                0
            }
            Err(errno) => -errno,
        }
    })
}
