//! `struct net`, and the facts that no table holds because only the running kernel knows them.
//!
//! A walk asks for a fact where the kernel would look at it, and notes in its path what the answer was and where it
//! came from. Without an answer the prediction stays open.

use crate::net::address::SockAddr;
use libc::c_int;

/// Where a fact came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The kernel was asked with a call, as a rule socket(2) on a socket that was closed at once.
    Probe,
    /// Read below `/proc/sys`.
    Sysctl,
    /// Nobody asked: somebody wants to know what would be if it were so.
    Assumed,
}

impl Source {
    /// The word that the log uses.
    pub fn word(self) -> &'static str {
        match self {
            Source::Probe => "probe",
            Source::Sysctl => "sysctl",
            Source::Assumed => "assumed",
        }
    }
}

/// A fact and its origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known<T> {
    /// What is so.
    pub value: T,
    /// Who says it.
    pub source: Source,
}

impl<T> Known<T> {
    /// A fact that a call has shown.
    pub const fn probed(value: T) -> Self {
        Known { value, source: Source::Probe }
    }

    /// A fact from `/proc/sys`.
    pub const fn sysctl(value: T) -> Self {
        Known { value, source: Source::Sysctl }
    }

    /// A fact for the sake of argument.
    pub const fn assumed(value: T) -> Self {
        Known { value, source: Source::Assumed }
    }
}

/// A fact, or `None` when nobody has asked or the kernel did not say.
pub type Fact<T> = Option<Known<T>>;

/// What is asked of the running kernel, each about the caller and its network namespace.
pub trait Facts: Sync {
    /// `NPROTO`: one more than the highest family.
    fn nproto(&self) -> Fact<c_int> {
        None
    }
    /// `IPPROTO_MAX`: one more than the highest protocol of AF_INET.
    fn ipproto_max(&self) -> Fact<c_int> {
        None
    }
    /// Whether `net_families[family]` is filled, by now or by a module that the kernel loads when asked.
    fn has_family(&self, _family: c_int) -> Fact<bool> {
        None
    }
    /// Whether a family's list of a type has an entry for a protocol; for protocol 0, whether it has any.
    fn has_protocol(&self, _family: c_int, _ty: c_int, _protocol: c_int) -> Fact<bool> {
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
    /// CAP_NET_BIND_SERVICE, likewise.
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
    /// `net.ipv4.ip_unprivileged_port_start`, which holds for IPv6 too.
    fn unprivileged_port_start(&self) -> Fact<c_int> {
        None
    }
    /// Whether the AF_INET or AF_INET6 address is one of the namespace's own.
    fn has_address(&self, _addr: &SockAddr) -> Fact<bool> {
        None
    }
}

/// Facts that nobody has asked for.
pub struct Unasked;
impl Facts for Unasked {}

/// Which `struct net` it is: a number of one byte, because every socket carries it, as `sock_net(sk)` is in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetId(u8);

impl NetId {
    /// The namespace of this number; 0 is [`INIT_NET`]'s.
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
    /// What the kernel says of it.
    pub facts: &'a dyn Facts,
}

/// `init_net`: the namespace that the process is in. Whoever starts a walk says which namespace it is about; no walk does.
pub static INIT_NET: Net<'static> = Net { id: NetId::new(0), facts: &Unasked };
