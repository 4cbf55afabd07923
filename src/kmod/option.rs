//! Options and ioctl(2).
//!
//! # Safety
//! Ops are those of a loaded module, called as the header describes them; options are copied first.

use crate::answer::{answer, failure};
use crate::{bindtodevice, netdevice, original, rtnetlink, table, user};
use core::ffi::{c_int, c_uint, c_ulong, c_void};
use libc::socklen_t;
use sockshim_module::{ENOIOCTLCMD, OPTION, SOCK_CUSTOM_SOCKOPT, Socket};
use sockshim_sys as sys;

/// Options up to this length are copied to the stack.
const NEAR: usize = 64;

/// Whether options of this level are the descriptor's own.
fn is_descriptors(sock: &Socket, level: c_int) -> bool {
    level == libc::SOL_SOCKET && sock.flags & SOCK_CUSTOM_SOCKOPT == 0
}

pub unsafe fn setsockopt(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    // SAFETY: the program's own call.
    let descriptors = |sock: &Socket| unsafe { original::setsockopt(sock.fd, level, name, value, len) };
    if level == libc::SOL_SOCKET && rtnetlink::is_one(sock) {
        return descriptors(sock);
    }
    let filtered = |errno| if errno == 0 { 0 } else { failure(errno) };
    if is_descriptors(sock, level)
        && let Some(errno) = about_filter(name, len)
    {
        return filtered(errno);
    }
    if level == libc::SOL_SOCKET && name == libc::SO_BINDTODEVICE {
        return bindtodevice::set(sock, value, len).map_or_else(failure, |()| 0);
    }
    if is_descriptors(sock, level) {
        return descriptors(sock);
    }
    if (len as c_int) < 0 {
        return failure(libc::EINVAL);
    }
    // SAFETY: ops are those of a loaded module.
    let Some(set) = (unsafe { (*sock.ops).setsockopt }) else {
        return if level == libc::SOL_SOCKET { descriptors(sock) } else { failure(libc::EOPNOTSUPP) };
    };
    let copied = (len as usize).min(OPTION);
    let mut near = [0u64; NEAR / 8];
    let mut far = None;
    let buffer = if copied <= NEAR {
        // SAFETY: plain bytes.
        unsafe { core::slice::from_raw_parts_mut(near.as_mut_ptr().cast::<u8>(), NEAR) }
    } else {
        match sys::Scratch::<u8>::new(copied) {
            Some(scratch) => far.insert(scratch).slice(),
            None => return failure(libc::ENOMEM),
        }
    };
    let buffer = &mut buffer[..copied];
    // What cannot be read is for the module to tell: the kernel checks much before.
    let copy = match user::read(buffer, value) {
        Ok(()) => buffer.as_ptr(),
        Err(_) => core::ptr::null(),
    };
    // SAFETY: a copy of as many bytes as the header says.
    let ret = unsafe { set(sock, level, name, copy.cast(), len) };
    if ret == -ENOIOCTLCMD && level == libc::SOL_SOCKET {
        about_filter(name, len).map_or_else(|| descriptors(sock), filtered)
    } else {
        answer(ret as isize) as c_int
    }
}

/// What a program does about the descriptor's filter, which is not its own: it holds what is saved of the socket. A module may
/// know better. The errno, or 0.
fn about_filter(name: c_int, len: socklen_t) -> Option<c_int> {
    match name {
        libc::SO_ATTACH_FILTER | libc::SO_ATTACH_BPF => Some(libc::ENOPROTOOPT),
        libc::SO_DETACH_FILTER | libc::SO_LOCK_FILTER if (len as usize) < size_of::<c_int>() => {
            Some(libc::EINVAL)
        }
        libc::SO_DETACH_FILTER => Some(libc::ENOENT),
        // There is nothing to lock, and ours must stay open to changes.
        libc::SO_LOCK_FILTER => Some(0),
        _ => None,
    }
}

pub unsafe fn getsockopt(
    sock: &mut Socket,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    // SAFETY: the program's own call.
    let descriptors = |sock: &Socket| unsafe { original::getsockopt(sock.fd, level, name, value, len) };
    if level == libc::SOL_SOCKET && rtnetlink::is_one(sock) {
        return descriptors(sock);
    }
    if level == libc::SOL_SOCKET
        && let Some(number) = number_of(sock, name)
    {
        return answer_int(number, value, len);
    }
    if level == libc::SOL_SOCKET && name == libc::SO_ATTACH_FILTER {
        return get_filter(sock, value, len).map_or_else(failure, |()| 0);
    }
    if level == libc::SOL_SOCKET && name == libc::SO_BINDTODEVICE {
        return bindtodevice::get(sock, value, len).map_or_else(failure, |()| 0);
    }
    if is_descriptors(sock, level) {
        return descriptors(sock);
    }
    // SAFETY: ops are those of a loaded module.
    let Some(get) = (unsafe { (*sock.ops).getsockopt }) else {
        return if level == libc::SOL_SOCKET { descriptors(sock) } else { failure(libc::EOPNOTSUPP) };
    };
    let asked = match user::get(len.cast::<c_int>()) {
        Ok(asked) => asked,
        Err(errno) => return failure(errno),
    };
    let Some(mut scratch) = sys::Scratch::<u8>::new(OPTION) else { return failure(libc::ENOMEM) };
    let buffer = scratch.slice();
    let mut written = asked;
    // SAFETY: room for as many bytes as the header says.
    let ret = unsafe { get(sock, level, name, buffer.as_mut_ptr().cast(), &mut written) };
    if ret == -ENOIOCTLCMD && level == libc::SOL_SOCKET {
        return descriptors(sock);
    }
    // An error can come with a length, as ERANGE does.
    if ret < 0 {
        if written != asked {
            let _ = user::put(len.cast::<c_int>(), written);
        }
        return failure(-ret);
    }
    // The program has room for no more than it has asked for.
    let written = written.clamp(0, asked.max(0));
    let count = (written as usize).min(OPTION);
    let told = user::write(value, &buffer[..count]).and_then(|()| user::put(len.cast::<c_int>(), written));
    match told {
        Ok(()) => 0,
        Err(errno) => failure(errno),
    }
}

/// SO_GET_FILTER (`sk_get_filter`): the program's own filter, if the module knows of one. Its length counts instructions.
fn get_filter(sock: &mut Socket, value: *mut c_void, len: *mut socklen_t) -> Result<(), c_int> {
    const INSTRUCTION: usize = 8;
    let room = usize::try_from(user::get(len.cast::<c_int>())?).map_err(|_| libc::EINVAL)?;
    let mut scratch = sys::Scratch::<u8>::new(OPTION).ok_or(libc::ENOMEM)?;
    let buffer = scratch.slice();
    let mut size = OPTION as c_int;
    // SAFETY: ops are those of a loaded module.
    let get = unsafe { (*sock.ops).getsockopt }.filter(|_| sock.flags & SOCK_CUSTOM_SOCKOPT != 0);
    let ret = get.map_or(-ENOIOCTLCMD, |get| {
        let buffer = buffer.as_mut_ptr().cast();
        // SAFETY: room for as many bytes as the header says.
        unsafe { get(sock, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, buffer, &mut size) }
    });
    let size = if ret < 0 { 0 } else { usize::try_from(size).unwrap_or(0).min(OPTION) };
    let count = size / INSTRUCTION;
    if room != 0 && count != 0 {
        if room < count {
            return Err(libc::EINVAL);
        }
        user::write(value, &buffer[..count * INSTRUCTION])?;
    }
    user::put(len, count as socklen_t)
}

/// What SOL_SOCKET tells of the socket, not of the descriptor that stands for it.
fn number_of(sock: &Socket, name: c_int) -> Option<c_int> {
    match name {
        libc::SO_DOMAIN => Some(sock.family),
        libc::SO_TYPE => Some(sock.ty),
        libc::SO_PROTOCOL => Some(sock.protocol),
        _ => None,
    }
}

/// An option that is an int, cut to the room there is.
fn answer_int(number: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int {
    let told = user::get(len.cast::<c_int>()).and_then(|room| {
        let room = usize::try_from(room).map_err(|_| libc::EINVAL)?.min(size_of::<c_int>());
        user::write(value, &number.to_ne_bytes()[..room])?;
        user::put(len.cast::<c_int>(), room as c_int)
    });
    match told {
        Ok(()) => 0,
        Err(errno) => failure(errno),
    }
}

pub unsafe fn sockatmark(sock: &mut Socket) -> c_int {
    let _ = sock;
    failure(libc::ENOTTY)
}

pub unsafe extern "C-unwind" fn ioctl(fd: c_int, request: c_ulong, arg: c_ulong) -> c_int {
    let sock = if table::is_other(fd) { None } else { table::find(fd) };
    if let Some(mut sock) = sock {
        // SAFETY: ops are those of a loaded module.
        let ret = match unsafe { (*sock.ops).ioctl } {
            // SAFETY: what the header promises.
            Some(ioctl) => unsafe { ioctl(&mut sock, request as c_uint, arg) },
            None => -ENOIOCTLCMD,
        };
        if ret != -ENOIOCTLCMD {
            return answer(ret as isize) as c_int;
        }
    }
    if netdevice::is_about_devices(request) {
        // SAFETY: the program's own call.
        return unsafe { netdevice::ioctl(fd, request, arg) };
    }
    // SAFETY: the program's own call.
    unsafe { original::ioctl(fd, request, arg) }
}
