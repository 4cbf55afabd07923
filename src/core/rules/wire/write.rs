//! Rules become a text.

use super::{ALPHABET, HEAD, MORE};
use crate::rules::chance::Chance;
use crate::rules::rule::{Keys, Rule, Scope};
use crate::rules::target::Target;
use crate::rules::verb::{SockOption, Verb};
use crate::rules::when::When;
use ipnet::IpNet;
use libc::c_int;

/// The rules as a text.
pub(in crate::rules) fn encode(rules: &[Rule]) -> String {
    let mut writer = Writer { text: String::from_utf8_lossy(HEAD).into_owned() };
    writer.list(rules, Writer::rule);
    writer.text
}

struct Writer {
    text: String,
}

impl Writer {
    fn number(&mut self, mut number: u64) {
        loop {
            let more = if number >= MORE { MORE } else { 0 };
            self.text.push(char::from(ALPHABET[(number % MORE + more) as usize]));
            if more == 0 {
                return;
            }
            number /= MORE;
        }
    }

    fn signed(&mut self, number: c_int) {
        let number = i64::from(number);
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        for byte in bytes {
            match byte {
                b'!'..=b'~' if *byte != b'%' => self.text.push(char::from(*byte)),
                _ => {
                    self.text.push('%');
                    self.text.push(char::from(ALPHABET[usize::from(byte / 16)]));
                    self.text.push(char::from(ALPHABET[usize::from(byte % 16)]));
                }
            }
        }
    }

    fn list<T>(&mut self, list: &[T], one: fn(&mut Writer, &T)) {
        self.number(list.len() as u64);
        list.iter().for_each(|item| one(self, item));
    }

    fn option<T>(&mut self, option: Option<T>, one: fn(&mut Writer, &T)) {
        self.list(option.as_slice(), one);
    }

    fn rule(&mut self, rule: &Rule) {
        let Rule { name, calls, keys, when, scope, chance, verb } = rule;
        self.bytes(name.as_bytes());
        self.number(calls.bits().into());
        self.keys(keys);
        self.option(*when, |writer, When { first, last, step }| {
            // u64::MAX, for no end, is a number of thirteen digits.
            [*first, last.wrapping_add(1), *step].into_iter().for_each(|number| writer.number(number));
        });
        self.number(u64::from(*scope == Scope::Tree));
        self.option(*chance, |writer, Chance { probability, seed }| {
            writer.number(probability.to_bits().reverse_bits());
            writer.option(*seed, |writer, seed| writer.number(*seed));
        });
        self.verb(verb);
    }

    fn keys(&mut self, keys: &Keys) {
        let Keys { families, types, protocols, remote, local, programs, uids, optnames } = keys;
        for numbers in [families, types, protocols] {
            self.list(numbers, |writer, number| writer.signed(*number));
        }
        for targets in [remote, local] {
            self.list(targets, Writer::target);
        }
        self.list(programs, |writer, glob| writer.bytes(glob.text().as_bytes()));
        self.list(uids, |writer, uid| writer.number((*uid).into()));
        self.list(optnames, |writer, (level, name)| {
            writer.signed(*level);
            writer.signed(*name);
        });
    }

    fn target(&mut self, target: &Target) {
        let ports = match target {
            Target::Inet { net: IpNet::V4(net), ports } => {
                self.number(0);
                self.number(u32::from(net.network()).reverse_bits().into());
                self.number(net.prefix_len().into());
                ports
            }
            Target::Inet { net: IpNet::V6(net), ports } => {
                self.number(1);
                let address = u128::from(net.network());
                self.number(((address >> 64) as u64).reverse_bits());
                self.number(address as u64);
                self.number(net.prefix_len().into());
                ports
            }
            Target::Any { ports } => {
                self.number(2);
                ports
            }
            Target::Loopback { ports } => {
                self.number(3);
                ports
            }
            Target::Beyond { ports } => {
                self.number(4);
                ports
            }
            Target::Unix(glob) | Target::Abstract(glob) | Target::Host(glob) => {
                self.number(match target {
                    Target::Unix(_) => 5,
                    Target::Abstract(_) => 6,
                    _ => 7,
                });
                return self.bytes(glob.text().as_bytes());
            }
        };
        self.number(ports.first.into());
        self.number(ports.last.wrapping_sub(ports.first).into());
    }

    fn verb(&mut self, verb: &Verb) {
        match verb {
            Verb::Allow => self.number(0),
            Verb::Fail { errno, asynchronous, force } => {
                self.number(1);
                self.signed(errno.0);
                self.number(u64::from(*asynchronous) + 2 * u64::from(*force));
            }
            Verb::FailName { eai } => {
                self.number(2);
                self.signed(*eai);
            }
            Verb::Limit(bytes) => {
                self.number(3);
                self.number(*bytes);
            }
            Verb::Delay { nanoseconds } => {
                self.number(4);
                self.number(*nanoseconds);
            }
            Verb::To { address, hide } => {
                self.number(5);
                self.bytes(address.bytes());
                self.number((*hide).into());
            }
            Verb::Become { family, ty, protocol, fallback } => {
                self.number(6);
                for number in [family, ty, protocol] {
                    self.option(*number, |writer, number| writer.signed(*number));
                }
                self.number((*fallback).into());
            }
            Verb::Option(options) => {
                self.number(7);
                self.list(options, |writer, SockOption { level, name, value }| {
                    writer.signed(*level);
                    writer.signed(*name);
                    writer.bytes(value);
                });
            }
            Verb::Files => self.number(8),
        }
    }
}
