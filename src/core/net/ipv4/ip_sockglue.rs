//! Options of the IP level (`net/ipv4/ip_sockglue.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::ops::{Cx, Opt};
use crate::verdict::{Reason, Verdict};

/// IPv4's options exist at this level only. At other levels setting and reading answer with different errors.
pub fn ip_setsockopt(cx: &mut Cx, opt: &Opt) -> Verdict {
    match opt.level {
        libc::SOL_IP => cx.ask(func!(ip_setsockopt), &"the option"),
        _ => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
    }
}

/// See [`ip_setsockopt`].
pub fn ip_getsockopt(cx: &mut Cx, opt: &Opt) -> Verdict {
    match (opt.level, opt.name) {
        (libc::SOL_IP, libc::IP_TOS | libc::IP_TTL) => opt.got(),
        (libc::SOL_IP, _) => cx.ask(func!(ip_getsockopt), &"the option"),
        _ => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
    }
}
