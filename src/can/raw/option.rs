//! The options of SOL_CAN_RAW, and what a program may ask of the descriptor beside them.
//!
//! # Safety
//! Options are copies, as long as the header says.

use super::{Saved, apply, filter, options, raw_sk};
use crate::caught::caught;
use core::ffi::{c_int, c_uint, c_void};
use core::slice;
use sockshim_can_proto::frame::CAN_ERR_MASK;
use sockshim_can_proto::raw::{FILTERS, Filter, Options, Vcid};
use sockshim_module::{ENOIOCTLCMD, Socket};

const SOL_CAN_RAW: c_int = 101;
const CAN_RAW_FILTER: c_int = 1;
const CAN_RAW_ERR_FILTER: c_int = 2;
const CAN_RAW_LOOPBACK: c_int = 3;
const CAN_RAW_RECV_OWN_MSGS: c_int = 4;
const CAN_RAW_FD_FRAMES: c_int = 5;
const CAN_RAW_JOIN_FILTERS: c_int = 6;
const CAN_RAW_XL_FRAMES: c_int = 7;
const CAN_RAW_XL_VCID_OPTS: c_int = 8;

const SIOCADDRT: u64 = 0x890b;
const SIOCDELRT: u64 = 0x890c;
const SIOCGIFADDR: u64 = 0x8915;
const SIOCSIFNETMASK: u64 = 0x891c;
const SIOCSIFPFLAGS: u64 = 0x8934;
const SIOCGIFPFLAGS: u64 = 0x8935;
const SIOCDARP: u64 = 0x8953;
const SIOCSARP: u64 = 0x8955;

/// What UDP sockets have, and raw ones have not.
const SO_PEEK_OFF: c_int = 42;
const SO_ZEROCOPY: c_int = 60;
const SO_DETACH_REUSEPORT_BPF: c_int = 68;

/// A filter's size.
const FILTER: usize = size_of::<Filter>();

pub unsafe extern "C" fn set(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: c_uint,
) -> c_int {
    caught(|| {
        if level == libc::SOL_SOCKET {
            return set_of_descriptor(sock, name, value, len);
        }
        if level != SOL_CAN_RAW {
            return -libc::EINVAL;
        }
        let len = len as usize;
        if let Err(errno) = has_length(name, len) {
            return -errno;
        }
        if value.is_null() {
            return -libc::EFAULT;
        }
        // SAFETY: a copy, which no option exceeds that has its length.
        let value = unsafe { slice::from_raw_parts(value.cast::<u8>(), len) };
        let changed = Saved::of(sock).and_then(|Saved { mut options, attached }| {
            change(&mut options, name, value)?;
            apply(sock, &options, &attached)
        });
        changed.map_or_else(|errno| -errno, |()| 0)
    })
}

/// What UDP sockets have, and raw ones have not.
fn set_of_descriptor(sock: &Socket, name: c_int, value: *const c_void, len: c_uint) -> c_int {
    match name {
        libc::SO_RXQ_OVFL if len >= 4 && !value.is_null() => {
            // SAFETY: a copy of four bytes at least.
            raw_sk(sock).drops.want(unsafe { value.cast::<c_int>().read_unaligned() } != 0);
            -ENOIOCTLCMD
        }
        libc::SO_ATTACH_FILTER | libc::SO_DETACH_FILTER | libc::SO_LOCK_FILTER => {
            let len = if value.is_null() { 0 } else { (len as usize).min(sockshim_module::OPTION) };
            let start = if len == 0 {
                core::ptr::NonNull::dangling().as_ptr()
            } else {
                value.cast::<u8>().cast_mut()
            };
            // SAFETY: a copy of as many bytes.
            let value = unsafe { slice::from_raw_parts(start, len) };
            filter::set(sock, name, value).map_or_else(|errno| -errno, |()| 0)
        }
        SO_DETACH_REUSEPORT_BPF => -libc::EINVAL,
        libc::SO_REUSEPORT | SO_PEEK_OFF | SO_ZEROCOPY if len >= 4 => -libc::EOPNOTSUPP,
        _ => -ENOIOCTLCMD,
    }
}

/// Whether the option can have this length, which is checked before its value is read.
fn has_length(name: c_int, len: usize) -> Result<(), c_int> {
    match name {
        CAN_RAW_FILTER if len.is_multiple_of(FILTER) && len <= FILTERS * FILTER => Ok(()),
        CAN_RAW_ERR_FILTER..=CAN_RAW_XL_VCID_OPTS if len == size_of::<c_int>() => Ok(()),
        CAN_RAW_FILTER..=CAN_RAW_XL_VCID_OPTS => Err(libc::EINVAL),
        _ => Err(libc::ENOPROTOOPT),
    }
}

fn int(value: &[u8]) -> Result<u32, c_int> {
    value.try_into().map(u32::from_ne_bytes).map_err(|_| libc::EINVAL)
}

fn change(options: &mut Options, name: c_int, value: &[u8]) -> Result<(), c_int> {
    let word = |at: &[u8]| u32::from_ne_bytes([at[0], at[1], at[2], at[3]]);
    match name {
        CAN_RAW_FILTER => {
            let filters = value
                .chunks_exact(FILTER)
                .map(|filter| Filter { id: word(filter), mask: word(&filter[4..]) });
            if !options.set_filters(filters) {
                return Err(libc::EINVAL);
            }
        }
        CAN_RAW_ERR_FILTER => options.err_mask = int(value)? & CAN_ERR_MASK,
        CAN_RAW_LOOPBACK => options.loopback = int(value)?,
        CAN_RAW_RECV_OWN_MSGS => options.recv_own_msgs = int(value)?,
        CAN_RAW_FD_FRAMES => {
            let wanted = int(value)?;
            if options.xl_frames != 0 && wanted == 0 {
                return Err(libc::EINVAL);
            }
            options.fd_frames = wanted;
        }
        CAN_RAW_XL_FRAMES => {
            options.xl_frames = int(value)?;
            // CAN XL includes CAN FD.
            if options.xl_frames != 0 {
                options.fd_frames = options.xl_frames;
            }
        }
        CAN_RAW_JOIN_FILTERS => options.join_filters = int(value)?,
        CAN_RAW_XL_VCID_OPTS => options.vcid = Vcid::of_word(int(value)?),
        _ => return Err(libc::ENOPROTOOPT),
    }
    Ok(())
}

pub unsafe extern "C" fn get(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut c_int,
) -> c_int {
    caught(|| {
        // SAFETY: what the header promises: a buffer of OPTION bytes, and a length.
        let (buffer, len) =
            unsafe { (slice::from_raw_parts_mut(value.cast::<u8>(), sockshim_module::OPTION), &mut *len) };
        if level == libc::SOL_SOCKET {
            return get_of_descriptor(sock, name, buffer, len);
        }
        if level != SOL_CAN_RAW || *len < 0 {
            return -libc::EINVAL;
        }
        match options(sock).and_then(|options| read(&options, name, buffer, len)) {
            Ok(()) => 0,
            Err(errno) => -errno,
        }
    })
}

fn get_of_descriptor(sock: &Socket, name: c_int, buffer: &mut [u8], len: &mut c_int) -> c_int {
    let number = match name {
        // What the descriptor has of it is ours.
        libc::SO_REUSEPORT | SO_ZEROCOPY => 0,
        SO_PEEK_OFF => return -libc::EOPNOTSUPP,
        libc::SO_ATTACH_FILTER => {
            return match filter::get(sock, buffer) {
                Ok(size) => {
                    *len = size as c_int;
                    0
                }
                Err(errno) => -errno,
            };
        }
        libc::SO_ERROR => match raw_sk(sock).take_error() {
            0 => return -ENOIOCTLCMD,
            errno => errno,
        },
        _ => return -ENOIOCTLCMD,
    };
    put(number as u32, buffer, len);
    0
}

/// A number, cut to the room there is.
fn put(number: u32, buffer: &mut [u8], len: &mut c_int) {
    buffer[..4].copy_from_slice(&number.to_ne_bytes());
    *len = (*len).clamp(0, 4);
}

fn read(options: &Options, name: c_int, buffer: &mut [u8], len: &mut c_int) -> Result<(), c_int> {
    let number = match name {
        CAN_RAW_FILTER => {
            let filters = options.filters();
            let size = (filters.len() * FILTER) as c_int;
            if filters.is_empty() {
                *len = 0;
                return Ok(());
            }
            if *len < size {
                // The program learns how much room it takes.
                *len = size;
                return Err(libc::ERANGE);
            }
            for (bytes, filter) in buffer.chunks_exact_mut(FILTER).zip(filters) {
                bytes[..4].copy_from_slice(&filter.id.to_ne_bytes());
                bytes[4..].copy_from_slice(&filter.mask.to_ne_bytes());
            }
            *len = size;
            return Ok(());
        }
        CAN_RAW_ERR_FILTER => options.err_mask,
        CAN_RAW_LOOPBACK => options.loopback,
        CAN_RAW_RECV_OWN_MSGS => options.recv_own_msgs,
        CAN_RAW_FD_FRAMES => options.fd_frames,
        CAN_RAW_XL_FRAMES => options.xl_frames,
        CAN_RAW_JOIN_FILTERS => options.join_filters,
        CAN_RAW_XL_VCID_OPTS => {
            // The program learns how much room it takes.
            if *len < 4 {
                *len = 4;
                return Err(libc::ERANGE);
            }
            options.vcid.word()
        }
        _ => return Err(libc::ENOPROTOOPT),
    };
    put(number, buffer, len);
    Ok(())
}

pub unsafe extern "C" fn ioctl(sock: &mut Socket, cmd: c_uint, arg: u64) -> c_int {
    caught(|| {
        let _ = (sock, arg);
        match u64::from(cmd) {
            // What sockets of UDP and IPv4 know, and those of CAN do not.
            libc::FIONREAD
            | libc::TIOCOUTQ
            | SIOCADDRT
            | SIOCDELRT
            | SIOCGIFADDR..=SIOCSIFNETMASK
            | SIOCSIFPFLAGS..=SIOCGIFPFLAGS
            | SIOCDARP..=SIOCSARP => -libc::ENOTTY,
            _ => -ENOIOCTLCMD,
        }
    })
}
