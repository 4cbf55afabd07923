//! Rules that are probably not meant as they stand: they can never hold, or an earlier rule hides them.
//!
//! Only what is certain is said. A rule that two earlier ones hide together is not found.

use crate::errno::Errno;
use crate::rules::call::Call;
use crate::rules::glob::Glob;
use crate::rules::ranges::{Ranges, Side};
use crate::rules::rule::Rule;
use crate::rules::target::Target;
use crate::rules::text::wrong::Wrong;
use crate::rules::verb::Verb;
use libc::{AF_INET, AF_INET6, AF_UNIX, c_int};
use std::fmt;

/// A rule that is probably not meant as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// Its number in the list, from 0.
    pub rule: usize,
    /// Why.
    pub reason: DoubtReason,
}

/// Why a rule is probably not meant as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DoubtReason {
    /// An earlier rule, which fires always, holds whenever this one does.
    Hidden {
        /// The name of the earlier one.
        by: Box<str>,
    },
    /// It can never hold, for this reason.
    Never(&'static str),
}

impl fmt::Display for DoubtReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DoubtReason::Hidden { by } => write!(f, "can never fire, because rule {by} comes first"),
            DoubtReason::Never(why) => write!(f, "can never hold: {why}"),
        }
    }
}

impl Doubt {
    /// The same as a sentence about the rule.
    pub(super) fn wrong(&self) -> Wrong {
        Wrong::new(self.reason.to_string(), "")
    }
}

/// The rules of a list that are probably not meant as they stand.
pub fn doubts(rules: &[Rule]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let reason = match never(rule) {
            Some(why) => Some(DoubtReason::Never(why)),
            None => rules[..number]
                .iter()
                .find(|earlier| hides(earlier, rule))
                .map(|earlier| DoubtReason::Hidden { by: earlier.name.clone() }),
        };
        doubts.extend(reason.map(|reason| Doubt { rule: number, reason }));
    }
    doubts
}

/// Why a rule can never hold: the reason for the first of its calls, if there is one for each of them.
fn never(rule: &Rule) -> Option<&'static str> {
    let mut reasons = rule.calls.iter().map(|call| never_for(rule, call));
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}

/// Why a rule can never hold for a call.
fn never_for(rule: &Rule, call: Call) -> Option<&'static str> {
    let keys = &rule.keys;
    let is_about_sockets = !matches!(call, Call::Resolve | Call::IoUringSetup);
    let of_sort = [&keys.families, &keys.types, &keys.protocols];
    if !is_about_sockets && of_sort.iter().any(|list| !list.is_empty()) {
        return Some("the call has no socket");
    }
    if !keys.remote.is_empty() && !call.has_remote() {
        return Some("nothing is remote at this call");
    }
    if !keys.local.is_empty() && !call.has_local() {
        return Some("the call's socket has no address yet");
    }
    if call == Call::Resolve {
        return None;
    }
    // What each key demands of the family.
    let demands = [
        rule.keys.families.clone(),
        rule.implied_families().to_vec(),
        families_of(&keys.remote),
        families_of(&keys.local),
    ];
    let mut demands = demands.into_iter().filter(|families| !families.is_empty());
    if let Some(first) = demands.next() {
        let rest: Vec<_> = demands.collect();
        if !first.iter().any(|family| rest.iter().all(|families| families.contains(family))) {
            return Some("no family has such addresses");
        }
    }
    let types = rule.implied_types();
    let is_any = types.is_empty() || keys.types.is_empty();
    if !is_any && !keys.types.iter().any(|ty| types.contains(ty)) {
        return Some("limit is for stream sockets, others would lose the rest of a message");
    }
    None
}

/// The families whose addresses the targets describe; none for no targets.
fn families_of(targets: &[Target]) -> Vec<c_int> {
    let families = targets.iter().flat_map(|target| match target {
        Target::Inet { net, .. } if net.addr().is_ipv6() => &[AF_INET6][..],
        Target::Inet { .. } | Target::Any { .. } | Target::Loopback { .. } | Target::Beyond { .. } => {
            &[AF_INET, AF_INET6]
        }
        Target::Unix(_) | Target::Abstract(_) => &[AF_UNIX],
        Target::Host(_) => &[],
    });
    families.copied().collect()
}

/// Whether the earlier rule always fires when the later one would hold.
fn hides(earlier: &Rule, later: &Rule) -> bool {
    let is_certain = earlier.when.is_none() && earlier.chance.is_none();
    let passes_by =
        matches!(earlier.verb, Verb::Fail { errno: Errno::EAGAIN, force: false, .. } | Verb::Delay { .. });
    let (a, b) = (&earlier.keys, &later.keys);
    // What the later one demands, by a key or by its verb.
    let families = if b.families.is_empty() { later.implied_families() } else { &b.families };
    let types = if b.types.is_empty() { later.implied_types() } else { &b.types };
    is_certain
        && !passes_by
        && later.calls.without(earlier.calls).is_empty()
        && covers(&a.families, families, PartialEq::eq)
        && covers(earlier.implied_families(), families, PartialEq::eq)
        && covers(&a.types, types, PartialEq::eq)
        && covers(earlier.implied_types(), types, PartialEq::eq)
        && covers(&a.protocols, &b.protocols, PartialEq::eq)
        && covers(&a.remote, &b.remote, |a, b| target_covers(a, b, Side::Remote))
        && covers(&a.local, &b.local, |a, b| target_covers(a, b, Side::Local))
        && covers(&a.programs, &b.programs, glob_covers)
        && covers(&a.uids, &b.uids, PartialEq::eq)
        && covers(&a.optnames, &b.optnames, PartialEq::eq)
}

/// Whether each of the later list's demands is covered by one of the earlier list.
fn covers<T>(earlier: &[T], later: &[T], one: impl Fn(&T, &T) -> bool) -> bool {
    earlier.is_empty()
        || (!later.is_empty() && later.iter().all(|later| earlier.iter().any(|earlier| one(earlier, later))))
}

fn glob_covers(earlier: &Glob, later: &Glob) -> bool {
    earlier.is_everything() || earlier == later
}

/// Whether every address of the later target is one of the earlier target's.
fn target_covers(earlier: &Target, later: &Target, side: Side) -> bool {
    match (earlier, later) {
        (Target::Unix(a), Target::Unix(b))
        | (Target::Abstract(a), Target::Abstract(b))
        | (Target::Host(a), Target::Host(b)) => glob_covers(a, b),
        _ => {
            let (Some((a, a_ports)), Some((b, b_ports))) =
                (Ranges::of(earlier, side), Ranges::of(later, side))
            else {
                return false;
            };
            b_ports.are_within(a_ports) && ranges_cover(&a.v4, &b.v4) && ranges_cover(&a.v6, &b.v6)
        }
    }
}

/// Whether each of the later ranges is within one of the earlier ones.
fn ranges_cover<A: PartialOrd>(earlier: &[Option<(A, A)>; 2], later: &[Option<(A, A)>; 2]) -> bool {
    later
        .iter()
        .flatten()
        .all(|later| earlier.iter().flatten().any(|earlier| earlier.0 <= later.0 && later.1 <= earlier.1))
}

#[cfg(test)]
mod tests {
    use crate::rules::file;

    /// The doubts about a file's rules, each as the rule's position and the sentence.
    fn doubts_of(text: &str) -> Vec<String> {
        let (_, warnings) =
            file::parse_with_warnings(text.as_bytes(), "f").unwrap_or_else(|error| panic!("{error}"));
        warnings.iter().map(|warning| warning.one_line().to_string()).collect()
    }

    #[test]
    fn what_can_never_hold() {
        for (rule, why) in [
            ("call = 'listen'\nremote = '*'\nallow = true", "nothing is remote at this call"),
            ("call = 'bind'\nremote = '10.0.0.0/8'\nallow = true", "nothing is remote at this call"),
            ("call = 'socket'\nlocal = '*'\nallow = true", "the call's socket has no address yet"),
            ("call = 'resolve'\nfamily = 'inet'\nallow = true", "the call has no socket"),
            (
                "call = 'connect'\nfamily = 'unix'\nremote = '10.0.0.0/8'\nallow = true",
                "no family has such addresses",
            ),
            (
                "call = 'connect'\nfamily = 'inet'\nremote = '[::1]'\nallow = true",
                "no family has such addresses",
            ),
            (
                "call = 'connect'\nremote = '[::1]'\nlocal = '@a'\nallow = true",
                "no family has such addresses",
            ),
            ("call = 'connect'\nremote = '*'\nto = 'unix:/a'", "no family has such addresses"),
            (
                "call = 'send'\ntype = 'dgram'\nlimit = 1",
                "limit is for stream sockets, others would lose the rest of a message",
            ),
        ] {
            let doubts = doubts_of(&format!("[[rule]]\n{rule}"));
            assert_eq!(doubts, [format!("f:1:1: can never hold: {why}")], "{rule}");
        }
        for rule in [
            "call = ['listen', 'connect']\nremote = '*'\nallow = true",
            "call = 'connect'\nfamily = 'inet6'\nremote = '10.0.0.1'\nallow = true",
            "call = 'connect'\nremote = '*'\nto = '127.0.0.1:1'",
            "call = ['connect', 'resolve']\nfamily = 'inet'\nallow = true",
        ] {
            assert_eq!(doubts_of(&format!("[[rule]]\n{rule}")), [""; 0], "{rule}");
        }
    }

    #[test]
    fn what_an_earlier_rule_hides() {
        let hidden = |earlier: &str, later: &str| {
            let text = format!("[[rule]]\n{earlier}\nfail = 'EPERM'\n[[rule]]\n{later}\nallow = true");
            match doubts_of(&text).as_slice() {
                [] => false,
                [doubt] => doubt.ends_with("can never fire, because rule #1 comes first"),
                _ => panic!("{text}"),
            }
        };
        for (earlier, later) in [
            ("call = 'connect'", "call = 'connect'"),
            ("call = ['bind', 'connect']", "call = 'connect'\nfamily = 'inet'"),
            (
                "call = 'connect'\nremote = '*'",
                "call = 'connect'\nremote = ['10.0.0.1', '[::1]:80', 'loopback']",
            ),
            ("call = 'connect'\nremote = '10.0.0.0/8:1-100'", "call = 'connect'\nremote = '10.1.0.0/16:80'"),
            ("call = 'connect'\nremote = 'beyond-loopback'", "call = 'connect'\nremote = '192.168.0.0/16'"),
            ("call = 'connect'\nremote = 'unix:*'", "call = 'connect'\nremote = 'unix:/a'"),
            ("call = 'connect'\nremote = '127.0.0.1'", "call = 'connect'\nremote = '0.0.0.0'"),
            (
                "call = 'socket'\ntype = ['stream', 'dgram']",
                "call = 'socket'\ntype = 'dgram'\nprotocol = 'udp'",
            ),
            ("call = 'bind'\nuid = [0, 1]", "call = 'bind'\nuid = 1\nwhen = 3"),
            ("call = 'bind'\nprogram = '*'", "call = 'bind'\nprogram = 'psql'"),
        ] {
            assert!(hidden(earlier, later), "{earlier} {later}");
            assert!(
                !hidden(later, earlier) || earlier == later || later.contains("0.0.0.0"),
                "{later} {earlier}"
            );
        }
        for (earlier, later) in [
            ("call = 'connect'\nwhen = 1", "call = 'connect'"),
            ("call = 'connect'\nchance = 1", "call = 'connect'"),
            ("call = 'connect'", "call = ['connect', 'bind']"),
            (
                "call = 'connect'\nremote = '10.0.0.0/8'",
                "call = 'connect'\nremote = ['10.0.0.1', '11.0.0.1']",
            ),
            ("call = 'connect'\nremote = '*:80'", "call = 'connect'\nremote = '*:80-81'"),
            ("call = 'connect'\nremote = 'beyond-loopback'", "call = 'connect'\nremote = '[::]/0'"),
            ("call = 'bind'\nlocal = '127.0.0.1'", "call = 'bind'\nlocal = '0.0.0.0'"),
        ] {
            assert!(!hidden(earlier, later), "{earlier} {later}");
        }
        let passes_by = "[[rule]]\ncall='recv'\nfail='EAGAIN'\n[[rule]]\ncall='recv'\nallow=true";
        assert_eq!(doubts_of(passes_by), [""; 0]);
        let implied = "[[rule]]\ncall='send'\nlimit=1\n[[rule]]\ncall='send'\nlimit=2\n[[rule]]\ncall='send'\nallow=true";
        assert_eq!(doubts_of(implied).len(), 1);
    }
}
