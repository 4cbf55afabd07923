//! What differs between versions of Linux: each question is asked of the running kernel, and its answer must be the one of
//! the kernel's version. Where the tables know the difference, what they are told about this kernel must agree.
//!
//! `docs/kernels.md` is made of these lines.

use crate::kernel::{self, call};
use crate::mutation;
use crate::remembered::Remembered;
use libc::{c_int, c_long};
use sockshim_core::net::differences::{Difference, Version};
use sockshim_core::net::namespace::Facts;
use sockshim_sys as sys;
use std::io::Write;

/// One difference as a question with two answers.
pub struct Question {
    /// The first version with the second answer.
    pub since: Version,
    /// Older versions that have it too: it was taken into their long-term releases.
    also_in: &'static [(u8, u8)],
    /// What the tables call it, if an answer of theirs depends on it.
    known: Option<Difference>,
    question: &'static str,
    answers: [&'static str; 2],
    /// `None` when this kernel lacks what the question is about.
    ask: fn() -> Option<c_int>,
}

/// Taken into the long-term releases of these versions.
const fn also(also_in: &'static [(u8, u8)], question: Question) -> Question {
    Question { also_in, ..question }
}

/// Success, as [`Question::ask`] answers it.
const OK: c_int = 0;

const fn known(
    difference: Difference,
    question: &'static str,
    answers: [&'static str; 2],
    ask: fn() -> Option<c_int>,
) -> Question {
    Question { since: difference.version(), also_in: &[], known: Some(difference), question, answers, ask }
}

const fn other(
    (major, minor): (u8, u8),
    question: &'static str,
    answers: [&'static str; 2],
    ask: fn() -> Option<c_int>,
) -> Question {
    Question { since: Version { major, minor }, also_in: &[], known: None, question, answers, ask }
}

const NEW_OPTION: [&str; 2] = ["ENOPROTOOPT", "ok"];

/// In the order of the versions.
#[rustfmt::skip]
pub const QUESTIONS: &[Question] = &[
    known(Difference::XskRecvmsg, "recv on a new AF_XDP socket", ["EOPNOTSUPP", "ENXIO"],
        || of(libc::AF_XDP, libc::SOCK_RAW, |fd| recv(fd, 0))),
    other((5, 11), "getsockopt SO_PREFER_BUSY_POLL", NEW_OPTION, || socket_option(libc::AF_INET, 69, 4)),
    known(Difference::SendfileToPipe, "sendfile from a UDP socket to a pipe", ["EINVAL", "EAGAIN"], sendfile_to_pipe),
    known(Difference::VsockSeqpacket, "socket(AF_VSOCK, SOCK_SEQPACKET, 0)", ["ESOCKTNOSUPPORT", "ok"], || {
        of(libc::AF_VSOCK, libc::SOCK_STREAM, |_| OK)?;
        Some(new(libc::AF_VSOCK, libc::SOCK_SEQPACKET, 0))
    }),
    other((5, 14), "getsockopt SO_NETNS_COOKIE", NEW_OPTION, || socket_option(libc::AF_INET, 71, 8)),
    other((5, 14), "getsockopt SO_BUF_LOCK", NEW_OPTION, || socket_option(libc::AF_INET, 72, 4)),
    known(Difference::SiocgifconfFirst, "ioctl SIOCGIFCONF on an AF_XDP socket", ["EOPNOTSUPP", "ok"],
        || of(libc::AF_XDP, libc::SOCK_RAW, siocgifconf)),
    other((5, 15), "socket(45 (AF_MCTP), 11, 0), a family and a type out of range", ["EAFNOSUPPORT", "EINVAL"],
        || Some(new(45, 11, 0))),
    other((5, 15), "send MSG_OOB on a connected AF_UNIX stream", ["EOPNOTSUPP", "ok"],
        || Some(on_pair(send_oob))),
    other((5, 15), "ioctl SIOCATMARK on an AF_UNIX stream", ["ENOTTY", "ok"],
        || Some(on_pair(|fd| ioctl(fd, 0x8905)))),
    other((5, 16), "getsockopt SO_RESERVE_MEM", NEW_OPTION, || socket_option(libc::AF_INET, 73, 4)),
    other((5, 18), "getsockopt SO_TXREHASH", NEW_OPTION, || socket_option(libc::AF_INET, 74, 4)),
    other((5, 19), "getsockopt SO_RCVMARK", NEW_OPTION, || socket_option(libc::AF_INET, 75, 4)),
    known(Difference::BluetoothIso, "socket(AF_BLUETOOTH, 0, 8 (BTPROTO_ISO))", ["EINVAL", "EPROTONOSUPPORT"],
        || (new(libc::AF_BLUETOOTH, 0, 0) != libc::EAFNOSUPPORT).then(|| new(libc::AF_BLUETOOTH, 0, 8))),
    also(&[(6, 1)], other((6, 3), "getsockopt IP_LOCAL_PORT_RANGE", NEW_OPTION, || {
        of(libc::AF_INET, libc::SOCK_DGRAM, |fd| getsockopt(fd, libc::SOL_IP, 51, 4))
    })),
    other((6, 5), "getsockopt SO_PASSPIDFD on AF_UNIX", NEW_OPTION, || socket_option(libc::AF_UNIX, 76, 4)),
    known(Difference::OptlenAfterLookup, "setsockopt(-1, SOL_SOCKET, SO_DEBUG, &0, -1)", ["EINVAL", "EBADF"],
        || Some(setsockopt(-1, libc::SO_DEBUG, -1))),
    also(&[(6, 1)], known(Difference::VsockErrorQueue, "recv MSG_ERRQUEUE on a new AF_VSOCK stream", ["ENOTCONN", "EAGAIN"],
        || of(libc::AF_VSOCK, libc::SOCK_STREAM, |fd| recv(fd, libc::MSG_ERRQUEUE)))),
    known(Difference::TcpPeekOff, "setsockopt SO_PEEK_OFF on a TCP socket", ["EOPNOTSUPP", "ok"],
        || of(libc::AF_INET, libc::SOCK_STREAM, |fd| setsockopt(fd, libc::SO_PEEK_OFF, 4))),
    known(Difference::VsockIoctl, "ioctl TIOCGPGRP on an AF_VSOCK stream", ["EOPNOTSUPP", "ENOTTY"],
        || of(libc::AF_VSOCK, libc::SOCK_STREAM, |fd| ioctl(fd, libc::TIOCGPGRP as c_long))),
    other((6, 14), "getsockopt SO_RCVPRIORITY", NEW_OPTION, || socket_option(libc::AF_INET, 82, 4)),
    other((6, 16), "setsockopt SO_PASSCRED on a TCP socket", ["ok", "EOPNOTSUPP"],
        || of(libc::AF_INET, libc::SOCK_STREAM, |fd| setsockopt(fd, libc::SO_PASSCRED, 4))),
    other((6, 16), "getsockopt SO_PASSRIGHTS on AF_UNIX", NEW_OPTION, || socket_option(libc::AF_UNIX, 83, 4)),
    other((6, 17), "setsockopt SO_INQ on an AF_UNIX stream", NEW_OPTION, || {
        of(libc::AF_UNIX, libc::SOCK_STREAM, |fd| setsockopt(fd, 84, 4))
    }),
];

/// Asks everything. `false` when an answer is not the version's.
pub fn run() -> bool {
    let mut out = std::io::stdout().lock();
    let Some(version) = sockshim_host::kernel_version() else {
        let _ = writeln!(out, "  not available: this kernel says no version");
        return true;
    };
    let facts = Remembered::new();
    let mut wrong = 0;
    for question in QUESTIONS {
        let Question { since, question: text, answers, .. } = question;
        let line = match (question.ask)() {
            None => "not here".to_string(),
            Some(answer) => {
                let answer = kernel::name((answer != OK).then_some(sockshim_core::errno::Errno(answer)));
                let is_new = version >= mutation::bound(*since, version)
                    || question.also_in.contains(&(version.major, version.minor));
                // An open answer is never wrong.
                let told = question
                    .known
                    .and_then(|known| facts.since(known))
                    .is_none_or(|known| known.value == is_new);
                if answer != answers[usize::from(is_new)] || !told {
                    wrong += 1;
                    let _ = writeln!(
                        out,
                        "    MISMATCH {text}: the tables say {}, the kernel says {answer}",
                        answers[usize::from(is_new)]
                    );
                }
                answer
            }
        };
        let _ = writeln!(
            out,
            "    | {}.{} | {text} | {} | {} | {line} |",
            since.major, since.minor, answers[0], answers[1]
        );
    }
    let _ = writeln!(out, "  {} differences, {wrong} wrong", QUESTIONS.len());
    wrong == 0
}

/// Whether the running kernel is beside a version with a difference that it can be asked about, so that a version that is off by
/// one can be found.
pub fn can_show_a_wrong_bound() -> bool {
    let Some(running) = sockshim_host::kernel_version() else { return false };
    let is_beside = |question: &&Question| mutation::beside(question.since, running).is_some();
    QUESTIONS.iter().filter(is_beside).any(|question| (question.ask)().is_some())
}

/// The answer of a fresh socket; `None` when there is none.
fn of(family: c_int, ty: c_int, ask: impl FnOnce(c_int) -> c_int) -> Option<c_int> {
    let fd = kernel::socket(family, ty | libc::SOCK_NONBLOCK, 0).ok()? as c_int;
    let answer = ask(fd);
    sys::close(fd);
    Some(answer)
}

/// Whether such a socket can be made.
fn new(family: c_int, ty: c_int, protocol: c_int) -> c_int {
    match kernel::socket(family, ty, protocol) {
        Ok(fd) => {
            sys::close(fd as c_int);
            OK
        }
        Err(errno) => errno.0,
    }
}

/// The answer of one end of a connected pair.
fn on_pair(ask: impl FnOnce(c_int) -> c_int) -> c_int {
    let pair = kernel::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0).expect("a pair");
    let answer = ask(pair[0]);
    pair.into_iter().for_each(sys::close);
    answer
}

/// Whether a stream of the family has this option of SOL_SOCKET.
fn socket_option(family: c_int, name: c_int, len: u32) -> Option<c_int> {
    of(family, libc::SOCK_STREAM, |fd| getsockopt(fd, libc::SOL_SOCKET, name, len))
}

fn getsockopt(fd: c_int, level: c_int, name: c_int, mut len: u32) -> c_int {
    let mut value = [0_u8; 8];
    let args = [fd.into(), level.into(), name.into(), value.as_mut_ptr() as i64, &raw mut len as i64];
    // SAFETY: the value has room for every length that is asked for here.
    answer(unsafe { call(libc::SYS_getsockopt, &args) })
}

fn setsockopt(fd: c_int, name: c_int, len: c_int) -> c_int {
    let value: c_int = 0;
    let args = [fd.into(), libc::SOL_SOCKET.into(), name.into(), &raw const value as i64, len.into()];
    // SAFETY: the value is readable for four bytes, and no other positive length is given.
    answer(unsafe { call(libc::SYS_setsockopt, &args) })
}

fn recv(fd: c_int, flags: c_int) -> c_int {
    // SAFETY: nothing is written to a buffer of no length.
    answer(unsafe { call(libc::SYS_recvfrom, &[fd.into(), 0, 0, (flags | libc::MSG_DONTWAIT).into(), 0, 0]) })
}

fn send_oob(fd: c_int) -> c_int {
    let byte = [1_u8];
    // SAFETY: the byte is readable.
    answer(unsafe {
        call(libc::SYS_sendto, &[fd.into(), byte.as_ptr() as i64, 1, libc::MSG_OOB.into(), 0, 0])
    })
}

fn ioctl(fd: c_int, request: c_long) -> c_int {
    let mut number: c_int = 0;
    // SAFETY: the requests that are made here write one int at most.
    answer(unsafe { call(libc::SYS_ioctl, &[fd.into(), request, &raw mut number as i64]) })
}

fn siocgifconf(fd: c_int) -> c_int {
    // A `struct ifconf` without a buffer: the kernel only says how long the list is.
    let mut list = [0_u8; 16];
    kernel::ioctl(fd, 0x8912, &mut list).map_or_else(|errno| errno.0, |_| OK)
}

fn sendfile_to_pipe() -> Option<c_int> {
    let mut ends: [c_int; 2] = [-1; 2];
    // SAFETY: the array has room for two descriptors.
    unsafe { call(libc::SYS_pipe2, &[ends.as_mut_ptr() as i64, 0]) }.ok()?;
    // SAFETY: takes numbers and a null pointer.
    let send = |fd: c_int| answer(unsafe { call(libc::SYS_sendfile, &[ends[1].into(), fd.into(), 0, 3]) });
    let answer = of(libc::AF_INET, libc::SOCK_DGRAM, send);
    ends.into_iter().for_each(sys::close);
    answer
}

fn answer(answer: kernel::KernelAnswer) -> c_int {
    answer.map_or_else(|errno| errno.0, |_| OK)
}
