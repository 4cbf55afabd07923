//! What libc's resolver answers: the errors of the calls of `netdb.h`, and how each call reports them.
//!
//! There are three ways. getaddrinfo(3) and getnameinfo(3) return an `EAI_*` code. gethostbyname(3) and its relatives
//! return NULL and set `h_errno`. Their reentrant forms store a null pointer and an error where the arguments say,
//! and return a number of errno(3), which is 0 for a host that is not known.
//!
//! POSIX leaves much of this open. The table in [`Failure::of`] is what glibc 2.36 does when a name server answers
//! with an error, as `src/itest/tests/resolve.rs` asks it.

use crate::hook::{Does, Hook};
use crate::meaning::Meaning;
use crate::number_names;
use crate::uapi::Names;
use libc::c_int;

/// `EAI_ADDRFAMILY`.
pub const EAI_ADDRFAMILY: c_int = -9;
/// `NETDB_INTERNAL`: the error is in errno.
pub const NETDB_INTERNAL: c_int = -1;
/// `HOST_NOT_FOUND`.
pub const HOST_NOT_FOUND: c_int = 1;
/// `TRY_AGAIN`.
pub const TRY_AGAIN: c_int = 2;
/// `NO_RECOVERY`.
pub const NO_RECOVERY: c_int = 3;
/// `NO_DATA`.
pub const NO_DATA: c_int = 4;

/// What getaddrinfo(3) and getnameinfo(3) return.
pub const EAI: Names = number_names!(
    -1 => "EAI_BADFLAGS", -2 => "EAI_NONAME", -3 => "EAI_AGAIN", -4 => "EAI_FAIL", -5 => "EAI_NODATA",
    -6 => "EAI_FAMILY", -7 => "EAI_SOCKTYPE", -8 => "EAI_SERVICE", -9 => "EAI_ADDRFAMILY", -10 => "EAI_MEMORY",
    -11 => "EAI_SYSTEM", -12 => "EAI_OVERFLOW", -104 => "EAI_INTR", -105 => "EAI_IDN_ENCODE",
);

/// The values of `h_errno`.
pub const HOST_ERRORS: Names = number_names!(
    -1 => "NETDB_INTERNAL", 0 => "NETDB_SUCCESS", 1 => "HOST_NOT_FOUND", 2 => "TRY_AGAIN", 3 => "NO_RECOVERY",
    4 => "NO_DATA",
);

/// Flags of getaddrinfo(3)'s hints.
pub const HINT_FLAGS: Names = number_names!(
    0x1 => "AI_PASSIVE", 0x2 => "AI_CANONNAME", 0x4 => "AI_NUMERICHOST", 0x8 => "AI_V4MAPPED", 0x10 => "AI_ALL",
    0x20 => "AI_ADDRCONFIG", 0x40 => "AI_IDN", 0x80 => "AI_CANONIDN", 0x400 => "AI_NUMERICSERV",
);

/// Flags of getnameinfo(3).
pub const NAME_FLAGS: Names = number_names!(
    0x1 => "NI_NUMERICHOST", 0x2 => "NI_NUMERICSERV", 0x4 => "NI_NOFQDN", 0x8 => "NI_NAMEREQD", 0x10 => "NI_DGRAM",
    0x20 => "NI_IDN",
);

/// What came of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resolved {
    /// The error, as [`error_names`] names it; 0 if there is none.
    pub error: c_int,
    /// How many addresses were found.
    pub addresses: u32,
}

/// The names of the errors that a call reports.
pub const fn error_names(does: Does) -> Names {
    match does {
        Does::Resolves => EAI,
        _ => HOST_ERRORS,
    }
}

/// Whether an error of a call says that errno has the error.
pub const fn is_in_errno(does: Does, error: c_int) -> bool {
    match does {
        Does::Resolves => error == libc::EAI_SYSTEM,
        _ => error == NETDB_INTERNAL,
    }
}

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What it returns; 0 is also the null pointer.
    pub ret: c_int,
    /// The error that it reports beside: what the reentrant forms store, and what `h_errno` becomes for the others.
    /// `None` where it leaves that alone.
    pub host_error: Option<c_int>,
    /// What errno becomes; `None` where it stays.
    pub errno: Option<c_int>,
}

impl Failure {
    /// How the hook's call fails for the reason that getaddrinfo(3) would report as `eai`. `errno` is the error behind
    /// `EAI_SYSTEM`.
    pub fn of(hook: &Hook, eai: c_int, errno: c_int) -> Failure {
        // A look-up by address reports a server that does not answer like a host that is not known.
        let by_name = hook.index_of(Meaning::HostName).is_some();
        let again = if by_name { libc::EAGAIN } else { 0 };
        let (host_error, number) = match eai {
            libc::EAI_NONAME => (HOST_NOT_FOUND, 0),
            libc::EAI_AGAIN => (TRY_AGAIN, again),
            libc::EAI_NODATA | EAI_ADDRFAMILY => (NO_DATA, 0),
            libc::EAI_SYSTEM => (NETDB_INTERNAL, errno),
            libc::EAI_MEMORY => (NETDB_INTERNAL, libc::ENOMEM),
            _ => (NO_RECOVERY, 0),
        };
        let asks_server = matches!(host_error, HOST_NOT_FOUND | TRY_AGAIN | NO_DATA) || eai == libc::EAI_FAIL;
        match hook.does {
            Does::Resolves => Failure {
                ret: eai,
                host_error: asks_server.then_some(host_error),
                errno: (number != 0).then_some(number),
            },
            Does::ResolvesHost => Failure { ret: 0, host_error: Some(host_error), errno: Some(number) },
            _ => Failure { ret: number, host_error: Some(host_error), errno: Some(number) },
        }
    }

    /// The error, as [`error_names`] names it.
    pub fn error(&self, does: Does) -> c_int {
        match does {
            Does::Resolves => self.ret,
            _ => self.host_error.unwrap_or(0),
        }
    }
}

/// Whether getaddrinfo(3) takes a service for a port number: like strtoul(3), up to the end.
pub fn is_port(service: &[u8]) -> bool {
    let digits = service.trim_ascii_start();
    let digits = digits.strip_prefix(b"-").or(digits.strip_prefix(b"+")).unwrap_or(digits);
    service.is_empty() || (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Whether a name is an address that is written in numbers, or can be nothing else: nobody is asked for it.
pub fn is_numeric(name: &[u8]) -> bool {
    let digits_and_dots = || {
        name.first().is_some_and(u8::is_ascii_digit)
            && name.last().is_some_and(u8::is_ascii_digit)
            && name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    };
    name.contains(&b':') || digits_and_dots()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook;

    static ADDRINFO: Hook = hook!(Call, Resolves, [], getaddrinfo(node: *const c_char) -> c_int);
    static BY_NAME: Hook = hook!(Call, ResolvesHost, [], gethostbyname(name: *const c_char) -> hostent);
    static BY_NAME_R: Hook = hook!(Call, ResolvesHostInto, [], gethostbyname_r(name: *const c_char) -> c_int);
    static BY_ADDR_R: Hook = hook!(Call, ResolvesHostInto, [], gethostbyaddr_r(addr: *const c_void) -> c_int);

    fn failure(hook: &Hook, eai: c_int) -> (c_int, Option<c_int>, Option<c_int>) {
        let Failure { ret, host_error, errno } = Failure::of(hook, eai, libc::EMFILE);
        (ret, host_error, errno)
    }

    #[test]
    fn each_form_fails_in_its_own_way() {
        assert_eq!(failure(&ADDRINFO, libc::EAI_NONAME), (libc::EAI_NONAME, Some(HOST_NOT_FOUND), None));
        assert_eq!(
            failure(&ADDRINFO, libc::EAI_AGAIN),
            (libc::EAI_AGAIN, Some(TRY_AGAIN), Some(libc::EAGAIN))
        );
        assert_eq!(failure(&ADDRINFO, libc::EAI_SYSTEM), (libc::EAI_SYSTEM, None, Some(libc::EMFILE)));
        assert_eq!(failure(&ADDRINFO, libc::EAI_BADFLAGS), (libc::EAI_BADFLAGS, None, None));
        assert_eq!(failure(&BY_NAME, libc::EAI_NONAME), (0, Some(HOST_NOT_FOUND), Some(0)));
        assert_eq!(failure(&BY_NAME, libc::EAI_MEMORY), (0, Some(NETDB_INTERNAL), Some(libc::ENOMEM)));
        assert_eq!(failure(&BY_NAME_R, libc::EAI_AGAIN), (libc::EAGAIN, Some(TRY_AGAIN), Some(libc::EAGAIN)));
        assert_eq!(failure(&BY_ADDR_R, libc::EAI_AGAIN), (0, Some(TRY_AGAIN), Some(0)));
        assert_eq!(failure(&BY_NAME_R, libc::EAI_FAIL), (0, Some(NO_RECOVERY), Some(0)));
    }

    #[test]
    fn numbers_are_told_from_names() {
        for port in [&b"80"[..], b"", b" +7", b"-1", b"007"] {
            assert!(is_port(port), "{port:?}");
        }
        for name in [&b"http"[..], b"80a", b" ", b"+", b"0x50", b"8 0"] {
            assert!(!is_port(name), "{name:?}");
        }
        for numeric in [&b"127.0.0.1"[..], b"1.2", b"::1", b"fe80::1%eth0", b"1.2.3.4.5"] {
            assert!(is_numeric(numeric), "{numeric:?}");
        }
        for name in [&b"localhost"[..], b"", b"1.2.3.4.in-addr.arpa", b"10.", b".1"] {
            assert!(!is_numeric(name), "{name:?}");
        }
    }
}
