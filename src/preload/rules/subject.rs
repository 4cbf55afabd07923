//! What rules may ask of a call. The kernel is asked when a rule needs the answer, and once for each decision.

use super::counters;
use crate::{identity, sys};
use core::cell::OnceCell;
use libc::c_int;
use sockshim_core::boxed::try_boxed;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::ops::Socket;
use sockshim_core::rules::{Sort, Subject};

/// A call as rules see it.
pub struct CallSubject<'a> {
    /// The descriptor, if the call has one.
    pub fd: Option<c_int>,
    /// What the socket is, or is to be.
    pub sort: Option<Sort>,
    /// The address argument, where it is the peer's.
    pub remote: Option<&'a SockAddr>,
    /// The address argument, where it is the socket's own.
    pub local: Option<&'a SockAddr>,
    /// Level and name of an option.
    pub optname: Option<(c_int, c_int)>,
    /// The name that is looked up.
    pub host: Option<&'a [u8]>,
    /// The descriptor that the call waits at.
    pub waits_at: Option<c_int>,
    /// Whether the call itself says that it does not wait: MSG_DONTWAIT.
    pub dont_wait: bool,
    /// Whether the socket has a peer that can be asked for.
    pub has_peer: bool,
    asked_remote: OnceCell<Option<SockAddr>>,
    asked_local: OnceCell<Option<SockAddr>>,
    asked_directory: OnceCell<Option<Box<[u8; PATH]>>>,
}

/// Room for a directory's path.
const PATH: usize = libc::PATH_MAX as usize;

impl<'a> CallSubject<'a> {
    /// A call of which no more is known than its descriptor.
    pub fn new(fd: Option<c_int>) -> CallSubject<'a> {
        CallSubject {
            fd,
            sort: None,
            remote: None,
            local: None,
            optname: None,
            host: None,
            waits_at: fd,
            dont_wait: false,
            has_peer: false,
            asked_remote: OnceCell::new(),
            asked_local: OnceCell::new(),
            asked_directory: OnceCell::new(),
        }
    }

    /// A call on this socket.
    pub fn on(fd: Option<c_int>, socket: &Socket) -> CallSubject<'a> {
        let mut subject = CallSubject::new(fd);
        let (family, ty, protocol) = (socket.sk.family, socket.ty, socket.sk.protocol.into());
        subject.sort = Some(Sort { family, ty, protocol });
        subject.has_peer = true;
        subject
    }

    /// The address that a message goes to. inet's datagram and raw sockets take AF_UNSPEC for AF_INET, and inet6's for no
    /// address.
    pub fn destination(socket: &Socket, name: Option<SockAddr>) -> Option<SockAddr> {
        let name = name?;
        match (socket.sk.family, name.family()) {
            (libc::AF_INET, Some(libc::AF_UNSPEC)) => Some(name.with_family(libc::AF_INET)),
            (libc::AF_INET6, Some(libc::AF_UNSPEC)) => None,
            _ => Some(name),
        }
    }

    /// The address that describes the call in the report, as far as the kernel need not be asked in a sandbox.
    pub fn told(&self) -> Option<&SockAddr> {
        let named = self.remote.or(self.local);
        if named.is_some() || identity::is_sandboxed() {
            named
        } else {
            self.remote().or_else(|| self.local())
        }
    }

    fn ask(&self, peer: bool) -> Option<SockAddr> {
        if identity::is_sandboxed() {
            counters::is_blind();
            return None;
        }
        let mut bytes = [0; 128];
        let len = sys::address(self.fd?, peer, &mut bytes).ok()?;
        Some(SockAddr::new(&bytes[..len]))
    }
}

impl Subject for CallSubject<'_> {
    fn sort(&self) -> Option<Sort> {
        self.sort
    }

    fn remote(&self) -> Option<&SockAddr> {
        self.remote.or_else(|| {
            let asked = self.asked_remote.get_or_init(|| if self.has_peer { self.ask(true) } else { None });
            asked.as_ref()
        })
    }

    fn local(&self) -> Option<&SockAddr> {
        self.local.or_else(|| self.asked_local.get_or_init(|| self.ask(false)).as_ref())
    }

    fn host(&self) -> Option<&[u8]> {
        self.host
    }

    fn optname(&self) -> Option<(c_int, c_int)> {
        self.optname
    }

    fn uid(&self) -> u32 {
        if identity::is_sandboxed() {
            counters::is_blind();
            return u32::MAX;
        }
        sys::geteuid()
    }

    fn is_nonblocking(&self) -> bool {
        self.dont_wait || (!identity::is_sandboxed() && self.waits_at.is_some_and(sys::is_nonblocking))
    }

    fn directory(&self) -> Option<&[u8]> {
        let path = self.asked_directory.get_or_init(current_directory).as_deref()?;
        path.split(|byte| *byte == 0).next()
    }
}

/// The calling thread's directory, with a NUL. It may be too long for the stack.
fn current_directory() -> Option<Box<[u8; PATH]>> {
    if identity::is_sandboxed() {
        return None;
    }
    let mut path = try_boxed(|| 0)?;
    // The path of a directory that cannot be reached from the root begins otherwise.
    sys::current_directory(&mut path[..]).is_ok_and(|_| path[0] == b'/').then_some(path)
}
