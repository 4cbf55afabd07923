//! Everything that sends or receives: send(2), recv(2), read(2), write(2), splice(2) and their relatives.
//!
//! The callers add MSG_DONTWAIT for a descriptor with O_NONBLOCK, as the kernel does before it runs a handler.

use super::{Copied, Lookup, borrowed, handler, move_addr_to_kernel, settled, sockfd_lookup_light};
use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::differences::Difference;
use crate::net::ops::{Cx, MessageFn, Msg, Op, ProtoOps, Socket};
use crate::net::path::{Finding, Func};
use crate::net::security::{security_socket_recvmsg, security_socket_sendmsg};
use crate::uapi::SOCKADDR_STORAGE;
use crate::verdict::{Argument, Reason, Verdict};
use libc::c_int;

/// `UIO_MAXIOV`: the most parts that a message can have.
const UIO_MAXIOV: u64 = 1024;
/// `MSG_CMSG_COMPAT`: reserved for the kernel. Only the calls with a `struct msghdr` refuse it.
const MSG_CMSG_COMPAT: c_int = 1 << 31;

/// `struct user_msghdr`, each member as far as it could be copied.
#[derive(Clone, Copy)]
pub struct UserMsg {
    /// `msg_name`; `None` for a null pointer. Cut at `sizeof(struct sockaddr_storage)`.
    pub name: Option<Copied<SockAddr>>,
    /// `msg_namelen`.
    pub namelen: c_int,
    /// `msg_iovlen`.
    pub iovlen: u64,
    /// The sum of the parts' lengths, or the error from copying or adding them.
    pub iov: Copied<u64>,
    /// `msg_controllen`.
    pub controllen: u64,
    /// Whether the control messages can be copied.
    pub control: Copied<()>,
}

fn refused(cx: &mut Cx, func: Func, errno: Errno) -> Verdict {
    cx.path.step(func, Finding::Errno(errno));
    Verdict::errno(errno, Reason::BadArgument)
}

/// An argument that the kernel has copied at this point: its value, or the verdict when the copy fails.
fn copied<T>(cx: &mut Cx, func: Func, argument: Copied<T>) -> Result<T, Verdict> {
    match argument {
        Some(Ok(value)) => Ok(value),
        Some(Err(errno)) => Err(refused(cx, func, errno)),
        None => Err(Verdict::ask()),
    }
}

fn sock_sendmsg(cx: &mut Cx, sock: &Socket, ops: &'static ProtoOps, msg: &Msg) -> Result<Verdict, Verdict> {
    security_socket_sendmsg(cx, sock, msg, msg.len)?;
    Ok(with_message(cx, &ops.sendmsg, sock, msg))
}

fn sock_recvmsg(cx: &mut Cx, sock: &Socket, ops: &'static ProtoOps, msg: &Msg) -> Result<Verdict, Verdict> {
    security_socket_recvmsg(cx, sock, msg, msg.len, msg.flags)?;
    Ok(with_message(cx, &ops.recvmsg, sock, msg))
}

/// Calls sendmsg or recvmsg with the program's message, or with the name or length that a decision has put in its
/// place.
#[inline(always)]
fn with_message(cx: &mut Cx, op: &Op<MessageFn>, sock: &Socket, msg: &Msg) -> Verdict {
    match cx.instead.argument {
        Argument::Own => handler!(cx, op, sock, msg),
        _ => with_other_message(cx, op, sock, msg),
    }
}

#[cold]
#[inline(never)]
fn with_other_message(cx: &mut Cx, op: &Op<MessageFn>, sock: &Socket, msg: &Msg) -> Verdict {
    let name = cx.instead.address().copied().or(msg.name);
    let msg = Msg { name, len: cx.instead.length(msg.len), ..*msg };
    handler!(cx, op, sock, &msg)
}

/// sendto(2), and send(2) without an address. A buffer outside the address space is reported before a bad descriptor.
pub fn sys_sendto(
    cx: &mut Cx,
    lookup: Lookup,
    buffer: Copied<u64>,
    flags: c_int,
    addr: Option<Copied<SockAddr>>,
) -> Verdict {
    settled((|| {
        let len = copied(cx, func!(import_ubuf), buffer)?;
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        let name = addr.map(|addr| move_addr_to_kernel(cx, borrowed(&addr)).copied()).transpose()?;
        sock_sendmsg(cx, sock, ops, &Msg { name, len, flags, control: false })
    })())
}

/// recvfrom(2) and recv(2), up to where the source address is written back.
pub fn sys_recvfrom(cx: &mut Cx, lookup: Lookup, buffer: Copied<u64>, flags: c_int) -> Verdict {
    settled((|| {
        let len = copied(cx, func!(import_ubuf), buffer)?;
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        sock_recvmsg(cx, sock, ops, &Msg { name: None, len, flags, control: false })
    })())
}

/// `copy_msghdr_from_user`: name, then parts. A name that is too long is cut, where sendto(2) refuses it.
fn copy_msghdr_from_user(
    cx: &mut Cx,
    msg: Copied<UserMsg>,
    flags: c_int,
    send: bool,
) -> Result<(Msg, UserMsg), Verdict> {
    let here = func!(copy_msghdr_from_user);
    let user = copied(cx, here, msg)?;
    let mut name = None;
    if let Some(addr) = user.name {
        if user.namelen < 0 {
            return Err(refused(cx, here, Errno::EINVAL));
        }
        if send && user.namelen > 0 {
            let addr = *move_addr_to_kernel(cx, borrowed(&addr))?;
            debug_assert!(addr.len() <= SOCKADDR_STORAGE);
            name = Some(addr);
        }
    }
    if user.iovlen > UIO_MAXIOV {
        return Err(refused(cx, here, Errno::EMSGSIZE));
    }
    let len = copied(cx, func!(import_iovec), user.iov)?;
    Ok((Msg { name, len, flags, control: user.controllen > 0 }, user))
}

/// sendmsg(2).
pub fn sys_sendmsg(cx: &mut Cx, lookup: Lookup, msg: Copied<UserMsg>, flags: c_int) -> Verdict {
    settled((|| {
        if flags & MSG_CMSG_COMPAT != 0 {
            return Err(refused(cx, func!(__sys_sendmsg), Errno::EINVAL));
        }
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        ___sys_sendmsg(cx, sock, ops, msg, flags)
    })())
}

fn ___sys_sendmsg(
    cx: &mut Cx,
    sock: &Socket,
    ops: &'static ProtoOps,
    msg: Copied<UserMsg>,
    flags: c_int,
) -> Result<Verdict, Verdict> {
    let (msg, user) = copy_msghdr_from_user(cx, msg, flags, true)?;
    let here = func!(____sys_sendmsg);
    if user.controllen > c_int::MAX as u64 {
        return Err(refused(cx, here, Errno::ENOBUFS));
    }
    if msg.control {
        copied(cx, here, user.control)?;
    }
    sock_sendmsg(cx, sock, ops, &msg)
}

/// recvmsg(2), up to where the header is written back.
pub fn sys_recvmsg(cx: &mut Cx, lookup: Lookup, msg: Copied<UserMsg>, flags: c_int) -> Verdict {
    settled((|| {
        if flags & MSG_CMSG_COMPAT != 0 {
            return Err(refused(cx, func!(__sys_recvmsg), Errno::EINVAL));
        }
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        let (msg, _) = copy_msghdr_from_user(cx, msg, flags, false)?;
        sock_recvmsg(cx, sock, ops, &msg)
    })())
}

/// sendmmsg(2): the first message decides, because errors of later ones only shorten the count.
pub fn sys_sendmmsg(cx: &mut Cx, lookup: Lookup, first: Copied<UserMsg>, vlen: u32, flags: c_int) -> Verdict {
    settled((|| {
        if flags & MSG_CMSG_COMPAT != 0 {
            return Err(refused(cx, func!(__sys_sendmmsg), Errno::EINVAL));
        }
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        if vlen == 0 {
            return Ok(Verdict::ok());
        }
        ___sys_sendmsg(cx, sock, ops, first, flags)
    })())
}

/// recvmmsg(2): the timeout is checked before the descriptor, and a pending socket error is returned before any
/// message.
pub fn sys_recvmmsg(
    cx: &mut Cx,
    lookup: Lookup,
    first: Copied<UserMsg>,
    vlen: u32,
    flags: c_int,
    timeout: Option<Copied<libc::timespec>>,
) -> Verdict {
    settled((|| {
        let here = func!(do_recvmmsg);
        if flags & MSG_CMSG_COMPAT != 0 {
            return Err(refused(cx, func!(__sys_recvmmsg), Errno::EINVAL));
        }
        if let Some(timeout) = timeout {
            let timeout = copied(cx, func!(__sys_recvmmsg), timeout)?;
            if timeout.tv_sec < 0 || !(0..1_000_000_000).contains(&timeout.tv_nsec) {
                return Err(refused(cx, here, Errno::EINVAL));
            }
        }
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        if flags & libc::MSG_ERRQUEUE == 0 && !sock.sees_no_traffic() {
            return Ok(cx.ask(func!(sock_error), &"whether an error is pending"));
        }
        if vlen == 0 {
            return Ok(Verdict::ok());
        }
        let (msg, _) = copy_msghdr_from_user(cx, first, flags, false)?;
        sock_recvmsg(cx, sock, ops, &msg)
    })())
}

/// The lookup of a call that works on any descriptor, so "not a socket" is no error.
fn any_file<'a>(cx: &mut Cx, lookup: Lookup<'a>) -> Result<(&'a Socket, &'static ProtoOps), Verdict> {
    match lookup {
        Lookup::NotSocket => Err(Verdict::ask()),
        lookup => sockfd_lookup_light(cx, lookup),
    }
}

/// read(2) and its relatives. A count of 0 does not reach the handler.
pub fn sys_read(cx: &mut Cx, lookup: Lookup, count: u64, nonblocking: bool) -> Verdict {
    settled((|| {
        let (sock, ops) = any_file(cx, lookup)?;
        cx.path.step(func!(sock_read_iter), Finding::Passed);
        if count == 0 {
            return Ok(Verdict::ok());
        }
        let flags = if nonblocking { libc::MSG_DONTWAIT } else { 0 };
        sock_recvmsg(cx, sock, ops, &Msg { name: None, len: count, flags, control: false })
    })())
}

/// write(2) and its relatives. A count of 0 sends a message without data.
pub fn sys_write(cx: &mut Cx, lookup: Lookup, count: u64, nonblocking: bool) -> Verdict {
    settled((|| {
        let (sock, ops) = any_file(cx, lookup)?;
        cx.path.step(func!(sock_write_iter), Finding::Passed);
        let end = if sock.ty == libc::SOCK_SEQPACKET { libc::MSG_EOR } else { 0 };
        let flags = end | if nonblocking { libc::MSG_DONTWAIT } else { 0 };
        sock_sendmsg(cx, sock, ops, &Msg { name: None, len: count, flags, control: false })
    })())
}

/// splice(2) of at least one byte from a socket to a pipe.
pub fn sys_splice_read(cx: &mut Cx, lookup: Lookup, count: u64, nonblocking: bool) -> Verdict {
    settled((|| {
        let (sock, ops) = any_file(cx, lookup)?;
        cx.path.step(func!(sock_splice_read), Finding::Passed);
        let flags = if nonblocking { libc::MSG_DONTWAIT } else { 0 };
        let msg = Msg { name: None, len: count, flags, control: false };
        match ops.splice_read {
            Some(splice_read) if splice_read.name() == "tcp_splice_read" => {
                cx.path.step(splice_read, Finding::Passed);
                Ok(crate::net::ipv4::tcp::tcp_splice_read(cx, sock))
            }
            Some(splice_read) => {
                cx.path.step(splice_read, Finding::Passed);
                Ok((ops.recvmsg.call)(cx, sock, &msg))
            }
            None => sock_recvmsg(cx, sock, ops, &msg),
        }
    })())
}

/// splice(2) or sendfile(2) of at least one byte into a socket: the bytes are sent.
pub fn sys_splice_write(cx: &mut Cx, lookup: Lookup, count: u64) -> Verdict {
    settled((|| {
        let (sock, ops) = any_file(cx, lookup)?;
        cx.path.step(func!(splice_to_socket), Finding::Passed);
        // The kernel ignores the descriptor's O_NONBLOCK here. Answers that do not depend on it are the same.
        sock_sendmsg(cx, sock, ops, &Msg { name: None, len: count, flags: 0, control: false })
    })())
}

/// sendfile(2) from a socket. Only a pipe can be the target, and then it is a splice.
pub fn sys_sendfile_from(cx: &mut Cx, lookup: Lookup, to_pipe: bool, nonblocking: bool) -> Verdict {
    settled((|| {
        let _ = any_file(cx, lookup)?;
        match to_pipe.then(|| cx.since(func!(splice_direct_to_actor), Difference::SendfileToPipe)) {
            Some(Some(true)) => return Ok(sys_splice_read(cx, lookup, 1, nonblocking)),
            Some(None) => return Err(Verdict::ask()),
            Some(Some(false)) | None => {}
        }
        Ok(refused(cx, func!(splice_direct_to_actor), Errno::EINVAL))
    })())
}
