//! The system calls of the socket layer and `net_families[]` (`net/socket.c`).
//!
//! Each `sys_*` function keeps the order of checks of its own system call, because the order decides which errno
//! a program with two mistakes sees. They share little on purpose.

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::families;
use crate::net::module::{module_put, request_module, try_module_get};
use crate::net::namespace::INIT_NET;
use crate::net::ops::{Cx, NetProtoFamily, ProtoOps, Socket};
use crate::net::path::{Finding, Func, Path};
use crate::net::security;
use crate::published::{PublishError, Published};
use crate::uapi::{IOCTL_GENERIC, NPROTO, SOCK_FLAGS, SOCK_MAX, SOCK_PACKET, SOCK_TYPE_MASK, name_of};
use crate::verdict::{Reason, Verdict};
use libc::c_int;

/// How often one slot of `net_families[]` can change; see [`crate::published`].
const VERSIONS: usize = 16;

static NET_FAMILIES: [Published<Option<&'static NetProtoFamily>, VERSIONS>; NPROTO as usize] =
    [const { Published::new() }; NPROTO as usize];

/// `sock_register`: fills the family's slot of `net_families[]`.
///
/// # Errors
/// ENOBUFS for a number beyond the table, EEXIST when the slot is taken.
pub fn sock_register(family: &'static NetProtoFamily) -> Result<(), Errno> {
    let slot = usize::try_from(family.family)
        .ok()
        .and_then(|index| NET_FAMILIES.get(index))
        .ok_or(Errno::ENOBUFS)?;
    let updated = slot.update(|old| match old {
        Some(Some(_)) => Err(Errno::EEXIST),
        _ => Ok(Some(family)),
    });
    updated.map_err(|error| match error {
        PublishError::Refused(errno) => errno,
        PublishError::Exhausted => Errno::ENOBUFS,
    })
}

/// `sock_unregister`: empties the slot.
///
/// # Errors
/// ENOBUFS for a number beyond the table or a slot that has changed too often.
pub fn sock_unregister(family: c_int) -> Result<(), Errno> {
    let slot =
        usize::try_from(family).ok().and_then(|index| NET_FAMILIES.get(index)).ok_or(Errno::ENOBUFS)?;
    slot.update(|_| Ok::<_, Errno>(None)).map_err(|_| Errno::ENOBUFS)
}

/// `net_families[family]`.
pub fn net_family(family: c_int) -> Option<&'static NetProtoFamily> {
    let slot = usize::try_from(family).ok().and_then(|index| NET_FAMILIES.get(index))?;
    *slot.get()?
}

/// A socket that exists already, from what SO_DOMAIN, SO_TYPE and SO_PROTOCOL say: the same walk finds its ops.
pub fn socket_of(family: c_int, ty: c_int, protocol: c_int) -> Socket {
    let mut path = Path::new();
    let mut cx = Cx { path: &mut path, net: INIT_NET };
    let mut sock = Socket::alloc(family, ty);
    if let Some(pf) = net_family(family) {
        // Whether it may be created is no question any more, so the verdict is not of interest.
        let _ = (pf.create.call)(&mut cx, &mut sock, protocol);
    }
    sock.ty = ty;
    sock.sk.protocol = protocol as u16;
    sock
}

/// `sockfd_lookup_light`: what a descriptor turned out to be.
#[derive(Clone, Copy)]
pub enum Lookup {
    /// A socket.
    Socket(Socket),
    /// Open, but something else.
    NotSocket,
    /// Not open.
    BadFd,
    /// Nobody could tell; the host will.
    Unknown,
}

/// An argument that was to be copied from the program: the bytes, the error that the copy meets, or nothing
/// because the memory could not be looked at.
pub type Copied<T> = Option<Result<T, Errno>>;

/// socket(2). The socket is what it will be if the host agrees; its `ops` are empty when the walk did not get there.
pub fn sys_socket(cx: &mut Cx, family: c_int, type_arg: c_int, protocol: c_int) -> (Verdict, Socket) {
    let protocol = update_socket_protocol(cx, family, type_arg, protocol);
    let mut sock = Socket::alloc(family, type_arg & SOCK_TYPE_MASK);
    if type_arg & !(SOCK_TYPE_MASK | SOCK_FLAGS) != 0 {
        cx.path.step(func!(__sys_socket_create), Finding::Errno(Errno::EINVAL));
        return (Verdict::errno(Errno::EINVAL, Reason::BadType), sock);
    }
    let mut verdict = __sock_create(cx, &mut sock, protocol);
    if !matches!(verdict.predicted, crate::verdict::Predicted::Errno(_)) {
        sock_map_fd(cx, &sock, type_arg & SOCK_FLAGS);
        if sock.ops.is_none() {
            verdict = verdict.because(Reason::HostFamily);
        }
    }
    (verdict, sock)
}

/// `sock_map_fd`: a descriptor and an open file for the socket. The host gives the descriptor, as the last step: that
/// is why a full table is the last error that socket(2) reports.
pub fn sock_map_fd(cx: &mut Cx, _sock: &Socket, flags: c_int) {
    cx.path.step(func!(sock_map_fd), Finding::Flags(flags));
}

/// `update_socket_protocol`: where BPF, and later a rule, replaces the protocol of socket(2). It sees the type with
/// its flag bits and runs before every check, but not for socketpair(2) or accept(2).
pub fn update_socket_protocol(cx: &mut Cx, _family: c_int, _type_arg: c_int, protocol: c_int) -> c_int {
    cx.path.step(func!(update_socket_protocol), Finding::Unchanged);
    protocol
}

/// `__sock_create`: the family's create function and everything around it.
pub fn __sock_create(cx: &mut Cx, sock: &mut Socket, protocol: c_int) -> Verdict {
    let here = func!(__sock_create);
    if !(0..NPROTO).contains(&sock.sk.family) {
        cx.path.step(here, Finding::Errno(Errno::EAFNOSUPPORT));
        return Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily);
    }
    if !(0..SOCK_MAX).contains(&sock.ty) {
        cx.path.step(here, Finding::Errno(Errno::EINVAL));
        return Verdict::errno(Errno::EINVAL, Reason::BadType);
    }
    if sock.sk.family == libc::AF_INET && sock.ty == SOCK_PACKET {
        sock.sk.family = libc::AF_PACKET;
        cx.path.step(here, Finding::FamilyBecomes(libc::AF_PACKET as u8));
    }
    let family = sock.sk.family;
    if let Err(errno) = security::security_socket_create(cx.path, family, sock.ty, protocol) {
        return Verdict::errno(errno, Reason::Privilege);
    }
    let pf = net_family(family).or_else(|| {
        request_module(cx.path, family, None, None);
        net_family(family)
    });
    let Some(pf) = pf else {
        cx.path.step(here, Finding::NoFamily(family as u8));
        // A module of the kernel may fill the slot there although it is empty here.
        return match (families::name(family).module, cx.net.facts.has_family(family)) {
            (true, None) => Verdict::ask().because(Reason::HostFamily),
            (true, Some(true)) => Verdict::ask().because(Reason::HostFamily),
            _ => Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily),
        };
    };
    if !try_module_get(pf.owner) {
        cx.path.step(func!(try_module_get), Finding::Errno(Errno::EAFNOSUPPORT));
        return Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily);
    }
    cx.path.step(here, Finding::Family { index: family as u8, create: pf.create.func.0 });
    let verdict = (pf.create.call)(cx, sock, protocol);
    if let crate::verdict::Predicted::Errno(errno) = verdict.predicted {
        cx.path.step(pf.create.func, Finding::Errno(errno));
        sock.ops = None;
        module_put(pf.owner);
        return verdict;
    }
    if let Some(ops) = sock.ops {
        cx.path.step(pf.create.func, Finding::Ops(ops));
        if !try_module_get(ops.owner) {
            sock.ops = None;
            module_put(pf.owner);
            return Verdict::errno(Errno::EAFNOSUPPORT, Reason::NoFamily);
        }
    }
    module_put(pf.owner);
    match security::security_socket_post_create(cx.path, sock) {
        Ok(()) => verdict,
        Err(errno) => Verdict::errno(errno, Reason::Privilege),
    }
}

/// socketpair(2). Descriptors are reserved and written to the program's array before anything is created, so
/// EMFILE and EFAULT beat every error that is predicted here.
pub fn sys_socketpair(cx: &mut Cx, family: c_int, type_arg: c_int, protocol: c_int) -> (Verdict, Socket) {
    let mut one = Socket::alloc(family, type_arg & SOCK_TYPE_MASK);
    if type_arg & !(SOCK_TYPE_MASK | SOCK_FLAGS) != 0 {
        cx.path.step(func!(__sys_socketpair), Finding::Errno(Errno::EINVAL));
        return (Verdict::errno(Errno::EINVAL, Reason::BadType), one);
    }
    let verdict = __sock_create(cx, &mut one, protocol);
    let Some(ops) = one.ops else { return (verdict, one) };
    if let Err(errno) = security::security_socket_socketpair(cx.path, &one, &one) {
        return (Verdict::errno(errno, Reason::Privilege), one);
    }
    let verdict = (ops.socketpair.call)(cx, &one, &one);
    cx.path.step(ops.socketpair.func, outcome(verdict));
    (verdict, one)
}

/// The verdict as the finding of the function that gave it.
fn outcome(verdict: Verdict) -> Finding {
    match verdict.predicted {
        crate::verdict::Predicted::Errno(errno) => Finding::Errno(errno),
        _ => Finding::Passed,
    }
}

/// The start of a call on a descriptor: the lookup, and its two errors.
fn sockfd_lookup_light(cx: &mut Cx, lookup: Lookup) -> Result<(Socket, &'static ProtoOps), Verdict> {
    let here = func!(sockfd_lookup_light);
    match lookup {
        Lookup::Socket(sock) => {
            cx.path.step(here, Finding::State(sock.state, sock.sk.state));
            sock.ops.map(|ops| (sock, ops)).ok_or(Verdict::ask().because(Reason::HostFamily))
        }
        Lookup::NotSocket => {
            cx.path.step(here, Finding::Errno(Errno::ENOTSOCK));
            Err(Verdict::errno(Errno::ENOTSOCK, Reason::NotSocket))
        }
        Lookup::BadFd => {
            cx.path.step(here, Finding::Errno(Errno::EBADF));
            Err(Verdict::errno(Errno::EBADF, Reason::BadFd))
        }
        Lookup::Unknown => Err(Verdict::ask().because(Reason::HostFamily)),
    }
}

/// `move_addr_to_kernel`: the address, or the error that copying it meets.
fn move_addr_to_kernel(cx: &mut Cx, addr: Copied<SockAddr>) -> Result<SockAddr, Verdict> {
    let here = func!(move_addr_to_kernel);
    match addr {
        Some(Ok(addr)) => {
            cx.path.step(here, Finding::Value(addr.len() as i64));
            Ok(addr)
        }
        Some(Err(errno)) => {
            cx.path.step(here, Finding::Errno(errno));
            Err(Verdict::errno(errno, Reason::BadAddress))
        }
        None => Err(Verdict::ask()),
    }
}

fn allowed(cx: &mut Cx, hook: Func, sock: &Socket) -> Result<(), Verdict> {
    security::security_socket(cx.path, hook, sock).map_err(|errno| Verdict::errno(errno, Reason::Privilege))
}

/// Runs a member of the ops table and notes it, before what it notes itself.
macro_rules! handler {
    ($cx:ident, $op:expr, $($arg:expr),*) => {{
        $cx.path.step($op.func, Finding::Passed);
        ($op.call)($cx, $($arg),*)
    }};
}

/// Turns the early ends of a call into its verdict.
fn settled(result: Result<Verdict, Verdict>) -> Verdict {
    result.unwrap_or_else(|verdict| verdict)
}

/// bind(2): descriptor, address, LSM, ops.
pub fn sys_bind(cx: &mut Cx, lookup: Lookup, addr: Copied<SockAddr>) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        let addr = move_addr_to_kernel(cx, addr)?;
        allowed(cx, func!(security_socket_bind), &sock)?;
        Ok(handler!(cx, ops.bind, &sock, &addr))
    })())
}

/// connect(2): unlike bind, the address is copied before the descriptor is known to be a socket.
pub fn sys_connect(cx: &mut Cx, lookup: Lookup, addr: Copied<SockAddr>) -> Verdict {
    settled((|| {
        if matches!(lookup, Lookup::BadFd) {
            sockfd_lookup_light(cx, lookup)?;
        }
        let addr = move_addr_to_kernel(cx, addr)?;
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        allowed(cx, func!(security_socket_connect), &sock)?;
        Ok(handler!(cx, ops.connect, &sock, &addr))
    })())
}

/// listen(2): the backlog is cut to `net.core.somaxconn`, compared as unsigned.
pub fn sys_listen(cx: &mut Cx, lookup: Lookup, backlog: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        if let Some(somaxconn) = cx.net.facts.somaxconn().filter(|max| backlog as u32 > *max as u32) {
            cx.path.step(func!(__sys_listen), Finding::Value(i64::from(somaxconn)));
        }
        allowed(cx, func!(security_socket_listen), &sock)?;
        Ok(handler!(cx, ops.listen, &sock, backlog))
    })())
}

/// accept(2) and accept4(2): bad flags beat a descriptor that is no socket.
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
        allowed(cx, func!(security_socket_accept), &sock)?;
        Ok(handler!(cx, ops.accept, &sock))
    })())
}

/// getsockname(2) (`peer` 0) and getpeername(2) (`peer` 1).
pub fn sys_getname(cx: &mut Cx, lookup: Lookup, peer: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        let hook =
            if peer == 0 { func!(security_socket_getsockname) } else { func!(security_socket_getpeername) };
        allowed(cx, hook, &sock)?;
        Ok(handler!(cx, ops.getname, &sock, peer))
    })())
}

/// The handler of a socket option: generic for SOL_SOCKET, else the ops' own.
pub fn option_handler(ops: &'static ProtoOps, level: c_int, set: bool) -> Option<Func> {
    match (level, set) {
        (libc::SOL_SOCKET, true) => Some(func!(sock_setsockopt)),
        (libc::SOL_SOCKET, false) => Some(func!(sk_getsockopt)),
        (_, true) => ops.setsockopt.map(|op| op.func),
        (_, false) => ops.getsockopt.map(|op| op.func),
    }
}

/// setsockopt(2).
pub fn sys_setsockopt(cx: &mut Cx, lookup: Lookup, level: c_int, optname: c_int, optlen: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        if optlen < 0 {
            cx.path.step(func!(do_sock_setsockopt), Finding::Errno(Errno::EINVAL));
            return Err(Verdict::errno(Errno::EINVAL, Reason::BadArgument));
        }
        allowed(cx, func!(security_socket_setsockopt), &sock)?;
        if level == libc::SOL_SOCKET {
            cx.path.step(func!(sock_setsockopt), Finding::Passed);
            return Ok(Verdict::ask());
        }
        let Some(op) = ops.setsockopt else {
            cx.path.step(func!(do_sock_setsockopt), Finding::Errno(Errno::EOPNOTSUPP));
            return Err(Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation));
        };
        Ok(handler!(cx, op, &sock, level, optname))
    })())
}

/// getsockopt(2).
pub fn sys_getsockopt(cx: &mut Cx, lookup: Lookup, level: c_int, optname: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        allowed(cx, func!(security_socket_getsockopt), &sock)?;
        if level == libc::SOL_SOCKET {
            cx.path.step(func!(sk_getsockopt), Finding::Passed);
            return Ok(Verdict::ask());
        }
        let Some(op) = ops.getsockopt else {
            cx.path.step(func!(do_sock_getsockopt), Finding::Errno(Errno::EOPNOTSUPP));
            return Err(Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation));
        };
        Ok(handler!(cx, op, &sock, level, optname))
    })())
}

/// shutdown(2): `how` is judged by the handler, if there is one.
pub fn sys_shutdown(cx: &mut Cx, lookup: Lookup, how: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        allowed(cx, func!(security_socket_shutdown), &sock)?;
        Ok(handler!(cx, ops.shutdown, &sock, how))
    })())
}

/// `__sock_release`: the last reference to the open file is gone, and the ops end the socket.
pub fn sock_release(cx: &mut Cx, sock: &Socket) -> Verdict {
    cx.path.step(func!(__sock_release), Finding::Passed);
    let Some(ops) = sock.ops else { return Verdict::ask() };
    handler!(cx, ops.release, sock)
}

/// ioctl(2) on a socket: what every file or every socket understands is answered before the handler is reached.
pub fn sys_ioctl(cx: &mut Cx, lookup: Lookup, request: c_int) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        if name_of(IOCTL_GENERIC, request).is_some() {
            cx.path.step(func!(do_vfs_ioctl), Finding::Value(i64::from(request)));
            return Ok(Verdict::ask());
        }
        cx.path.step(func!(sock_ioctl), Finding::Value(i64::from(request)));
        Ok(handler!(cx, ops.ioctl, &sock, request))
    })())
}
