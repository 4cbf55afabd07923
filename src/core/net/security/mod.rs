//! The hooks of the Linux security modules (`security/security.c`), called where the kernel calls them and with the
//! kernel's arguments. Without a [`Judge`](crate::net::ops::Judge) they allow everything.
//!
//! Every hook asks [`judge`], which is where a rule decides:
//! - `Ok` continues the walk. The rule may have written a delay or another argument into [`Cx::instead`]; the walk
//!   then uses that argument, so that the prediction is about the call that libc gets.
//! - `Err` ends the walk with [`Verdict::refuse`] or [`Verdict::done`].
//!
//! `update_socket_protocol`, where BPF may replace the protocol of socket(2), asks the same judge.

use crate::func;
use crate::net::address::SockAddr;
use crate::net::ops::{Arguments, Cx, Decision, Effect, Msg, Socket};
use crate::net::path::{Finding, Func};
use crate::verdict::{Argument, Reason, Verdict};
use libc::c_int;

/// Makes the decision for all hooks, and notes the hook in the path.
#[inline(always)]
fn judge(cx: &mut Cx, hook: Func, arguments: Arguments) -> Result<(), Verdict> {
    #[cfg(test)]
    tests::judge(cx, hook, arguments)?;
    if cx.judge.is_some() {
        return judged(cx, hook, &arguments);
    }
    cx.path.step(hook, Finding::Allow);
    Ok(())
}

#[cold]
#[inline(never)]
fn judged(cx: &mut Cx, hook: Func, arguments: &Arguments) -> Result<(), Verdict> {
    let Some(decision) = cx.judge.and_then(|judge| judge.judge(hook, arguments)) else {
        cx.path.step(hook, Finding::Allow);
        return Ok(());
    };
    // Without a rule's number, the rules are asked when the answer is there.
    cx.path.step(hook, if decision.rule == 0 { Finding::Allow } else { Finding::Rule(decision.rule) });
    match decision.effect {
        Effect::Allow => {}
        Effect::Delay(nanoseconds) => cx.instead.delay = nanoseconds,
        Effect::Instead(argument) => cx.instead.argument = argument,
        Effect::Refuse(errno) => {
            cx.path.step(hook, Finding::Errno(errno));
            return Err(Verdict::refuse(errno, Reason::Rule(decision.rule)));
        }
        Effect::Answer(value) => return Err(Verdict::done(value, Reason::Rule(decision.rule))),
    }
    Ok(())
}

/// `update_socket_protocol`: where a rule, in the kernel BPF, replaces the protocol of socket(2). It gets the type with its
/// flag bits and runs before every check, but not for socketpair(2) or accept(2).
///
/// In the kernel it returns a protocol. Here it returns all three arguments, and libc gets the replacement as
/// [`Argument::Protocol`].
#[inline(always)]
pub fn update_socket_protocol(
    cx: &mut Cx,
    family: c_int,
    type_arg: c_int,
    protocol: c_int,
) -> (c_int, c_int, c_int) {
    if cx.judge.is_some() {
        return updated_by_rule(cx, family, type_arg, protocol);
    }
    cx.path.step(func!(update_socket_protocol), Finding::Unchanged);
    (family, type_arg, protocol)
}

#[cold]
#[inline(never)]
fn updated_by_rule(cx: &mut Cx, family: c_int, ty: c_int, protocol: c_int) -> (c_int, c_int, c_int) {
    let here = func!(update_socket_protocol);
    let arguments = Arguments::Protocol { family, ty, protocol };
    let decision = cx.judge.and_then(|judge| judge.judge(here, &arguments));
    if let Some(Decision { rule, effect: Effect::Instead(argument) }) = decision
        && let Argument::Protocol { family, ty, protocol } = argument
    {
        cx.path.step(here, Finding::Rule(rule));
        cx.instead.argument = argument;
        return (family, ty, protocol);
    }
    cx.path.step(here, Finding::Unchanged);
    (family, ty, protocol)
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
