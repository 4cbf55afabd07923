//! What the tables cannot know, asked of the running kernel.
//!
//! [`LiveKernel`] answers [`Facts`] when a walk needs one, never before: it makes a socket and closes it at once, or
//! reads a file below `/proc/sys`. No question changes anything that another process can see, except that
//! [`Facts::net_bind_service`] and [`Facts::has_address`] occupy a UDP port that the kernel chose for the time of a
//! call. A question may make the kernel load a module, but only a module that the program's own call requests anyway.
//!
//! It uses only raw system calls and atomics: no memory of libc's, no thread-local state, no lock. So it can run on a
//! thread that libc does not know.
//!
//! | fact | remembered |
//! |---|---|
//! | `nproto`, `ipproto_max`, `since` | for good: they are built into the kernel |
//! | `net_raw`, `net_bind_service` | until [`LiveKernel::forget`]: the program may change its credentials or its namespaces |
//! | `has_family`, `has_protocol`, `has_module_protocol`, `nl_table` | when the answer is yes, until [`LiveKernel::forget`]; a module may come at any time |
//! | `may_create`, `is_init_net`, `ping_group`, `mptcp_enabled`, `somaxconn`, `unprivileged_port_start`, `has_address` | never: an administrator may change them |
//!
//! The answers hold for the calling thread: its credentials and its network namespace.

mod cache;
mod differences;
mod probe;
pub mod seccomp;
mod sysctl;

use cache::{Flags, Number, Triples, YesNo};
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};
use differences::Differences;
pub use differences::kernel_version;
use probe::Probed;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::differences::Difference;
use sockshim_core::net::kmod;
use sockshim_core::net::namespace::{Fact, Facts, Known};

/// The running kernel as a source of facts; the crate's documentation explains it.
pub struct LiveKernel {
    differences: Differences,
    nproto: Number,
    ipproto_max: Number,
    net_raw: YesNo,
    net_bind_service: YesNo,
    families: Flags<8>,
    netlink: Flags<1>,
    protocols: Triples,
    asked: AtomicU32,
}

impl Default for LiveKernel {
    fn default() -> Self {
        Self::new()
    }
}

impl LiveKernel {
    /// Without any remembered answer.
    pub const fn new() -> Self {
        LiveKernel {
            differences: Differences::new(),
            nproto: Number::new(),
            ipproto_max: Number::new(),
            net_raw: YesNo::new(),
            net_bind_service: YesNo::new(),
            families: Flags::new(),
            netlink: Flags::new(),
            protocols: Triples::new(),
            asked: AtomicU32::new(0),
        }
    }

    /// Forgets the answers that may have changed: after setuid(2) and its relatives, capset(2), setns(2), unshare(2),
    /// and in a child of fork(2).
    pub fn forget(&self) {
        self.net_raw.forget();
        self.net_bind_service.forget();
        self.families.forget();
        self.netlink.forget();
        self.protocols.forget();
    }

    /// How many questions went to the kernel.
    pub fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    fn socket(&self, family: c_int, ty: c_int, protocol: c_int) -> Probed {
        self.count();
        probe::socket(family, ty, protocol)
    }

    fn sysctl(&self, path: &core::ffi::CStr) -> Option<c_int> {
        self.count();
        sysctl::read(path)
    }
}

/// A type and a protocol that nearly every family refuses, so that asking for a family makes no socket, and requests none of
/// the modules that only one of its protocols needs.
const NO_TYPE: c_int = 0;
const NO_PROTOCOL: c_int = -1;

/// The protocol for such a question. Phonet would request a module for one that it does not have, and has this one built in.
fn no_protocol(family: c_int) -> c_int {
    const PN_PROTO_PHONET: c_int = 1;
    if family == libc::AF_PHONET { PN_PROTO_PHONET } else { NO_PROTOCOL }
}
/// The lowest type out of range. The family is checked before the type, and no socket is made.
const BAD_TYPE: c_int = 11;

impl Facts for LiveKernel {
    fn nproto(&self) -> Fact<c_int> {
        let search = || {
            let is_in_range = |family| match self.socket(family, BAD_TYPE, 0) {
                Probed::Errno(libc::EINVAL) => Some(true),
                Probed::Errno(libc::EAFNOSUPPORT) => Some(false),
                _ => None,
            };
            first_out_of_range(1, 0x1_0000, is_in_range)
        };
        self.nproto.get_or(search).map(Known::probed)
    }

    fn ipproto_max(&self) -> Fact<c_int> {
        // A raw socket accepts any protocol in range, so no module is requested; without the capability the range is
        // still checked first.
        let search = || {
            let is_in_range = |protocol| match self.socket(libc::AF_INET, libc::SOCK_RAW, protocol) {
                Probed::Errno(libc::EINVAL) => Some(false),
                Probed::Errno(libc::EPERM) | Probed::Made => Some(true),
                _ => None,
            };
            first_out_of_range(1, 0x1_0000, is_in_range)
        };
        self.ipproto_max.get_or(search).map(Known::probed)
    }

    fn has_family(&self, family: c_int) -> Fact<bool> {
        let ask = || match self.socket(family, NO_TYPE, no_protocol(family)) {
            Probed::Errno(libc::EAFNOSUPPORT) => Some(false),
            Probed::Errno(errno) if is_circumstance(errno) => None,
            _ => Some(true),
        };
        let known = self.families.get_or(family, ask).map(Known::probed);
        // What the kernel lacks a module may have.
        known.filter(|known| known.value || !kmod::has_modules())
    }

    fn has_protocol(&self, family: c_int, ty: c_int, protocol: c_int) -> Fact<bool> {
        let ask = || match self.socket(family, ty, protocol) {
            Probed::Errno(
                libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT | libc::EAFNOSUPPORT | libc::ENODEV,
            ) => Some(false),
            Probed::Errno(errno) if is_circumstance(errno) => None,
            _ => Some(true),
        };
        self.protocols.get_or((family, ty, protocol), ask).map(Known::probed)
    }

    fn has_module_protocol(&self, family: c_int, protocol: c_int) -> Fact<bool> {
        // Whether there is such a protocol is checked before the type.
        let ask = || match self.socket(family, NO_TYPE, protocol) {
            Probed::Errno(libc::EPROTONOSUPPORT) => Some(false),
            Probed::Errno(libc::EPROTOTYPE | libc::ESOCKTNOSUPPORT) | Probed::Made => Some(true),
            // Such as a number that is out of range in an older kernel.
            Probed::Errno(_) => None,
        };
        self.protocols.get_or((family, NO_TYPE, protocol), ask).map(Known::probed)
    }

    fn may_create(&self, family: c_int) -> Fact<bool> {
        match self.socket(family, NO_TYPE, no_protocol(family)) {
            Probed::Errno(libc::EPERM) => Some(Known::probed(false)),
            Probed::Errno(errno) if is_circumstance(errno) => None,
            _ => Some(Known::probed(true)),
        }
    }

    fn is_init_net(&self) -> Fact<bool> {
        self.count();
        sysctl::is_init_net().map(Known::sysctl)
    }

    fn since(&self, difference: Difference) -> Fact<bool> {
        self.differences.has(difference, || self.count())
    }

    fn nl_table(&self, protocol: c_int) -> Fact<bool> {
        let ask = || match self.socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol) {
            Probed::Errno(libc::EPROTONOSUPPORT) => Some(false),
            Probed::Made => Some(true),
            Probed::Errno(_) => None,
        };
        self.netlink.get_or(protocol, ask).map(Known::probed)
    }

    fn net_raw(&self) -> Fact<bool> {
        let ask = || match self.socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW) {
            Probed::Errno(libc::EPERM) => Some(false),
            Probed::Made => Some(true),
            Probed::Errno(_) => None,
        };
        self.net_raw.get_or(ask).map(Known::probed)
    }

    fn net_bind_service(&self) -> Fact<bool> {
        let ask = || {
            self.count();
            probe::may_bind_privileged_port()
        };
        // If no port is privileged, the kernel does not check the capability.
        let privileged = self.unprivileged_port_start()?.value > 1;
        privileged.then(|| self.net_bind_service.get_or(ask)).flatten().map(Known::probed)
    }

    fn ping_group(&self) -> Fact<bool> {
        match self.socket(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP) {
            Probed::Made => Some(Known::probed(true)),
            Probed::Errno(libc::EACCES) => Some(Known::probed(false)),
            Probed::Errno(_) => None,
        }
    }

    fn mptcp_enabled(&self) -> Fact<bool> {
        if let Some(enabled) = self.sysctl(c"/proc/sys/net/mptcp/enabled") {
            return Some(Known::sysctl(enabled != 0));
        }
        match self.socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP) {
            Probed::Made => Some(Known::probed(true)),
            Probed::Errno(libc::ENOPROTOOPT) => Some(Known::probed(false)),
            Probed::Errno(_) => None,
        }
    }

    fn somaxconn(&self) -> Fact<c_int> {
        self.sysctl(c"/proc/sys/net/core/somaxconn").map(Known::sysctl)
    }

    fn unprivileged_port_start(&self) -> Fact<c_int> {
        self.sysctl(c"/proc/sys/net/ipv4/ip_unprivileged_port_start").map(Known::sysctl)
    }

    fn has_address(&self, addr: &SockAddr) -> Fact<bool> {
        self.count();
        probe::is_local(addr).map(Known::probed)
    }
}

/// Errors about resources, a signal or a sandbox, which do not answer the question.
fn is_circumstance(errno: c_int) -> bool {
    matches!(errno, libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS | libc::EINTR | libc::ENOSYS)
}

/// The first number out of range, found by bisection between `low`, which is in range, and `high`, which is not.
fn first_out_of_range(
    mut low: c_int,
    mut high: c_int,
    is_in_range: impl Fn(c_int) -> Option<bool>,
) -> Option<c_int> {
    if !is_in_range(low)? || is_in_range(high)? {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_in_range(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisection_finds_the_first_number_beyond() {
        for bound in [2, 3, 46, 263, 65_535] {
            assert_eq!(first_out_of_range(1, 0x1_0000, |n| Some(n < bound)), Some(bound));
        }
        assert_eq!(first_out_of_range(1, 0x1_0000, |_| Some(true)), None);
        assert_eq!(first_out_of_range(1, 0x1_0000, |_| None), None);
    }

    #[test]
    fn this_kernel_answers_and_is_asked_once() {
        let kernel = LiveKernel::new();
        let nproto = kernel.nproto().expect("an answer").value;
        assert!((40..256).contains(&nproto), "{nproto}");
        let asked = kernel.asked();
        assert_eq!(kernel.nproto().map(|known| known.value), Some(nproto));
        assert_eq!(kernel.asked(), asked);
        assert!(kernel.ipproto_max().expect("an answer").value >= 256);
        assert_eq!(kernel.has_family(libc::AF_UNIX), Some(Known::probed(true)));
        assert_eq!(kernel.has_family(0), Some(Known::probed(false)));
        assert_eq!(kernel.nl_table(libc::NETLINK_ROUTE), Some(Known::probed(true)));
        assert_eq!(kernel.has_protocol(libc::AF_INET, libc::SOCK_STREAM, 6), Some(Known::probed(true)));
        assert_eq!(kernel.has_protocol(libc::AF_INET, libc::SOCK_STREAM, 17), Some(Known::probed(false)));
        assert!(kernel.somaxconn().expect("an answer").value > 0);
    }

    #[test]
    fn privileges_are_asked_again_after_forget() {
        let kernel = LiveKernel::new();
        let first = kernel.net_raw();
        let asked = kernel.asked();
        assert_eq!(kernel.net_raw(), first);
        assert_eq!(kernel.asked(), asked);
        kernel.forget();
        assert_eq!(kernel.net_raw(), first);
        assert_eq!(kernel.asked(), asked + 1);
    }

    #[test]
    fn no_question_leaves_a_descriptor_behind() {
        let open = || std::fs::read_dir("/proc/self/fd").expect("a directory").count();
        let kernel = LiveKernel::new();
        let before = open();
        let any = SockAddr::of_v4([0; 4]);
        for _ in 0..100 {
            kernel.forget();
            let _ =
                (kernel.net_raw(), kernel.net_bind_service(), kernel.ping_group(), kernel.has_address(&any));
            let _ = (kernel.mptcp_enabled(), kernel.unprivileged_port_start());
        }
        // Other tests open and close descriptors at the same time.
        assert!(open() < before + 50);
    }
}
