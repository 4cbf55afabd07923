//! What sends.
//!
//! # Safety
//! As in the folder's `mod.rs`.

use super::{MOST, Name, Parts, STORAGE, empty, message_flags, to_module};
use crate::answer::{answer, failure};
use crate::user;
use core::ffi::{c_int, c_uint, c_void};
use core::ptr;
use libc::{iovec, mmsghdr, msghdr, off64_t, size_t, sockaddr, socklen_t, ssize_t};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// sendto(2) and what it is without an address.
unsafe fn send_bytes(
    sock: &mut Socket,
    buf: *const c_void,
    len: usize,
    flags: c_int,
    addr: *const sockaddr,
    addrlen: c_int,
) -> ssize_t {
    let mut parts = Parts::new();
    let mut name = Name([0; STORAGE]);
    let mut msg = empty();
    msg.msg_iov = parts.one(buf.cast_mut(), len);
    msg.msg_iovlen = 1;
    if !addr.is_null() {
        if !(0..=STORAGE as c_int).contains(&addrlen) {
            return -(libc::EINVAL as ssize_t);
        }
        if let Err(errno) = user::read(&mut name.0[..addrlen as usize], addr.cast()) {
            return -(errno as ssize_t);
        }
        msg.msg_name = name.0.as_mut_ptr().cast();
        msg.msg_namelen = addrlen as socklen_t;
    }
    // SAFETY: the message is whole.
    unsafe { to_module(sock, &mut msg, len, flags) }
}

pub unsafe fn send(sock: &mut Socket, buf: *const c_void, len: size_t, flags: c_int) -> ssize_t {
    // SAFETY: the program's own call.
    answer(unsafe { send_bytes(sock, buf, len, flags, ptr::null(), 0) })
}

pub unsafe fn sendto(
    sock: &mut Socket,
    buf: *const c_void,
    len: size_t,
    flags: c_int,
    addr: *const sockaddr,
    addrlen: socklen_t,
) -> ssize_t {
    // SAFETY: the program's own call.
    answer(unsafe { send_bytes(sock, buf, len, flags, addr, addrlen as c_int) })
}

pub unsafe fn write(sock: &mut Socket, buf: *const c_void, len: size_t) -> ssize_t {
    // SAFETY: the program's own call.
    unsafe { send(sock, buf, len, 0) }
}

/// A message with the program's parts. `writes` is for write(2) and its like.
unsafe fn send_parts(sock: &mut Socket, mut msg: msghdr, flags: c_int, writes: bool) -> ssize_t {
    let mut parts = Parts::new();
    let mut name = Name([0; STORAGE]);
    if msg.msg_iovlen > MOST {
        return -(libc::EMSGSIZE as ssize_t);
    }
    if msg.msg_name.is_null() {
        msg.msg_namelen = 0;
    } else {
        let len = msg.msg_namelen as c_int;
        if len < 0 {
            return -(libc::EINVAL as ssize_t);
        }
        // As the kernel does for sendmsg(2), unlike sendto(2): what is too long is cut.
        let len = (len as usize).min(STORAGE);
        if let Err(errno) = user::read(&mut name.0[..len], msg.msg_name) {
            return -(errno as ssize_t);
        }
        msg.msg_namelen = len as socklen_t;
        msg.msg_name = if len == 0 { ptr::null_mut() } else { name.0.as_mut_ptr().cast() };
    }
    let copied = parts.copy(msg.msg_iov, msg.msg_iovlen);
    let ret = match copied {
        // `vfs_writev`: nothing is written.
        Ok(0) if writes => 0,
        Ok(len) => {
            msg.msg_iov = parts.start();
            // SAFETY: the message is whole.
            unsafe { to_module(sock, &mut msg, len, flags) }
        }
        Err(errno) => -(errno as ssize_t),
    };
    parts.free();
    ret
}

pub unsafe fn sendmsg(sock: &mut Socket, msg: *const msghdr, flags: c_int) -> ssize_t {
    match user::get(msg) {
        // SAFETY: the program's own call.
        Ok(msg) => answer(unsafe { send_parts(sock, msg, flags, false) }),
        Err(errno) => failure(errno) as ssize_t,
    }
}

pub unsafe fn sendmmsg(sock: &mut Socket, msgvec: *mut mmsghdr, vlen: c_uint, flags: c_int) -> c_int {
    let mut done = 0;
    while done < (vlen as usize).min(MOST) {
        let entry = msgvec.wrapping_add(done);
        // SAFETY: only addresses are made.
        let (header, sent) = unsafe { (&raw const (*entry).msg_hdr, &raw mut (*entry).msg_len) };
        let ret = match user::get(header) {
            // SAFETY: the program's own call.
            Ok(msg) => unsafe { send_parts(sock, msg, flags, false) },
            Err(errno) => -(errno as ssize_t),
        };
        let ret = if ret < 0 {
            ret
        } else {
            user::put(sent, ret as u32).map_or(-(libc::EFAULT as ssize_t), |()| ret)
        };
        if ret < 0 {
            return if done > 0 { done as c_int } else { answer(ret) as c_int };
        }
        done += 1;
    }
    done as c_int
}

unsafe fn write_parts(sock: &mut Socket, iov: *const iovec, iovcnt: c_int) -> ssize_t {
    if !(0..=MOST as c_int).contains(&iovcnt) {
        return failure(libc::EINVAL) as ssize_t;
    }
    let msg = msghdr { msg_iov: iov.cast_mut(), msg_iovlen: iovcnt as usize, ..empty() };
    // SAFETY: the program's own call.
    answer(unsafe { send_parts(sock, msg, 0, true) })
}

pub unsafe fn writev(sock: &mut Socket, iov: *const iovec, iovcnt: c_int) -> ssize_t {
    // SAFETY: the program's own call.
    unsafe { write_parts(sock, iov, iovcnt) }
}

pub unsafe fn pwritev2(
    sock: &mut Socket,
    iov: *const iovec,
    iovcnt: c_int,
    offset: off64_t,
    flags: c_int,
) -> ssize_t {
    match message_flags(offset, flags) {
        // SAFETY: the program's own call.
        Ok(_) => unsafe { write_parts(sock, iov, iovcnt) },
        Err(errno) => failure(errno) as ssize_t,
    }
}

/// sendfile(2): what the file has at once, as one message.
pub unsafe fn sendfile(sock: &mut Socket, in_fd: c_int, offset: *mut off64_t, count: size_t) -> ssize_t {
    let mut buffer = [0u8; 4096];
    let count = count.min(buffer.len());
    let place = match if offset.is_null() { Ok(None) } else { user::get(offset).map(Some) } {
        Ok(place) => place,
        Err(errno) => return failure(errno) as ssize_t,
    };
    let read = match place {
        Some(place) => sys::pread(in_fd, &mut buffer[..count], place),
        None => sys::read(in_fd, &mut buffer[..count]),
    };
    let len = match read {
        Ok(0) => return 0,
        Ok(len) => len,
        Err(errno) => return failure(errno) as ssize_t,
    };
    // SAFETY: the buffer is ours.
    let ret = unsafe { send_bytes(sock, buffer.as_ptr().cast(), len, 0, ptr::null(), 0) };
    if let Some(place) = place.filter(|_| ret > 0) {
        let _ = user::put(offset, place + ret as off64_t);
    }
    answer(ret)
}
