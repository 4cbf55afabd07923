//! The order of checks: which error a call with two or more faults returns.
//!
//! Each call is made with every combination of its faulty arguments, on descriptors that are not sockets and on every
//! kind of socket in several states.

use crate::argument::{Addr, MessageArgument, Pointer::*};
use crate::kernel;
use crate::kinds::{KINDS, Kind};
use crate::remembered::Remembered;
use crate::setting::{ChildOutcome, LABORATORY, Setting, UNPRIVILEGED_LABORATORY};
use crate::subject::{BothAnswers, Subject};
use crate::tally::Tally;
use crate::triples::without_descriptors;
use libc::c_int;
use sockshim_core::net::socket::Lookup;
use sockshim_core::net::{
    namespace::{INIT_NET, Net},
    ops::Cx,
    path::Path,
    socket::sys_socketpair,
};
use sockshim_core::verdict::Instead;
use sockshim_sys as sys;
use std::cell::Cell;
use std::io::Write;

/// Runs with privileges and without. `false` when there was a mismatch.
pub fn run() -> bool {
    let mut equal = true;
    for setting in [&LABORATORY, &UNPRIVILEGED_LABORATORY] {
        equal &= setting.run(|| in_setting(setting)) == ChildOutcome::Equal;
    }
    equal
}

fn in_setting(setting: &Setting) -> bool {
    let facts = Remembered::new();
    let tally = Tally::default();
    without_descriptors(&facts, &tally);
    pairs(&facts, &tally);
    for (name, make) in NOT_SOCKETS {
        let subject = make(&facts);
        all_calls(name, "", &KINDS[0], &|| subject, &tally);
        if !matches!(subject.lookup(None), Lookup::BadFd) {
            sys::close(subject.fd);
        }
    }
    // Closing a packet socket waits for other processors, so there are more threads than processors.
    std::thread::scope(|scope| {
        for kind in KINDS {
            for state in STATES {
                let (facts, tally) = (&facts, &tally);
                scope.spawn(move || in_state(kind, state, facts, tally));
            }
        }
    });
    let (asked, open, different) = tally.figures();
    let share = open as f64 / asked as f64 * 100.0;
    let _ = writeln!(
        std::io::stdout(),
        "  {:<40} {asked} combinations of faults: {different} wrong, {open} left to the host ({share:.1} %)",
        setting.name
    );
    different == 0
}

fn in_state(kind: &Kind, (state, prepare): &(&str, Prepare), facts: &Remembered, tally: &Tally) {
    let make = || {
        let subject = Subject::socket(facts, kind.family, kind.ty, kind.protocol)?;
        prepare(&subject, kind);
        Some(subject)
    };
    if let Some(probe) = make() {
        probe.close();
        all_calls(kind.name, state, kind, &|| make().expect("it could be made before"), tally);
    }
}

type Make = for<'a> fn(&'a Remembered) -> Subject<'a>;

/// Descriptors that are not sockets.
const NOT_SOCKETS: &[(&str, Make)] = &[
    ("closed descriptor", |facts| Subject::other(facts, 4000, Lookup::BadFd)),
    ("descriptor -1", |facts| Subject::other(facts, -1, Lookup::BadFd)),
    ("file", |facts| {
        let fd = sys::open(c"/dev/null", libc::O_RDWR | libc::O_CLOEXEC, 0).unwrap_or(-1);
        Subject::other(facts, fd, Lookup::NotSocket)
    }),
    ("O_PATH descriptor", |facts| {
        let fd = sys::open(c"/dev/null", libc::O_PATH | libc::O_CLOEXEC, 0).unwrap_or(-1);
        Subject::other(facts, fd, Lookup::BadFd)
    }),
];

type Prepare = fn(&Subject, &Kind);

/// The states of a single socket.
const STATES: &[(&str, Prepare)] = &[
    ("fresh", |_, _| {}),
    ("bound", |s, k| {
        s.bind(&k.wildcard());
    }),
    ("listening", |s, k| {
        s.bind(&k.wildcard());
        s.listen(1);
    }),
    ("disconnected", |s, _| {
        s.connect(&Addr::unspec(16));
    }),
    ("connected to itself or in vain", |s, k| {
        s.connect(&k.wildcard());
    }),
    ("shut", |s, _| {
        s.shutdown(libc::SHUT_RDWR);
    }),
];

/// Makes every call with every combination of faults on one descriptor. After a call that may have changed its state,
/// the descriptor is made anew.
fn all_calls<'a>(name: &str, state: &str, kind: &Kind, make: &dyn Fn() -> Subject<'a>, tally: &Tally) {
    let current = Cell::new(None::<Subject>);
    let ask = |what: String, call: &dyn Fn(&Subject) -> BothAnswers| {
        let subject = current.take().unwrap_or_else(make);
        let asked = call(&subject);
        tally.add(asked.predicted, asked.answer.err(), || format!("{name} {state}: {what}"));
        match asked.changed {
            true => subject.close(),
            false => current.set(Some(subject)),
        }
    };
    for addr in addresses(kind) {
        ask(format!("bind {addr}"), &|s| s.bind(&addr));
        ask(format!("connect {addr}"), &|s| s.connect(&addr));
        for (len, buffer, flags) in
            [(1, Good, 0), (0, Good, libc::MSG_OOB), (70_000, Good, 0), (1, Kernel, 0)]
        {
            ask(format!("sendto {len} {buffer:?} {flags} {addr}"), &|s| {
                s.sendto(len, buffer, flags, Some(&addr))
            });
        }
    }
    for backlog in [-1, 0, 5, c_int::MIN] {
        ask(format!("listen {backlog}"), &|s| s.listen(backlog));
    }
    for flags in [0, libc::SOCK_NONBLOCK, libc::SOCK_CLOEXEC, 1, -1] {
        ask(format!("accept4 {flags}"), &|s| s.accept(flags));
    }
    for how in [-1, 0, 1, 2, 3] {
        ask(format!("shutdown {how}"), &|s| s.shutdown(how));
    }
    for peer in [false, true] {
        for (len, len_at, buffer) in [
            (128, Good, Good),
            (-1, Good, Good),
            (0, Good, Bad),
            (16, Good, Bad),
            (16, Bad, Bad),
            (-1, Good, Bad),
        ] {
            let what = format!("getname peer {peer} length {len} {len_at:?} {buffer:?}");
            ask(what, &|s| s.getname(peer, len, len_at, buffer));
        }
    }
    options(&ask);
    data(kind, &ask);
    for request in [libc::FIONREAD, libc::TIOCOUTQ, 0xdead, libc::TCGETS, libc::FIONBIO, 0x8905, 0x8912] {
        if !matches!(make().lookup(None), Lookup::NotSocket) {
            ask(format!("ioctl {request:#x}"), &|s| s.ioctl(request as c_int));
        }
    }
    if let Some(subject) = current.take() {
        subject.close();
    }
}

impl std::fmt::Display for Addr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.copied() {
            Some(Ok(addr)) => write!(f, "address {:?} length {}", addr.bytes(), self.len),
            _ => write!(f, "bad address length {}", self.len),
        }
    }
}

/// Addresses with faults in length, pointer, family, locality and port, alone and combined.
fn addresses(kind: &Kind) -> Vec<Addr> {
    let mut addresses = vec![
        Addr::bad(16),
        Addr::bad(0),
        Addr::bad(-1),
        Addr::bad(200),
        Addr::unspec(1),
        Addr::unspec(2),
        Addr::unspec(16),
        Addr::inet([127, 0, 0, 1], 0),
        Addr::inet([127, 0, 0, 1], 80),
        Addr::inet([127, 0, 0, 1], 80).with_family(0),
        Addr::inet([0; 4], 80).with_family(0),
        Addr::inet([8, 8, 8, 8], 80),
        Addr::inet([8, 8, 8, 8], 80).with_family(99),
        Addr::inet([127, 0, 0, 1], 0).with_len(100),
        Addr::inet6([0; 16], 80),
        Addr::inet6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 80),
    ];
    for family in [None, Some(0), Some(99), Some(libc::AF_INET as u16)] {
        for len in [0, 1, 2, 3, 8, 12, 14, 15, 16, 20, 23, 24, 28, 110, 111, 128, 129, -1, c_int::MIN] {
            let addr = match family {
                None => kind.wildcard(),
                Some(family) => kind.wildcard().with_family(family),
            };
            addresses.push(addr.with_len(len));
        }
    }
    addresses
}

type Ask<'a> = dyn Fn(String, &dyn Fn(&Subject) -> BothAnswers) + 'a;

fn options(ask: &Ask) {
    let names = [
        (libc::SOL_SOCKET, libc::SO_REUSEADDR),
        (libc::SOL_SOCKET, libc::SO_TYPE),
        (libc::SOL_SOCKET, libc::SO_ERROR),
        (libc::SOL_SOCKET, libc::SO_PEEK_OFF),
        (libc::SOL_SOCKET, libc::SO_ACCEPTCONN),
        (libc::SOL_SOCKET, 999),
        (libc::SOL_SOCKET, -1),
        (libc::SOL_IP, libc::IP_TTL),
        (libc::SOL_TCP, libc::TCP_NODELAY),
        (libc::SOL_IPV6, libc::IPV6_V6ONLY),
        (9999, 1),
        (-1, libc::SO_TYPE),
    ];
    for (level, option) in names {
        for (len, len_at, at) in [
            (4, Good, Good),
            (3, Good, Good),
            (0, Good, Bad),
            (-1, Good, Good),
            (-1, Good, Bad),
            (4, Good, Bad),
            (4, Bad, Bad),
            (8, Good, Good),
        ] {
            let what = format!("getsockopt {level} {option} length {len} {len_at:?} {at:?}");
            ask(what, &|s| s.getsockopt(level, option, len, len_at, at));
            if len_at == Good {
                let what = format!("setsockopt {level} {option} length {len} {at:?}");
                ask(what, &|s| s.setsockopt(level, option, 1, len, at));
            }
        }
    }
}

fn data(kind: &Kind, ask: &Ask) {
    const BIT_31: c_int = 1 << 31;
    const UNKNOWN_BIT: c_int = 0x80_0000;
    for flags in [0, libc::MSG_OOB, libc::MSG_ERRQUEUE, libc::MSG_PEEK, UNKNOWN_BIT, BIT_31] {
        for (len, buffer) in [(0, Good), (8, Good), (8, Kernel)] {
            let what = format!("recvfrom {len} {buffer:?} {flags:#x}");
            ask(what, &|s| s.recvfrom(len, buffer, flags));
        }
    }
    for flags in [0, libc::MSG_OOB, UNKNOWN_BIT, BIT_31] {
        for (len, buffer) in [(0, Good), (1, Good), (8, Good), (70_000, Good), (8, Kernel)] {
            let what = format!("sendto {len} {buffer:?} {flags:#x} without address");
            ask(what, &|s| s.sendto(len, buffer, flags, None));
        }
    }
    for message in messages(kind) {
        for flags in [0, libc::MSG_OOB, BIT_31] {
            ask(format!("sendmsg {flags:#x} {message:?}"), &|s| s.sendmsg(&message, None, flags));
            ask(format!("recvmsg {flags:#x} {message:?}"), &|s| s.recvmsg(&message, flags));
        }
        for (count, flags) in [(0, 0), (1, 0), (0, BIT_31), (1, BIT_31)] {
            ask(format!("sendmmsg {count} {flags:#x} {message:?}"), &|s| {
                s.sendmsg(&message, Some(count), flags)
            });
            for timeout in
                [None, Some((Good, 0)), Some((Bad, 0)), Some((Good, -1)), Some((Good, 1_000_000_000))]
            {
                let what = format!("recvmmsg {count} {flags:#x} {timeout:?} {message:?}");
                ask(what, &|s| s.recvmmsg(&message, count, flags, timeout));
            }
        }
    }
}

/// Messages with faults in header, name, parts and control messages.
fn messages(kind: &Kind) -> Vec<MessageArgument> {
    let names = [
        None,
        Some(kind.wildcard()),
        Some(kind.wildcard().with_family(99)),
        Some(kind.wildcard().with_len(0)),
        Some(kind.wildcard().with_len(-1)),
        Some(kind.wildcard().with_len(200)),
        Some(Addr::bad(16)),
        Some(Addr::bad(-1)),
    ];
    let mut messages = vec![MessageArgument { header: Bad, parts: 2000, ..MessageArgument::plain(1) }];
    for name in names {
        let plain = MessageArgument { name, ..MessageArgument::plain(1) };
        messages.extend([
            plain.clone(),
            MessageArgument { parts: 0, ..plain.clone() },
            MessageArgument { parts: 1025, iov: Bad, ..plain.clone() },
            MessageArgument { iov: Bad, ..plain.clone() },
            MessageArgument { len: -1, ..plain.clone() },
            MessageArgument { len: -1, control_len: 1 << 40, ..plain.clone() },
            MessageArgument { control_len: 1 << 40, ..plain.clone() },
            MessageArgument { control_len: 64, control: Bad, ..plain },
        ]);
    }
    messages
}

/// socketpair(2) with a bad pointer to the array.
fn pairs(facts: &Remembered, tally: &Tally) {
    for family in [-1, 0, 1, 2, 16, 17, 29, 40, 99] {
        for ty in [0, 1, 2, 3, 5, 11, 0x10] {
            for protocol in [-1, 0, 1, 6, 263] {
                let mut path = Path::new();
                let mut instead = Instead::new();
                let mut cx = Cx::new(&mut path, Net { facts, ..INIT_NET }, &mut instead);
                let (verdict, _) = sys_socketpair(&mut cx, family, ty, protocol, Bad.copied(()));
                let array = Bad.to(std::ptr::null::<c_int>());
                let args = [family.into(), ty.into(), protocol.into(), array];
                // SAFETY: the kernel checks the pointer.
                let answer = unsafe { kernel::call(libc::SYS_socketpair, &args) };
                tally.add(verdict.predicted, answer.err(), || {
                    format!("socketpair {family} {ty} {protocol} into a bad array")
                });
            }
        }
    }
}
