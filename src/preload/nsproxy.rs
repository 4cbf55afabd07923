//! `current->nsproxy`: the namespaces that the process is in, for new sockets and for calls that look at a namespace.

use sockshim_core::net::namespace::{INIT_NET, Net};

/// `net_ns`: the network namespace. So far there is only the kernel's own.
#[inline(always)]
pub fn net_ns() -> Net<'static> {
    INIT_NET
}
