//! Every operation on every kind of fresh socket: which function handles it, and what it returns.

use crate::argument::{Addr, MessageArgument, Pointer};
use crate::kernel;
use crate::kinds::{KINDS, Kind};
use crate::remembered::Remembered;
use crate::setting::{ChildOutcome, LABORATORY, Setting, UNPRIVILEGED_LABORATORY};
use crate::subject::{BothAnswers, Subject};
use crate::tally::{Comparison, compare, prediction};
use libc::c_int;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// The largest share of cells for which the prediction may be open.
const LEFT_TO_THE_HOST: f64 = 0.05;

/// Receives one cell of the matrix, or one of several results in it.
type Visitor<'a> = dyn FnMut(&str, BothAnswers) + 'a;

/// An operation: its name, and how it is performed on a fresh socket.
struct Operation {
    name: &'static str,
    run: fn(&Subject, &Kind, &mut Visitor),
}

macro_rules! operations {
    ($($name:literal: |$s:ident, $k:pat_param| $call:expr;)*) => {
        &[$(Operation { name: $name, run: |$s, $k, sink| sink("", $call) },)*]
    };
}

use Pointer::{Bad, Good};

const SO_PEEK_OFF: c_int = libc::SO_PEEK_OFF;
const BIT_31: c_int = 1 << 31;

/// The operations with one result.
const SINGLE: &[Operation] = operations! {
    "SO_DOMAIN": |s, _| s.getsockopt(libc::SOL_SOCKET, libc::SO_DOMAIN, 4, Good, Good);
    "SO_TYPE": |s, _| s.getsockopt(libc::SOL_SOCKET, libc::SO_TYPE, 4, Good, Good);
    "SO_PROTOCOL": |s, _| s.getsockopt(libc::SOL_SOCKET, libc::SO_PROTOCOL, 4, Good, Good);
    "SO_ACCEPTCONN": |s, _| s.getsockopt(libc::SOL_SOCKET, libc::SO_ACCEPTCONN, 4, Good, Good);
    "SO_ERROR": |s, _| s.getsockopt(libc::SOL_SOCKET, libc::SO_ERROR, 4, Good, Good);
    "get SOL_SOCKET 999": |s, _| s.getsockopt(libc::SOL_SOCKET, 999, 4, Good, Good);
    "get SOL_IP IP_TTL": |s, _| s.getsockopt(libc::SOL_IP, libc::IP_TTL, 4, Good, Good);
    "get SOL_TCP TCP_NODELAY": |s, _| s.getsockopt(libc::SOL_TCP, libc::TCP_NODELAY, 4, Good, Good);
    "get SOL_IPV6 IPV6_V6ONLY": |s, _| s.getsockopt(libc::SOL_IPV6, libc::IPV6_V6ONLY, 4, Good, Good);
    "get level 9999": |s, _| s.getsockopt(9999, 1, 4, Good, Good);
    "set SOL_SOCKET 999": |s, _| s.setsockopt(libc::SOL_SOCKET, 999, 1, 4, Good);
    "set SO_REUSEADDR": |s, _| s.setsockopt(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1, 4, Good);
    "set SO_REUSEADDR length 3": |s, _| s.setsockopt(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1, 3, Good);
    "set SO_REUSEADDR length -1": |s, _| s.setsockopt(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1, -1, Good);
    "set SO_REUSEADDR bad pointer": |s, _| s.setsockopt(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1, 4, Bad);
    "set SO_TYPE": |s, _| s.setsockopt(libc::SOL_SOCKET, libc::SO_TYPE, 1, 4, Good);
    "set SO_RCVLOWAT": |s, _| s.setsockopt(libc::SOL_SOCKET, libc::SO_RCVLOWAT, 1, 4, Good);
    "set SO_KEEPALIVE": |s, _| s.setsockopt(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1, 4, Good);
    "set SO_PEEK_OFF": |s, _| s.setsockopt(libc::SOL_SOCKET, SO_PEEK_OFF, 0, 4, Good);
    "set SOL_TCP TCP_NODELAY": |s, _| s.setsockopt(libc::SOL_TCP, libc::TCP_NODELAY, 1, 4, Good);
    "set level 9999": |s, _| s.setsockopt(9999, 1, 1, 4, Good);
    "bind length 0": |s, k| s.bind(&k.local(0).with_len(0));
    "bind length 2": |s, k| s.bind(&k.local(0).with_len(2));
    "bind length -1": |s, k| s.bind(&k.local(0).with_len(-1));
    "bind length 129": |s, k| s.bind(&k.local(0).with_len(129));
    "bind bad pointer": |s, _| s.bind(&Addr::bad(16));
    "bind AF_UNSPEC wildcard": |s, _| s.bind(&Addr::inet([0; 4], 0).with_family(0));
    "bind AF_UNSPEC 127.0.0.1": |s, _| s.bind(&Addr::inet([127, 0, 0, 1], 0).with_family(0));
    "bind family 99": |s, k| s.bind(&k.local(0).with_family(99));
    "bind wildcard": |s, k| s.bind(&k.wildcard());
    "bind loopback": |s, k| s.bind(&k.local(0));
    "listen": |s, _| s.listen(5);
    "accept": |s, _| s.accept(0);
    "accept bad flags": |s, _| s.accept(1);
    "connect length 0": |s, k| s.connect(&k.nobody().with_len(0));
    "connect length 1": |s, k| s.connect(&k.nobody().with_len(1));
    "connect length 2": |s, k| s.connect(&k.nobody().with_len(2));
    "connect length -1": |s, k| s.connect(&k.nobody().with_len(-1));
    "connect length 129": |s, k| s.connect(&k.nobody().with_len(129));
    "connect bad pointer": |s, _| s.connect(&Addr::bad(16));
    "connect AF_UNSPEC": |s, _| s.connect(&Addr::unspec(2));
    "connect family 99": |s, k| s.connect(&k.nobody().with_family(99));
    "connect": |s, k| s.connect(&k.nobody());
    "getsockname": |s, _| s.getname(false, 128, Good, Good);
    "getsockname length -1": |s, _| s.getname(false, -1, Good, Good);
    "getsockname bad pointer": |s, _| s.getname(false, 128, Good, Bad);
    "getpeername": |s, _| s.getname(true, 128, Good, Good);
    "getpeername bad length": |s, _| s.getname(true, 128, Bad, Good);
    "send": |s, _| s.sendto(1, Good, 0, None);
    "send nothing": |s, _| s.sendto(0, Good, 0, None);
    "write": |s, _| s.write(1);
    "write nothing": |s, _| s.write(0);
    "sendto length 1": |s, k| s.sendto(1, Good, 0, Some(&k.nobody().with_len(1)));
    "sendto family 99": |s, k| s.sendto(1, Good, 0, Some(&k.nobody().with_family(99)));
    "sendto bad address": |s, _| s.sendto(1, Good, 0, Some(&Addr::bad(16)));
    "sendto length 129": |s, k| s.sendto(1, Good, 0, Some(&k.nobody().with_len(129)));
    "send MSG_OOB": |s, _| s.sendto(1, Good, libc::MSG_OOB, None);
    "send bad buffer": |s, _| s.sendto(1, Pointer::Kernel, 0, None);
    "sendmsg": |s, _| s.sendmsg(&MessageArgument::plain(1), None, 0);
    "sendmsg bad header": |s, _| s.sendmsg(&MessageArgument { header: Bad, ..MessageArgument::plain(1) }, None, 0);
    "sendmsg 1025 parts": |s, _| s.sendmsg(&MessageArgument { parts: 1025, ..MessageArgument::plain(1) }, None, 0);
    "sendmsg bit 31": |s, _| s.sendmsg(&MessageArgument::plain(1), None, BIT_31);
    "sendmmsg none": |s, _| s.sendmsg(&MessageArgument::plain(1), Some(0), 0);
    "sendmmsg one": |s, _| s.sendmsg(&MessageArgument::plain(1), Some(1), 0);
    "recv": |s, _| s.recvfrom(8, Good, 0);
    "recv nothing": |s, _| s.recvfrom(0, Good, 0);
    "read": |s, _| s.read(8);
    "read nothing": |s, _| s.read(0);
    "recv MSG_OOB": |s, _| s.recvfrom(8, Good, libc::MSG_OOB);
    "recv MSG_ERRQUEUE": |s, _| s.recvfrom(8, Good, libc::MSG_ERRQUEUE);
    "recvmsg": |s, _| s.recvmsg(&MessageArgument::plain(8), 0);
    "recvmsg bit 31": |s, _| s.recvmsg(&MessageArgument::plain(8), BIT_31);
    "recvmsg bad header": |s, _| s.recvmsg(&MessageArgument { header: Bad, ..MessageArgument::plain(8) }, 0);
    "recvmmsg none": |s, _| s.recvmmsg(&MessageArgument::plain(8), 0, 0, None);
    "recvmmsg bad timeout": |s, _| s.recvmmsg(&MessageArgument::plain(8), 1, 0, Some((Good, -1)));
    "shutdown -1": |s, _| s.shutdown(-1);
    "shutdown 0": |s, _| s.shutdown(0);
    "shutdown 1": |s, _| s.shutdown(1);
    "shutdown 2": |s, _| s.shutdown(2);
    "shutdown 3": |s, _| s.shutdown(3);
    "ioctl FIONREAD": |s, _| s.ioctl(libc::FIONREAD as c_int);
    "ioctl TIOCOUTQ": |s, _| s.ioctl(libc::TIOCOUTQ as c_int);
    "ioctl 0xdead": |s, _| s.ioctl(0xdead);
    "ioctl SIOCATMARK": |s, _| s.ioctl(0x8905);
    "ioctl SIOCGSTAMP": |s, _| s.ioctl(0x8906);
    "ioctl FIONBIO": |s, _| s.ioctl(libc::FIONBIO as c_int);
    "ioctl TCGETS": |s, _| s.ioctl(libc::TCGETS as c_int);
    "ioctl SIOCGIFCONF": |s, _| s.ioctl(0x8912);
    "mmap": |s, _| s.mmap();
    "splice from": |s, _| s.splice_read();
    "splice to": |s, _| s.splice_write();
    "sendfile to": |s, _| s.sendfile_to();
    "sendfile from to a device": |s, _| s.sendfile_from();
    "sendfile from to a pipe": |s, _| s.sendfile_to_pipe();
};

/// The operations with several results, one after the other.
const SEQUENCES: &[Operation] = &[
    Operation {
        name: "bind twice",
        run: |s, k, sink| {
            sink(" 1", s.bind(&k.wildcard()));
            sink(" 2", s.bind(&k.wildcard()));
        },
    },
    Operation {
        name: "bind and listen",
        run: |s, k, sink| {
            sink(" bind", s.bind(&k.wildcard()));
            sink(" listen", s.listen(5));
            sink(" SO_ACCEPTCONN", s.getsockopt(libc::SOL_SOCKET, libc::SO_ACCEPTCONN, 4, Good, Good));
            sink(" listen again", s.listen(5));
            sink(" getpeername", s.getname(true, 128, Good, Good));
            sink(" send", s.sendto(1, Good, 0, None));
            sink(" connect", s.connect(&k.nobody().with_family(99)));
            sink(" bind again", s.bind(&k.wildcard()));
            sink(" FIONREAD", s.ioctl(libc::FIONREAD as c_int));
        },
    },
    Operation {
        name: "listen unbound",
        run: |s, k, sink| {
            sink(" listen", s.listen(0));
            sink(" shutdown", s.shutdown(libc::SHUT_RDWR));
            sink(" accept", s.accept(0));
            sink(" bind", s.bind(&k.wildcard()));
        },
    },
    Operation {
        name: "shut in vain, then receive",
        run: |s, _, sink| {
            sink(" shutdown", s.shutdown(libc::SHUT_RD));
            sink(" recv", s.recvfrom(8, Good, 0));
        },
    },
];

/// Runs the matrix in the laboratory, with privileges and without. `false` when a cell is wrong or too many are open.
pub fn run() -> bool {
    let mut equal = true;
    for setting in [&LABORATORY, &UNPRIVILEGED_LABORATORY] {
        equal &= setting.run(|| in_setting(setting)) == ChildOutcome::Equal;
    }
    equal
}

#[derive(Default)]
struct Open {
    kinds: BTreeSet<&'static str>,
}

fn in_setting(setting: &Setting) -> bool {
    let facts = Remembered::new();
    let (mut cells, mut wrong, mut left) = (0_u32, 0_u32, 0_u32);
    let mut open: BTreeMap<(String, &'static str), Open> = BTreeMap::new();
    let mut offered = 0;
    for kind in KINDS {
        let Some(probe) = Subject::socket(&facts, kind.family, kind.ty, kind.protocol) else { continue };
        probe.close();
        offered += 1;
        for operation in SINGLE.iter().chain(SEQUENCES) {
            let Some(subject) = Subject::socket(&facts, kind.family, kind.ty, kind.protocol) else {
                continue;
            };
            (operation.run)(&subject, kind, &mut |step, asked| {
                cells += 1;
                let name = format!("{}{step}", operation.name);
                let handler = asked.handler.map_or("none", |func| func.name());
                match compare(asked.predicted, asked.answer.err()) {
                    Comparison::Equal => {}
                    Comparison::Open => {
                        left += 1;
                        open.entry((name, asked.why)).or_default().kinds.insert(kind.name);
                    }
                    Comparison::Different => {
                        wrong += 1;
                        let _ = writeln!(
                            std::io::stdout(),
                            "    MISMATCH {} {name}: {handler} predicted {}, the kernel says {}",
                            kind.name,
                            prediction(asked.predicted),
                            kernel::name(asked.answer.err()),
                        );
                    }
                }
            });
            subject.close();
        }
    }
    let share = f64::from(left) / f64::from(cells);
    let _ = writeln!(
        std::io::stdout(),
        "  {:<40} {offered} kinds, {cells} cells: {wrong} wrong, {left} left to the host ({:.1} %)",
        setting.name,
        share * 100.0,
    );
    for ((name, why), Open { kinds }) in &open {
        let kinds: Vec<_> = kinds.iter().copied().collect();
        let _ = writeln!(std::io::stdout(), "      {name:<28} {why:<52} {}", kinds.join(" "));
    }
    wrong == 0 && share < LEFT_TO_THE_HOST
}
