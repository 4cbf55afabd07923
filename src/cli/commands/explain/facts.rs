//! Assumed facts: what if the caller had the capability, or the setting were different?

use libc::c_int;
use sockshim_core::net::differences::Difference;
use sockshim_core::net::namespace::{Fact, Facts, Known};

/// The kernel's facts, except for what is assumed. It asks nothing for which the kernel would load a module.
pub struct Assume<'a> {
    kernel: &'a dyn Facts,
    pub net_raw: Option<bool>,
    pub ping_group: Option<bool>,
    pub mptcp: Option<bool>,
}

impl<'a> Assume<'a> {
    /// The kernel's facts, with nothing assumed.
    pub fn nothing(kernel: &'a dyn Facts) -> Self {
        Assume { kernel, net_raw: None, ping_group: None, mptcp: None }
    }
}

impl Facts for Assume<'_> {
    fn nproto(&self) -> Fact<c_int> {
        self.kernel.nproto()
    }
    fn ipproto_max(&self) -> Fact<c_int> {
        self.kernel.ipproto_max()
    }
    fn has_family(&self, family: c_int) -> Fact<bool> {
        self.kernel.has_family(family)
    }
    fn has_protocol(&self, family: c_int, ty: c_int, protocol: c_int) -> Fact<bool> {
        let is_built_in =
            matches!(protocol, libc::IPPROTO_UDPLITE | libc::IPPROTO_MPTCP) || family == libc::AF_VSOCK;
        is_built_in.then(|| self.kernel.has_protocol(family, ty, protocol)).flatten()
    }
    fn has_module_protocol(&self, family: c_int, protocol: c_int) -> Fact<bool> {
        self.kernel.has_module_protocol(family, protocol)
    }
    fn may_create(&self, family: c_int) -> Fact<bool> {
        self.kernel.may_create(family)
    }
    fn is_init_net(&self) -> Fact<bool> {
        self.kernel.is_init_net()
    }
    fn since(&self, difference: Difference) -> Fact<bool> {
        self.kernel.since(difference)
    }
    fn nl_table(&self, protocol: c_int) -> Fact<bool> {
        self.kernel.nl_table(protocol)
    }
    fn net_raw(&self) -> Fact<bool> {
        self.net_raw.map(Known::assumed).or_else(|| self.kernel.net_raw())
    }
    fn ping_group(&self) -> Fact<bool> {
        self.ping_group.map(Known::assumed).or_else(|| self.kernel.ping_group())
    }
    fn mptcp_enabled(&self) -> Fact<bool> {
        self.mptcp.map(Known::assumed).or_else(|| self.kernel.mptcp_enabled())
    }
}

/// A fact that can be assumed.
pub struct Condition {
    holds: fn(&dyn Facts) -> Fact<bool>,
    pub assume: fn(&mut Assume, bool),
    pub with: &'static str,
    pub without: &'static str,
}

impl Condition {
    /// Whether the kernel says that the condition holds (`so`) or does not hold (`!so`). False for both when the
    /// kernel does not have the setting.
    pub fn is(&self, so: bool, kernel: &dyn Facts) -> bool {
        (self.holds)(kernel).is_some_and(|known| known.value == so)
    }
}

/// All conditions.
pub const CONDITIONS: [Condition; 3] = [
    Condition {
        holds: |facts| facts.net_raw(),
        assume: |facts, yes| facts.net_raw = Some(yes),
        with: "with CAP_NET_RAW",
        without: "without CAP_NET_RAW",
    },
    Condition {
        holds: |facts| facts.ping_group(),
        assume: |facts, yes| facts.ping_group = Some(yes),
        with: "with a group in net.ipv4.ping_group_range",
        without: "without a group in net.ipv4.ping_group_range",
    },
    Condition {
        holds: |facts| facts.mptcp_enabled(),
        assume: |facts, yes| facts.mptcp = Some(yes),
        with: "with net.mptcp.enabled=1",
        without: "with net.mptcp.enabled=0",
    },
];

/// A kernel with everything that is modelled and without modules. The caller is in no group of the ping range.
#[cfg(test)]
pub struct Machine {
    pub privileged: bool,
}

#[cfg(test)]
impl Facts for Machine {
    fn nproto(&self) -> Fact<c_int> {
        Some(Known::assumed(46))
    }
    fn ipproto_max(&self) -> Fact<c_int> {
        Some(Known::assumed(263))
    }
    fn has_family(&self, _: c_int) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn has_protocol(&self, _: c_int, _: c_int, protocol: c_int) -> Fact<bool> {
        Some(Known::assumed(protocol == libc::IPPROTO_UDPLITE))
    }
    fn net_raw(&self) -> Fact<bool> {
        Some(Known::assumed(self.privileged))
    }
    fn ping_group(&self) -> Fact<bool> {
        Some(Known::assumed(false))
    }
    fn mptcp_enabled(&self) -> Fact<bool> {
        Some(Known::assumed(true))
    }
}
