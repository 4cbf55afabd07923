//! The whole argument space of socket(2), with the facts of one kernel: Linux 6.18 without modules, as measured.
//! `scripts/kernel-exact.sh` compares with the running kernel.

use libc::c_int;
use sockshim_core::net::differences::{Difference, Version};
use sockshim_core::net::namespace::{Fact, Facts, INIT_NET, Known, Net};
use sockshim_core::net::ops::Cx;
use sockshim_core::net::path::Path;
use sockshim_core::net::socket::{socket_of, sys_socket};
use sockshim_core::verdict::{Instead, Predicted};
use std::collections::BTreeMap;

struct Linux618 {
    privileged: bool,
}

/// Linux 6.12 as Debian 13 builds it, with every module loaded that brings a family or a protocol, as measured.
struct Debian13 {
    privileged: bool,
}

/// The facts that both kernels have in common.
macro_rules! common {
    () => {
        fn nproto(&self) -> Fact<c_int> {
            Some(Known::assumed(46))
        }
        fn ipproto_max(&self) -> Fact<c_int> {
            Some(Known::assumed(263))
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
    };
}

impl Facts for Linux618 {
    common!();
    fn has_family(&self, family: c_int) -> Fact<bool> {
        Some(Known::assumed(matches!(family, 1 | 2 | 10 | 16 | 17 | 40 | 44)))
    }
    fn has_protocol(&self, _: c_int, _: c_int, protocol: c_int) -> Fact<bool> {
        Some(Known::assumed(protocol == libc::IPPROTO_UDPLITE))
    }
    fn since(&self, _: Difference) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn nl_table(&self, protocol: c_int) -> Fact<bool> {
        let registered = matches!(protocol, 0 | 2 | 4 | 6 | 7 | 9 | 10 | 11 | 12 | 15 | 16);
        Some(Known::assumed(registered))
    }
}

impl Facts for Debian13 {
    common!();
    fn has_family(&self, family: c_int) -> Fact<bool> {
        let has = matches!(
            family,
            1..=3 | 5 | 6 | 8 | 10 | 11 | 15..=17 | 20 | 21 | 24 | 26 | 29..=31 | 33..=36 | 38..=44
        );
        Some(Known::assumed(has))
    }
    fn has_protocol(&self, _: c_int, _: c_int, _: c_int) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn has_module_protocol(&self, family: c_int, protocol: c_int) -> Fact<bool> {
        let has = match family {
            libc::AF_PPPOX => protocol < 3,
            libc::AF_CAN => matches!(protocol, 1 | 2 | 6 | 7),
            _ => matches!(protocol, 0..=4 | 6),
        };
        Some(Known::assumed(has))
    }
    fn may_create(&self, _: c_int) -> Fact<bool> {
        Some(Known::assumed(self.privileged))
    }
    fn is_init_net(&self) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn since(&self, difference: Difference) -> Fact<bool> {
        Some(Known::assumed(difference.version() <= Version { major: 6, minor: 12 }))
    }
    fn nl_table(&self, protocol: c_int) -> Fact<bool> {
        let registered = matches!(protocol, 0 | 2 | 4 | 6..=12 | 15 | 16 | 18 | 20 | 21);
        Some(Known::assumed(registered))
    }
}

/// Families -2..50, types -1..16, protocols -1..300, counted by answer.
fn counted(facts: &dyn Facts) -> BTreeMap<&'static str, u32> {
    sockshim_core::net::init();
    let mut counts = BTreeMap::new();
    for family in -2..=50 {
        for ty in -1..=16 {
            for protocol in -1..=300 {
                let mut path = Path::new();
                let mut instead = Instead::new();
                let mut cx = Cx::new(&mut path, Net { facts, ..INIT_NET }, &mut instead);
                let answer = match sys_socket(&mut cx, family, ty, protocol).0.predicted {
                    Predicted::Ok => "ok",
                    Predicted::Errno(errno) => errno.name().expect("a known error"),
                    Predicted::Unknown => "?",
                };
                *counts.entry(answer).or_default() += 1;
            }
        }
    }
    counts
}

#[test]
fn as_root() {
    let expected = [
        ("EACCES", 2),
        ("EAFNOSUPPORT", 163_382),
        ("EINVAL", 102_291),
        ("ENODEV", 2),
        ("EPROTONOSUPPORT", 8_523),
        ("ESOCKTNOSUPPORT", 12_129),
        ("ok", 1_779),
    ];
    assert_eq!(counted(&Linux618 { privileged: true }), BTreeMap::from(expected));
}

#[test]
fn as_an_unprivileged_user() {
    let expected = [
        ("EACCES", 2),
        ("EAFNOSUPPORT", 163_382),
        ("EINVAL", 102_291),
        ("ENODEV", 2),
        ("EPERM", 7_470),
        ("EPROTONOSUPPORT", 8_222),
        ("ESOCKTNOSUPPORT", 6_693),
        ("ok", 46),
    ];
    assert_eq!(counted(&Linux618 { privileged: false }), BTreeMap::from(expected));
}

/// The two that are open are AX.25's protocols of other modules; the kernel refuses both.
#[test]
fn as_root_with_every_module() {
    let expected = [
        ("?", 2),
        ("EACCES", 2),
        ("EAFNOSUPPORT", 90_298),
        ("EINVAL", 113_158),
        ("EPROTONOSUPPORT", 24_253),
        ("EPROTOTYPE", 6_345),
        ("ESOCKTNOSUPPORT", 43_246),
        ("ok", 10_804),
    ];
    assert_eq!(counted(&Debian13 { privileged: true }), BTreeMap::from(expected));
}

#[test]
fn as_an_unprivileged_user_with_every_module() {
    let expected = [
        ("?", 2),
        ("EACCES", 2),
        ("EAFNOSUPPORT", 90_298),
        ("EINVAL", 113_158),
        ("EPERM", 18_300),
        ("EPROTONOSUPPORT", 20_333),
        ("EPROTOTYPE", 6_345),
        ("ESOCKTNOSUPPORT", 32_072),
        ("ok", 7_598),
    ];
    assert_eq!(counted(&Debian13 { privileged: false }), BTreeMap::from(expected));
}

/// Without facts, nothing is predicted that depends on one, and everything else still is.
#[test]
fn without_facts_a_prediction_stays_open_or_is_the_same() {
    struct Unasked;
    impl Facts for Unasked {}
    sockshim_core::net::init();
    let predict = |facts: &dyn Facts, (family, ty, protocol)| {
        let mut path = Path::new();
        let mut instead = Instead::new();
        let mut cx = Cx::new(&mut path, Net { facts, ..INIT_NET }, &mut instead);
        sys_socket(&mut cx, family, ty, protocol).0.predicted
    };
    let (root, user) = (Linux618 { privileged: true }, Linux618 { privileged: false });
    let mut known = 0;
    for family in -2..=50 {
        for ty in -1..=16 {
            for protocol in (-1..=300).step_by(7) {
                let triple = (family, ty, protocol);
                let unasked = predict(&Unasked, triple);
                if unasked != Predicted::Unknown {
                    known += 1;
                    assert_eq!(unasked, predict(&root, triple), "{triple:?}");
                    assert_eq!(unasked, predict(&user, triple), "{triple:?}");
                }
            }
        }
    }
    assert!(known > 10_000, "{known}");
}

/// Rules are asked through the ops: a socket of a modelled family that exists has them, whatever is not known of the kernel.
#[test]
fn a_socket_that_exists_has_ops() {
    sockshim_core::net::init();
    for (family, ty, protocol) in [
        (libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        (libc::AF_VSOCK, libc::SOCK_SEQPACKET, 0),
        (libc::AF_VSOCK, libc::SOCK_DGRAM, 0),
        (libc::AF_UNIX, libc::SOCK_SEQPACKET, 0),
        (libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
        (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
        (libc::AF_INET6, libc::SOCK_SEQPACKET, libc::IPPROTO_SCTP),
        (libc::AF_XDP, libc::SOCK_RAW, 0),
    ] {
        let sock = socket_of(INIT_NET.id, family, ty, protocol);
        assert!(
            sock.ops.is_some() && sock.sk.prot.is_some(),
            "family {family}, type {ty}, protocol {protocol}"
        );
    }
}
