//! The ops of sockets that are a module's of sockshim's, which answers where libc answers: they decide nothing, but they are ops, so
//! calls reach the hooks of the security modules, and with them the rules.

use crate::net::core::sock::NO_OPS;
use crate::net::kmod::has_modules;
use crate::net::ops::ProtoOps;
use crate::{func, op};

/// Of a family that has no entry in `net_families[]` here. What answers is what `request_module` loads.
static MODULE_OPS: ProtoOps = ProtoOps {
    name: "request_module",
    family: libc::AF_UNSPEC,
    custom_sol_socket: true,
    release: op!(request_module, host plain),
    bind: op!(request_module, host bind),
    connect: op!(request_module, host connect),
    socketpair: op!(request_module, host pair),
    accept: op!(request_module, host plain),
    getname: op!(request_module, host number),
    ioctl: op!(request_module, host number),
    gettstamp: Some(func!(request_module)),
    set_peek_off: Some(func!(request_module)),
    listen: op!(request_module, host listen),
    shutdown: op!(request_module, host shutdown),
    setsockopt: Some(op!(request_module, host option)),
    getsockopt: Some(op!(request_module, host option)),
    sendmsg: op!(request_module, host message),
    recvmsg: op!(request_module, host message),
    ..NO_OPS
};

/// The ops of a socket whose family has no entry here, if it may be a module's.
pub fn ops() -> Option<&'static ProtoOps> {
    has_modules().then_some(&MODULE_OPS)
}
