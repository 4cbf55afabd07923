//! `current->nsproxy`: the namespaces that the process is in. New sockets, and calls that look at a namespace, take it
//! from here.

use sockshim_core::net::namespace::{INIT_NET, Net};

/// `net_ns`: the network namespace. There is one, the kernel's own.
#[inline(always)]
pub fn net_ns() -> Net<'static> {
    INIT_NET
}
