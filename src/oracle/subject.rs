//! One descriptor, and each call on it made twice: through the tables and to the kernel.

use crate::argument::{Addr, Pointer};
use crate::kernel::{self, KernelAnswer, call};
use crate::mutation;
use libc::c_int;
use sockshim_core::fdtable::{FDS, Handle};
use sockshim_core::net::namespace::{Facts, INIT_NET, Net};
use sockshim_core::net::ops::{Cx, ProtoOps, Socket, SocketState};
use sockshim_core::net::path::{Finding, Func, Path};
use sockshim_core::net::sock::TcpState;
use sockshim_core::net::socket::*;
use sockshim_core::net::state;
use sockshim_core::verdict::{Change, Instead, Predicted, Verdict};
use sockshim_sys as sys;

/// A call that was made on both sides.
pub struct BothAnswers {
    /// The function of the ops that the tables name.
    pub handler: Option<Func>,
    /// The prediction of the tables.
    pub predicted: Predicted,
    /// The kernel's answer.
    pub answer: KernelAnswer,
    /// Why the tables left the call to the host, if they did.
    pub why: &'static str,
    /// Whether the call may have changed the descriptor's state.
    pub changed: bool,
}

/// The descriptor under test, with what the tables know of it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The descriptor.
    pub fd: c_int,
    lookup: Option<Lookup<'static>>,
    handle: Option<Handle>,
    facts: &'a dyn Facts,
}

impl<'a> Subject<'a> {
    /// A new socket, non-blocking; `None` when the kernel does not offer it.
    pub fn socket(facts: &'a dyn Facts, family: c_int, ty: c_int, protocol: c_int) -> Option<Subject<'a>> {
        let ty = ty | libc::SOCK_NONBLOCK;
        let mut path = Path::new();
        let mut instead = Instead::new();
        let mut cx = Cx::new(&mut path, Net { facts, ..INIT_NET }, &mut instead);
        let (_, socket) = sys_socket(&mut cx, family, ty, protocol);
        let fd = kernel::socket(family, ty, protocol).ok()? as c_int;
        Some(Subject::known(facts, fd, &socket))
    }

    /// A descriptor whose socket is known.
    pub fn known(facts: &'a dyn Facts, fd: c_int, socket: &Socket) -> Subject<'a> {
        Subject { fd, lookup: None, handle: FDS.install(fd, socket, 0).map(|(handle, _)| handle), facts }
    }

    /// A descriptor that is not a socket, or not open.
    pub fn other(facts: &'a dyn Facts, fd: c_int, lookup: Lookup<'static>) -> Subject<'a> {
        Subject { fd, lookup: Some(lookup), handle: None, facts }
    }

    /// Two connected sockets of AF_UNIX, non-blocking.
    pub fn pair(facts: &'a dyn Facts, ty: c_int) -> Option<[Subject<'a>; 2]> {
        let ty = ty | libc::SOCK_NONBLOCK;
        let mut path = Path::new();
        let mut instead = Instead::new();
        let mut cx = Cx::new(&mut path, Net { facts, ..INIT_NET }, &mut instead);
        let (_, mut socket) = sys_socketpair(&mut cx, libc::AF_UNIX, ty, 0, Some(Ok(())));
        let fds = kernel::socketpair(libc::AF_UNIX, ty, 0).ok()?;
        socket.state = SocketState::Connected;
        socket.sk.state = TcpState::Established;
        Some(fds.map(|fd| Subject::known(facts, fd, &socket)))
    }

    /// The socket that an accept on this one returned. With MPTCP, its kind depends on the client.
    pub fn accepted(&self, fd: c_int) -> Option<Subject<'a>> {
        let mut socket = state::accepted(&self.sock()?);
        if socket.ops.is_none() {
            let protocol = sys::getsockopt_int(fd, libc::SO_PROTOCOL).ok()?;
            let kept = socket;
            socket = socket_of(kept.net, kept.sk.family, kept.ty, protocol);
            (socket.state, socket.sk.state, socket.sk.bound) = (kept.state, kept.sk.state, kept.sk.bound);
        }
        Some(Subject::known(self.facts, fd, &socket))
    }

    /// What a lookup of the descriptor gives, as far as the tables know, if this is its socket.
    pub fn lookup<'s>(&self, sock: Option<&'s Socket>) -> Lookup<'s> {
        self.lookup.unwrap_or(sock.map_or(Lookup::Unknown, Lookup::Socket))
    }

    /// The socket.
    pub fn sock(&self) -> Option<Socket> {
        let (mut socket, _) = self.handle.and_then(|handle| FDS.read(handle))?;
        socket.ops = socket.ops.map(mutation::ops);
        Some(socket)
    }

    /// Closes the descriptor.
    pub fn close(&self) {
        if self.lookup.is_none() {
            FDS.forget(self.fd);
            sys::close(self.fd);
        }
    }

    /// Makes one call on both sides: `predict` walks it through the tables, `perform` makes the system call.
    pub fn ask(
        &self,
        handler: impl Fn(&'static ProtoOps) -> Option<Func>,
        predict: impl FnOnce(&mut Cx, Lookup) -> Verdict,
        perform: impl FnOnce(i64) -> KernelAnswer,
    ) -> BothAnswers {
        let before = self.sock();
        let mut path = Path::new();
        let mut instead = Instead::new();
        let mut cx = Cx::new(&mut path, Net { facts: self.facts, ..INIT_NET }, &mut instead);
        let verdict = predict(&mut cx, self.lookup(before.as_ref()));
        let answer = perform(self.fd.into());
        let socket = self.sock();
        if let (Some(handle), Some(socket)) = (self.handle, socket)
            && verdict.change != Change::None
        {
            let errno = answer.err().map(|errno| errno.0);
            FDS.update(handle, |old| state::commit(old, (&socket).into(), verdict.change, errno));
        }
        let asked_host = path.steps().iter().rev().find_map(|step| match step.finding {
            Finding::Host(what) => Some(*what),
            _ => None,
        });
        BothAnswers {
            handler: socket.and_then(|socket| socket.ops).and_then(handler),
            predicted: verdict.predicted,
            answer,
            why: asked_host.unwrap_or("the socket's state"),
            changed: verdict.change != Change::None || verdict.predicted == Predicted::Unknown,
        }
    }

    /// bind(2).
    pub fn bind(&self, addr: &Addr) -> BothAnswers {
        // SAFETY: the kernel checks the pointer.
        let perform = |fd| unsafe { call(libc::SYS_bind, &[fd, addr.pointer(), addr.len.into()]) };
        self.ask(|ops| Some(ops.bind.func), |cx, fd| sys_bind(cx, fd, borrowed(&addr.copied())), perform)
    }

    /// connect(2).
    pub fn connect(&self, addr: &Addr) -> BothAnswers {
        // SAFETY: the kernel checks the pointer.
        let perform = |fd| unsafe { call(libc::SYS_connect, &[fd, addr.pointer(), addr.len.into()]) };
        let predict = |cx: &mut Cx, fd: Lookup| mutation::connect(cx, fd, borrowed(&addr.copied()));
        self.ask(|ops| Some(ops.connect.func), predict, perform)
    }

    /// listen(2).
    pub fn listen(&self, backlog: c_int) -> BothAnswers {
        // SAFETY: takes numbers.
        let perform = |fd| unsafe { call(libc::SYS_listen, &[fd, backlog.into()]) };
        self.ask(|ops| Some(ops.listen.func), |cx, fd| sys_listen(cx, fd, backlog), perform)
    }

    /// accept4(2) without an address.
    pub fn accept(&self, flags: c_int) -> BothAnswers {
        // SAFETY: takes numbers and null pointers.
        let perform = |fd| unsafe { call(libc::SYS_accept4, &[fd, 0, 0, flags.into()]) };
        self.ask(|ops| Some(ops.accept.func), |cx, fd| sys_accept4(cx, fd, flags), perform)
    }

    /// getsockname(2) and getpeername(2), with a buffer of `len` bytes.
    pub fn getname(&self, peer: bool, len: c_int, len_at: Pointer, buffer: Pointer) -> BothAnswers {
        let nr = if peer { libc::SYS_getpeername } else { libc::SYS_getsockname };
        let (mut room, mut bytes) = (len, [0_u8; 256]);
        // SAFETY: the buffers are longer than any address; the kernel checks the pointers.
        let perform =
            |fd| unsafe { call(nr, &[fd, buffer.to(bytes.as_mut_ptr()), len_at.to(&raw mut room)]) };
        let out = AddrOut { len: len_at.copied(len), buffer: buffer.copied(()) };
        self.ask(|ops| Some(ops.getname.func), |cx, fd| sys_getname(cx, fd, peer.into(), out), perform)
    }

    /// The socket's name, as the kernel returns it.
    pub fn name(&self) -> Option<Vec<u8>> {
        let (mut len, mut bytes) = (128_i32, vec![0_u8; 128]);
        let args = [self.fd.into(), bytes.as_mut_ptr() as i64, &raw mut len as i64];
        // SAFETY: the buffer has the length that is passed.
        unsafe { call(libc::SYS_getsockname, &args) }.ok()?;
        bytes.truncate(len as usize);
        Some(bytes)
    }

    /// setsockopt(2) with an int.
    pub fn setsockopt(
        &self,
        level: c_int,
        name: c_int,
        value: c_int,
        len: c_int,
        at: Pointer,
    ) -> BothAnswers {
        let values = [value; 16];
        let args = [level.into(), name.into(), at.to(values.as_ptr()), len.into()];
        // SAFETY: the buffer is longer than any length that is passed; the kernel checks the pointer.
        let perform = |fd| unsafe { call(libc::SYS_setsockopt, &[fd, args[0], args[1], args[2], args[3]]) };
        let predict = |cx: &mut Cx, fd: Lookup| sys_setsockopt(cx, fd, level, name, at.copied(value), len);
        self.ask(|ops| option_handler(ops, level, true), predict, perform)
    }

    /// getsockopt(2).
    pub fn getsockopt(
        &self,
        level: c_int,
        name: c_int,
        len: c_int,
        len_at: Pointer,
        at: Pointer,
    ) -> BothAnswers {
        let (mut room, mut bytes) = (len, [0_u8; 256]);
        let args = [level.into(), name.into(), at.to(bytes.as_mut_ptr()), len_at.to(&raw mut room)];
        // SAFETY: the buffer is longer than any length that is passed; the kernel checks the pointers.
        let perform = |fd| unsafe { call(libc::SYS_getsockopt, &[fd, args[0], args[1], args[2], args[3]]) };
        let predict =
            |cx: &mut Cx, fd: Lookup| sys_getsockopt(cx, fd, level, name, at.copied(0), len_at.copied(len));
        self.ask(|ops| option_handler(ops, level, false), predict, perform)
    }

    /// shutdown(2).
    pub fn shutdown(&self, how: c_int) -> BothAnswers {
        // SAFETY: takes numbers.
        let perform = |fd| unsafe { call(libc::SYS_shutdown, &[fd, how.into()]) };
        self.ask(|ops| Some(ops.shutdown.func), |cx, fd| sys_shutdown(cx, fd, how), perform)
    }

    /// ioctl(2) with a zeroed argument.
    pub fn ioctl(&self, request: c_int) -> BothAnswers {
        let mut argument = [0_u8; 256];
        let perform = |fd: i64| kernel::ioctl(fd as c_int, request, &mut argument);
        self.ask(|ops| Some(ops.ioctl.func), |cx, fd| sys_ioctl(cx, fd, request), perform)
    }

    /// mmap(2) of one page.
    pub fn mmap(&self) -> BothAnswers {
        const PAGE: i64 = 4096;
        let perform = |fd| {
            let flags = i64::from(libc::MAP_SHARED);
            // SAFETY: a new mapping, which is unmapped again.
            unsafe {
                let start = call(libc::SYS_mmap, &[0, PAGE, libc::PROT_READ.into(), flags, fd, 0])?;
                call(libc::SYS_munmap, &[start, PAGE])
            }
        };
        self.ask(|ops| ops.mmap, sys_mmap, perform)
    }
}
