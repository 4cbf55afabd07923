//! Which of the differences between versions of Linux the running kernel has.
//!
//! It is asked where a question changes nothing. A distribution may have taken a change into an older version, so where a
//! question has failed, the version of uname(2) can only say that the difference is there, and where there is none it decides.

use crate::cache::YesNo;
use crate::probe;
use core::ffi::c_int;
use sockshim_core::decimal::number;
use sockshim_core::net::differences::{Difference, Version};
use sockshim_core::net::namespace::{Fact, Known};
use sockshim_sys as sys;

/// The answers, each asked once: they are built into the kernel.
pub struct Differences([Answer; Difference::ALL.len()]);

struct Answer {
    asked: YesNo,
    version: YesNo,
}

impl Differences {
    pub const fn new() -> Self {
        Differences([const { Answer { asked: YesNo::new(), version: YesNo::new() } }; Difference::ALL.len()])
    }

    /// Whether the kernel has the difference; `count` is called before it is asked.
    pub fn has(&self, difference: Difference, count: impl Fn()) -> Fact<bool> {
        let Answer { asked, version } = self.0.get(difference as usize)?;
        let ask = || {
            count();
            ask(difference)
        };
        match asked.get_or(ask) {
            Some(yes) => Some(Known::probed(yes)),
            None => version
                .get_or(|| Some(kernel_version()? >= difference.version()))
                .filter(|newer| *newer || QUESTIONS[difference as usize].is_none())
                .map(Known::of_version),
        }
    }
}

/// A question that changes nothing: a call on a fresh socket, of a kind that the program has too.
struct Question {
    /// The socket, as socket(2) takes it.
    socket: [u8; 3],
    call: Call,
    /// The error without the difference, and with it; 0 for success.
    without: u8,
    with: u8,
}

/// The call, with what it takes beside the socket.
#[derive(Clone, Copy)]
enum Call {
    /// socket(2) itself.
    Socket,
    /// recv(2) with these flags.
    Recv(u16),
    /// ioctl(2) of this request, without a buffer.
    Ioctl(u16),
    /// setsockopt(2) of SO_PEEK_OFF.
    PeekOff,
    /// setsockopt(2) of a length that no option has, on no socket at all.
    Length,
}

const fn question(socket: [c_int; 3], call: Call, without: c_int, with: c_int) -> Option<Question> {
    let socket = [socket[0] as u8, socket[1] as u8, socket[2] as u8];
    Some(Question { socket, call, without: without as u8, with: with as u8 })
}

const VSOCK: [c_int; 3] = [libc::AF_VSOCK, libc::SOCK_STREAM, 0];
const OK: c_int = 0;
const SIOCGIFCONF: u16 = 0x8912;

/// One for each difference, in the order of [`Difference::ALL`]; none where every question would move data.
#[rustfmt::skip]
static QUESTIONS: [Option<Question>; Difference::ALL.len()] = [
    /* XskRecvmsg */ question([libc::AF_XDP, libc::SOCK_RAW, 0], Call::Recv(0), libc::EOPNOTSUPP, libc::ENXIO),
    /* SendfileToPipe */ None,
    /* VsockSeqpacket */ question([libc::AF_VSOCK, libc::SOCK_SEQPACKET, 0], Call::Socket, libc::ESOCKTNOSUPPORT, OK),
    // Without a list to fill in, whoever gets to it fails.
    /* SiocgifconfFirst */ question(VSOCK, Call::Ioctl(SIOCGIFCONF), libc::EOPNOTSUPP, libc::EFAULT),
    /* BluetoothIso */ question([libc::AF_BLUETOOTH, 0, 8], Call::Socket, libc::EINVAL, libc::EPROTONOSUPPORT),
    /* OptlenAfterLookup */ question([0; 3], Call::Length, libc::EINVAL, libc::EBADF),
    /* VsockErrorQueue */ question(VSOCK, Call::Recv(libc::MSG_ERRQUEUE as u16), libc::ENOTCONN, libc::EAGAIN),
    /* TcpPeekOff */ question([libc::AF_INET, libc::SOCK_STREAM, 0], Call::PeekOff, libc::EOPNOTSUPP, OK),
    /* VsockIoctl */ question(VSOCK, Call::Ioctl(libc::TIOCGPGRP as u16), libc::EOPNOTSUPP, libc::ENOTTY),
];

/// The kernel's answer to the question, if there is one and the answer is one of the two.
fn ask(difference: Difference) -> Option<bool> {
    let Question { socket, call, without, with } = QUESTIONS[difference as usize].as_ref()?;
    let answer = match *call {
        Call::Length => probe::setsockopt(-1, libc::SOL_SOCKET, libc::SO_DEBUG, -1),
        call => {
            let [family, ty, protocol] = socket.map(c_int::from);
            probe::with_socket(family, ty, protocol, |fd| match call {
                Call::Recv(flags) => probe::recv(fd, flags.into()),
                Call::Ioctl(request) => probe::ioctl(fd, request.into()),
                Call::PeekOff => probe::setsockopt(fd, libc::SOL_SOCKET, libc::SO_PEEK_OFF, 4),
                Call::Socket | Call::Length => OK,
            })
        }
    };
    match answer {
        answer if answer == c_int::from(*without) => Some(false),
        answer if answer == c_int::from(*with) => Some(true),
        _ => None,
    }
}

/// The running kernel's version, as uname(2) has it.
pub fn kernel_version() -> Option<Version> {
    version_in(sys::kernel_release(&mut [0; 390])?)
}

/// The version at the beginning of a release; `None` for one that no Linux here has had, such as the 2.6 of the personality
/// UNAME26.
fn version_in(release: &[u8]) -> Option<Version> {
    let mut numbers = release.split(|byte| !byte.is_ascii_digit());
    let mut next = || u8::try_from(number(numbers.next()?)?).ok();
    let version = Version { major: next()?, minor: next()? };
    (version.major > 2).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_begins_with_the_version() {
        let version =
            |release: &str| version_in(release.as_bytes()).map(|version| (version.major, version.minor));
        assert_eq!(version("6.1.0-50-amd64"), Some((6, 1)));
        assert_eq!(version("5.10.0-32-amd64"), Some((5, 10)));
        assert_eq!(version("4.18.0-553.el8_10.x86_64"), Some((4, 18)));
        assert_eq!(version("6.18-rc3"), Some((6, 18)));
        assert_eq!(version("7.0"), Some((7, 0)));
        for none in ["2.6.78-4-amd64", "", "6", "6.", "six.one", "300.1"] {
            assert_eq!(version(none), None, "{none}");
        }
        assert!(kernel_version().is_some());
    }

    #[test]
    fn each_is_asked_once_and_an_answer_has_its_source() {
        let (differences, asked) = (Differences::new(), core::cell::Cell::new(0));
        let ask = || {
            let all =
                Difference::ALL.iter().map(|each| differences.has(*each, || asked.set(asked.get() + 1)));
            all.collect::<Vec<_>>()
        };
        let first = ask();
        assert!(first.iter().all(Option::is_some));
        let lookup = first[Difference::OptlenAfterLookup as usize].expect("an answer");
        assert_eq!(lookup.source, sockshim_core::net::namespace::FactSource::Probe);
        assert_eq!(ask(), first);
        let without_question = first.iter().flatten().filter(|known| known.source != lookup.source).count();
        assert_eq!(asked.get(), first.len() + without_question, "what cannot be asked is tried again");
    }
}
