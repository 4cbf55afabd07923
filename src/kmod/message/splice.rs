//! splice(2): a socket of a module's has no pages to lend, so what is moved is copied.
//!
//! # Safety
//! As in the folder's `mod.rs`.

use super::{from_module, one_part, to_module};
use crate::answer::{answer, failure};
use crate::{original, table};
use core::ffi::{c_int, c_uint};
use libc::{off64_t, size_t, ssize_t};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// What is moved at once: a page, as the kernel does for one message.
const PAGE: usize = 4096;

pub unsafe extern "C-unwind" fn splice(
    fd: c_int,
    off_in: *mut off64_t,
    fd_out: c_int,
    off_out: *mut off64_t,
    len: size_t,
    flags: c_uint,
) -> ssize_t {
    let find = |fd| if table::is_other(fd) { None } else { table::find(fd) };
    let (from, to) = (find(fd), find(fd_out));
    if from.is_none() && to.is_none() {
        // SAFETY: the program's own call.
        return unsafe { original::splice(fd, off_in, fd_out, off_out, len, flags) };
    }
    if !off_in.is_null() || !off_out.is_null() {
        return failure(libc::ESPIPE) as ssize_t;
    }
    let wait = if flags & libc::SPLICE_F_NONBLOCK != 0 { libc::MSG_DONTWAIT } else { 0 };
    let len = len.min(PAGE);
    match (from, to) {
        // SAFETY: the program's own call.
        (Some(mut sock), None) if is_pipe(fd_out) => answer(unsafe { to_pipe(&mut sock, fd_out, len, wait) }),
        // SAFETY: the program's own call.
        (None, Some(mut sock)) if is_pipe(fd) => answer(unsafe { from_pipe(&mut sock, fd, len, wait) }),
        _ => failure(libc::EINVAL) as ssize_t,
    }
}

fn is_pipe(fd: c_int) -> bool {
    // SAFETY: the kernel is asked for a number.
    unsafe { sys::syscall(libc::SYS_fcntl, [fd.into(), libc::F_GETPIPE_SZ.into(), 0, 0, 0, 0]) > 0 }
}

/// Receives a message, and writes it into the pipe, which has room for a page unless it is full.
unsafe fn to_pipe(sock: &mut Socket, pipe: c_int, len: usize, wait: c_int) -> ssize_t {
    let mut buffer = [0u8; PAGE];
    // SAFETY: a buffer of ours.
    let ret = unsafe { one_part(buffer.as_mut_ptr(), len, |msg| from_module(sock, msg, len, wait)) };
    match usize::try_from(ret) {
        Ok(count) => sys::write(pipe, &buffer[..count])
            .map_or_else(|errno| -(errno as ssize_t), |count| count as ssize_t),
        Err(_) => ret,
    }
}

/// Sends what the pipe has as one message.
unsafe fn from_pipe(sock: &mut Socket, pipe: c_int, len: usize, wait: c_int) -> ssize_t {
    let mut buffer = [0u8; PAGE];
    match sys::read(pipe, &mut buffer[..len]) {
        Ok(0) => 0,
        // SAFETY: a buffer of ours.
        Ok(count) => unsafe { one_part(buffer.as_mut_ptr(), count, |msg| to_module(sock, msg, count, wait)) },
        Err(errno) => -(errno as ssize_t),
    }
}
