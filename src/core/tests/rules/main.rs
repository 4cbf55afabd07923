//! The matcher against a naive one, on random rules and calls, and the form that rules are handed on in.
//!
//! `PROPTEST_CASES` says how many; 4,000 without it.

mod naive;
mod random;

use naive::Case;
use proptest::collection::vec;
use proptest::prelude::*;
use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::{Call, Rules, Sort, Subject};
use std::cell::Cell;

/// A call that counts what is asked about it.
struct Counting<'a> {
    case: &'a Case,
    asked: [Cell<usize>; 5],
}

impl Counting<'_> {
    fn count(&self, question: usize) {
        self.asked[question].set(self.asked[question].get() + 1);
    }
}

impl Subject for Counting<'_> {
    fn sort(&self) -> Option<Sort> {
        self.count(0);
        self.case.sort()
    }
    fn remote(&self) -> Option<&SockAddr> {
        self.count(1);
        self.case.remote()
    }
    fn local(&self) -> Option<&SockAddr> {
        self.count(2);
        self.case.local()
    }
    fn host(&self) -> Option<&[u8]> {
        self.case.host()
    }
    fn optname(&self) -> Option<(i32, i32)> {
        self.case.optname()
    }
    fn uid(&self) -> u32 {
        self.count(3);
        self.case.uid()
    }
    fn is_nonblocking(&self) -> bool {
        self.count(4);
        self.case.is_nonblocking()
    }
    fn directory(&self) -> Option<&[u8]> {
        self.case.directory()
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// The same rules are asked whether they fire, in the same order, and the same one decides.
    #[test]
    fn the_index_decides_as_the_naive_matcher(
        list in vec(random::rule(), 0..6),
        cases in vec(random::case(), 1..4),
        dice in any::<u64>(),
    ) {
        let rules = Rules::new(list.clone());
        prop_assert_eq!(rules.len(), list.len());
        let text = rules.encode();
        // Handed on, and read again.
        let rules = if dice & 1 == 0 { rules } else { Rules::decode(text.unwrap_or_default().as_bytes()).expect("our own") };
        for case in &cases {
            let rules = rules.clone().for_program(&case.program);
            let (mut asked, mut expected) = (Vec::new(), Vec::new());
            let fires = |number: usize| dice >> (number + 1) & 1 == 1;
            let naive = naive::decide(&list, case, |number| { expected.push(number); fires(number) });
            let subject = Counting { case, asked: Default::default() };
            let decided = rules.decide(case.call, &subject, |number, rule| {
                assert_eq!(*rule, list[number]);
                asked.push(number);
                fires(number)
            });
            prop_assert_eq!((decided, asked), (naive, expected));
            prop_assert!(subject.asked.iter().all(|count| count.get() <= 1), "a question was asked twice");

            let holding: Vec<_> = list.iter().map(|rule| naive::holds(rule, case)).collect();
            prop_assert_eq!(rules.concerns(case.call, case), holding.contains(&true));
            for (rule, holds) in list.iter().zip(&holding) {
                prop_assert_eq!(rule.obstacle(case.call, case, &case.program).is_none(), *holds);
            }
            let named = list.iter().any(|rule| rule.calls.has(case.call) && rule.is_about(&case.program));
            prop_assert!(named || !rules.calls().has(case.call));
            prop_assert!(holding.iter().all(|holds| !holds) || rules.calls().has(case.call));

            // An address argument alone: never a false no, and for IPv4 and IPv6 never a false yes.
            let (argument, is_remote) = match case.call {
                Call::Bind => (case.local, false),
                _ => (case.remote, true),
            };
            let may = rules.may_concern(case.call, argument.as_ref().map(SockAddr::bytes));
            prop_assert!(may || !holding.contains(&true));
            if let (Some(addr), true) = (argument, case.call != Call::Resolve) {
                let is_inet = naive::is_inet(&addr);
                let could = list.iter().any(|rule| {
                    let targets = if is_remote { &rule.keys.remote } else { &rule.keys.local };
                    rule.calls.has(case.call)
                        && rule.is_about(&case.program)
                        && (targets.is_empty() || targets.iter().any(|target| naive::has(target, &addr, case, is_remote)))
                });
                prop_assert!(may || !could);
                prop_assert!(!is_inet || may == could);
            }
        }
    }

    /// What is written is read again, and is printable ASCII.
    #[test]
    fn rules_are_handed_on_whole(list in vec(random::rule(), 0..20)) {
        let text = Rules::new(list.clone()).encode().expect("short enough");
        prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", text);
        let read = Rules::decode(text.as_bytes()).expect("our own");
        prop_assert_eq!(read.iter().cloned().collect::<Vec<_>>(), list);
        prop_assert_eq!(read.encode(), Some(text));
    }

    /// Damaged rules are refused, or are other rules that can be used like any.
    #[test]
    fn any_bytes_can_be_read(
        list in vec(random::rule(), 0..4),
        edits in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..6),
        case in random::case(),
    ) {
        let mut text = Rules::new(list).encode().expect("short enough").into_bytes();
        for (place, byte, kind) in edits {
            let place = place.index(text.len().max(1));
            match kind {
                _ if text.is_empty() => text.push(byte),
                0 => text[place] = byte,
                1 => text.insert(place, byte),
                _ => drop(text.remove(place)),
            }
        }
        if let Some(rules) = Rules::decode(&text) {
            let rules = rules.for_program(&case.program);
            let _ = rules.decide(case.call, &case, |_, _| false);
            let again = rules.encode().and_then(|text| Rules::decode(text.as_bytes())).expect("what was read");
            prop_assert!(again.iter().eq(rules.iter()));
        }
    }

    /// Neither beginning nor end is needed for a refusal.
    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..200), has_head in any::<bool>()) {
        let head: &[u8] = if has_head { b"sockshim1 " } else { b"" };
        let _ = Rules::decode(&[head, &bytes].concat());
    }
}
