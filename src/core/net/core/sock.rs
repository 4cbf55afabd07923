//! The defaults of missing operations, and the call from the ops to the protocol (`net/core/sock.c`).

use crate::errno::Errno;
use crate::func;
use crate::net::address::SockAddr;
use crate::net::ops::{Cx, Msg, ProtoOps, Socket};
use crate::net::path::{Finding, Func};
use crate::op;
use crate::verdict::{Reason, Verdict};
use libc::c_int;

/// A table of only `sock_no_*` and NULL, which every real table starts from.
pub const NO_OPS: ProtoOps = {
    ProtoOps {
        name: "",
        family: libc::AF_UNSPEC,
        owner: None,
        custom_sol_socket: false,
        release: op!(sock_release, host plain),
        bind: op!(sock_no_bind),
        connect: op!(sock_no_connect),
        socketpair: op!(sock_no_socketpair),
        accept: op!(sock_no_accept),
        getname: op!(sock_no_getname),
        poll: None,
        ioctl: op!(sock_no_ioctl),
        compat_ioctl: None,
        gettstamp: None,
        listen: op!(sock_no_listen),
        shutdown: op!(sock_no_shutdown),
        setsockopt: None,
        getsockopt: None,
        show_fdinfo: None,
        sendmsg: op!(sock_no_sendmsg),
        recvmsg: op!(sock_no_recvmsg),
        mmap: Some(func!(sock_no_mmap)),
        splice_read: None,
        splice_eof: None,
        set_peek_off: None,
        peek_len: None,
        read_sock: None,
        read_skb: None,
        sendmsg_locked: None,
        set_rcvlowat: None,
    }
};

const fn eopnotsupp() -> Verdict {
    Verdict::errno(Errno::EOPNOTSUPP, Reason::NoOperation)
}

/// `sock_no_bind`.
pub fn sock_no_bind(_: &mut Cx, _: &Socket, _: &SockAddr) -> Verdict {
    eopnotsupp()
}
/// `sock_no_connect`.
pub fn sock_no_connect(_: &mut Cx, _: &Socket, _: &SockAddr) -> Verdict {
    eopnotsupp()
}
/// `sock_no_socketpair`.
pub fn sock_no_socketpair(_: &mut Cx, _: &Socket, _: &Socket) -> Verdict {
    eopnotsupp()
}
/// `sock_no_accept`.
pub fn sock_no_accept(_: &mut Cx, _: &Socket) -> Verdict {
    eopnotsupp()
}
/// `sock_no_getname`.
pub fn sock_no_getname(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    eopnotsupp()
}
/// `sock_no_ioctl`.
pub fn sock_no_ioctl(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    eopnotsupp()
}
/// `sock_no_listen`.
pub fn sock_no_listen(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    eopnotsupp()
}
/// `sock_no_shutdown`.
pub fn sock_no_shutdown(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    eopnotsupp()
}
/// `sock_no_sendmsg`.
pub fn sock_no_sendmsg(_: &mut Cx, _: &Socket, _: &Msg) -> Verdict {
    eopnotsupp()
}
/// `sock_no_recvmsg`.
pub fn sock_no_recvmsg(_: &mut Cx, _: &Socket, _: &Msg) -> Verdict {
    eopnotsupp()
}

/// Notes the protocol's function as the next step. Only the host knows its answer.
pub fn pass_to(cx: &mut Cx, func: Option<Func>) -> Verdict {
    if let Some(func) = func {
        cx.path.step(func, Finding::Passed);
    }
    Verdict::ask()
}
