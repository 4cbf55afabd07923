//! The options of `sockshim run` that make rules.
//!
//! Each function takes an option's value. The rule is called as the option is written.

use crate::errno::Errno;
use crate::rules::assemble::{self, Modifiers};
use crate::rules::call::{Call, CallSet};
use crate::rules::error::{Error, Source};
use crate::rules::rule::{Keys, Rule, Scope};
use crate::rules::target::{Ports, Target};
use crate::rules::text::target::push_targets;
use crate::rules::text::verb;
use crate::rules::text::wrong::Wrong;
use crate::rules::text::{number, sort};
use crate::rules::verb::Verb;

/// `--offline[=ERRNO]`: what goes beyond loopback fails, by default with ENETUNREACH, and names are looked up in files
/// only. Its rules belong behind all others, those of a file too, or they would hide them.
///
/// # Errors
/// A name that is no error's.
pub fn offline(errno: Option<&str>) -> Result<Vec<Rule>, Error> {
    let (name, text) = ("--offline", errno.unwrap_or_default());
    let errno = match errno {
        None => Errno::ENETUNREACH,
        Some(text) => number::errno(text).map_err(|wrong| source(name, text).wrong(wrong))?,
    };
    let connects = Keys { remote: vec![Target::Beyond { ports: Ports::ALL }], ..Keys::default() };
    let fail = Verb::Fail { errno, asynchronous: false, force: errno == Errno::EAGAIN };
    Ok(vec![
        plain(name, text, "=", &[Call::Connect, Call::Send], connects, fail),
        plain(name, text, "=", &[Call::Resolve], Keys::default(), Verb::Files),
    ])
}

/// `--allow TARGET`: connect, send and recv with this address, and resolve of this host name.
///
/// # Errors
/// What is no TARGET.
pub fn allow(target: &str) -> Result<Rule, Error> {
    let name = "--allow";
    let with_host = [Call::Connect, Call::Send, Call::Recv, Call::Resolve];
    let mut remote = Vec::new();
    push_targets(target, CallSet::of(&with_host), &mut remote)
        .map_err(|wrong| source(name, target).wrong(wrong))?;
    let (is_address, is_host) = (
        remote.iter().any(|target| !matches!(target, Target::Host(_))),
        remote.iter().any(|target| matches!(target, Target::Host(_))),
    );
    let calls = match (is_address, is_host) {
        (true, true) => &with_host[..],
        (true, false) => &with_host[..3],
        _ => &with_host[3..],
    };
    Ok(plain(name, target, " ", calls, Keys { remote, ..Keys::default() }, Verb::Allow))
}

/// `--fail CALL[:TARGET]=ERRNO[,when=…][,chance=…][,seed=…][,scope=…][,async][,force]`.
///
/// # Errors
/// What cannot be understood.
pub fn fail(text: &str) -> Result<Rule, Error> {
    about_call(&source("--fail", text), "ERRNO", verb::fail)
}

/// `--limit CALL[:TARGET]=BYTES[,when=…][,chance=…][,seed=…][,scope=…]`.
///
/// # Errors
/// What cannot be understood.
pub fn limit(text: &str) -> Result<Rule, Error> {
    about_call(&source("--limit", text), "BYTES", |text, _| verb::limit(text))
}

/// `--delay CALL[:TARGET]=TIME[,when=…][,chance=…][,seed=…][,scope=…]`.
///
/// # Errors
/// What cannot be understood.
pub fn delay(text: &str) -> Result<Rule, Error> {
    about_call(&source("--delay", text), "TIME", |text, _| verb::delay(text))
}

/// `--redirect CALL:TARGET=ADDR:PORT[,hide][,when=…][,chance=…][,seed=…][,scope=…]`.
///
/// # Errors
/// What cannot be understood.
pub fn redirect(text: &str) -> Result<Rule, Error> {
    let source = source("--redirect", text);
    match text.split('=').next() {
        Some(call) if text.contains('=') && !call.contains(':') => {
            let help = "expected CALL:TARGET=ADDR:PORT, such as connect:*=127.0.0.1:80";
            Err(source.wrong(Wrong::new("no TARGET", help).at(0, call)))
        }
        _ => about_call(&source, "ADDR:PORT", |text, _| verb::to(text)),
    }
}

/// `--mptcp`: TCP sockets become MPTCP sockets, where the kernel has it.
pub fn mptcp() -> Rule {
    let keys = Keys {
        families: vec![libc::AF_INET, libc::AF_INET6],
        types: vec![libc::SOCK_STREAM],
        protocols: vec![libc::IPPROTO_TCP],
        ..Keys::default()
    };
    let verb = Verb::Become { family: None, ty: None, protocol: Some(libc::IPPROTO_MPTCP), fallback: true };
    plain("--mptcp", "", "", &[Call::Socket], keys, verb)
}

/// `--without FAMILY[/TYPE[/PROTOCOL]]` or `--without io_uring`: such sockets cannot be made, with the errors of a kernel
/// that does not have them.
///
/// # Errors
/// A name that is not known.
pub fn without(text: &str) -> Result<Rule, Error> {
    let name = "--without";
    let fail = |errno| Verb::Fail { errno, asynchronous: false, force: false };
    if text == "io_uring" {
        let verb = fail(Errno::ENOSYS);
        return Ok(plain(name, text, " ", &[Call::IoUringSetup], Keys::default(), verb));
    }
    let source = source(name, text);
    let mut keys = Keys::default();
    let (mut errno, mut at) = (Errno::EAFNOSUPPORT, 0);
    for (index, part) in text.split('/').enumerate() {
        let (numbers, number) = match index {
            0 => (&mut keys.families, sort::family(part)),
            1 => (&mut keys.types, sort::socket_type(part)),
            2 => (&mut keys.protocols, sort::protocol(part)),
            _ => {
                (&mut keys.protocols, Err(Wrong::new("too many parts", "expected FAMILY[/TYPE[/PROTOCOL]]")))
            }
        };
        numbers.push(number.map_err(|wrong| source.wrong(wrong.at(at, part)))?);
        errno = [Errno::EAFNOSUPPORT, Errno::ESOCKTNOSUPPORT, Errno::EPROTONOSUPPORT][index.min(2)];
        at += part.len() + 1;
    }
    Ok(plain(name, text, " ", &[Call::Socket, Call::Socketpair], keys, fail(errno)))
}

/// A rule that fires always.
fn plain(name: &str, text: &str, between: &str, calls: &[Call], keys: Keys, verb: Verb) -> Rule {
    let between = if text.is_empty() { "" } else { between };
    Rule {
        name: [name, between, text].concat().into(),
        calls: CallSet::of(calls),
        keys,
        when: None,
        scope: Scope::Process,
        chance: None,
        verb,
    }
}

fn source<'a>(name: &'a str, text: &'a str) -> Source<'a> {
    Source { name, text, has_lines: false }
}

/// `CALL[:TARGET]=VALUE[,MODIFIER]…`.
fn about_call(
    source: &Source,
    value_name: &str,
    verb: fn(&str, CallSet) -> Result<Verb, Wrong>,
) -> Result<Rule, Error> {
    let text = source.text;
    let Some((head, rest)) = text.split_once('=') else {
        let help = ["expected CALL[:TARGET]=", value_name].concat();
        return Err(source.wrong(Wrong::new("no =", help)));
    };
    let (call, target) = match head.split_once(':') {
        Some((call, target)) => (call, Some(target)),
        None => (head, None),
    };
    let calls = sort::call(call).map_err(|wrong| source.wrong(wrong.at(0, call)))?;
    let calls = CallSet::of(&[calls]);
    let mut keys = Keys::default();
    if let Some(target) = target {
        let at = |wrong: Wrong| source.wrong(wrong.at(call.len() + 1, target));
        let targets = match calls.is_within(&[Call::Bind, Call::Listen]) {
            true => &mut keys.local,
            false if calls.iter().all(Call::has_remote) => &mut keys.remote,
            false => return Err(at(Wrong::new("a call without an address", "expected no TARGET"))),
        };
        push_targets(target, calls, targets).map_err(at)?;
    }
    let mut parts = rest.split(',');
    let value = parts.next().unwrap_or_default();
    let at = head.len() + 1;
    let verb = verb(value, calls).map_err(|wrong| source.wrong(wrong.at(at, value)))?;
    let mut modifiers = Modifiers::default();
    let mut places = vec![(verb.key(), at, value)];
    let mut at = at + value.len() + 1;
    for part in parts {
        let key = modifier(part, &mut modifiers).map_err(|wrong| source.wrong(wrong.at(at, part)))?;
        if places.iter().any(|(known, ..)| *known == key) {
            return Err(source.wrong(Wrong::new(format!("{key} is said twice"), "").at(at, part)));
        }
        places.push((key, at, part));
        at += part.len() + 1;
    }
    let name = [source.name, " ", text].concat().into();
    assemble::rule(name, calls, keys, verb, &modifiers).map_err(|blame| {
        let place = places.iter().find(|(key, ..)| *key == blame.key).copied();
        let (_, at, part) = place.unwrap_or(("", 0, text));
        source.wrong(blame.wrong.at(at, part))
    })
}

/// `NAME` or `NAME=VALUE` behind a comma. Returns the name of the key that it stands for.
fn modifier(part: &str, modifiers: &mut Modifiers) -> Result<&'static str, Wrong> {
    const NAMES: [&str; 7] = ["when", "chance", "seed", "scope", "hide", "async", "force"];
    let (name, value) = match part.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (part, None),
    };
    let at = name.len() + 1;
    match (name, value) {
        ("when", Some(value)) => {
            modifiers.when = Some(number::when(value).map_err(|wrong| wrong.at(at, value))?)
        }
        ("chance", Some(value)) => {
            modifiers.probability = Some(number::probability(value).map_err(|wrong| wrong.at(at, value))?);
        }
        ("seed", Some(value)) => {
            modifiers.seed = Some(number::whole(value).map_err(|wrong| wrong.at(at, value))?)
        }
        ("scope", Some(value)) => {
            modifiers.scope = Some(verb::scope(value).map_err(|wrong| wrong.at(at, value))?)
        }
        ("hide", None) => modifiers.hide = true,
        ("async", None) => modifiers.asynchronous = true,
        ("force", None) => modifiers.force = true,
        ("when" | "chance" | "seed" | "scope", None) => {
            return Err(Wrong::new("a value is missing", "expected NAME=VALUE"));
        }
        ("hide" | "async" | "force", Some(_)) => return Err(Wrong::new("takes no value", "")),
        _ => {
            return Err(Wrong::unknown(
                "modifier",
                name,
                NAMES.into_iter(),
                "one of: when= chance= seed= scope= hide async force",
            )
            .at(0, name));
        }
    }
    Ok(NAMES.into_iter().find(|known| *known == name).unwrap_or_default())
}

#[cfg(test)]
mod tests;
