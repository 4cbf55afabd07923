//! socket(2), socketpair(2), accept(2): the calls that make sockets.

use super::{Copied, Lookup, handler, net_family, settled, sockfd_lookup_light};
use crate::errno::Errno;
use crate::func;
use crate::net::kmod::{has_modules, request_module};
use crate::net::module::{module_put, try_module_get};
use crate::net::ops::{Cx, Socket};
use crate::net::path::Finding;
use crate::net::security::{
    security_socket_accept, security_socket_create, security_socket_post_create, security_socket_socketpair,
    update_socket_protocol,
};
use crate::net::{families, hosted};
use crate::uapi::{NPROTO, SOCK_FLAGS, SOCK_MAX, SOCK_PACKET, SOCK_TYPE_MASK};
use crate::verdict::{Predicted, Reason, Verdict};
use libc::c_int;

/// socket(2). Returns the socket as it will be if the host succeeds; its `ops` are `None` when the walk ended before
/// they were set.
pub fn sys_socket(cx: &mut Cx, family: c_int, type_arg: c_int, protocol: c_int) -> (Verdict, Socket) {
    let (family, type_arg, protocol) = update_socket_protocol(cx, family, type_arg, protocol);
    let mut sock = Socket::alloc(cx.net.id, family, type_arg & SOCK_TYPE_MASK);
    if type_arg & !(SOCK_TYPE_MASK | SOCK_FLAGS) != 0 {
        cx.path.step(func!(__sys_socket_create), Finding::Errno(Errno::EINVAL));
        return (Verdict::errno(Errno::EINVAL, Reason::BadType), sock);
    }
    let mut verdict = __sock_create(cx, &mut sock, protocol);
    if verdict.may_succeed() {
        sock_map_fd(cx, &sock, type_arg & SOCK_FLAGS);
        if sock.ops.is_none() {
            verdict = verdict.because(Reason::HostFamily);
        }
    }
    (verdict, sock)
}

/// `sock_map_fd`: a descriptor and an open file for the socket. The host allocates the descriptor as the last step,
/// so a full descriptor table is the last error that socket(2) reports.
pub fn sock_map_fd(cx: &mut Cx, _sock: &Socket, flags: c_int) {
    cx.path.step(func!(sock_map_fd), Finding::Flags(flags));
}

/// Every supported kernel has slots for families below this number (`AF_NFC` and before, Linux 3.1).
const NPROTO_LEAST: c_int = 40;

/// Whether `net_families[]` has a slot for the family. The table grows with new versions of Linux; a family always
/// fits 16 bits.
fn is_below_nproto(cx: &mut Cx, family: c_int) -> Option<bool> {
    match family {
        ..0 | 0x1_0000.. => Some(false),
        0..NPROTO_LEAST => Some(true),
        _ => cx.fact(func!(__sock_create), &"NPROTO", cx.net.facts.nproto()).map(|nproto| family < nproto),
    }
}

/// `__sock_create`: the family's create function and everything around it.
pub fn __sock_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    let here = func!(__sock_create);
    let bad_type = !(0..SOCK_MAX).contains(&sock.ty);
    match is_below_nproto(cx, sock.sk.family) {
        Some(true) => {}
        Some(false) if !(NPROTO_LEAST..0x1_0000).contains(&sock.sk.family) || !has_modules() => {
            cx.path.step(here, Finding::Errno(Errno::EAFNOSUPPORT));
            return Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily);
        }
        // A module of sockshim's may have it.
        Some(false) | None => {
            sock.ops = hosted::ops();
            return Verdict::ask().because(Reason::HostFamily);
        }
    }
    if bad_type {
        cx.path.step(here, Finding::Errno(Errno::EINVAL));
        return Verdict::errno(Errno::EINVAL, Reason::BadType);
    }
    if sock.sk.family == libc::AF_INET && sock.ty == SOCK_PACKET {
        sock.sk.family = libc::AF_PACKET;
        cx.path.step(here, Finding::FamilyBecomes(libc::AF_PACKET as u8));
    }
    let family = sock.sk.family;
    let ty = sock.ty;
    if let Err(refusal) = security_socket_create(cx, family, ty, protocol, false) {
        return refusal;
    }
    let pf = net_family(family).or_else(|| {
        request_module(cx.path, family, None, None);
        net_family(family)
    });
    let Some(pf) = pf else {
        return host_family(cx, sock, protocol);
    };
    let present = if families::is_in_every_kernel(family) { Some(true) } else { present(cx, family) };
    if present == Some(false) || !try_module_get(pf.owner) {
        cx.path.step(here, Finding::NoFamily(family as u8));
        return Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily);
    }
    cx.path.step(here, Finding::Family { index: family as u8, create: pf.create.func });
    let mut verdict = (pf.create.call)(cx, sock, protocol);
    if present.is_none() {
        verdict = verdict.open();
    }
    if let Predicted::Errno(errno) = verdict.predicted {
        cx.path.step(pf.create.func, Finding::Errno(errno));
        sock.ops = None;
        module_put(pf.owner);
        return verdict;
    }
    if let Some(ops) = sock.ops {
        cx.path.step(pf.create.func, Finding::Ops(&ops.name));
        if !try_module_get(ops.owner) {
            sock.ops = None;
            module_put(pf.owner);
            return Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily);
        }
    }
    module_put(pf.owner);
    if let Err(refusal) = security_socket_post_create(cx, sock, family, ty, protocol, false) {
        sock.ops = None;
        return refusal;
    }
    verdict
}

/// A family whose slot is empty here. In the kernel, a module may fill it, and then its create function checks what it always
/// checks; the ops stay the host's.
#[cold]
fn host_family(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    let here = func!(__sock_create);
    let number = sock.sk.family;
    let family = families::of_number(number);
    let present = if family.module || number >= NPROTO { present(cx, number) } else { Some(false) };
    match (present, family.create) {
        (Some(false), _) => {
            cx.path.step(here, Finding::NoFamily(number as u8));
            Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily)
        }
        (Some(true), Some(create)) if !family.checks.is_empty() => {
            cx.path.step(here, Finding::Family { index: number as u8, create });
            let verdict = families::create(cx, &family, sock, protocol);
            if let Predicted::Errno(errno) = verdict.predicted {
                cx.path.step(create, Finding::Errno(errno));
            }
            verdict
        }
        _ => {
            sock.ops = hosted::ops();
            Verdict::ask().because(Reason::HostFamily)
        }
    }
}

/// Whether the kernel has a family that is not in every kernel.
#[inline]
fn present(cx: &mut Cx, family: c_int) -> Option<bool> {
    cx.fact(func!(__sock_create), &"net_families", cx.net.facts.has_family(family))
}

/// socketpair(2). The kernel reserves the descriptors and writes them to the program's array before it creates the
/// sockets. So EMFILE comes before every error that is predicted here, and EFAULT before the family's errors.
pub fn sys_socketpair(
    cx: &mut Cx,
    family: c_int,
    type_arg: c_int,
    protocol: c_int,
    array: Copied<()>,
) -> (Verdict, Socket) {
    let mut one = Socket::alloc(cx.net.id, family, type_arg & SOCK_TYPE_MASK);
    if type_arg & !(SOCK_TYPE_MASK | SOCK_FLAGS) != 0 {
        cx.path.step(func!(__sys_socketpair), Finding::Errno(Errno::EINVAL));
        return (Verdict::errno(Errno::EINVAL, Reason::BadType), one);
    }
    if let Some(Err(errno)) = array {
        cx.path.step(func!(__sys_socketpair), Finding::Errno(errno));
        return (Verdict::errno(errno, Reason::BadArgument), one);
    }
    let made = __sock_create(cx, &mut one, protocol);
    let Some(ops) = one.ops else { return (host_pair(cx, &one, made), one) };
    // The second socket is made in the same way with the same result, so the path has it once.
    let two = one;
    if let Err(refusal) = security_socket_socketpair(cx, &one, &two) {
        return (refusal, one);
    }
    let paired = handler!(cx, ops.socketpair, &one, &two);
    // While it is open whether the sockets can be made, it is also open whether they are paired.
    let verdict = if made.predicted == Predicted::Ok { paired } else { made };
    (verdict, one)
}

/// Two sockets of a family whose ops are the host's, when they can be made. Most such families connect no pairs.
#[cold]
fn host_pair(cx: &mut Cx, sock: &Socket, made: Verdict) -> Verdict {
    let family = families::of_number(sock.sk.family);
    if made.predicted != Predicted::Ok {
        return made;
    }
    if family.pairs {
        return cx
            .ask(func!(__sys_socketpair), &"whether the family pairs such sockets")
            .because(Reason::HostFamily);
    }
    cx.path.step(func!(sock_no_socketpair), Finding::Errno(Errno::EOPNOTSUPP));
    Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation)
}

/// accept(2) and accept4(2): bad flags are reported before a descriptor that is not a socket.
pub fn sys_accept4(cx: &mut Cx, lookup: Lookup, flags: c_int) -> Verdict {
    settled((|| {
        if matches!(lookup, Lookup::BadFd) {
            sockfd_lookup_light(cx, lookup)?;
        }
        if flags & !SOCK_FLAGS != 0 {
            cx.path.step(func!(__sys_accept4_file), Finding::Errno(Errno::EINVAL));
            return Err(Verdict::errno(Errno::EINVAL, Reason::BadArgument));
        }
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        let newsock = Socket { ops: sock.ops, ..Socket::alloc(sock.net, sock.sk.family, sock.ty) };
        security_socket_accept(cx, sock, &newsock)?;
        Ok(handler!(cx, ops.accept, sock))
    })())
}
