//! Sockets whose protocol runs in an engine: the descriptor is one end of a pair, the engine has the other one.
//!
//! An engine is a process of its own, because what such a socket does by itself goes on without the program: frames that are
//! sent again and again, answers to frames that come. It ends when the last copy of the program's end is closed,
//! wherever that is.
//!
//! # Safety
//! Socket calls get buffers of ours, or parts of messages, for which the kernel answers. A socket's private memory begins with
//! a [`PairSock`].

pub mod message;
pub mod option;
mod spawn;

pub use spawn::init;

use crate::{device, kernel};
use core::ffi::{c_int, c_long};
use core::mem::zeroed;
use core::sync::atomic::AtomicU64;
use libc::{iovec, msghdr, ssize_t};
use sockshim_can_bus::pair::{ANSWER, HEAD, Op, Request};
use sockshim_module::Socket;
use sockshim_sys as sys;

/// What of a socket's private memory all of them have.
#[repr(C)]
pub struct PairSock {
    /// When the last message came, in ns of CLOCK_REALTIME: `sk_stamp`.
    pub stamp: AtomicU64,
}

fn pair_sk(sock: &Socket) -> &PairSock {
    // SAFETY: the private memory of such a socket, zeroed at first.
    unsafe { &*sock.sk.cast::<PairSock>() }
}

/// Makes the pair, and starts the engine of the protocol.
pub fn create(sock: &mut Socket, flags: c_int, protocol: c_int) -> Result<(), c_int> {
    let directory = device::directory().ok_or(libc::EAFNOSUPPORT)?.to_bytes();
    let [own, engines] = pair()?;
    let begun = greet(own, protocol, directory).and_then(|()| {
        spawn::engine(engines).map_err(|errno| {
            kernel::printk(
                c"can: sockshim-can-engine, which is to be beside libsockshim_can.so, cannot be started",
            );
            if errno == libc::EAGAIN || errno == libc::ENOMEM { libc::ENOMEM } else { libc::EPROTONOSUPPORT }
        })
    });
    sys::close(engines);
    if let Err(errno) = begun {
        sys::close(own);
        return Err(errno);
    }
    let fcntl = |cmd: c_int, value: c_int| {
        // SAFETY: numbers.
        unsafe { sys::syscall(libc::SYS_fcntl, [own.into(), cmd.into(), value.into(), 0, 0, 0]) }
    };
    if flags & libc::SOCK_NONBLOCK != 0 {
        fcntl(libc::F_SETFL, libc::O_RDWR | libc::O_NONBLOCK);
    }
    if flags & libc::SOCK_CLOEXEC == 0 {
        fcntl(libc::F_SETFD, 0);
    }
    sock.fd = own;
    Ok(())
}

/// Closes what `create` has made.
pub fn abandon(sock: &mut Socket) {
    sys::close(sock.fd);
    sock.fd = -1;
}

fn pair() -> Result<[c_int; 2], c_int> {
    let mut fds = [-1; 2];
    let ty = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    let args = [libc::AF_UNIX.into(), ty.into(), 0, fds.as_mut_ptr() as c_long, 0, 0];
    // SAFETY: room for two descriptors.
    match unsafe { sys::syscall(libc::SYS_socketpair, args) } {
        0 => Ok(fds),
        errno => Err(-errno as c_int),
    }
}

/// The first message, which is there before the engine is.
fn greet(own: c_int, protocol: c_int, directory: &[u8]) -> Result<(), c_int> {
    let mut head = Request { a: protocol, ..Request::new(Op::Hello) }.bytes();
    let mut parts =
        [part(&mut head), iovec { iov_base: directory.as_ptr() as *mut _, iov_len: directory.len() }];
    // SAFETY: all zeros are an empty message.
    let mut msg: msghdr = unsafe { zeroed() };
    (msg.msg_iov, msg.msg_iovlen) = (parts.as_mut_ptr(), parts.len());
    match send(own, &msg, 0) {
        ret if ret < 0 => Err(-ret as c_int),
        _ => Ok(()),
    }
}

/// sendmsg(2), in which nobody is cancelled.
fn send(fd: c_int, msg: &msghdr, flags: c_int) -> ssize_t {
    let flags = flags | libc::MSG_NOSIGNAL;
    // SAFETY: a whole message; the kernel checks what its parts point to.
    unsafe {
        sys::syscall(libc::SYS_sendmsg, [fd.into(), &raw const *msg as c_long, flags.into(), 0, 0, 0])
            as ssize_t
    }
}

/// A buffer as a part of a message.
pub fn part(bytes: &mut [u8]) -> iovec {
    iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }
}

/// The control message that passes a descriptor.
#[repr(C)]
struct Rights {
    len: usize,
    level: c_int,
    ty: c_int,
    fd: c_int,
    padding: c_int,
}

/// How an answer is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The engine answers at once, so a signal changes nothing.
    Short,
    /// Until a signal comes. The thread may be cancelled, and leaves a descriptor then.
    Long,
}

/// Sends parts, and waits for the answer: 0 or more, or -errno. What follows it is put into `rest`.
///
/// `flags` are for the sending: with [`Wait::Long`] the thread may be cancelled in it, too, and leaves two descriptors then.
pub fn exchange(fd: c_int, parts: &mut [iovec], flags: c_int, rest: iovec, wait: Wait) -> ssize_t {
    let [ours, theirs] = match pair() {
        Ok(pair) => pair,
        Err(errno) => return -(errno as ssize_t),
    };
    let mut rights = Rights {
        len: size_of::<Rights>() - size_of::<c_int>(),
        level: libc::SOL_SOCKET,
        ty: libc::SCM_RIGHTS,
        fd: theirs,
        padding: 0,
    };
    // SAFETY: all zeros are an empty message.
    let mut msg: msghdr = unsafe { zeroed() };
    (msg.msg_iov, msg.msg_iovlen) = (parts.as_mut_ptr(), parts.len());
    (msg.msg_control, msg.msg_controllen) = ((&raw mut rights).cast(), size_of::<Rights>());
    let sent = match wait {
        Wait::Short => send(fd, &msg, flags),
        // SAFETY: a whole message; the kernel checks what its parts point to.
        Wait::Long => unsafe { kernel::sendmsg(fd, &msg, flags | libc::MSG_NOSIGNAL) },
    };
    sys::close(theirs);
    let ret = if sent < 0 { gone(sent) } else { answer(ours, rest, wait) };
    sys::close(ours);
    ret
}

/// What a program is told whose engine was killed: the interface has gone down.
pub fn gone(errno: ssize_t) -> ssize_t {
    let is_gone = errno == -(libc::EPIPE as ssize_t) || errno == -(libc::ECONNRESET as ssize_t);
    if is_gone { -(libc::ENETDOWN as ssize_t) } else { errno }
}

fn answer(fd: c_int, rest: iovec, wait: Wait) -> ssize_t {
    let mut result = [0u8; ANSWER];
    let mut parts = [part(&mut result), rest];
    // SAFETY: all zeros are an empty message.
    let mut msg: msghdr = unsafe { zeroed() };
    (msg.msg_iov, msg.msg_iovlen) = (parts.as_mut_ptr(), parts.len());
    let ret = loop {
        let ret = match wait {
            // SAFETY: a whole message. Nothing but a descriptor is left behind if the thread is cancelled.
            Wait::Long => unsafe { kernel::recvmsg(fd, &mut msg, 0) },
            // SAFETY: the same.
            Wait::Short => unsafe {
                sys::syscall(libc::SYS_recvmsg, [fd.into(), &raw mut msg as c_long, 0, 0, 0, 0]) as ssize_t
            },
        };
        if wait == Wait::Long || ret != -(libc::EINTR as ssize_t) {
            break ret;
        }
    };
    match ret {
        0 => -(libc::ENETDOWN as ssize_t),
        ret if ret < 0 => gone(ret),
        _ => i64::from_ne_bytes(result) as ssize_t,
    }
}

/// Asks the engine something that it answers at once.
pub fn ask(sock: &Socket, request: &Request, data: &[u8], rest: &mut [u8]) -> ssize_t {
    let mut head: [u8; HEAD] = request.bytes();
    let data = iovec { iov_base: data.as_ptr() as *mut _, iov_len: data.len() };
    exchange(sock.fd, &mut [part(&mut head), data], 0, part(rest), Wait::Short)
}
