//! TARGETs as ranges of addresses.

use crate::rules::call::Call;
use crate::rules::rule::Rule;
use crate::rules::sockaddr::{LOOPBACK_V4, LOOPBACK_V6, Place};
use crate::rules::target::{Ports, Target};
use ipnet::IpNet;

/// Which address of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Where it goes to.
    Remote,
    /// The socket's own.
    Local,
}

impl Side {
    /// The one that stands in the call's arguments, if one does.
    pub fn of_argument(call: Call) -> Side {
        if call == Call::Bind { Side::Local } else { Side::Remote }
    }

    /// What a rule demands of it.
    pub fn targets(self, rule: &Rule) -> &[Target] {
        match self {
            Side::Remote => &rule.keys.remote,
            Side::Local => &rule.keys.local,
        }
    }

    /// The other one.
    pub fn other(self) -> Side {
        if self == Side::Local { Side::Remote } else { Side::Local }
    }
}

/// The addresses from one to another, both included.
pub(super) type Range<A> = (A, A);

/// Up to two ranges of IPv4 addresses and up to two of IPv6 addresses.
#[derive(Default)]
pub(super) struct Ranges {
    pub v4: [Option<Range<u32>>; 2],
    pub v6: [Option<Range<u128>>; 2],
}

/// 127.0.0.0/8.
const LOOPBACK_NET: Range<u32> = (0x7f00_0000, 0x7fff_ffff);

impl Ranges {
    /// Every address.
    pub const ALL: Ranges = Ranges { v4: [Some((0, u32::MAX)), None], v6: [Some((0, u128::MAX)), None] };

    /// The addresses of a target, and their ports; `None` for a target that is no network. An IPv6 address here is
    /// never a v4-mapped one, nor as the remote one the unspecified one.
    pub fn of(target: &Target, side: Side) -> Option<(Ranges, Ports)> {
        match target {
            Target::Inet { net, ports } => Some((Ranges::of_net(net, side), *ports)),
            Target::Any { ports } => Some((Ranges::ALL, *ports)),
            Target::Loopback { ports } => {
                let ranges =
                    Ranges { v4: [Some(LOOPBACK_NET), None], v6: [Some((LOOPBACK_V6, LOOPBACK_V6)), None] };
                Some((ranges, *ports))
            }
            Target::Beyond { ports } => {
                let ranges = Ranges {
                    v4: [Some((0, LOOPBACK_NET.0 - 1)), Some((LOOPBACK_NET.1 + 1, u32::MAX))],
                    v6: [Some((0, LOOPBACK_V6 - 1)), Some((LOOPBACK_V6 + 1, u128::MAX))],
                };
                Some((ranges, *ports))
            }
            Target::Unix(_) | Target::Abstract(_) | Target::Host(_) => None,
        }
    }

    fn of_net(net: &IpNet, side: Side) -> Ranges {
        let v4 = |from: u32, to: u32| match (from, to, side) {
            (0, 0, Side::Remote) => (LOOPBACK_V4, LOOPBACK_V4),
            range => (range.0, range.1),
        };
        match net {
            IpNet::V4(net) => Ranges {
                v4: [Some(v4(net.network().into(), net.broadcast().into())), None],
                ..Ranges::default()
            },
            IpNet::V6(net) => match (net.network().into(), net.broadcast().into(), side) {
                (0, 0, Side::Remote) => {
                    Ranges { v6: [Some((LOOPBACK_V6, LOOPBACK_V6)), None], ..Ranges::default() }
                }
                // A net of v4-mapped addresses.
                (from, to, _) if from >> 32 == 0xffff && to >> 32 == 0xffff => {
                    Ranges { v4: [Some(v4(from as u32, to as u32)), None], ..Ranges::default() }
                }
                (from, to, _) => Ranges { v6: [Some((from, to)), None], ..Ranges::default() },
            },
        }
    }
}

/// Whether an address is one of the target's. Relative paths begin at the `directory`.
pub(super) fn is_in<'a>(
    place: Place,
    target: &Target,
    side: Side,
    directory: impl FnOnce() -> Option<&'a [u8]>,
) -> bool {
    match (place, target) {
        (Place::Unix(path), Target::Unix(glob)) => glob.matches_path(path, directory()),
        (Place::Abstract(name), Target::Abstract(glob)) => glob.matches(name),
        (Place::V4(address, port), _) => Ranges::of(target, side).is_some_and(|(ranges, ports)| {
            let has = |(from, to): Range<u32>| (from..=to).contains(&address);
            (ports.first..=ports.last).contains(&port) && ranges.v4.into_iter().flatten().any(has)
        }),
        (Place::V6(address, port), _) => Ranges::of(target, side).is_some_and(|(ranges, ports)| {
            let has = |(from, to): Range<u128>| (from..=to).contains(&address);
            (ports.first..=ports.last).contains(&port) && ranges.v6.into_iter().flatten().any(has)
        }),
        _ => false,
    }
}
