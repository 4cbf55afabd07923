//! One rule of a file.

use crate::rules::assemble::{self, Modifiers};
use crate::rules::call::{Call, CallSet};
use crate::rules::error::{Error, Source};
use crate::rules::file::value::{Key, Value, boolean, each, in_order, list, mistyped, one, only_true};
use crate::rules::rule::{Keys, Rule};
use crate::rules::target::Target;
use crate::rules::text::target::{glob, push_targets};
use crate::rules::text::verb::{self, option, option_value};
use crate::rules::text::wrong::{Wrong, quoted};
use crate::rules::text::{number, sort};
use crate::rules::verb::Verb;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Every key of a rule.
pub const KEYS: [&str; 26] = [
    "name", "call", "family", "type", "protocol", "remote", "local", "program", "uid", "optname", "when",
    "scope", "chance", "seed", "hide", "fallback", "async", "force", "fail", "allow", "limit", "delay", "to",
    "become", "option", "files",
];
/// The keys of which a rule has exactly one.
const VERBS: [&str; 8] = ["fail", "allow", "limit", "delay", "to", "become", "option", "files"];
/// The longest name of a rule, in bytes.
const LONGEST_NAME: usize = 100;

/// The rule of a table whose header is at `span`, and where its name stands. `number` is its position in the file,
/// from 1.
pub(super) fn read(
    source: &Source,
    span: Range<usize>,
    table: &DeTable,
    number: usize,
) -> Result<(Rule, Option<Range<usize>>), Error> {
    let entries = in_order(table);
    if let Some((key, _)) = entries.iter().find(|(key, _)| !KEYS.contains(&key.get_ref().as_ref())) {
        let wrong = Wrong::unknown("key", key.get_ref(), KEYS.into_iter(), "a key of a rule");
        return Err(source.error(key.span(), wrong));
    }
    let Some(calls) = table.get("call") else {
        return Err(source
            .error(span, Wrong::new("a rule without call", "expected call = \"connect\", or another one")));
    };
    let mut draft = Draft {
        source,
        calls: list(source, calls, sort::call)?.into_iter().fold(CallSet::NONE, CallSet::with),
        name: ("#".to_string() + &number.to_string()).into(),
        keys: Keys::default(),
        modifiers: Modifiers::default(),
        verb: None,
    };
    for (key, value) in &entries {
        draft.take(key, value)?;
    }
    let Some((_, verb)) = draft.verb else {
        let help = "expected one of: ".to_string() + &VERBS.join(" ");
        return Err(source.error(span, Wrong::new("a rule without a verb", help)));
    };
    let rule =
        assemble::rule(draft.name, draft.calls, draft.keys, verb, &draft.modifiers).map_err(|blame| {
            let key = entries.iter().find(|(key, _)| key.get_ref() == blame.key);
            source.error(key.map_or(span, |(key, value)| key.span().start..value.span().end), blame.wrong)
        })?;
    Ok((rule, table.get("name").map(|name| name.span())))
}

/// A rule as far as it has been read.
struct Draft<'a> {
    source: &'a Source<'a>,
    calls: CallSet,
    name: Box<str>,
    keys: Keys,
    modifiers: Modifiers,
    verb: Option<(&'a str, Verb)>,
}

impl<'a> Draft<'a> {
    /// Takes one key with its value.
    fn take(&mut self, key: &'a Key, value: &Value) -> Result<(), Error> {
        let (source, keys, modifiers) = (self.source, &mut self.keys, &mut self.modifiers);
        match key.get_ref().as_ref() {
            "call" => {}
            "name" => self.name = one(source, value, name)?,
            "family" => keys.families = list(source, value, sort::family)?,
            "type" => keys.types = list(source, value, sort::socket_type)?,
            "protocol" => keys.protocols = list(source, value, sort::protocol)?,
            "remote" => keys.remote = targets(source, value, self.calls)?,
            "local" => {
                keys.local = targets(source, value, self.calls.without(CallSet::of(&[Call::Resolve])))?
            }
            "program" => keys.programs = list(source, value, |text| glob(text, 0))?,
            "uid" => keys.uids = list(source, value, number::uid)?,
            "optname" => keys.optnames = list(source, value, number::optname)?,
            "when" => modifiers.when = Some(one(source, value, number::when)?),
            "scope" => modifiers.scope = Some(one(source, value, verb::scope)?),
            "chance" => modifiers.probability = Some(one(source, value, number::probability)?),
            "seed" => modifiers.seed = Some(one(source, value, number::whole)?),
            "hide" => modifiers.hide = boolean(source, value)?,
            "fallback" => modifiers.fallback = Some(boolean(source, value)?),
            "async" => modifiers.asynchronous = boolean(source, value)?,
            "force" => modifiers.force = boolean(source, value)?,
            verb => {
                if let Some((first, _)) = &self.verb {
                    let what = "two verbs: ".to_string() + first + " and " + verb;
                    return Err(source.error(key.span(), Wrong::new(what, "make it two rules")));
                }
                self.verb = Some((verb, self.verb_of(verb, value)?));
            }
        }
        Ok(())
    }

    /// The verb of this name.
    fn verb_of(&self, name: &str, value: &Value) -> Result<Verb, Error> {
        let source = self.source;
        match name {
            "fail" => one(source, value, |text| verb::fail(text, self.calls)),
            "limit" => one(source, value, verb::limit),
            "delay" => one(source, value, verb::delay),
            "to" => one(source, value, verb::to),
            "become" => one(source, value, verb::become_),
            "allow" => only_true(source, value).map(|()| Verb::Allow),
            "files" => only_true(source, value).map(|()| Verb::Files),
            _ => options(source, value),
        }
    }
}

/// A rule's name.
fn name(text: &str) -> Result<Box<str>, Wrong> {
    let is_good = (1..=LONGEST_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
    // What rules without a name are called.
    match is_good && !text.starts_with(['#', '-']) {
        true => Ok(text.into()),
        false => Err(Wrong::new(
            "not a name for a rule: ".to_string() + &quoted(text),
            "expected up to 100 bytes on a line, not beginning with # or -",
        )),
    }
}

/// TARGETs.
fn targets(source: &Source, value: &Value, calls: CallSet) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    each(source, value, &mut |text| push_targets(text, calls, &mut targets))?;
    Ok(targets)
}

/// The options that are set on a new socket.
fn options(source: &Source, value: &Value) -> Result<Verb, Error> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(mistyped(source, value, "a table, such as { SO_KEEPALIVE = 1 }"));
    };
    let mut options = Vec::new();
    for (key, value) in in_order(table) {
        let at = |wrong| source.error(key.span(), wrong);
        let (level, name) = number::optname(key.get_ref()).map_err(at)?;
        let mut bytes = Vec::new();
        match value.get_ref() {
            DeValue::Boolean(on) => bytes.extend(i32::from(*on).to_ne_bytes()),
            DeValue::String(_) => one(source, value, |text| option_value(level, name, text, &mut bytes))?,
            _ => each(source, value, &mut |text| option(text, &mut bytes))?,
        }
        options.push(crate::rules::verb::SockOption { level, name, value: bytes.into() });
    }
    if options.is_empty() {
        return Err(source.error(value.span(), Wrong::new("no options", "expected at least one")));
    }
    Ok(Verb::Option(options))
}
