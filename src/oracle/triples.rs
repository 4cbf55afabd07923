//! socket(2) and socketpair(2) over their whole argument space.

use crate::kernel;
use crate::remembered::Remembered;
use crate::setting::{ChildOutcome, SETTINGS, Setting};
use crate::tally::{Comparison, Tally, compare};
use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::net::namespace::{INIT_NET, Net};
use sockshim_core::net::ops::{Cx, Socket};
use sockshim_core::net::path::Path;
use sockshim_core::net::socket::{sys_socket, sys_socketpair};
use sockshim_core::uapi::SOCK_PACKET;
use sockshim_core::verdict::{Instead, Predicted, Verdict};
use sockshim_sys as sys;
use std::io::Write;
use std::time::Instant;

/// A family, a type argument and a protocol.
type Triple = (c_int, c_int, c_int);

/// Which of the two calls is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// socket(2).
    Socket,
    /// socketpair(2).
    Pair,
}

/// How much may be left to the host, in percent: some checks of modules depend on other modules.
const LEFT_TO_THE_HOST: f64 = 5.0;

/// Closing a packet socket waits until no processor can still use it. With many threads, the waits overlap.
const PATIENT_THREADS: usize = 64;

/// Compares in every setting. `false` when there was a mismatch.
pub fn run(call: Creation) -> bool {
    let mut equal = true;
    for setting in SETTINGS {
        equal &= setting.run(|| in_setting(setting, call)) != ChildOutcome::Different;
    }
    equal
}

fn in_setting(setting: &Setting, call: Creation) -> bool {
    let begin = Instant::now();
    let facts = Remembered::new();
    let (triples, extremes) = (Tally::default(), Tally::default());
    ask_all(&all_triples(), call, &facts, &triples);
    ask_all(&flags_and_extremes(), call, &facts, &extremes);
    let ((asked, open, different), (more, more_open, more_different)) =
        (triples.figures(), extremes.figures());
    let (open, wrong) = (open + more_open, different + more_different);
    let share = open as f64 * 100.0 / (asked + more) as f64;
    let _ = writeln!(
        std::io::stdout(),
        "  {:<40} {asked} triples, {more} flags and extremes: {wrong} wrong, {open} left to the host ({share:.1} %), {} facts asked, {:.1} s\n      {}",
        setting.name,
        facts.questions(),
        begin.elapsed().as_secs_f32(),
        triples.answers(),
    );
    wrong == 0 && share < LEFT_TO_THE_HOST
}

fn all_triples() -> Vec<Triple> {
    let mut triples = Vec::new();
    for family in -2..=50 {
        for ty in -1..=16 {
            triples.extend((-1..=300).map(|protocol| (family, ty, protocol)));
        }
    }
    triples
}

/// All bits of the type argument, and the extremes of all ranges, combined with each other.
fn flags_and_extremes() -> Vec<Triple> {
    const ENDS: [c_int; 10] = [c_int::MIN, -65_536, -1, 45, 46, 255, 256, 258, 65_538, c_int::MAX];
    const FAMILIES: [c_int; 12] = [-1, 0, 1, 2, 10, 16, 17, 29, 40, 44, 46, 99];
    const PROTOCOLS: [c_int; 12] = [-1, 0, 1, 6, 17, 40, 58, 132, 255, 262, 263, 65_542];
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let mut triples = Vec::new();
    for family in FAMILIES {
        for protocol in PROTOCOLS {
            for bit in 0..32 {
                let types = [0, 1, 2, 3, 5, 10, 11].into_iter();
                triples.extend(types.flat_map(|ty| {
                    let one = ty | 1 << bit;
                    [(family, one, protocol), (family, one | flags, protocol)]
                }));
            }
            triples.extend(ENDS.map(|ty| (family, ty, protocol)));
        }
        triples.extend(ENDS.map(|protocol| (family, libc::SOCK_STREAM, protocol)));
        triples.extend(ENDS.map(|protocol| (family, libc::SOCK_RAW, protocol)));
    }
    for family in ENDS {
        for ty in ENDS {
            triples.extend(ENDS.map(|protocol| (family, ty, protocol)));
        }
    }
    triples
}

fn ask_all(triples: &[Triple], call: Creation, facts: &Remembered, tally: &Tally) {
    let is_packet = |(family, ty, _): &Triple| {
        *family == libc::AF_PACKET || (*family == libc::AF_INET && ty & 0xf == SOCK_PACKET)
    };
    let (packet, other): (Vec<Triple>, Vec<Triple>) = triples.iter().copied().partition(is_packet);
    // How long a close takes differs from socket to socket, so each thread takes the next triple when it is done with one.
    let (sender, receiver) = crossbeam_channel::unbounded();
    packet.into_iter().for_each(|triple| sender.send(triple).expect("there is a receiver"));
    drop(sender);
    std::thread::scope(|scope| {
        for _ in 0..PATIENT_THREADS {
            let triples = receiver.iter();
            scope.spawn(move || triples.for_each(|triple| ask(triple, call, facts, tally)));
        }
        other.iter().for_each(|triple| ask(*triple, call, facts, tally));
    });
}

fn ask(triple: Triple, call: Creation, facts: &Remembered, tally: &Tally) {
    let (verdict, expected) = predict(triple, call, facts);
    let answer = match call {
        Creation::Socket => {
            let (family, ty, protocol) = triple;
            kernel::socket(family, ty, protocol).map(|fd| [fd as c_int, -1])
        }
        Creation::Pair => kernel::socketpair(triple.0, triple.1, triple.2),
    };
    let mut comparison = compare(verdict.predicted, answer.err());
    let mut what = String::new();
    if let Ok(fds) = answer {
        for fd in fds.into_iter().filter(|fd| *fd >= 0) {
            if let Err(difference) = same_socket(fd, &expected, triple.1) {
                comparison = Comparison::Different;
                what = difference;
            }
            sys::close(fd);
        }
    }
    tally.count(comparison, answer.err(), || {
        let predicted = crate::tally::prediction(verdict.predicted);
        format!("{triple:?}: predicted {predicted}, the kernel says {}{what}", kernel::name(answer.err()))
    });
}

/// The answer of the tables.
pub fn predict((family, ty, protocol): Triple, call: Creation, facts: &Remembered) -> (Verdict, Socket) {
    let mut path = Path::new();
    let mut instead = Instead::new();
    let mut cx = Cx::new(&mut path, Net { facts, ..INIT_NET }, &mut instead);
    match call {
        Creation::Socket => sys_socket(&mut cx, family, ty, protocol),
        Creation::Pair => sys_socketpair(&mut cx, family, ty, protocol, Some(Ok(()))),
    }
}

/// Whether the kernel's socket has the family, type and protocol of the expected one, and the requested flags.
fn same_socket(fd: c_int, expected: &Socket, type_arg: c_int) -> Result<(), String> {
    let option = |option| sys::getsockopt_int(fd, option).unwrap_or(-1);
    let actual = (option(libc::SO_DOMAIN), option(libc::SO_TYPE), option(libc::SO_PROTOCOL));
    let sock = (expected.sk.family, expected.ty, c_int::from(expected.sk.protocol));
    if actual != sock {
        return Err(format!(", as {actual:?} instead of {sock:?}"));
    }
    let file = kernel::fcntl(fd, libc::F_GETFL, 0).unwrap_or(0) as c_int & libc::O_NONBLOCK;
    let descriptor = kernel::fcntl(fd, libc::F_GETFD, 0).unwrap_or(0) as c_int & libc::FD_CLOEXEC;
    let asked = (type_arg & libc::SOCK_NONBLOCK != 0, type_arg & libc::SOCK_CLOEXEC != 0);
    if (file != 0, descriptor != 0) != asked {
        return Err(", with other flags than were asked for".to_string());
    }
    Ok(())
}

/// With no descriptor free: socket(2) reports it only if nothing else is wrong, socketpair(2) before all but bad
/// flags.
pub fn without_descriptors(facts: &Remembered, tally: &Tally) {
    let all = [-1, 0, 1, 2, 3, 10, 16, 17, 29, 40, 46, 99];
    let mut questions = Vec::new();
    for family in all {
        for ty in [0, 1, 2, 3, 5, 11, 0x10] {
            for protocol in [-1, 0, 1, 6, 99, 263] {
                let triple = (family, ty, protocol);
                let plain = predict(triple, Creation::Socket, facts).0.predicted;
                let single = if plain == Predicted::Ok { Predicted::Errno(Errno::EMFILE) } else { plain };
                let bad_flags = ty & !0xf != 0;
                let pair = if bad_flags { Errno::EINVAL } else { Errno::EMFILE };
                questions.push((triple, single, Predicted::Errno(pair)));
            }
        }
    }
    // The lowest free descriptor becomes the first one beyond the limit.
    let free = kernel::must("dup", kernel::fcntl(0, libc::F_DUPFD, 0));
    sys::close(free as c_int);
    kernel::limit_descriptors(free as u64, None);
    let answers: Vec<_> = questions
        .iter()
        .map(|((family, ty, protocol), ..)| {
            (kernel::socket(*family, *ty, *protocol).err(), kernel::socketpair(*family, *ty, *protocol).err())
        })
        .collect();
    kernel::limit_descriptors(4096, None);
    for ((triple, single, pair), (one, two)) in questions.into_iter().zip(answers) {
        tally.add(single, one, || format!("socket{triple:?} without a free descriptor"));
        tally.add(pair, two, || format!("socketpair{triple:?} without a free descriptor"));
    }
}
