//! `struct net`, and the facts that no table holds because only the running kernel knows them.

/// What is asked of the running kernel. `None` means that nobody has asked, or that the kernel did not say:
/// the prediction then stays open.
pub trait Facts: Sync {
    /// Whether the caller has CAP_NET_RAW in the user namespace that owns its network namespace.
    fn net_raw(&self) -> Option<bool> {
        None
    }
    /// Whether a group of the caller is in `net.ipv4.ping_group_range`.
    fn ping_group(&self) -> Option<bool> {
        None
    }
    /// `net.mptcp.enabled`.
    fn mptcp_enabled(&self) -> Option<bool> {
        None
    }
    /// Whether the kernel has this family.
    fn has_family(&self, _family: libc::c_int) -> Option<bool> {
        None
    }
    /// Whether the kernel has this netlink protocol.
    fn has_netlink(&self, _protocol: libc::c_int) -> Option<bool> {
        None
    }
    /// `net.core.somaxconn`.
    fn somaxconn(&self) -> Option<i32> {
        None
    }
}

/// Facts that nobody has asked for.
pub struct Unasked;
impl Facts for Unasked {}

/// A network namespace, `struct net`.
#[derive(Clone, Copy)]
pub struct Net {
    /// What the kernel says of it.
    pub facts: &'static dyn Facts,
}

/// `init_net`: the namespace that the process is in.
pub static INIT_NET: Net = Net { facts: &Unasked };
