//! Pseudo-random events, the same in every run.

use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::hook::Hook;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::namespace::{FactSource, INIT_NET};
use sockshim_core::net::ops::{Cx, Socket, SocketState};
use sockshim_core::net::path::{Finding, Match, Path};
use sockshim_core::net::sock::TcpState;
use sockshim_core::net::socket::sys_socket;
use sockshim_core::resolve::Resolved;
use sockshim_core::trace::event::{Event, Extra};
use sockshim_core::trace::parts::{self, Part};
use sockshim_core::uapi;
use sockshim_core::verdict::{Action, Instead, Predicted, Reason};
use sockshim_core::{func, hook};

macro_rules! hooks {
    ($($level:ident $does:ident $name:ident($($arg:ident: $ty:ty),*) -> $ret:literal;)*) => {
        static HOOKS: &[Hook] = &[$(hook!($level, $does, [], $name($($arg: $ty),*), $ret)),*];
    };
}

hooks! {
    Io Plain send(fd: c_int, buf: *const c_void, len: size_t, flags: c_int) -> "ssize_t";
    Io Plain recv(fd: c_int, buf: *mut c_void, len: size_t, flags: c_int) -> "ssize_t";
    Io Plain readv(fd: c_int, iov: *const iovec, iovcnt: c_int) -> "ssize_t";
    Io Plain epoll_wait(epfd: c_int, events: *mut epoll_event, maxevents: c_int, timeout: c_int) -> "c_int";
    Call Plain sendto(fd: c_int, buf: *const c_void, len: size_t, flags: c_int, addr: *const sockaddr,
        addrlen: socklen_t) -> "ssize_t";
    Call Plain bind(fd: c_int, addr: *const sockaddr, addrlen: socklen_t) -> "c_int";
    Decision Plain socket(family: c_int, type_: c_int, protocol: c_int) -> "c_int";
    Decision Plain socketpair(family: c_int, type_: c_int, protocol: c_int, sv: *mut c_int) -> "c_int";
    Call Plain setsockopt(fd: c_int, level: c_int, optname: c_int, optval: *const c_void, optlen: socklen_t) -> "c_int";
    Call Plain accept4(fd: c_int, addr: *mut sockaddr, addrlen: *mut socklen_t, flags: c_int) -> "c_int";
    Call Plain lseek(fd: c_int, offset: off_t, whence: c_int) -> "off_t";
    Call Plain execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> "c_int";
    Call Plain _exit(status: c_int) -> "!";
    Call Resolves getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo,
        res: *mut *mut addrinfo) -> "c_int";
    Call Resolves getnameinfo(addr: *const sockaddr, addrlen: socklen_t, host: *mut c_char, hostlen: socklen_t,
        serv: *mut c_char, servlen: socklen_t, flags: c_int) -> "c_int";
    Call ResolvesHost gethostbyname2(name: *const c_char, af: c_int) -> "*mut hostent";
    Call ResolvesHostInto gethostbyaddr_r(addr: *const c_void, len: socklen_t, type_: c_int, ret: *mut hostent,
        buf: *mut c_char, buflen: size_t, result: *mut *mut hostent, h_errnop: *mut c_int) -> "c_int";
    Decision Plain sockshim() -> "";
}

/// Pseudo-random numbers, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Small and large numbers are equally frequent.
        (self.0 >> 1) >> (self.0 >> 58)
    }
    pub fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % count
    }
    fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
    fn int(&mut self) -> c_int {
        if self.below(3) == 0 { self.word() as c_int } else { self.below(40) as c_int - 1 }
    }

    fn finding(&mut self, ops: &Socket) -> Finding {
        match self.below(21) {
            0 => Finding::Unchanged,
            1 => Finding::Allow,
            2 => Finding::Family { index: self.word() as u8, create: func!(inet_create) },
            3 => Finding::NoFamily(self.word() as u8),
            4 => Finding::FamilyBecomes(self.below(50) as u8),
            5 => Finding::TypeBecomes(self.below(12) as u8),
            6 => Finding::Entry {
                index: self.word() as u8,
                how: self.one(&[Match::Exact, Match::Wildcard, Match::WildcardEntry]),
                protocol: self.below(300) as u16,
                name: &"TCP",
            },
            7 => Finding::NoEntry { entries: self.below(3) as u8 },
            8 => Finding::Protocol(self.int()),
            9 => Finding::Module {
                family: self.word() as u8,
                ty: (self.below(2) == 0).then_some(3),
                protocol: (self.below(2) == 0).then(|| self.int()),
            },
            10 => Finding::Errno(Errno(self.int())),
            11 => Finding::Host(&"bind"),
            12 => Finding::Fact {
                name: &"CAP_NET_RAW",
                value: self.int(),
                source: self.one(&[FactSource::Probe, FactSource::Sysctl, FactSource::Assumed]),
            },
            13 => ops.ops.map_or(Finding::Passed, |ops| Finding::Ops(&ops.name)),
            14 => Finding::Fd(self.int()),
            15 => Finding::Flags(self.one(&[0, 0o4000, 0o2_004_000, 0x77])),
            16 => Finding::Value(self.word() as i64),
            17 => Finding::State(self.one(&SocketState::ALL), self.one(&[TcpState::Close, TcpState::Listen])),
            18 => Finding::MayHaveRefused,
            19 => Finding::Rule(self.below(3) as u16),
            _ => Finding::Passed,
        }
    }

    /// What a call that asks for names or addresses leaves in its event.
    fn resolve(&mut self, event: &mut Event) {
        let error = self.one(&[0, 0, -1, -2, -11, 1, 2, -300]);
        event.extra = Extra::Resolved(Resolved { error, addresses: self.below(3) as u32 });
        event.addr = SockAddr::EMPTY;
        if self.below(2) == 0 {
            event.set_hints([0x421, self.int(), self.one(&[0, 1, 77]), self.one(&[0, 6, 99])]);
        }
        let names: [&[u8]; 5] = [b"localhost", b"", b"a\"\\\n", b"lat\xe9n", &[b'a'; 100]];
        let v4: &[u8] = &[127, 0, 0, 1];
        let v6: &[u8] = b"\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";
        let named = event.hook.name() == "getnameinfo";
        let inet: &[u8] = b"\x02\0\x1f\x90\x7f\0\0\x01\0\0\0\0\0\0\0\0";
        let parts = [
            (Part::Address, if named { inet } else { self.one(&[v4, v6]) }),
            (Part::FirstAddress, self.one(&[v4, v6])),
            (Part::Service, self.one(&names)),
            (Part::HostFound, self.one(&names)),
            (Part::Host, self.one(&names)),
        ];
        for (part, bytes) in parts {
            if self.below(2) == 0 {
                let cut = self.below(4) == 0;
                parts::push(&mut event.addr, part, (bytes, cut), 0);
            }
        }
    }

    pub fn event(&mut self) -> Event {
        let mut event = Event::new(&HOOKS[self.below(HOOKS.len() as u64) as usize]);
        let family = self.one(&[libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_NETLINK, 99]);
        let (mut path, mut instead) = (Path::new(), Instead::new());
        let cx = &mut Cx::new(&mut path, INIT_NET, &mut instead);
        let socket = sys_socket(cx, family, self.one(&[libc::SOCK_STREAM, libc::SOCK_DGRAM]), 0).1;
        (event.start, event.ns, event.tid) = (self.word() >> 4, self.word(), self.int());
        event.via_syscall = self.below(8) == 0;
        event.fd = (self.below(4) > 0).then(|| self.int());
        event.args =
            std::array::from_fn(|_| if self.below(2) == 0 { self.int().into() } else { self.word() as i64 });
        event.ret = if self.below(2) == 0 { self.int().into() } else { self.word() as i64 };
        event.errno = (self.below(3) == 0).then(|| self.int());
        event.predicted = match self.below(4) {
            0 => Predicted::Ok,
            1 => Predicted::Errno(Errno(self.int())),
            _ => Predicted::Unknown,
        };
        event.action = self.one(&[Action::Host, Action::Host, Action::Done(1), Action::Fail(Errno(1))]);
        event.reason = self.one(&[
            Reason::HostOwned,
            Reason::FdLife,
            Reason::BadState,
            Reason::ResultUnknown,
            Reason::Mispredicted,
            Reason::ExecStatic,
            Reason::Rule(1),
            Reason::Rule(2),
            Reason::Shim,
            Reason::LogFull,
            Reason::End,
        ]);
        if self.below(4) > 0 {
            (event.ops, event.prot) = (socket.ops, socket.sk.prot);
        }
        event.handler = socket.ops.and_then(|ops| match self.below(5) {
            0 => None,
            1 => Some(func!(sock_no_accept)),
            2 => Some(ops.recvmsg.func),
            _ => Some(ops.sendmsg.func),
        });
        event.extra = match self.below(9) {
            0 => Extra::Address,
            1 => Extra::Text,
            2 => Extra::Pair([self.int(), self.int()]),
            3 => Extra::Value(self.int()),
            4 => Extra::Rights(self.int()),
            5 => Extra::Count(self.word()),
            6 => Extra::Summary,
            _ => Extra::None,
        };
        let texts: [&[u8]; 20] = [
            b"/bin/true",
            b"\x01\0/run/a\"\\\n\xff\0x",
            b"\x01\0\0name",
            b"\x02\0\x1f\x90\x7f\0\0\x01\0\0\0\0\0\0\0\0",
            b"\x10\0\0\0\x05\0\0\0\x0f\0\0\0",
            b"",
            b"\x02",
            b"\x01\0",
            b"\x01\0@name\0",
            b"\x01\0\0\0\x001\xff",
            b"\x0a\0\0\x50\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0",
            b"\x0a\0\0\x50\x0f\x01\x23\x45\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\0\0\0",
            b"\x0a\0\0\x50\0\0\0\0\0\0",
            b"\x11\0\x08\0\x02\0\0\0\x01\0\x04\x06\x02\x42\0\0\0\x01\0\0",
            b"\x11\0\0\x03\x02\0\0\0\0\0\0\0",
            b"\x11\0eth0\0\0\0\0\0\0\0\0\0\0",
            b"\x28\0\0\0\x50\0\0\0\x02\0\0\0\0\0\0\0",
            b"\x28\0\0\0\x50\0\0\0\x02\0\0\0\x01\0\0\0",
            b"\x1d\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0",
            &[b'/'; 129],
        ];
        event.addr = SockAddr::new(self.one(&texts));
        if self.below(4) == 0 {
            event.addr.set_truncated();
        }
        if event.hook.does.resolves() {
            event.extra = Extra::None;
            if self.below(4) > 0 {
                self.resolve(&mut event);
            }
        }
        event.socket = self.one(&[
            None,
            Some(Socket::alloc(INIT_NET.id, libc::AF_PACKET, uapi::SOCK_PACKET)),
            Some(socket),
        ]);
        for _ in 0..self.below(4) * self.below(5) {
            let func = self.one(&[func!(inet_create), func!(inet6_create), func!(security_socket_bind)]);
            event.path.step(func, self.finding(&socket));
        }
        event
    }

    /// An event like one before, as programs make them: the same way through the layer, or all of it but one part.
    pub fn again(&mut self, old: &Event) -> Event {
        let (mut event, other) = (old.clone(), self.event());
        event.ret = other.ret;
        match self.below(7) {
            0 => event.reason = other.reason,
            1 => event.ops = other.ops,
            2 => event.prot = other.prot,
            3 => event.handler = other.handler,
            4 => event.action = other.action,
            5 => event.path = other.path,
            _ => {}
        }
        event
    }
}
