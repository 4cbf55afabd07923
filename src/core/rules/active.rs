//! The rules of this process, for whoever writes what they have decided.

use crate::net::ops::{Arguments, Effect};
use crate::rules::list::Rules;
use crate::rules::rule::Rule;
use crate::rules::verb::Verb;
use crate::uapi::SOCK_FLAGS;
use crate::verdict::Argument;
use libc::c_int;
use once_cell::race::OnceRef;

static ACTIVE: OnceRef<'static, Rules> = OnceRef::new();

/// From now on these are the process's rules. Only the first ones that come count.
pub fn activate(rules: &'static Rules) {
    let _ = ACTIVE.set(rules);
}

/// The process's rules, if it has any.
#[inline(always)]
pub fn active() -> Option<&'static Rules> {
    ACTIVE.get()
}

/// The rule with this number of an event, from 1.
fn numbered(number: u16) -> Option<&'static Rule> {
    active()?.rule(usize::from(number).checked_sub(1)?)
}

/// The name of the rule with this number of an event, from 1.
pub fn name_of(number: u16) -> &'static str {
    numbered(number).map_or("?", |rule| &rule.name)
}

/// The arguments of socket(2) that a rule puts in the place of these, with the flags of the program's type.
pub fn replaced(verb: &Verb, [family, ty, protocol]: [c_int; 3]) -> Option<Argument> {
    let Verb::Become { family: to_family, ty: to_ty, protocol: to_protocol, .. } = *verb else { return None };
    Some(Argument::Protocol {
        family: to_family.unwrap_or(family),
        ty: to_ty.map_or(ty, |to| to | (ty & SOCK_FLAGS)),
        protocol: to_protocol.unwrap_or(protocol),
    })
}

/// What the rule with this number of an event made of socket(2)'s arguments.
pub(crate) fn replaced_protocol(number: u16, arguments: &Arguments) -> Option<Effect> {
    let Arguments::Protocol { family, ty, protocol } = *arguments else { return None };
    replaced(&numbered(number)?.verb, [family, ty, protocol]).map(Effect::Instead)
}
