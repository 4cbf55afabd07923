//! The hooks of the Linux security modules (`security/security.c`), called where the kernel calls them and with the
//! kernel's arguments. They allow everything until there are rules.
//!
//! Every hook asks [`judge`], which is where a rule will decide:
//! - `Ok` continues the walk. The rule may have written a delay or another argument into [`Cx::instead`]; the walk
//!   then uses that argument, so that the prediction is about the call that libc gets.
//! - `Err` ends the walk with [`Verdict::refuse`] or [`Verdict::done`].

use crate::func;
use crate::net::address::SockAddr;
use crate::net::ops::{Cx, Msg, Socket};
use crate::net::path::{Finding, Func};
use crate::verdict::Verdict;
use libc::c_int;

/// What a hook lets a rule see, under the kernel's names.
#[expect(missing_docs, reason = "the kernel's own names")]
#[derive(Clone, Copy)]
pub enum Arguments<'a> {
    /// Before a socket is allocated. `kern` is true for the kernel's own sockets.
    Create { family: c_int, ty: c_int, protocol: c_int, kern: bool },
    /// The socket exists; a refusal releases it.
    PostCreate { sock: &'a Socket, family: c_int, ty: c_int, protocol: c_int, kern: bool },
    /// The two ends.
    Socketpair { socka: &'a Socket, sockb: &'a Socket },
    /// bind(2) and connect(2).
    Address { sock: &'a Socket, address: &'a SockAddr },
    /// listen(2).
    Listen { sock: &'a Socket, backlog: c_int },
    /// accept(2). The new socket has its type and its ops, and no connection yet.
    Accept { sock: &'a Socket, newsock: &'a Socket },
    /// Everything that sends or receives.
    Message { sock: &'a Socket, msg: &'a Msg, size: u64, flags: c_int },
    /// getsockname(2) and getpeername(2).
    Name { sock: &'a Socket },
    /// setsockopt(2) and getsockopt(2).
    Option { sock: &'a Socket, level: c_int, optname: c_int },
    /// shutdown(2).
    Shutdown { sock: &'a Socket, how: c_int },
}

/// Makes the decision for all hooks, and notes the hook in the path.
#[inline(always)]
fn judge(cx: &mut Cx, hook: Func, arguments: Arguments) -> Result<(), Verdict> {
    #[cfg(test)]
    tests::judge(cx, hook, arguments)?;
    let _ = arguments;
    cx.path.step(hook, Finding::Allow);
    Ok(())
}

/// `security_socket_create`.
#[inline(always)]
pub fn security_socket_create(
    cx: &mut Cx,
    family: c_int,
    ty: c_int,
    protocol: c_int,
    kern: bool,
) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_create), Arguments::Create { family, ty, protocol, kern })
}

/// `security_socket_post_create`.
#[inline(always)]
pub fn security_socket_post_create(
    cx: &mut Cx,
    sock: &Socket,
    family: c_int,
    ty: c_int,
    protocol: c_int,
    kern: bool,
) -> Result<(), Verdict> {
    let arguments = Arguments::PostCreate { sock, family, ty, protocol, kern };
    judge(cx, func!(security_socket_post_create), arguments)
}

/// `security_socket_socketpair`.
#[inline(always)]
pub fn security_socket_socketpair(cx: &mut Cx, socka: &Socket, sockb: &Socket) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_socketpair), Arguments::Socketpair { socka, sockb })
}

/// `security_socket_bind`. It may replace the address.
#[inline(always)]
pub fn security_socket_bind(cx: &mut Cx, sock: &Socket, address: &SockAddr) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_bind), Arguments::Address { sock, address })
}

/// `security_socket_connect`. It may replace the address.
#[inline(always)]
pub fn security_socket_connect(cx: &mut Cx, sock: &Socket, address: &SockAddr) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_connect), Arguments::Address { sock, address })
}

/// `security_socket_listen`.
#[inline(always)]
pub fn security_socket_listen(cx: &mut Cx, sock: &Socket, backlog: c_int) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_listen), Arguments::Listen { sock, backlog })
}

/// `security_socket_accept`.
#[inline(always)]
pub fn security_socket_accept(cx: &mut Cx, sock: &Socket, newsock: &Socket) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_accept), Arguments::Accept { sock, newsock })
}

/// `security_socket_sendmsg`. It may replace the name and the length.
#[inline(always)]
pub fn security_socket_sendmsg(cx: &mut Cx, sock: &Socket, msg: &Msg, size: u64) -> Result<(), Verdict> {
    let arguments = Arguments::Message { sock, msg, size, flags: msg.flags };
    judge(cx, func!(security_socket_sendmsg), arguments)
}

/// `security_socket_recvmsg`. It may replace the length.
#[inline(always)]
pub fn security_socket_recvmsg(
    cx: &mut Cx,
    sock: &Socket,
    msg: &Msg,
    size: u64,
    flags: c_int,
) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_recvmsg), Arguments::Message { sock, msg, size, flags })
}

/// `security_socket_getsockname`.
#[inline(always)]
pub fn security_socket_getsockname(cx: &mut Cx, sock: &Socket) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_getsockname), Arguments::Name { sock })
}

/// `security_socket_getpeername`.
#[inline(always)]
pub fn security_socket_getpeername(cx: &mut Cx, sock: &Socket) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_getpeername), Arguments::Name { sock })
}

/// `security_socket_setsockopt`.
#[inline(always)]
pub fn security_socket_setsockopt(
    cx: &mut Cx,
    sock: &Socket,
    level: c_int,
    optname: c_int,
) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_setsockopt), Arguments::Option { sock, level, optname })
}

/// `security_socket_getsockopt`.
#[inline(always)]
pub fn security_socket_getsockopt(
    cx: &mut Cx,
    sock: &Socket,
    level: c_int,
    optname: c_int,
) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_getsockopt), Arguments::Option { sock, level, optname })
}

/// `security_socket_shutdown`.
#[inline(always)]
pub fn security_socket_shutdown(cx: &mut Cx, sock: &Socket, how: c_int) -> Result<(), Verdict> {
    judge(cx, func!(security_socket_shutdown), Arguments::Shutdown { sock, how })
}

#[cfg(test)]
mod tests;
