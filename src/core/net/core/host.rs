//! Operations whose outcome only the host can decide. What is modelled is the state that success changes.

use crate::net::address::SockAddr;
use crate::net::ops::{Cx, Msg, Opt, Socket};
use crate::verdict::{Change, Verdict};
use libc::c_int;

/// A member of an ops table whose Rust function in scope has the kernel's name.
#[macro_export]
macro_rules! op {
    ($name:ident) => {
        $crate::net::ops::Op { func: $crate::func!($name), call: $name }
    };
    // A member that only the host can run: the second name selects the function below that says what success changes.
    ($name:ident, host $member:ident) => {
        $crate::net::ops::Op { func: $crate::func!($name), call: $crate::net::core::host::$member }
    };
}

/// bind.
pub fn bind(_: &mut Cx, _: &Socket, _: &SockAddr) -> Verdict {
    Verdict::ask().then(Change::Bind)
}
/// connect.
pub fn connect(_: &mut Cx, _: &Socket, _: &SockAddr) -> Verdict {
    Verdict::ask().then(Change::Connect)
}
/// release, accept.
pub fn plain(_: &mut Cx, _: &Socket) -> Verdict {
    Verdict::ask()
}
/// socketpair.
pub fn pair(_: &mut Cx, _: &Socket, _: &Socket) -> Verdict {
    Verdict::ask()
}
/// sendmsg, recvmsg.
pub fn message(_: &mut Cx, _: &Socket, _: &Msg) -> Verdict {
    Verdict::ask()
}
/// getname, ioctl.
pub fn number(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    Verdict::ask()
}
/// listen.
pub fn listen(_: &mut Cx, _: &Socket, _: c_int) -> Verdict {
    Verdict::ask().then(Change::Listen)
}
/// shutdown.
pub fn shutdown(_: &mut Cx, _: &Socket, how: c_int) -> Verdict {
    Verdict::ask().then(Change::Shutdown(how))
}
/// setsockopt, getsockopt.
pub fn option(_: &mut Cx, _: &Socket, _: &Opt) -> Verdict {
    Verdict::ask()
}
