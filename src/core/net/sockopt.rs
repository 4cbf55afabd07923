//! The options of SOL_SOCKET (`net/core/sock.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::differences::Difference;
use crate::net::ops::{Cx, Opt, Socket};
use crate::net::sock::Below;
use crate::verdict::{Reason, Verdict};
use libc::c_int;

/// Options that can only be read.
pub const READ_ONLY: [c_int; 5] =
    [libc::SO_TYPE, libc::SO_ERROR, libc::SO_ACCEPTCONN, libc::SO_PROTOCOL, libc::SO_DOMAIN];

/// Options that hold a number in every state of every socket.
const PLAIN: [c_int; 19] = [
    libc::SO_DEBUG,
    libc::SO_REUSEADDR,
    libc::SO_TYPE,
    libc::SO_ERROR,
    libc::SO_DONTROUTE,
    libc::SO_BROADCAST,
    libc::SO_SNDBUF,
    libc::SO_RCVBUF,
    libc::SO_KEEPALIVE,
    libc::SO_OOBINLINE,
    libc::SO_NO_CHECK,
    libc::SO_PRIORITY,
    libc::SO_LINGER,
    libc::SO_REUSEPORT,
    libc::SO_RCVLOWAT,
    libc::SO_SNDLOWAT,
    libc::SO_ACCEPTCONN,
    libc::SO_PROTOCOL,
    libc::SO_DOMAIN,
];

/// Whether no kernel has an option with this number: the numbers are consecutive, and Linux 6.18 has reached 83.
pub fn is_no_option(name: c_int) -> bool {
    !(1..=255).contains(&name)
}

/// `sk_getsockopt`: the length, then the option.
#[inline]
pub fn sk_getsockopt(cx: &mut Cx, _: &Socket, opt: &Opt) -> Verdict {
    if let Err(verdict) = opt.get_len() {
        return verdict;
    }
    match opt.name {
        name if PLAIN.contains(&name) => opt.got(),
        name if is_no_option(name) => Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation),
        _ => cx.ask(func!(sk_getsockopt), &"the option"),
    }
}

/// `sock_setsockopt`: almost every option is an int, and the length is checked before the option's number.
pub fn sock_setsockopt(cx: &mut Cx, sock: &Socket, opt: &Opt) -> Verdict {
    if opt.name == libc::SO_BINDTODEVICE {
        return cx.ask(func!(sock_setbindtodevice), &"the network devices");
    }
    if let Err(verdict) = opt.set_int() {
        return verdict;
    }
    let ops = sock.ops;
    match opt.name {
        libc::SO_REUSEADDR
        | libc::SO_DONTROUTE
        | libc::SO_BROADCAST
        | libc::SO_KEEPALIVE
        | libc::SO_OOBINLINE
        | libc::SO_SNDBUF
        | libc::SO_RCVBUF
        | libc::SO_NO_CHECK => Verdict::ok(),
        libc::SO_PEEK_OFF if ops.is_some_and(|ops| ops.set_peek_off.is_none()) => {
            Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation)
        }
        libc::SO_PEEK_OFF if sock.sk.prot.is_some_and(|prot| prot.below == Below::Tcp) => {
            match cx.since(func!(sk_set_peek_off), Difference::TcpPeekOff) {
                Some(true) => Verdict::ok(),
                Some(false) => Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation),
                None => Verdict::ask(),
            }
        }
        libc::SO_PEEK_OFF => Verdict::ok(),
        libc::SO_RCVLOWAT
            if ops.is_none_or(|ops| ops.set_rcvlowat.is_none_or(|f| f.name() == "tcp_set_rcvlowat")) =>
        {
            Verdict::ok()
        }
        name if READ_ONLY.contains(&name) || is_no_option(name) => {
            Verdict::errno(Errno::ENOPROTOOPT, Reason::NoOperation)
        }
        _ => cx.ask(func!(sk_setsockopt), &"the option"),
    }
}
