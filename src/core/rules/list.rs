//! Rules in order.

use crate::errno::Errno;
use crate::rules::call::{Call, CallSet};
use crate::rules::index::Index;
use crate::rules::obstacle::{Asked, address_obstacle, obstacle};
use crate::rules::ranges::Side;
use crate::rules::rule::Rule;
use crate::rules::sockaddr::Place;
use crate::rules::subject::Subject;
use crate::rules::verb::Verb;
use crate::rules::wire;

/// Rules in order, with an index by call.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Box<[Rule]>,
    index: Index,
}

impl Rules {
    /// The most rules that there can be.
    pub const MOST: usize = 4096;

    /// The rules in this order, at most [`Rules::MOST`] of them. Those about certain programs hold for none before
    /// [`Rules::for_program`] has said which one this is.
    pub fn new(rules: Vec<Rule>) -> Rules {
        Rules::indexed(rules.into(), None)
    }

    /// Whether any rule is about certain programs: only then [`Rules::for_program`] has to know which one this is.
    pub fn names_programs(&self) -> bool {
        self.iter().any(|rule| !rule.keys.programs.is_empty())
    }

    /// The rules for a process that runs the program at this path. Rules about other programs keep their numbers and
    /// never hold.
    pub fn for_program(self, path: &[u8]) -> Rules {
        if !self.names_programs() {
            return self;
        }
        Rules::indexed(self.rules, Some(path))
    }

    fn indexed(rules: Box<[Rule]>, program: Option<&[u8]>) -> Rules {
        let mut all = Rules { rules, index: Index::default() };
        all.index.add(&all.rules, program);
        all
    }

    /// A text of printable ASCII that [`Rules::decode`] reads, for an environment variable; `None` if it would be
    /// longer than [`Rules::LONGEST`].
    pub fn encode(&self) -> Option<String> {
        Some(wire::encode(&self.rules)).filter(|text| text.len() <= Rules::LONGEST)
    }

    /// The rules that [`Rules::encode`] has written; `None` for any other text, also of another version.
    pub fn decode(text: &[u8]) -> Option<Rules> {
        wire::decode(text).filter(|rules| rules.len() <= Rules::MOST).map(Rules::new)
    }

    /// The longest text that [`Rules::encode`] makes, in bytes. The kernel's limit for a variable is 128 KiB.
    pub const LONGEST: usize = 100_000;

    /// The calls that at least one rule can hold for.
    #[inline(always)]
    pub fn calls(&self) -> CallSet {
        self.index.calls()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule with this number, from 0.
    pub fn rule(&self, number: usize) -> Option<&Rule> {
        self.rules.get(number)
    }

    /// All rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The number of the first rule that holds for the call and fires. `fires` is asked for each rule whose keys all
    /// hold, in order, until it says yes. It is where ordinals are counted and dice are rolled; nothing else here
    /// changes anything, and nothing allocates, so a signal handler may decide as well.
    pub fn decide(
        &self,
        call: Call,
        subject: &dyn Subject,
        mut fires: impl FnMut(usize, &Rule) -> bool,
    ) -> Option<usize> {
        self.search(call, subject, &mut |number, rule, asked| {
            let meant = match rule.verb {
                Verb::Fail { errno: Errno::EAGAIN, force: false, .. } => asked.is_nonblocking(),
                // A call that never waits does not wait for a rule either.
                Verb::Delay { .. } => !asked.is_nonblocking(),
                _ => true,
            };
            meant && fires(number, rule)
        })
    }

    /// Whether the keys of any rule hold for the call, whether or not the rule would fire, and whether or not the
    /// call would wait.
    pub fn concerns(&self, call: Call, subject: &dyn Subject) -> bool {
        self.search(call, subject, &mut |_, _, _| true).is_some()
    }

    /// Whether a rule could hold for a call with this address argument, a `struct sockaddr`. It asks nothing else, so
    /// it is cheap: `false` is certain, `true` is not. Without an address any rule about the call could hold.
    #[inline]
    pub fn may_concern(&self, call: Call, address: Option<&[u8]>) -> bool {
        self.calls().has(call) && address.is_none_or(|bytes| self.may_hold(call, bytes))
    }

    #[inline]
    fn may_hold(&self, call: Call, address: &[u8]) -> bool {
        self.index.of_call(call).has(Place::of(address), call)
    }

    /// The first rule whose keys hold and that `found` says yes to.
    fn search(&self, call: Call, subject: &dyn Subject, found: &mut Found) -> Option<usize> {
        if !self.calls().has(call) {
            return None;
        }
        let (list, side) = (self.index.of_call(call), Side::of_argument(call));
        let mut asked = Asked::of(subject);
        let place = if list.asks { asked.place(side) } else { Place::Other };
        let is_listed_by_address = matches!(place, Place::V4(..) | Place::V6(..));
        let number = list.first(place, |number| {
            let number = usize::from(number);
            let Some(rule) = self.rules.get(number) else { return false };
            obstacle(rule, &mut asked).is_none()
                && (is_listed_by_address || address_obstacle(rule, call, &mut asked, side).is_none())
                && address_obstacle(rule, call, &mut asked, side.other()).is_none()
                && found(number, rule, &mut asked)
        });
        number.map(usize::from)
    }
}

/// Decides about a rule whose keys hold.
type Found<'a> = dyn FnMut(usize, &Rule, &mut Asked) -> bool + 'a;
