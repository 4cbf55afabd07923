//! Whether a rule holds for a call, and if not, why.

use crate::rules::call::Call;
use crate::rules::ranges::{Side, is_in};
use crate::rules::rule::Rule;
use crate::rules::sockaddr::{Place, families_for};
use crate::rules::subject::{Sort, Subject};
use crate::rules::target::Target;
use crate::rules::verb::Verb;
use libc::c_int;

/// A key that keeps a rule from holding for a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// The rule is about other calls.
    Call,
    /// The socket's family is another, or the verb's address does not fit it.
    Family,
    /// The socket's type is another, or the verb is not for it.
    Type,
    /// The protocol is another.
    Protocol,
    /// The call goes elsewhere, or nobody knows where to.
    Remote,
    /// The socket has another address, or none.
    Local,
    /// It is another program.
    Program,
    /// It is another user.
    Uid,
    /// It is another option.
    Optname,
}

impl Obstacle {
    /// The key's name in a rule file.
    pub fn name(self) -> &'static str {
        match self {
            Obstacle::Call => "call",
            Obstacle::Family => "family",
            Obstacle::Type => "type",
            Obstacle::Protocol => "protocol",
            Obstacle::Remote => "remote",
            Obstacle::Local => "local",
            Obstacle::Program => "program",
            Obstacle::Uid => "uid",
            Obstacle::Optname => "optname",
        }
    }
}

/// A subject's answers, each asked for once.
pub(super) struct Asked<'a> {
    subject: &'a dyn Subject,
    sort: Option<Option<Sort>>,
    remote: Option<Place<'a>>,
    local: Option<Place<'a>>,
    uid: Option<u32>,
    is_nonblocking: Option<bool>,
}

impl<'a> Asked<'a> {
    #[inline]
    pub fn of(subject: &'a dyn Subject) -> Asked<'a> {
        Asked { subject, sort: None, remote: None, local: None, uid: None, is_nonblocking: None }
    }

    fn sort(&mut self) -> Option<Sort> {
        *self.sort.get_or_insert_with(|| self.subject.sort())
    }

    /// The address of a side.
    pub fn place(&mut self, side: Side) -> Place<'a> {
        match side {
            Side::Remote => self.remote(),
            Side::Local => self.local(),
        }
    }

    /// Whether the call does not wait.
    pub fn is_nonblocking(&mut self) -> bool {
        *self.is_nonblocking.get_or_insert_with(|| self.subject.is_nonblocking())
    }

    /// Where the call goes to.
    fn remote(&mut self) -> Place<'a> {
        let ask = || self.subject.remote().map_or(Place::Other, |addr| Place::of(addr.bytes()).as_remote());
        *self.remote.get_or_insert_with(ask)
    }

    /// The socket's own address.
    fn local(&mut self) -> Place<'a> {
        let ask = || self.subject.local().map_or(Place::Other, |addr| Place::of(addr.bytes()));
        *self.local.get_or_insert_with(ask)
    }

    fn uid(&mut self) -> u32 {
        *self.uid.get_or_insert_with(|| self.subject.uid())
    }
}

impl Rule {
    /// What keeps the rule from holding for a call of the program at the path `program`: the first key that does not
    /// hold, or nothing. `when` and `chance` are no keys.
    pub fn obstacle(&self, call: Call, subject: &dyn Subject, program: &[u8]) -> Option<Obstacle> {
        if !self.calls.has(call) {
            return Some(Obstacle::Call);
        }
        let mut asked = Asked::of(subject);
        obstacle(self, &mut asked)
            .or_else(|| address_obstacle(self, call, &mut asked, Side::Local))
            .or_else(|| address_obstacle(self, call, &mut asked, Side::Remote))
            .or_else(|| (!self.is_about(program)).then_some(Obstacle::Program))
    }

    /// Whether the rule can hold in a process of the program at this path.
    pub fn is_about(&self, program: &[u8]) -> bool {
        any(&self.keys.programs, |glob| glob.matches_program(program))
    }

    /// The families that the verb is for; none: for all.
    pub(super) fn implied_families(&self) -> &'static [c_int] {
        match &self.verb {
            Verb::To { address, .. } => families_for(address),
            _ => &[],
        }
    }

    /// The types that the verb is for; none: for all.
    pub(super) fn implied_types(&self) -> &'static [c_int] {
        match self.verb {
            Verb::Limit(_) => &[libc::SOCK_STREAM],
            _ => &[],
        }
    }
}

/// Whether `holds` for one of the list, or the list is empty.
fn any<T>(list: &[T], holds: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}

/// The first key that does not hold, but for the calls, the addresses and the programs.
pub(super) fn obstacle(rule: &Rule, asked: &mut Asked) -> Option<Obstacle> {
    let keys = &rule.keys;
    let (families, types) = (rule.implied_families(), rule.implied_types());
    let of_sort = [&keys.families, families, &keys.types, types, &keys.protocols];
    if of_sort.iter().any(|list| !list.is_empty()) {
        let Some(Sort { family, ty, protocol }) = asked.sort() else { return Some(Obstacle::Family) };
        if !any(&keys.families, |wanted| *wanted == family) || !any(families, |wanted| *wanted == family) {
            return Some(Obstacle::Family);
        }
        if !any(&keys.types, |wanted| *wanted == ty) || !any(types, |wanted| *wanted == ty) {
            return Some(Obstacle::Type);
        }
        if !any(&keys.protocols, |wanted| *wanted == protocol) {
            return Some(Obstacle::Protocol);
        }
    }
    if !keys.uids.is_empty() && !keys.uids.contains(&asked.uid()) {
        return Some(Obstacle::Uid);
    }
    if !any(&keys.optnames, |option| asked.subject.optname() == Some(*option)) {
        return Some(Obstacle::Optname);
    }
    None
}

/// The key for the address of this side, if it does not hold.
pub(super) fn address_obstacle(rule: &Rule, call: Call, asked: &mut Asked, side: Side) -> Option<Obstacle> {
    let targets = side.targets(rule);
    if targets.is_empty() {
        return None;
    }
    let holds = match (call, side) {
        (Call::Resolve, Side::Remote) => {
            let host = asked.subject.host();
            host.is_some_and(|host| {
                targets.iter().any(|target| matches!(target, Target::Host(glob) if glob.matches_host(host)))
            })
        }
        _ => {
            let place = asked.place(side);
            let subject = asked.subject;
            targets.iter().any(|target| is_in(place, target, side, || subject.directory()))
        }
    };
    let obstacle = if side == Side::Local { Obstacle::Local } else { Obstacle::Remote };
    (!holds).then_some(obstacle)
}
