//! setsockopt(2), getsockopt(2), ioctl(2), mmap(2).

use super::{Copied, Lookup, handler, settled, sockfd_lookup_light};
use crate::errno::Errno;
use crate::func;
use crate::net::differences::Difference;
use crate::net::ops::{Cx, ENOIOCTLCMD, Opt, ProtoOps, Socket};
use crate::net::path::{Finding, Func};
use crate::net::security::{security_socket_getsockopt, security_socket_setsockopt};
use crate::net::sockopt::{sk_getsockopt, sock_setsockopt};
use crate::uapi::IOCTL_GENERIC;
use crate::verdict::{Change, Predicted, Reason, Verdict};
use libc::c_int;

/// The handler of a socket option: the generic one for SOL_SOCKET, else the ops' own. Some ops also handle SOL_SOCKET
/// when a value is set.
pub fn option_handler(ops: &'static ProtoOps, level: c_int, set: bool) -> Option<Func> {
    match (level, set) {
        (libc::SOL_SOCKET, true) if !ops.custom_sol_socket => Some(func!(sock_setsockopt)),
        (libc::SOL_SOCKET, false) => Some(func!(sk_getsockopt)),
        (_, true) => ops.setsockopt.map(|op| op.func),
        (_, false) => ops.getsockopt.map(|op| op.func),
    }
}

/// setsockopt(2). `value` is the int at `optval`.
pub fn sys_setsockopt(
    cx: &mut Cx,
    lookup: Lookup,
    level: c_int,
    optname: c_int,
    value: Copied<c_int>,
    optlen: c_int,
) -> Verdict {
    settled((|| {
        let refused = optlen < 0 && looks_at_length_first(cx, lookup)?;
        let found = if refused { None } else { Some(sockfd_lookup_light(cx, lookup)?) };
        let Some((sock, ops)) = found.filter(|_| optlen >= 0) else {
            cx.path.step(func!(do_sock_setsockopt), Finding::Errno(Errno::EINVAL));
            return Err(Verdict::errno(Errno::EINVAL, Reason::BadArgument));
        };
        security_socket_setsockopt(cx, sock, level, optname)?;
        let opt = Opt { level, name: optname, len: Some(Ok(optlen)), value };
        if level == libc::SOL_SOCKET && !ops.custom_sol_socket {
            cx.path.step(func!(sock_setsockopt), Finding::Passed);
            return Ok(unsettled(sock, &opt, sock_setsockopt(cx, sock, &opt)));
        }
        let Some(op) = ops.setsockopt else {
            cx.path.step(func!(do_sock_setsockopt), Finding::Errno(Errno::EOPNOTSUPP));
            return Err(Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation));
        };
        let verdict = handler!(cx, op, sock, &opt);
        Ok(unsettled(sock, &opt, verdict))
    })())
}

/// Whether the kernel refuses a length that no option can have before it looks the descriptor up, as older ones do. It makes
/// no difference for a socket.
#[cold]
#[inline(never)]
fn looks_at_length_first(cx: &mut Cx, lookup: Lookup) -> Result<bool, Verdict> {
    if matches!(lookup, Lookup::Socket(_)) {
        return Ok(false);
    }
    let late = cx.since(func!(do_sock_setsockopt), Difference::OptlenAfterLookup);
    late.map(|late| !late).ok_or(Verdict::ask())
}

/// Marks options after which a socket can be bound by calls other than bind.
#[inline]
fn unsettled(sock: &Socket, opt: &Opt, verdict: Verdict) -> Verdict {
    if unsettles(sock.sk.family, opt.level, opt.name) { verdict.then(Change::Unsettle) } else { verdict }
}

/// Whether the option changes what is remembered of a socket of this family, once it is set.
pub fn unsettles(family: c_int, level: c_int, optname: c_int) -> bool {
    const SO_PASSSEC: c_int = 34;
    const SO_PASSPIDFD: c_int = 76;
    const SO_PASSRIGHTS: c_int = 83;
    const PACKET_FANOUT: c_int = 18;
    match (family, level, optname) {
        // The next connect or send binds the socket first.
        (libc::AF_UNIX, libc::SOL_SOCKET, libc::SO_PASSCRED | SO_PASSSEC | SO_PASSPIDFD | SO_PASSRIGHTS) => {
            true
        }
        // The next bind takes no port.
        (libc::AF_INET | libc::AF_INET6, libc::SOL_IP, libc::IP_BIND_ADDRESS_NO_PORT) => true,
        // The next bind is refused.
        (libc::AF_PACKET, libc::SOL_PACKET, PACKET_FANOUT) => true,
        _ => false,
    }
}

/// getsockopt(2). `optlen` is the int that the argument points to; of `value` only matters whether it is writable.
pub fn sys_getsockopt(
    cx: &mut Cx,
    lookup: Lookup,
    level: c_int,
    optname: c_int,
    value: Copied<c_int>,
    optlen: Copied<c_int>,
) -> Verdict {
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        security_socket_getsockopt(cx, sock, level, optname)?;
        let opt = Opt { level, name: optname, len: optlen, value };
        if level == libc::SOL_SOCKET {
            cx.path.step(func!(sk_getsockopt), Finding::Passed);
            return Ok(sk_getsockopt(cx, sock, &opt));
        }
        let Some(op) = ops.getsockopt else {
            cx.path.step(func!(do_sock_getsockopt), Finding::Errno(Errno::EOPNOTSUPP));
            return Err(Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation));
        };
        Ok(handler!(cx, op, sock, &opt))
    })())
}

/// `_IOC_TYPE` of the requests that belong to sockets (`SOCK_IOC_TYPE`).
const SOCK_IOC_TYPE: u32 = 0x89;

/// ioctl(2) on a socket. Requests that every file or every socket understands are answered before the handler is
/// reached. Requests that the handler does not know go to the network devices, if they look like device requests.
pub fn sys_ioctl(cx: &mut Cx, lookup: Lookup, request: c_int) -> Verdict {
    const SIOCGSTAMP_OLD: c_int = 0x8906;
    const SIOCGSTAMPNS_OLD: c_int = 0x8907;
    const SIOCGIFCONF: c_int = 0x8912;
    settled((|| {
        let (sock, ops) = sockfd_lookup_light(cx, lookup)?;
        match request as u64 {
            libc::FIONBIO | libc::FIOCLEX | libc::FIONCLEX => {
                cx.path.step(func!(do_vfs_ioctl), Finding::Value(i64::from(request)));
                return Ok(Verdict::ok());
            }
            _ => cx.path.step(func!(sock_ioctl), Finding::Value(i64::from(request))),
        }
        match request {
            SIOCGIFCONF => return Ok(siocgifconf(cx, ops)),
            SIOCGSTAMP_OLD | SIOCGSTAMPNS_OLD => {
                let Some(gettstamp) = ops.gettstamp else {
                    return Ok(Verdict::errno(Errno::ENOTTY, Reason::NoOperation));
                };
                // There is no time stamp before something was received.
                return Ok(match sock.sees_no_traffic() {
                    true => {
                        cx.path.step(gettstamp, Finding::Passed);
                        Verdict::errno(Errno::ENOENT, Reason::BadState)
                    }
                    false => cx.ask(gettstamp, &"when something was received last"),
                });
            }
            _ if IOCTL_GENERIC.has(request) => return Ok(Verdict::ask()),
            _ => {}
        }
        let verdict = handler!(cx, ops.ioctl, sock, request);
        if verdict.predicted != Predicted::Errno(ENOIOCTLCMD) {
            return Ok(verdict);
        }
        if (request as u32 >> 8) & 0xff == SOCK_IOC_TYPE && !matches!(request, 0x8903..=0x8905) {
            return Ok(cx.ask(func!(dev_ioctl), &"a request to a network device"));
        }
        Ok(Verdict::errno(Errno::ENOTTY, Reason::NoOperation))
    })())
}

/// The list of interfaces, which every socket gives. In older kernels the ops come first, and some refuse every request.
fn siocgifconf(cx: &mut Cx, ops: &'static ProtoOps) -> Verdict {
    // The question is asked of a vsock socket, so not for a program that has none.
    let first = match ops.ioctl.func {
        func!(vsock_ioctl) => cx.since(func!(sock_ioctl), Difference::SiocgifconfFirst),
        func!(sock_no_ioctl) => None,
        _ => Some(true),
    };
    match first {
        Some(true) => Verdict::ok(),
        Some(false) => {
            cx.path.step(func!(sock_no_ioctl), Finding::Errno(Errno::EOPNOTSUPP));
            Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation)
        }
        None => Verdict::ask(),
    }
}

/// mmap(2) of one readable page of a socket.
pub fn sys_mmap(cx: &mut Cx, lookup: Lookup) -> Verdict {
    settled((|| {
        if matches!(lookup, Lookup::NotSocket) {
            return Err(Verdict::ask());
        }
        let (_, ops) = sockfd_lookup_light(cx, lookup)?;
        let Some(mmap) = ops.mmap else { return Err(Verdict::errno(Errno::ENODEV, Reason::NoOperation)) };
        match mmap.name() {
            "sock_no_mmap" => {
                cx.path.step(mmap, Finding::Errno(Errno::ENODEV));
                Ok(Verdict::errno(Errno::ENODEV, Reason::NoOperation))
            }
            "tcp_mmap" => {
                cx.path.step(mmap, Finding::Passed);
                Ok(Verdict::ok())
            }
            _ => Ok(cx.ask(mmap, &"whether a ring was set up")),
        }
    })())
}
