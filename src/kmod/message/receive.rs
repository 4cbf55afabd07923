//! What receives.
//!
//! # Safety
//! As in the folder's `mod.rs`.

use super::{MOST, Name, Parts, STORAGE, address_to_user, empty, from_module, message_flags};
use crate::answer::{answer, failure, with_errno};
use crate::{original, table, user};
use core::ffi::{c_int, c_uint, c_void};
use core::ptr;
use libc::{iovec, mmsghdr, msghdr, off64_t, size_t, sockaddr, socklen_t, ssize_t, timespec};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// recvfrom(2) and what it is without an address.
unsafe fn recv_bytes(
    sock: &mut Socket,
    buf: *mut c_void,
    len: usize,
    flags: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
) -> ssize_t {
    let mut parts = Parts::new();
    let mut name = Name([0; STORAGE]);
    let mut msg = empty();
    msg.msg_iov = parts.one(buf, len);
    msg.msg_iovlen = 1;
    if !addr.is_null() {
        msg.msg_name = name.0.as_mut_ptr().cast();
    }
    // SAFETY: the message is whole.
    let ret = unsafe { from_module(sock, &mut msg, len, flags) };
    if ret >= 0
        && !addr.is_null()
        && let Err(errno) = address_to_user(&name.0[..msg.msg_namelen as usize], addr, addrlen)
    {
        return -(errno as ssize_t);
    }
    ret
}

pub unsafe fn recv(sock: &mut Socket, buf: *mut c_void, len: size_t, flags: c_int) -> ssize_t {
    // SAFETY: the program's own call.
    answer(unsafe { recv_bytes(sock, buf, len, flags, ptr::null_mut(), ptr::null_mut()) })
}

pub unsafe fn recvfrom(
    sock: &mut Socket,
    buf: *mut c_void,
    len: size_t,
    flags: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
) -> ssize_t {
    // SAFETY: the program's own call.
    answer(unsafe { recv_bytes(sock, buf, len, flags, addr, addrlen) })
}

pub unsafe fn recv_chk(
    sock: &mut Socket,
    buf: *mut c_void,
    len: size_t,
    buflen: size_t,
    flags: c_int,
) -> ssize_t {
    if len > buflen {
        // SAFETY: libc's function ends the program, which is what a program built so asks for.
        return unsafe { original::__recv_chk(sock.fd, buf, len, buflen, flags) };
    }
    // SAFETY: the program's own call.
    unsafe { recv(sock, buf, len, flags) }
}

pub unsafe fn recvfrom_chk(
    sock: &mut Socket,
    buf: *mut c_void,
    len: size_t,
    buflen: size_t,
    flags: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
) -> ssize_t {
    if len > buflen {
        // SAFETY: as for `recv_chk`.
        return unsafe { original::__recvfrom_chk(sock.fd, buf, len, buflen, flags, addr, addrlen) };
    }
    // SAFETY: the program's own call.
    unsafe { recvfrom(sock, buf, len, flags, addr, addrlen) }
}

pub unsafe fn read(sock: &mut Socket, buf: *mut c_void, len: size_t) -> ssize_t {
    if len == 0 {
        // `sock_read_iter`: nothing is received.
        return 0;
    }
    // SAFETY: the program's own call.
    unsafe { recv(sock, buf, len, 0) }
}

pub unsafe fn read_chk(sock: &mut Socket, buf: *mut c_void, len: size_t, buflen: size_t) -> ssize_t {
    if len > buflen {
        // SAFETY: as for `recv_chk`.
        return unsafe { original::__read_chk(sock.fd, buf, len, buflen) };
    }
    // SAFETY: the program's own call.
    unsafe { read(sock, buf, len) }
}

/// Receives into the program's message, which has been copied to `msg`, and tells the program what came at `user`.
unsafe fn recv_parts(sock: &mut Socket, mut msg: msghdr, user: *mut msghdr, flags: c_int) -> ssize_t {
    let mut parts = Parts::new();
    let mut name = Name([0; STORAGE]);
    let (user_name, room) = (msg.msg_name, msg.msg_namelen as c_int);
    if msg.msg_iovlen > MOST {
        return -(libc::EMSGSIZE as ssize_t);
    }
    if !user_name.is_null() && room < 0 {
        return -(libc::EINVAL as ssize_t);
    }
    let len = match parts.copy(msg.msg_iov, msg.msg_iovlen) {
        Ok(len) => len,
        Err(errno) => {
            parts.free();
            return -(errno as ssize_t);
        }
    };
    msg.msg_iov = parts.start();
    msg.msg_name = if user_name.is_null() { ptr::null_mut() } else { name.0.as_mut_ptr().cast() };
    msg.msg_namelen = 0;
    let control = msg.msg_control;
    // SAFETY: the message is whole.
    let ret = unsafe { from_module(sock, &mut msg, len, flags) };
    parts.free();
    if ret < 0 {
        return ret;
    }
    // SAFETY: only addresses are made.
    let (to_len, to_control, to_flags) = unsafe {
        (&raw mut (*user).msg_namelen, &raw mut (*user).msg_controllen, &raw mut (*user).msg_flags)
    };
    let told = (|| {
        if !user_name.is_null() {
            let name = &name.0[..msg.msg_namelen as usize];
            user::write(user_name, &name[..name.len().min(room as usize)])?;
            user::put(to_len.cast::<c_int>(), name.len() as c_int)?;
        }
        user::put(to_flags, msg.msg_flags)?;
        let controllen = if control.is_null() { 0 } else { msg.msg_controllen as i64 };
        user::put(to_control.cast::<i64>(), controllen)
    })();
    told.map_or(-(libc::EFAULT as ssize_t), |()| ret)
}

pub unsafe extern "C-unwind" fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t {
    match if table::is_other(fd) { None } else { table::find(fd) } {
        None => {
            // SAFETY: the program's own call.
            let ret = unsafe { original::recvmsg(fd, msg, flags) };
            if ret >= 0 {
                // SAFETY: the kernel has just read and written the header.
                unsafe { crate::rights::received(msg) };
            }
            ret
        }
        Some(mut sock) => match user::get(msg.cast_const()) {
            // SAFETY: the program's own call.
            Ok(header) => with_errno(|| answer(unsafe { recv_parts(&mut sock, header, msg, flags) })),
            Err(errno) => failure(errno) as ssize_t,
        },
    }
}

pub unsafe extern "C-unwind" fn recvmmsg(
    fd: c_int,
    msgvec: *mut mmsghdr,
    vlen: c_uint,
    flags: c_int,
    timeout: *mut timespec,
) -> c_int {
    let Some(mut sock) = (if table::is_other(fd) { None } else { table::find(fd) }) else {
        // SAFETY: the program's own call.
        let ret = unsafe { original::recvmmsg(fd, msgvec, vlen, flags, timeout) };
        for index in 0..usize::try_from(ret).unwrap_or(0) {
            // SAFETY: the kernel has just read and written as many headers.
            unsafe { crate::rights::received(&raw mut (*msgvec.add(index)).msg_hdr) };
        }
        return ret;
    };
    let begin = sys::monotonic();
    let wait = match if timeout.is_null() { Ok(None) } else { user::get(timeout.cast_const()).map(Some) } {
        Ok(wait) => wait,
        Err(errno) => return failure(errno),
    };
    if wait.is_some_and(|wait| wait.tv_sec < 0 || !(0..1_000_000_000).contains(&wait.tv_nsec)) {
        return failure(libc::EINVAL);
    }
    let limit = wait
        .map(|wait| (wait.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(wait.tv_nsec as u64));
    let (mut flags, mut done) = (flags, 0);
    while done < (vlen as usize).min(MOST) {
        let entry = msgvec.wrapping_add(done);
        // SAFETY: only addresses are made.
        let (header, len) = unsafe { (&raw mut (*entry).msg_hdr, &raw mut (*entry).msg_len) };
        let ret = match user::get(header.cast_const()) {
            Ok(msg) => {
                // SAFETY: the program's own call.
                with_errno(|| unsafe { recv_parts(&mut sock, msg, header, flags & !libc::MSG_WAITFORONE) })
            }
            Err(errno) => -(errno as ssize_t),
        };
        let ret = if ret < 0 {
            ret
        } else {
            user::put(len, ret as u32).map_or(-(libc::EFAULT as ssize_t), |()| ret)
        };
        if ret < 0 {
            if done == 0 {
                return answer(ret) as c_int;
            }
            break;
        }
        done += 1;
        if flags & libc::MSG_WAITFORONE != 0 {
            flags |= libc::MSG_DONTWAIT;
        }
        let passed = sys::monotonic().saturating_sub(begin);
        if limit.is_some_and(|limit| passed >= limit) {
            break;
        }
    }
    if let Some(limit) = limit {
        let rest = limit.saturating_sub(sys::monotonic().saturating_sub(begin));
        let rest = timespec { tv_sec: (rest / 1_000_000_000) as i64, tv_nsec: (rest % 1_000_000_000) as i64 };
        let _ = user::put(timeout, rest);
    }
    done as c_int
}

unsafe fn read_parts(sock: &mut Socket, iov: *const iovec, iovcnt: c_int, flags: c_int) -> ssize_t {
    if !(0..=MOST as c_int).contains(&iovcnt) {
        return failure(libc::EINVAL) as ssize_t;
    }
    let mut parts = Parts::new();
    let mut msg = empty();
    let ret = match parts.copy(iov, iovcnt as usize) {
        Ok(0) => 0,
        Ok(len) => {
            msg.msg_iov = parts.start();
            msg.msg_iovlen = iovcnt as usize;
            // SAFETY: the message is whole.
            unsafe { from_module(sock, &mut msg, len, flags) }
        }
        Err(errno) => -(errno as ssize_t),
    };
    parts.free();
    answer(ret)
}

pub unsafe fn readv(sock: &mut Socket, iov: *const iovec, iovcnt: c_int) -> ssize_t {
    // SAFETY: the program's own call.
    unsafe { read_parts(sock, iov, iovcnt, 0) }
}

pub unsafe fn preadv2(
    sock: &mut Socket,
    iov: *const iovec,
    iovcnt: c_int,
    offset: off64_t,
    flags: c_int,
) -> ssize_t {
    match message_flags(offset, flags) {
        // SAFETY: the program's own call.
        Ok(flags) => unsafe { read_parts(sock, iov, iovcnt, flags) },
        Err(errno) => failure(errno) as ssize_t,
    }
}
