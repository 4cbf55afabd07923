//! The system calls of the socket layer and `net_families[]` (`net/socket.c`).
//!
//! | file | calls |
//! |---|---|
//! | [`create`] | socket, socketpair, accept |
//! | [`name`] | bind, connect, listen, getsockname, getpeername, shutdown, and the release of a socket |
//! | [`option`] | setsockopt, getsockopt, ioctl, mmap |
//! | [`data`] | everything that sends or receives |
//!
//! Each `sys_*` function keeps the order of its own system call's checks, because the order decides which errno a
//! program with two mistakes gets. They share little on purpose.

pub mod create;
pub mod data;
pub mod name;
pub mod option;

pub use create::*;
pub use data::*;
pub use name::*;
pub use option::*;

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::hosted;
use crate::net::namespace::{Fact, Facts, Known, Net, NetId};
use crate::net::ops::{Cx, NetProtoFamily, ProtoOps, Socket};
use crate::net::path::{Finding, Path};
pub use crate::net::uaccess::{Copied, borrowed};
use crate::published::{PublishError, Published};
use crate::uapi::NPROTO;
use crate::verdict::{Instead, Reason, Verdict};
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
#[inline]
pub fn net_family(family: c_int) -> Option<&'static NetProtoFamily> {
    let slot = usize::try_from(family).ok().and_then(|index| NET_FAMILIES.get(index))?;
    *slot.get()?
}

/// The facts that an existing socket proves: its family, type and protocol exist, and it was permitted.
struct Exists;

impl Facts for Exists {
    fn has_family(&self, _: c_int) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn has_protocol(&self, _: c_int, _: c_int, _: c_int) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn nl_table(&self, _: c_int) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn ipproto_max(&self) -> Fact<c_int> {
        Some(Known::assumed(c_int::MAX))
    }
}

/// A socket of the host's that exists already in `net`, from its SO_DOMAIN, SO_TYPE and SO_PROTOCOL: the walk of
/// socket(2) finds its ops.
pub fn socket_of(net: NetId, family: c_int, ty: c_int, protocol: c_int) -> Socket {
    let mut path = Path::new();
    let mut instead = Instead::new();
    let mut cx = Cx::new(&mut path, Net { id: net, facts: &Exists }, &mut instead);
    let mut sock = Socket::alloc(net, family, ty);
    if let Some(pf) = net_family(family) {
        // The socket exists, so the verdict about creating it does not matter.
        let _ = (pf.create.call)(&mut cx, &mut sock, protocol);
    } else {
        sock.ops = hosted::ops();
    }
    sock.ty = ty;
    sock.sk.protocol = protocol as u16;
    sock
}

/// The protocol of a socket that socket(2) makes of these: what protocol 0 stands for, if that is known.
pub fn protocol_of(family: c_int, ty: c_int, protocol: c_int) -> c_int {
    let (mut path, mut instead) = (Path::closed(), Instead::new());
    let mut cx = Cx::new(&mut path, Net { facts: &Exists, ..crate::net::namespace::INIT_NET }, &mut instead);
    let mut sock = Socket::alloc(crate::net::namespace::INIT_NET.id, family, ty);
    match net_family(family) {
        Some(pf) if (pf.create.call)(&mut cx, &mut sock, protocol).may_succeed() && sock.ops.is_some() => {
            sock.sk.protocol.into()
        }
        _ => protocol,
    }
}

/// `sockfd_lookup_light`: what a descriptor refers to.
#[derive(Clone, Copy)]
pub enum Lookup<'a> {
    /// A socket.
    Socket(&'a Socket),
    /// Open, but something else.
    NotSocket,
    /// Not open.
    BadFd,
    /// Not known here; the host will tell.
    Unknown,
}

/// What a lookup has found, without the socket itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// [`Lookup::Socket`].
    Socket,
    /// [`Lookup::NotSocket`].
    NotSocket,
    /// [`Lookup::BadFd`].
    BadFd,
    /// [`Lookup::Unknown`].
    Unknown,
}

impl Found {
    /// The lookup that has found this.
    #[inline(always)]
    pub fn with(self, socket: Option<&Socket>) -> Lookup<'_> {
        match (self, socket) {
            (Found::Socket, Some(socket)) => Lookup::Socket(socket),
            (Found::NotSocket, _) => Lookup::NotSocket,
            (Found::BadFd, _) => Lookup::BadFd,
            (Found::Socket | Found::Unknown, _) => Lookup::Unknown,
        }
    }
}

/// The first step of a call on a descriptor: the lookup and its two errors.
#[inline]
fn sockfd_lookup_light<'a>(
    cx: &mut Cx,
    lookup: Lookup<'a>,
) -> Result<(&'a Socket, &'static ProtoOps), Verdict> {
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

/// `move_addr_to_kernel`: the address, or the error from copying it.
fn move_addr_to_kernel<'a>(cx: &mut Cx, addr: Copied<&'a SockAddr>) -> Result<&'a SockAddr, Verdict> {
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

/// Calls a member of the ops table, and notes it in the path before the steps that it notes itself.
macro_rules! handler {
    ($cx:ident, $op:expr, $($arg:expr),*) => {{
        $cx.path.step($op.func, Finding::Passed);
        ($op.call)($cx, $($arg),*)
    }};
}
pub(crate) use handler;

/// The verdict of a walk, whether it ended early or at its end.
fn settled(result: Result<Verdict, Verdict>) -> Verdict {
    result.unwrap_or_else(|verdict| verdict)
}
