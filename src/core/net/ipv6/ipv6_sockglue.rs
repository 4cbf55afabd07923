//! Options of the IPv6 level (`net/ipv6/ipv6_sockglue.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::ipv4::ip_sockglue::{ip_getsockopt, ip_setsockopt};
use crate::net::ops::{Cx, Opt, Socket};
use crate::verdict::{Reason, Verdict};

const OTHER_LEVEL: Verdict = Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation);

/// IPv6 sockets also have IPv4's options, because they can carry IPv4 traffic; raw sockets cannot.
pub fn ipv6_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    match opt.level {
        libc::SOL_IP if sock.ty != libc::SOCK_RAW => ip_setsockopt(cx, opt),
        libc::SOL_IPV6 => cx.ask(func!(ipv6_setsockopt), &"the option"),
        _ => OTHER_LEVEL,
    }
}

/// See [`ipv6_setsockopt`].
pub fn ipv6_getsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    match (opt.level, opt.name) {
        (libc::SOL_IP, _) if sock.ty != libc::SOCK_RAW => ip_getsockopt(cx, opt),
        (libc::SOL_IPV6, libc::IPV6_V6ONLY) => opt.got_unsigned(),
        (libc::SOL_IPV6, _) => cx.ask(func!(ipv6_getsockopt), &"the option"),
        _ => OTHER_LEVEL,
    }
}
