//! A text becomes rules. Every process of a tree does this at its start.

use super::{HEAD, MORE};
use crate::errno::Errno;
use crate::net::address::SockAddr;
use crate::rules::call::CallSet;
use crate::rules::chance::Chance;
use crate::rules::glob::Glob;
use crate::rules::rule::{Keys, Rule, Scope};
use crate::rules::target::{Ports, Target};
use crate::rules::verb::{SockOption, Verb};
use crate::rules::when::When;
use ipnet::{Ipv4Net, Ipv6Net};
use libc::c_int;

/// The rules of a text; `None` if it is none of ours.
pub(in crate::rules) fn decode(text: &[u8]) -> Option<Vec<Rule>> {
    let mut reader = Reader { left: text.strip_prefix(HEAD)?, is_sound: true };
    let rules = reader.list(Reader::rule);
    (reader.is_sound && reader.left.is_empty()).then_some(rules)
}

/// Reads a text that may be none of ours. What is wrong reads as something of its type, and is found out in the end, so
/// that nothing here has two results.
struct Reader<'a> {
    left: &'a [u8],
    is_sound: bool,
}

impl Reader<'_> {
    /// Something is wrong: nothing more is read.
    fn fail<T: Default>(&mut self) -> T {
        self.check(false);
        T::default()
    }

    /// Something may be wrong.
    #[inline(never)]
    fn check(&mut self, is_sound: bool) {
        if !is_sound {
            *self = Reader { left: &[], is_sound };
        }
    }

    fn byte(&mut self) -> u8 {
        let Some((byte, left)) = self.left.split_first() else { return self.fail() };
        self.left = left;
        *byte
    }

    fn digit(&mut self) -> u64 {
        let byte = self.byte();
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            b'-' => 62,
            b'_' => 63,
            _ => self.fail(),
        };
        digit.into()
    }

    #[inline(never)]
    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0u64, 0);
        loop {
            let digit = self.digit();
            let bits = digit % MORE;
            match bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits) {
                Some(shifted) => number |= shifted,
                None => return self.fail(),
            }
            if digit < MORE {
                return number;
            }
            shift += MORE.ilog2();
        }
    }

    /// A number up to this one.
    fn up_to(&mut self, most: u64) -> u64 {
        let number = self.number();
        if number <= most { number } else { self.fail() }
    }

    fn small<T: TryFrom<u64> + Default>(&mut self) -> T {
        T::try_from(self.number()).unwrap_or_else(|_| self.fail())
    }

    fn flag(&mut self) -> bool {
        self.up_to(1) == 1
    }

    #[inline(never)]
    fn signed(&mut self) -> c_int {
        let number = self.number();
        c_int::try_from((number >> 1) as i64 ^ -((number & 1) as i64)).unwrap_or_else(|_| self.fail())
    }

    #[inline(never)]
    fn bytes(&mut self) -> Vec<u8> {
        self.list(|reader| match reader.byte() {
            b'%' => (reader.digit() * 16 + reader.digit()).try_into().unwrap_or_else(|_| reader.fail()),
            byte => byte,
        })
    }

    fn list<T>(&mut self, one: fn(&mut Self) -> T) -> Vec<T> {
        // Each takes a byte at least: nothing is allocated for what is not there.
        let len = self.up_to(self.left.len() as u64);
        let mut list = Vec::new();
        while self.is_sound && (list.len() as u64) < len {
            list.push(one(self));
        }
        list
    }

    fn option<T>(&mut self, one: fn(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| one(self))
    }

    fn rule(&mut self) -> Rule {
        let rule = Rule {
            name: String::from_utf8(self.bytes()).unwrap_or_else(|_| self.fail()).into(),
            calls: CallSet::of_bits(self.small()).unwrap_or_else(|| self.fail()),
            keys: self.keys(),
            when: self.option(Reader::when),
            scope: if self.flag() { Scope::Tree } else { Scope::Process },
            chance: self.option(Reader::chance),
            verb: self.verb(),
        };
        self.check(!rule.calls.is_empty() && rule.verb.fit(rule.calls).is_ok());
        rule
    }

    fn when(&mut self) -> When {
        let (first, last, step) = (self.number(), self.number(), self.number());
        let when = When { first, last: last.wrapping_sub(1), step };
        self.check(when.sound().is_some());
        when
    }

    fn keys(&mut self) -> Keys {
        Keys {
            families: self.list(Reader::signed),
            types: self.list(Reader::signed),
            protocols: self.list(Reader::signed),
            remote: self.list(Reader::target),
            local: self.list(Reader::target),
            programs: self.list(Reader::glob),
            uids: self.list(Reader::small),
            optnames: self.list(|reader| (reader.signed(), reader.signed())),
        }
    }

    fn chance(&mut self) -> Chance {
        let probability = f64::from_bits(self.number().reverse_bits());
        let chance = Chance { probability, seed: self.option(Reader::number) };
        self.check(chance.sound().is_some());
        chance
    }

    #[inline(never)]
    fn glob(&mut self) -> Glob {
        let bytes = self.bytes();
        let glob = std::str::from_utf8(&bytes).ok().and_then(|text| Glob::new(text).ok());
        glob.unwrap_or_else(|| self.fail())
    }

    #[inline(never)]
    fn ports(&mut self) -> Ports {
        let (first, more): (u16, u16) = (self.small(), self.small());
        self.check(first.checked_add(more).is_some());
        Ports { first, last: first.wrapping_add(more) }
    }

    #[inline(never)]
    fn target(&mut self) -> Target {
        match self.number() {
            0 => {
                let address = self.small::<u32>().reverse_bits();
                let net = Ipv4Net::new(address.into(), self.small());
                let net = net.unwrap_or_else(|_| self.fail()).trunc();
                Target::Inet { net: net.into(), ports: self.ports() }
            }
            1 => {
                let (high, low) = (self.number().reverse_bits(), self.number());
                let address = u128::from(high) << 64 | u128::from(low);
                let net = Ipv6Net::new(address.into(), self.small());
                let net = net.unwrap_or_else(|_| self.fail()).trunc();
                Target::Inet { net: net.into(), ports: self.ports() }
            }
            2 => Target::Any { ports: self.ports() },
            3 => Target::Loopback { ports: self.ports() },
            4 => Target::Beyond { ports: self.ports() },
            5 => Target::Unix(self.glob()),
            6 => Target::Abstract(self.glob()),
            7 => Target::Host(self.glob()),
            _ => Target::Host(self.fail()),
        }
    }

    fn verb(&mut self) -> Verb {
        match self.number() {
            0 => Verb::Allow,
            1 => {
                let errno = Errno(self.signed());
                let flags = self.up_to(3);
                Verb::Fail { errno, asynchronous: flags & 1 != 0, force: flags & 2 != 0 }
            }
            2 => Verb::FailName { eai: self.signed() },
            3 => {
                let bytes = self.number();
                self.check(bytes > 0);
                Verb::Limit(bytes)
            }
            4 => Verb::Delay { nanoseconds: self.number() },
            5 => Verb::To { address: SockAddr::new(&self.bytes()), hide: self.flag() },
            6 => Verb::Become {
                family: self.option(Reader::signed),
                ty: self.option(Reader::signed),
                protocol: self.option(Reader::signed),
                fallback: self.flag(),
            },
            7 => Verb::Option(self.list(|reader| SockOption {
                level: reader.signed(),
                name: reader.signed(),
                value: reader.bytes().into(),
            })),
            8 => Verb::Files,
            _ => {
                self.check(false);
                Verb::Allow
            }
        }
    }
}
