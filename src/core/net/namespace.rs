//! `struct net`, and the facts that only the running kernel knows.
//!
//! A walk asks for a fact where the kernel would look at it, and notes the answer and its source in the path. Without
//! an answer the prediction stays open.

use crate::net::address::SockAddr;
use crate::net::differences::Difference;
use libc::c_int;

/// Where a fact came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FactSource {
    /// The kernel was asked with a call, usually socket(2) on a socket that was closed at once.
    Probe,
    /// Read from a file below `/proc/sys`.
    Sysctl,
    /// The kernel's version, as uname(2) has it.
    Version,
    /// Assumed, because the user wants to know what would happen if it were so.
    Assumed,
}

impl FactSource {
    /// The word for it in the log.
    pub fn word(self) -> &'static str {
        match self {
            FactSource::Probe => "probe",
            FactSource::Sysctl => "sysctl",
            FactSource::Version => "version",
            FactSource::Assumed => "assumed",
        }
    }
}

/// A fact and its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known<T> {
    /// The fact.
    pub value: T,
    /// Where it came from.
    pub source: FactSource,
}

impl<T> Known<T> {
    /// A fact that a call to the kernel has shown.
    pub const fn probed(value: T) -> Self {
        Known { value, source: FactSource::Probe }
    }

    /// A fact from `/proc/sys`.
    pub const fn sysctl(value: T) -> Self {
        Known { value, source: FactSource::Sysctl }
    }

    /// A fact that follows from the kernel's version.
    pub const fn of_version(value: T) -> Self {
        Known { value, source: FactSource::Version }
    }

    /// A fact that is assumed.
    pub const fn assumed(value: T) -> Self {
        Known { value, source: FactSource::Assumed }
    }
}

/// A fact, or `None` when nobody asked or the kernel did not say.
pub type Fact<T> = Option<Known<T>>;

/// The facts that the running kernel is asked for, each about the calling process and its network namespace.
pub trait Facts: Sync {
    /// `NPROTO`: one more than the highest family.
    fn nproto(&self) -> Fact<c_int> {
        None
    }
    /// `IPPROTO_MAX`: one more than the highest protocol of AF_INET.
    fn ipproto_max(&self) -> Fact<c_int> {
        None
    }
    /// Whether `net_families[family]` is filled, if necessary after the kernel has loaded a module for it.
    fn has_family(&self, _family: c_int) -> Fact<bool> {
        None
    }
    /// Whether a family's list for a type has an entry for a protocol; for protocol 0, whether it has any entry.
    fn has_protocol(&self, _family: c_int, _ty: c_int, _protocol: c_int) -> Fact<bool> {
        None
    }
    /// Whether a family's own table, filled by modules of its own (`can_create`, `bt_sock_create`, `pppox_create`), has an
    /// entry for a protocol.
    fn has_module_protocol(&self, _family: c_int, _protocol: c_int) -> Fact<bool> {
        None
    }
    /// Whether a family that wants a capability of everybody lets this process make sockets.
    fn may_create(&self, _family: c_int) -> Fact<bool> {
        None
    }
    /// Whether the network namespace is the kernel's first, `init_net`.
    fn is_init_net(&self) -> Fact<bool> {
        None
    }
    /// Whether the kernel has a change that a version of Linux has brought.
    fn since(&self, _difference: Difference) -> Fact<bool> {
        None
    }
    /// Whether `nl_table[protocol]` is registered.
    fn nl_table(&self, _protocol: c_int) -> Fact<bool> {
        None
    }
    /// CAP_NET_RAW in the user namespace that owns the network namespace.
    fn net_raw(&self) -> Fact<bool> {
        None
    }
    /// CAP_NET_BIND_SERVICE in the same user namespace.
    fn net_bind_service(&self) -> Fact<bool> {
        None
    }
    /// Whether the effective or a supplementary group is in `net.ipv4.ping_group_range`.
    fn ping_group(&self) -> Fact<bool> {
        None
    }
    /// `net.mptcp.enabled`. `None` also when the kernel has no MPTCP.
    fn mptcp_enabled(&self) -> Fact<bool> {
        None
    }
    /// `net.core.somaxconn`.
    fn somaxconn(&self) -> Fact<c_int> {
        None
    }
    /// `net.ipv4.ip_unprivileged_port_start`, which applies to IPv6 too.
    fn unprivileged_port_start(&self) -> Fact<c_int> {
        None
    }
    /// Whether an AF_INET or AF_INET6 address belongs to the namespace.
    fn has_address(&self, _addr: &SockAddr) -> Fact<bool> {
        None
    }
}

/// Answers no question, so that every prediction that depends on a fact stays open.
pub struct Unasked;
impl Facts for Unasked {}

/// Identifies a `struct net`, as `sock_net(sk)` does in the kernel. One byte, because every socket carries it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetId(u8);

impl NetId {
    /// The namespace with this number; 0 is [`INIT_NET`].
    pub const fn new(number: u8) -> NetId {
        NetId(number)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A network namespace, `struct net`.
#[derive(Clone, Copy)]
pub struct Net<'a> {
    /// Which one it is.
    pub id: NetId,
    /// Who answers questions about it.
    pub facts: &'a dyn Facts,
}

/// `init_net`: the namespace that the process is in. The caller that starts a walk passes the namespace; no walk
/// chooses it.
pub static INIT_NET: Net<'static> = Net { id: NetId::new(0), facts: &Unasked };
