//! A rule from its parts, whether they stand in a file or in an option, if they fit together.

use crate::rules::call::{Call, CallSet};
use crate::rules::chance::Chance;
use crate::rules::rule::{Keys, Rule, Scope};
use crate::rules::text::wrong::Wrong;
use crate::rules::verb::{Misfit, Verb};
use crate::rules::when::When;

/// What can stand beside a verb.
#[derive(Default)]
pub(super) struct Modifiers {
    pub when: Option<When>,
    pub scope: Option<Scope>,
    pub probability: Option<f64>,
    pub seed: Option<u64>,
    pub hide: bool,
    pub fallback: Option<bool>,
    pub asynchronous: bool,
    pub force: bool,
}

/// The key that is to blame, and for what.
pub(super) struct Blame {
    pub key: &'static str,
    pub wrong: Wrong,
}

/// The rule of these parts.
pub(super) fn rule(
    name: Box<str>,
    calls: CallSet,
    keys: Keys,
    mut verb: Verb,
    modifiers: &Modifiers,
) -> Result<Rule, Blame> {
    let blame = |key| move |(what, help): Misfit| Blame { key, wrong: Wrong::new(what, help) };
    let is_about_options = calls.is_within(&[Call::Setsockopt, Call::Getsockopt]);
    if !keys.optnames.is_empty() && !is_about_options {
        return Err(blame("optname")(("optname is for setsockopt and getsockopt only", "")));
    }
    verb.fit(calls).map_err(blame(verb.key()))?;
    if modifiers.asynchronous {
        verb.fit_async(calls).map_err(blame("async"))?;
    }
    if modifiers.force {
        verb.fit_force().map_err(blame("force"))?;
    }
    if modifiers.hide {
        verb.fit_hide(calls).map_err(blame("hide"))?;
    }
    match &mut verb {
        Verb::Fail { asynchronous, force, .. } => {
            *asynchronous = modifiers.asynchronous;
            *force = modifiers.force;
        }
        Verb::To { hide, .. } => *hide = modifiers.hide,
        Verb::Become { fallback, .. } => *fallback = modifiers.fallback.unwrap_or(true),
        _ => {}
    }
    if modifiers.fallback.is_some() && !matches!(verb, Verb::Become { .. }) {
        return Err(blame("fallback")(("fallback belongs to become", "")));
    }
    let Modifiers { when, scope, probability, seed, .. } = *modifiers;
    if seed.is_some() && probability.is_none() {
        return Err(blame("seed")(("seed belongs to chance", "")));
    }
    if scope.is_some() && when.is_none() && probability.is_none() {
        return Err(blame("scope")(("scope belongs to when or chance", "without them nothing is counted")));
    }
    let chance = probability.map(|probability| Chance { probability, seed });
    Ok(Rule { name, calls, keys, when, scope: scope.unwrap_or_default(), chance, verb })
}
