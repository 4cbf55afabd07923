//! The socket layer, file by file as in the kernel's `net/`.
//!
//! | here | in the kernel |
//! |---|---|
//! | [`socket`] | `net/socket.c`: `net_families[]`, `__sock_create`, the system calls |
//! | [`ops`] | `include/linux/net.h`: `struct socket`, `struct proto_ops`, `struct net_proto_family` |
//! | [`sock`] | `include/net/sock.h`: `struct sock`, `struct proto`, the states |
//! | [`core`] | `net/core`: the `sock_no_*` defaults |
//! | [`sockopt`] | the SOL_SOCKET options of `net/core/sock.c` |
//! | [`protosw`] | `include/net/protocol.h`: `struct inet_protosw`, registration, the walk |
//! | [`security`] | `security/security.c`: the hooks of the LSM, where rules attach |
//! | [`module`], [`kmod`] | `kernel/module/`: `try_module_get`, `module_put`; `request_module` |
//! | [`uaccess`] | `include/linux/uaccess.h`: arguments that were copied from the program |
//! | [`namespace`] | `struct net`, and what only the running kernel knows |
//! | [`families`] | the list of all families, in the order of their numbers |
//! | [`hosted`] | sockets of sockshim's own modules |
//! | [`names`] | the list of all functions that a path can go through |

pub mod address;

pub mod core;
pub mod dccp;
pub mod differences;
pub mod families;
pub mod hosted;
pub mod inet;
pub mod ipv4;
pub mod ipv6;
pub mod kmod;
pub mod l2tp;
pub mod module;
pub mod mptcp;
pub mod names;
pub mod namespace;
pub mod netlink;
pub mod ops;
pub mod packet;
pub mod path;
pub mod protosw;
pub mod sctp;
pub mod security;
pub mod smc;
pub mod sock;
pub mod socket;
pub mod sockopt;
pub mod state;
pub mod uaccess;
pub mod unix;
pub mod vmw_vsock;
pub mod xdp;

use std::sync::atomic::{AtomicBool, Ordering};

static BOOTED: AtomicBool = AtomicBool::new(false);

/// Registers the built-in families and protocols, as the kernel does while it boots. Later calls do nothing.
///
/// Any thread or signal handler may come first, and nobody waits: those that arrive meanwhile register everything
/// again, and an entry that is already there stays.
#[inline]
pub fn init() {
    if !BOOTED.load(Ordering::Acquire) {
        boot();
    }
}

#[cold]
#[inline(never)]
fn boot() {
    ipv4::af_inet::inet_init();
    mptcp::protocol::mptcp_proto_init();
    ipv6::af_inet6::inet6_init();
    mptcp::protocol::mptcp_proto_v6_init();
    for family in families::BUILT_IN {
        // The numbers are in range, so the only error is EEXIST, which is expected here.
        let _ = socket::sock_register(family);
    }
    BOOTED.store(true, Ordering::Release);
}
