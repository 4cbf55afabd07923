//! The matcher once more, as simply as it can be said: every rule in turn, every key in turn.

use sockshim_core::errno::Errno;
use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::{Call, Ports, Rule, Sort, Subject, Target, Verb};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A call with all that can be asked about it.
#[derive(Clone, Debug)]
pub struct Case {
    pub call: Call,
    pub sort: Option<Sort>,
    pub remote: Option<SockAddr>,
    pub local: Option<SockAddr>,
    pub host: Option<Vec<u8>>,
    pub optname: Option<(i32, i32)>,
    pub uid: u32,
    pub is_nonblocking: bool,
    pub directory: Option<Vec<u8>>,
    pub program: Vec<u8>,
}

impl Subject for Case {
    fn sort(&self) -> Option<Sort> {
        self.sort
    }
    fn remote(&self) -> Option<&SockAddr> {
        self.remote.as_ref()
    }
    fn local(&self) -> Option<&SockAddr> {
        self.local.as_ref()
    }
    fn host(&self) -> Option<&[u8]> {
        self.host.as_deref()
    }
    fn optname(&self) -> Option<(i32, i32)> {
        self.optname
    }
    fn uid(&self) -> u32 {
        self.uid
    }
    fn is_nonblocking(&self) -> bool {
        self.is_nonblocking
    }
    fn directory(&self) -> Option<&[u8]> {
        self.directory.as_deref()
    }
}

/// The first rule that holds and fires.
pub fn decide(rules: &[Rule], case: &Case, mut fires: impl FnMut(usize) -> bool) -> Option<usize> {
    for (number, rule) in rules.iter().enumerate() {
        if holds(rule, case) && !passes_by(rule, case) && fires(number) {
            return Some(number);
        }
    }
    None
}

fn passes_by(rule: &Rule, case: &Case) -> bool {
    match rule.verb {
        Verb::Fail { errno, force, .. } => errno == Errno::EAGAIN && !force && !case.is_nonblocking,
        Verb::Delay { .. } => case.is_nonblocking,
        _ => false,
    }
}

/// Whether the keys of a rule hold.
pub fn holds(rule: &Rule, case: &Case) -> bool {
    let keys = &rule.keys;
    if !rule.calls.has(case.call) {
        return false;
    }
    if !keys.families.is_empty() && !case.sort.is_some_and(|sort| keys.families.contains(&sort.family)) {
        return false;
    }
    if !keys.types.is_empty() && !case.sort.is_some_and(|sort| keys.types.contains(&sort.ty)) {
        return false;
    }
    if !keys.protocols.is_empty() && !case.sort.is_some_and(|sort| keys.protocols.contains(&sort.protocol)) {
        return false;
    }
    match &rule.verb {
        Verb::Limit(_) if case.sort.is_none_or(|sort| sort.ty != libc::SOCK_STREAM) => return false,
        Verb::To { .. } if case.sort.is_none_or(|sort| rule.verb.address_for(sort.family).is_none()) => {
            return false;
        }
        _ => {}
    }
    if !keys.remote.is_empty() {
        let hit = match case.call {
            Call::Resolve => {
                case.host.as_ref().is_some_and(|host| keys.remote.iter().any(|target| has_host(target, host)))
            }
            _ => case
                .remote
                .is_some_and(|addr| keys.remote.iter().any(|target| has(target, &addr, case, true))),
        };
        if !hit {
            return false;
        }
    }
    if !keys.local.is_empty()
        && !case.local.is_some_and(|addr| keys.local.iter().any(|target| has(target, &addr, case, false)))
    {
        return false;
    }
    if !keys.programs.is_empty() {
        let path = String::from_utf8_lossy(&case.program).into_owned();
        let name = path.split('/').next_back().unwrap_or("").to_string();
        let of = |glob: &str| if glob.contains('/') { path.clone() } else { name.clone() };
        if !keys.programs.iter().any(|glob| matches(glob.text(), of(glob.text()).as_bytes())) {
            return false;
        }
    }
    if !keys.uids.is_empty() && !keys.uids.contains(&case.uid) {
        return false;
    }
    keys.optnames.is_empty() || case.optname.is_some_and(|option| keys.optnames.contains(&option))
}

/// An address of AF_INET or AF_INET6 with its port, IPv4 where it is v4-mapped.
fn inet(addr: &SockAddr) -> Option<(IpAddr, u16)> {
    match addr.family()? {
        libc::AF_INET if addr.len() >= 8 => Some((Ipv4Addr::from(addr.v4()).into(), addr.port())),
        libc::AF_INET6 if addr.len() >= 24 => Some((Ipv6Addr::from(addr.v6()).to_canonical(), addr.port())),
        _ => None,
    }
}

/// Whether it is an address of AF_INET or AF_INET6.
pub fn is_inet(addr: &SockAddr) -> bool {
    inet(addr).is_some()
}

/// Whether an address is one of the target's.
pub fn has(target: &Target, addr: &SockAddr, case: &Case, is_remote: bool) -> bool {
    let is_port = |ports: &Ports, port: u16| ports.first <= port && port <= ports.last;
    // A call to the unspecified address goes to loopback.
    let reached = |ip: IpAddr| match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) if is_remote => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) if is_remote => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    match target {
        Target::Inet { net, ports } => inet(addr).is_some_and(|(ip, port)| {
            let is_host = net.prefix_len() == net.max_prefix_len();
            let hit = if is_host { reached(net.addr()) == reached(ip) } else { net.contains(&reached(ip)) };
            hit && is_port(ports, port)
        }),
        Target::Any { ports } => inet(addr).is_some_and(|(_, port)| is_port(ports, port)),
        Target::Loopback { ports } => {
            inet(addr).is_some_and(|(ip, port)| reached(ip).is_loopback() && is_port(ports, port))
        }
        Target::Beyond { ports } => {
            inet(addr).is_some_and(|(ip, port)| !reached(ip).is_loopback() && is_port(ports, port))
        }
        Target::Unix(glob) => match addr.bytes().get(2..) {
            Some(path @ [first, ..]) if *first != 0 && addr.family() == Some(libc::AF_UNIX) => {
                let path: Vec<u8> = path.iter().copied().take_while(|byte| *byte != 0).collect();
                matches(glob.text(), &path) || relative(glob.text(), &path, case)
            }
            _ => false,
        },
        Target::Abstract(glob) => match addr.bytes().get(2..) {
            Some([0, name @ ..]) if addr.family() == Some(libc::AF_UNIX) => matches(glob.text(), name),
            _ => false,
        },
        Target::Host(_) => false,
    }
}

/// Whether a relative path is meant by a glob that begins at the root.
fn relative(glob: &str, path: &[u8], case: &Case) -> bool {
    let Some(directory) = &case.directory else { return false };
    !path.starts_with(b"/")
        && glob.starts_with('/')
        && matches(glob, &[directory, b"/".as_slice(), path].concat())
}

fn has_host(target: &Target, host: &[u8]) -> bool {
    match target {
        Target::Host(glob) => matches(glob.text(), &host.to_ascii_lowercase()),
        _ => false,
    }
}

fn matches(glob: &str, bytes: &[u8]) -> bool {
    glob == "*" || fast_glob::glob_match(glob, bytes)
}
