//! Rules by call and by address, so that a call meets only those that can hold for it.
//!
//! For each call there are three lists, each in the order of the rules: the ranges of IPv4 addresses that they are about,
//! those of IPv6 addresses, and the rules that can hold for any other address or for none. A rule that demands no
//! address is in all three.

use crate::rules::call::{Call, CallSet};
use crate::rules::ranges::{Range, Ranges, Side};
use crate::rules::rule::Rule;
use crate::rules::sockaddr::{LOOPBACK_V4, LOOPBACK_V6, Place};
use crate::rules::target::Ports;

/// The rules about each call.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    lists: [PerCall; Call::COUNT],
    calls: CallSet,
}

/// The rules about one call.
#[derive(Clone, Debug, Default)]
pub(super) struct PerCall {
    /// Whether any of them demands an address of the side that the lists are about.
    pub asks: bool,
    v4: Vec<Row<u32>>,
    v6: Vec<Row<u128>>,
    other: Vec<u16>,
}

/// A range of addresses and a range of ports. What is compared is the distance from the beginning, so that one
/// comparison looks at both ends.
#[derive(Clone, Copy, Debug)]
struct Row<A> {
    from: A,
    span: A,
    port: u16,
    ports: u16,
    rule: u16,
}

macro_rules! row {
    ($ty:ty) => {
        impl Row<$ty> {
            fn new((from, to): Range<$ty>, ports: Ports, rule: u16) -> Row<$ty> {
                let span = to.wrapping_sub(from);
                Row { from, span, port: ports.first, ports: ports.last.wrapping_sub(ports.first), rule }
            }

            #[inline(always)]
            fn has(&self, address: $ty, port: u16) -> bool {
                port.wrapping_sub(self.port) <= self.ports && address.wrapping_sub(self.from) <= self.span
            }
        }
    };
}
row!(u32);
row!(u128);

impl Index {
    /// Adds the rules that can hold in a process of the program at this path, or while that is not known.
    pub fn add(&mut self, rules: &[Rule], program: Option<&[u8]>) {
        for (number, rule) in (0..=u16::MAX).zip(rules) {
            let wanted = match program {
                Some(path) => rule.is_about(path),
                None => rule.keys.programs.is_empty(),
            };
            if wanted {
                rule.calls.iter().for_each(|call| self.lists[call as usize].push(rule, number, call));
                self.calls = self.calls.union(rule.calls);
            }
        }
    }

    /// The rules about a call.
    #[inline(always)]
    pub fn of_call(&self, call: Call) -> &PerCall {
        &self.lists[call as usize]
    }

    /// The calls that there are rules about.
    #[inline(always)]
    pub fn calls(&self) -> CallSet {
        self.calls
    }
}

impl PerCall {
    /// Adds a rule. Not inlined, as the next one, because every process has this code and runs it once.
    #[inline(never)]
    fn push(&mut self, rule: &Rule, number: u16, call: Call) {
        let side = Side::of_argument(call);
        let targets = side.targets(rule);
        // A name that is looked up is no address.
        if targets.is_empty() || call == Call::Resolve {
            self.push_ranges(&Ranges::ALL, Ports::ALL, number);
            self.other.push(number);
            return;
        }
        self.asks = true;
        for target in targets {
            match Ranges::of(target, side) {
                Some((ranges, ports)) => self.push_ranges(&ranges, ports, number),
                None if self.other.last() == Some(&number) => {}
                None => self.other.push(number),
            }
        }
    }

    #[inline(never)]
    fn push_ranges(&mut self, ranges: &Ranges, ports: Ports, number: u16) {
        for range in ranges.v4.iter().flatten() {
            self.v4.push(Row::<u32>::new(*range, ports, number));
        }
        for range in ranges.v6.iter().flatten() {
            self.v6.push(Row::<u128>::new(*range, ports, number));
        }
    }

    /// Whether a rule can hold for the address in a call's arguments. It runs before each call that a rule names, so
    /// nothing stands between the address and its list.
    #[inline(always)]
    pub fn has(&self, place: Place, call: Call) -> bool {
        match place {
            Place::V4(address, port) => {
                let address = if address == 0 && call != Call::Bind { LOOPBACK_V4 } else { address };
                self.v4.iter().any(|row| row.has(address, port))
            }
            Place::V6(address, port) => {
                let address = if address == 0 && call != Call::Bind { LOOPBACK_V6 } else { address };
                self.v6.iter().any(|row| row.has(address, port))
            }
            _ => !self.other.is_empty(),
        }
    }

    /// The first rule that can hold for this address, and that `holds` says yes to. It is asked once for each rule, in
    /// their order.
    #[inline(always)]
    pub fn first(&self, place: Place, mut holds: impl FnMut(u16) -> bool) -> Option<u16> {
        let mut before = None;
        let mut once = |rule: u16| before.replace(rule) != Some(rule) && holds(rule);
        match place {
            Place::V4(address, port) => {
                self.v4.iter().find(|row| row.has(address, port) && once(row.rule)).map(|row| row.rule)
            }
            Place::V6(address, port) => {
                self.v6.iter().find(|row| row.has(address, port) && once(row.rule)).map(|row| row.rule)
            }
            _ => self.other.iter().copied().find(|rule| once(*rule)),
        }
    }
}
