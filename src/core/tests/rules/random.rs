//! Random rules and calls from a world that is small enough for them to meet.

use crate::naive::Case;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sockshim_core::errno::Errno;
use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::{
    Call, CallSet, Chance, Glob, Keys, Ports, Rule, Scope, SockOption, Sort, Target, Verb, When,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ADDRESSES: [&str; 22] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.1.0.1",
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.255",
    "126.255.255.255",
    "128.0.0.0",
    "0.0.0.0",
    "0.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "fe80::1",
    "fe80::2",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "::fffe:10.0.0.1",
    "::ffff:255.255.255.255",
];
const PORTS: [u16; 7] = [0, 1, 79, 80, 81, 65534, 65535];
const NAMES: [&[u8]; 9] = [b"a", b"/a", b"/a/b", b"/run/x.sock", b"x.sock", b"", b"a\0b", b"\xff", b"/"];
const GLOBS: [&str; 13] =
    ["*", "a", "a*", "/a", "/a/*", "/*", "**", "/run/*.sock", "*.sock", "", "!a", "{a,/a}", "[a-c]"];
const HOSTS: [&[u8]; 6] = [b"a", b"a.b", b"A.B", b"x.a.b", b"10.0.0.1", b""];
const HOST_GLOBS: [&str; 6] = ["*", "a", "*.b", "*.a.b", "10.*", "?"];
const PROGRAMS: [&[u8]; 4] = [b"/usr/bin/psql", b"/usr/bin/curl", b"psql", b"/a/b"];
const PROGRAM_GLOBS: [&str; 5] = ["psql", "p*", "/usr/bin/*", "*", "/a/psql"];
const DIRECTORIES: [&[u8]; 2] = [b"/run", b"/a"];
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
const TYPES: [i32; 3] = [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW];
const PROTOCOLS: [i32; 4] = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_MPTCP];
const OPTIONS: [(i32, i32); 3] = [(1, 9), (6, 1), (1, 15)];

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        9 => select(&ADDRESSES[..]).prop_map(|text| text.parse().expect("an address")),
        1 => any::<u32>().prop_map(|ip| IpAddr::V4(Ipv4Addr::from(ip))),
        1 => any::<u128>().prop_map(|ip| IpAddr::V6(Ipv6Addr::from(ip))),
    ]
}

fn ports() -> impl Strategy<Value = Ports> {
    prop_oneof![
        Just(Ports::ALL),
        (select(&PORTS[..]), select(&PORTS[..])).prop_map(|(a, b)| Ports { first: a.min(b), last: a.max(b) }),
    ]
}

fn glob(globs: &'static [&'static str]) -> impl Strategy<Value = Glob> {
    select(globs).prop_map(|text| Glob::new(text).expect("a glob"))
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        6 => (ip(), any::<u8>(), ports()).prop_map(|(ip, len, ports)| {
            // A v4-mapped network is IPv4's, as in a rule file.
            let ip = ip.to_canonical();
            let most = if ip.is_ipv4() { 32 } else { 128 };
            let len = if len > 200 { most } else { len % (most + 1) };
            Target::Inet { net: ipnet::IpNet::new(ip, len).expect("a length").trunc(), ports }
        }),
        1 => ports().prop_map(|ports| Target::Any { ports }),
        1 => ports().prop_map(|ports| Target::Loopback { ports }),
        1 => ports().prop_map(|ports| Target::Beyond { ports }),
        1 => glob(&GLOBS).prop_map(Target::Unix),
        1 => glob(&GLOBS).prop_map(Target::Abstract),
        1 => glob(&HOST_GLOBS).prop_map(Target::Host),
    ]
}

fn address() -> impl Strategy<Value = SockAddr> {
    prop_oneof![
        8 => (ip(), select(&PORTS[..])).prop_map(|(ip, port)| inet(ip, port)),
        3 => (any::<bool>(), select(&NAMES[..])).prop_map(|(is_abstract, name)| {
            let zero: &[u8] = if is_abstract { b"\0" } else { b"" };
            SockAddr::new(&[&(libc::AF_UNIX as u16).to_ne_bytes(), zero, name].concat())
        }),
        1 => vec(any::<u8>(), 0..40).prop_map(|bytes| SockAddr::new(&bytes)),
        // Too short, too long, and of no family.
        1 => (ip(), select(&PORTS[..]), 0..40usize).prop_map(|(ip, port, len)| {
            let mut bytes = inet(ip, port).bytes().to_vec();
            bytes.resize(len, 7);
            SockAddr::new(&bytes)
        }),
        1 => ip().prop_map(|ip| {
            let mut bytes = inet(ip, 80).bytes().to_vec();
            bytes[..2].fill(0);
            SockAddr::new(&bytes)
        }),
    ]
}

fn inet(ip: IpAddr, port: u16) -> SockAddr {
    let (family, before, octets, after) = match ip {
        IpAddr::V4(ip) => (libc::AF_INET, 0, ip.octets().to_vec(), 8),
        IpAddr::V6(ip) => (libc::AF_INET6, 4, ip.octets().to_vec(), 4),
    };
    let mut bytes = (family as u16).to_ne_bytes().to_vec();
    bytes.extend(port.to_be_bytes());
    bytes.resize(bytes.len() + before, 0);
    bytes.extend(octets);
    bytes.resize(bytes.len() + after, 0);
    SockAddr::new(&bytes)
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => select(&Call::ALL[..]),
        3 => select(&[Call::Connect, Call::Bind, Call::Send, Call::Resolve][..]),
    ]
}

fn keys() -> impl Strategy<Value = Keys> {
    // Most keys are not there, or no rule would ever hold.
    let rare = |most| prop_oneof![3 => Just(0), 1 => 0..most];
    let few = (rare(3usize), rare(3), rare(3), rare(2), rare(2), rare(2));
    let lists = few.prop_flat_map(|(families, types, protocols, programs, uids, optnames)| {
        (
            vec(select(&FAMILIES[..]), families),
            vec(select(&TYPES[..]), types),
            vec(select(&PROTOCOLS[..]), protocols),
            vec(glob(&PROGRAM_GLOBS), programs),
            vec(0..3u32, uids),
            vec(select(&OPTIONS[..]), optnames),
        )
    });
    let targets = prop_oneof![1 => vec(target(), 0..1), 2 => vec(target(), 1..4)];
    let local = prop_oneof![4 => vec(target(), 0..1), 1 => vec(target(), 1..3)];
    (lists, targets, local).prop_map(
        |((families, types, protocols, programs, uids, optnames), remote, local)| Keys {
            families,
            types,
            protocols,
            remote,
            local,
            programs,
            uids,
            optnames,
        },
    )
}

/// A verb, and which of the calls it is for.
fn verb() -> impl Strategy<Value = (Verb, CallSet)> {
    use Call::{Accept, Bind, Connect, Recv, Resolve, Send, Socket, Socketpair};
    let all = CallSet::of(&Call::ALL);
    let optional = || option::of(0..300i32);
    prop_oneof![
        Just((Verb::Allow, all)),
        any::<u64>().prop_map(move |nanoseconds| (Verb::Delay { nanoseconds }, all)),
        (1..4096i32, any::<bool>(), any::<bool>()).prop_map(move |(errno, asynchronous, force)| {
            let errno = if errno > 2000 { Errno::EAGAIN } else { Errno(errno) };
            (Verb::Fail { errno, asynchronous, force }, all.without(CallSet::of(&[Resolve])))
        }),
        (-20..0i32).prop_map(|eai| (Verb::FailName { eai }, CallSet::of(&[Resolve]))),
        (1..u64::MAX).prop_map(|bytes| (Verb::Limit(bytes), CallSet::of(&[Send, Recv]))),
        (ip(), select(&PORTS[..]), any::<bool>()).prop_map(|(ip, port, hide)| {
            (Verb::To { address: inet(ip, port), hide }, CallSet::of(&[Bind, Connect, Send]))
        }),
        (optional(), optional(), optional(), any::<bool>()).prop_map(|(family, ty, protocol, fallback)| {
            (Verb::Become { family, ty, protocol, fallback }, CallSet::of(&[Socket]))
        }),
        vec((any::<i32>(), any::<i32>(), vec(any::<u8>(), 0..9)), 0..3).prop_map(|options| {
            let options = options.into_iter().map(|(level, name, value)| SockOption {
                level,
                name,
                value: value.into(),
            });
            (Verb::Option(options.collect()), CallSet::of(&[Socket, Socketpair, Accept]))
        }),
        Just((Verb::Files, CallSet::of(&[Resolve]))),
    ]
}

prop_compose! {
    /// A rule.
    pub fn rule()(
        name in "[ -~ä\\n]{0,8}",
        calls in vec(call(), 1..5),
        keys in keys(),
        (verb, fitting) in verb(),
        when in option::of((1..5u64, 0..9u64, 1..4u64, any::<bool>())),
        tree in any::<bool>(),
        chance in option::of((0.0..=1.0f64, option::of(any::<u64>()))),
    ) -> Rule {
        let mut calls = calls.into_iter().filter(|call| fitting.has(*call)).fold(CallSet::NONE, CallSet::with);
        if calls.is_empty() {
            calls = fitting;
        }
        Rule {
            name: name.into(),
            calls,
            keys,
            when: when.map(|(first, more, step, is_endless)| {
                let last = if is_endless { u64::MAX } else { first + more };
                When { first, last, step }
            }),
            scope: if tree { Scope::Tree } else { Scope::Process },
            chance: chance.map(|(probability, seed)| Chance { probability, seed }),
            verb,
        }
    }
}

prop_compose! {
    /// A call.
    pub fn case()(
        call in call(),
        sort in option::weighted(0.9, (select(&FAMILIES[..]), select(&TYPES[..]), select(&PROTOCOLS[..]))),
        (remote, local) in (option::weighted(0.9, address()), option::weighted(0.7, address())),
        host in option::weighted(0.8, select(&HOSTS[..])),
        optname in option::of(select(&OPTIONS[..])),
        uid in 0..3u32,
        is_nonblocking in any::<bool>(),
        directory in option::of(select(&DIRECTORIES[..])),
        program in select(&PROGRAMS[..]),
    ) -> Case {
        Case {
            call,
            sort: sort.map(|(family, ty, protocol)| Sort { family, ty, protocol }),
            remote,
            local,
            host: host.map(<[u8]>::to_vec),
            optname,
            uid,
            is_nonblocking,
            directory: directory.map(<[u8]>::to_vec),
            program: program.to_vec(),
        }
    }
}
