//! Registration as in the kernel: families in `net_families[]`, protocols in `inetsw` and `inetsw6`.
//!
//! The tables belong to the whole process, so the tests run one after the other, and each restores them.

use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::net;
use sockshim_core::net::ipv4::af_inet::{INETSW, inet_register_protosw, inet_unregister_protosw};
use sockshim_core::net::ipv4::{ping::PING_PROTOSW, raw::RAW_PROTOSW, udp::UDP_PROTOSW};
use sockshim_core::net::ipv6::af_inet6::{INETSW6, inet6_register_protosw, inet6_unregister_protosw};
use sockshim_core::net::namespace::{Fact, Facts, INIT_NET, Known, Net};
use sockshim_core::net::ops::{Cx, NetProtoFamily, Op, Socket};
use sockshim_core::net::path::{Finding, Func, Path};
use sockshim_core::net::protosw::{INET_PROTOSW_PERMANENT, InetProtosw, Protosw};
use sockshim_core::net::socket::{net_family, sock_register, sock_unregister, sys_socket};
use sockshim_core::verdict::{Instead, Predicted, Verdict};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

fn tables() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    net::init();
    // A test that failed must not make the next one fail.
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A caller with every privilege on a kernel without modules.
struct Privileged;

impl Facts for Privileged {
    fn nproto(&self) -> Fact<c_int> {
        Some(Known::assumed(46))
    }
    fn has_family(&self, _: c_int) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn has_protocol(&self, _: c_int, _: c_int, _: c_int) -> Fact<bool> {
        Some(Known::assumed(false))
    }
    fn net_raw(&self) -> Fact<bool> {
        Some(Known::assumed(true))
    }
    fn ping_group(&self) -> Fact<bool> {
        Some(Known::assumed(true))
    }
}

fn socket(family: c_int, ty: c_int, protocol: c_int) -> (Predicted, Socket, Path) {
    let mut path = Path::new();
    let mut instead = Instead::new();
    let mut cx = Cx::new(&mut path, Net { facts: &Privileged, ..INIT_NET }, &mut instead);
    let (verdict, socket) = sys_socket(&mut cx, family, ty, protocol);
    (verdict.predicted, socket, path)
}

/// The entry that a call of socket(2) selects.
fn entry(family: c_int, ty: c_int, protocol: c_int) -> Option<&'static str> {
    let (_, _, path) = socket(family, ty, protocol);
    path.steps().iter().find_map(|step| match step.finding {
        Finding::Entry { name, .. } => Some(*name),
        _ => None,
    })
}

fn names(sw: &Protosw, ty: c_int) -> Vec<&'static str> {
    sw.list(ty).iter().map(|entry| *entry.name).collect()
}

/// An entry like `like` with another name.
fn like(
    row: &InetProtosw,
    name: &'static &'static str,
    ty: c_int,
    protocol: c_int,
    flags: u8,
) -> &'static InetProtosw {
    Box::leak(Box::new(InetProtosw { name, ty, protocol, prot: row.prot, ops: row.ops, flags }))
}

/// The errors that the kernel would write to its log.
fn logged(register: impl FnOnce(&mut Path)) -> Vec<Errno> {
    let mut path = Path::new();
    register(&mut path);
    let errnos = path.steps().iter().filter_map(|step| match step.finding {
        Finding::Errno(errno) => Some(errno),
        _ => None,
    });
    errnos.collect()
}

const AF_BRIDGE: c_int = 7;

fn bridge_create(_: &mut Cx, _: &mut Socket, protocol: c_int) -> Verdict {
    match protocol {
        0 => Verdict::ok(),
        _ => Verdict::errno(Errno::EPROTONOSUPPORT, sockshim_core::verdict::Reason::NoProtocol),
    }
}

fn family(number: c_int) -> &'static NetProtoFamily {
    let create = Func::named("bridge_create").expect("room for a name");
    Box::leak(Box::new(NetProtoFamily {
        name: "bridge_family_ops",
        family: number,
        create: Op { func: create, call: bridge_create },
        owner: None,
        ops: &[],
        prots: &[],
    }))
}

#[test]
fn a_family_has_one_slot_and_the_table_an_end() {
    let [bridge, unix, beyond, below] = [AF_BRIDGE, libc::AF_UNIX, 46, -1].map(family);
    let _turn = tables();
    assert_eq!(socket(AF_BRIDGE, 1, 0).0, Predicted::Errno(Errno::EAFNOSUPPORT));

    assert_eq!(sock_register(bridge), Ok(()));
    assert_eq!(sock_register(bridge), Err(Errno::EEXIST));
    assert_eq!(sock_register(unix), Err(Errno::EEXIST));
    assert_eq!(sock_register(beyond), Err(Errno::ENOBUFS));
    assert_eq!(sock_register(below), Err(Errno::ENOBUFS));
    assert_eq!(socket(AF_BRIDGE, 1, 0).0, Predicted::Ok);
    assert_eq!(socket(AF_BRIDGE, 1, 9).0, Predicted::Errno(Errno::EPROTONOSUPPORT));

    assert_eq!(sock_unregister(AF_BRIDGE), Ok(()));
    assert!(net_family(AF_BRIDGE).is_none());
    assert_eq!(sock_unregister(46), Err(Errno::ENOBUFS));
    assert_eq!(socket(AF_BRIDGE, 1, 0).0, Predicted::Errno(Errno::EAFNOSUPPORT));
    // The slot is free again.
    assert_eq!(sock_register(bridge), Ok(()));
    assert_eq!(sock_unregister(AF_BRIDGE), Ok(()));
}

#[test]
fn ipv4_logs_what_ipv6_returns() {
    let _turn = tables();
    let clash = like(&UDP_PROTOSW, &"CLASH", libc::SOCK_DGRAM, libc::IPPROTO_UDP, 0);
    let no_type = like(&UDP_PROTOSW, &"NO TYPE", 11, 200, 0);
    let before = (names(&INETSW, libc::SOCK_DGRAM), names(&INETSW6, libc::SOCK_DGRAM));

    assert_eq!(logged(|path| inet_register_protosw(path, clash)), [Errno::EPERM]);
    assert_eq!(logged(|path| inet_register_protosw(path, no_type)), [Errno::EINVAL]);
    assert_eq!(inet6_register_protosw(clash), -libc::EPERM);
    assert_eq!(inet6_register_protosw(no_type), -libc::EINVAL);
    // Unregistering a permanent entry only writes to the log, for both versions.
    let udp6 = INETSW6.list(libc::SOCK_DGRAM)[0];
    assert_eq!(logged(|path| inet_unregister_protosw(path, &UDP_PROTOSW)), [Errno::EPERM]);
    assert_eq!(logged(|path| inet6_unregister_protosw(path, udp6)), [Errno::EPERM]);
    assert_eq!((names(&INETSW, libc::SOCK_DGRAM), names(&INETSW6, libc::SOCK_DGRAM)), before);

    let new = like(&UDP_PROTOSW, &"NEW", libc::SOCK_DGRAM, 200, 0);
    assert_eq!(logged(|path| inet_register_protosw(path, new)), []);
    assert_eq!(inet6_register_protosw(new), 0);
    assert_eq!(entry(libc::AF_INET, libc::SOCK_DGRAM, 200), Some("NEW"));
    assert_eq!(entry(libc::AF_INET6, libc::SOCK_DGRAM, 200), Some("NEW"));
    assert_eq!(logged(|path| inet_unregister_protosw(path, new)), []);
    assert_eq!(logged(|path| inet6_unregister_protosw(path, new)), []);
    assert_eq!((names(&INETSW, libc::SOCK_DGRAM), names(&INETSW6, libc::SOCK_DGRAM)), before);
}

#[test]
fn the_order_of_the_lists_is_the_kernels() {
    let _turn = tables();
    let mut path = Path::new();
    assert_eq!(names(&INETSW, libc::SOCK_STREAM), ["TCP", "MPTCP"]);
    assert_eq!(names(&INETSW, libc::SOCK_DGRAM), ["UDP", "UDPLITE", "PING"]);
    assert_eq!(entry(libc::AF_INET, libc::SOCK_DGRAM, 0), Some("UDP"));

    // L2TP comes after the permanent entries and before the others.
    let l2tp = like(&UDP_PROTOSW, &"L2TP", libc::SOCK_DGRAM, 115, 0);
    inet_register_protosw(&mut path, l2tp);
    assert_eq!(names(&INETSW, libc::SOCK_DGRAM), ["UDP", "UDPLITE", "L2TP", "PING"]);
    inet_unregister_protosw(&mut path, l2tp);

    // The entry that was registered last for a protocol wins, until it is removed.
    let icmp = like(&PING_PROTOSW, &"N-ICMP", libc::SOCK_DGRAM, libc::IPPROTO_ICMP, 0);
    inet_register_protosw(&mut path, icmp);
    assert_eq!(names(&INETSW, libc::SOCK_DGRAM), ["UDP", "UDPLITE", "N-ICMP", "PING"]);
    assert_eq!(entry(libc::AF_INET, libc::SOCK_DGRAM, 1), Some("N-ICMP"));
    inet_unregister_protosw(&mut path, icmp);
    assert_eq!(entry(libc::AF_INET, libc::SOCK_DGRAM, 1), Some("PING"));

    // A raw entry with a protocol of its own also matches a request for protocol 0.
    assert_eq!(socket(libc::AF_INET, libc::SOCK_RAW, 0).0, Predicted::Errno(Errno::EPROTONOSUPPORT));
    let ospf = like(&RAW_PROTOSW, &"RAW-89", libc::SOCK_RAW, 89, 0);
    inet_register_protosw(&mut path, ospf);
    assert_eq!(names(&INETSW, libc::SOCK_RAW), ["RAW-89", "RAW"]);
    assert_eq!(entry(libc::AF_INET, libc::SOCK_RAW, 89), Some("RAW-89"));
    assert_eq!(entry(libc::AF_INET, libc::SOCK_RAW, 90), Some("RAW"));
    let (predicted, raw, _) = socket(libc::AF_INET, libc::SOCK_RAW, 0);
    assert_eq!((predicted, raw.sk.protocol), (Predicted::Ok, 89));
    inet_unregister_protosw(&mut path, ospf);
    assert_eq!(socket(libc::AF_INET, libc::SOCK_RAW, 0).0, Predicted::Errno(Errno::EPROTONOSUPPORT));
    assert!(path.steps().is_empty(), "nothing was refused");
}

#[test]
fn a_permanent_entry_comes_after_the_older_ones() {
    let sw = Protosw::new();
    let tcp = like(&UDP_PROTOSW, &"TCP", libc::SOCK_STREAM, 6, INET_PROTOSW_PERMANENT);
    let late = like(&UDP_PROTOSW, &"LATE", libc::SOCK_STREAM, 200, INET_PROTOSW_PERMANENT);
    let loose = like(&UDP_PROTOSW, &"LOOSE", libc::SOCK_STREAM, 201, 0);
    for row in [tcp, loose, late] {
        sw.register(row).expect("no clash");
    }
    // So protocol 0 never selects it.
    assert_eq!(names(&sw, libc::SOCK_STREAM), ["TCP", "LATE", "LOOSE"]);
    assert_eq!(sw.unregister(late), Err(Errno::EPERM));
    // An entry for any protocol clashes only with another one for any protocol.
    let any = like(&UDP_PROTOSW, &"ANY", libc::SOCK_RAW, 0, INET_PROTOSW_PERMANENT);
    sw.register(any).expect("an empty list");
    assert_eq!(sw.register(like(&UDP_PROTOSW, &"ANY", libc::SOCK_RAW, 0, 0)), Err(Errno::EPERM));
    assert_eq!(sw.register(like(&UDP_PROTOSW, &"89", libc::SOCK_RAW, 89, 0)), Ok(()));
}

/// While a protocol is added and removed, four threads look it up: each lookup finds either the new entry or the old
/// one, never a mixture.
#[test]
fn lookups_run_on_while_a_protocol_comes_and_goes() {
    let _turn = tables();
    let done = AtomicBool::new(false);
    let lookups = AtomicU32::new(0);
    let ospf = like(&RAW_PROTOSW, &"RAW-89", libc::SOCK_RAW, 89, 0);
    let seen = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = [0_u32; 2];
                    while !done.load(Ordering::Acquire) {
                        match entry(libc::AF_INET, libc::SOCK_RAW, 89) {
                            Some("RAW-89") => seen[0] += 1,
                            Some("RAW") => seen[1] += 1,
                            other => panic!("{other:?}"),
                        }
                        let (predicted, raw, _) = socket(libc::AF_INET, libc::SOCK_RAW, 89);
                        assert_eq!((predicted, raw.sk.protocol), (Predicted::Ok, 89));
                        assert_eq!(raw.ops.map(|ops| ops.name), Some("inet_sockraw_ops"));
                        lookups.fetch_add(1, Ordering::Relaxed);
                    }
                    seen
                })
            })
            .collect();
        let mut path = Path::new();
        // Until the readers have looked at what there is now, however slowly they run.
        let wait_for_lookups = || {
            let seen = lookups.load(Ordering::Relaxed);
            let begin = Instant::now();
            while lookups.load(Ordering::Relaxed) < seen + 8 {
                assert!(begin.elapsed() < Duration::from_secs(100), "the readers have stopped");
                std::thread::yield_now();
            }
        };
        for _ in 0..20 {
            inet_register_protosw(&mut path, ospf);
            wait_for_lookups();
            (0..200).for_each(|_| assert_eq!(entry(libc::AF_INET, libc::SOCK_RAW, 89), Some("RAW-89")));
            inet_unregister_protosw(&mut path, ospf);
            wait_for_lookups();
            (0..200).for_each(|_| assert_eq!(entry(libc::AF_INET, libc::SOCK_RAW, 89), Some("RAW")));
        }
        assert!(path.steps().is_empty(), "nothing was refused");
        done.store(true, Ordering::Release);
        readers.into_iter().map(|reader| reader.join().expect("no panic")).collect::<Vec<_>>()
    });
    let [new, old] = [0, 1].map(|index| seen.iter().map(|seen| seen[index]).sum::<u32>());
    assert!(new > 0 && old > 0, "the readers have read: {seen:?}");
}
