//! Where the rules come from: the file that `SOCKSHIM_CONFIG` names, or `SOCKSHIM_RULES`, which `sockshim run` or the process
//! that has started this one has compiled.

use super::compile::compile;
use super::counters::{self, Counting};
use crate::mode::{self, Wanted};
use crate::{log, sys};
use sockshim_core::config::Config;
use sockshim_core::fdtable::concern_families;
use sockshim_core::rules::{self, Call, CallSet, Rule, Rules, Verb, handed_on};

/// Why there are no rules, in one line.
pub struct Refused(pub String);

/// What the programs that this process starts are to get otherwise than this one did.
#[derive(Default)]
pub struct HandedOn {
    /// The rules as a text, if they were read from a file.
    pub rules: Option<Vec<u8>>,
    /// Whether there are no counters of the tree that can be reached. It was said if anybody is to know.
    pub counts_alone: bool,
}

/// Where the memory of the tree is not there, as in another IPC namespace, or where its parent was killed.
const ALONE: &[u8] =
    b"sockshim: the counters of 'sockshim run' cannot be reached: its report does not count this process, \
    and rules with scope = tree count in it alone\n";

/// The calls that can tell the program of an error that a connect(2) has left.
const TELLING: CallSet = CallSet::of(&[Call::Connect, Call::Getsockopt, Call::Send, Call::Recv]);

/// Makes the rules that the configuration asks for. From then on calls are decided.
pub fn start(config: &Config) -> Result<HandedOn, Refused> {
    let compiled = match config.rule_file {
        Some(path) => Some(compile(path).map_err(Refused)?),
        None => None,
    };
    let rules = match compiled.as_deref().or(config.rules) {
        Some(text) => Rules::decode(handed_on::split(text).0)
            .ok_or_else(|| Refused("SOCKSHIM_RULES cannot be read".into()))?,
        None => Rules::new(Vec::new()),
    };
    let counting = begin(rules, config.shared)?;
    Ok(HandedOn { rules: compiled, counts_alone: counting != Counting::Whole })
}

/// Opens the gates.
fn begin(rules: Rules, shared: Option<&[u8]>) -> Result<Counting, Refused> {
    if rules.is_empty() && shared.is_none() {
        return Ok(Counting::Whole);
    }
    let rules = if rules.names_programs() { rules.for_program(&path_of_program()) } else { rules };
    let rules: &'static Rules = Box::leak(Box::new(rules));
    let counting = counters::init(rules, shared);
    match counting {
        Counting::Whole | Counting::Over => {}
        Counting::Alone => log::say(ALONE),
        Counting::Nowhere => return Err(Refused("no memory for the rules' counters".into())),
    }
    rules::activate(rules);
    concern_families(concerned(rules));
    let asynchronous = rules.iter().any(is_asynchronous);
    let hides = rules.iter().any(|rule| matches!(rule.verb, Verb::To { hide: true, .. }));
    let about_data = rules.calls().has(Call::Send) || rules.calls().has(Call::Recv);
    let told = if asynchronous { TELLING } else { CallSet::NONE };
    mode::want(&Wanted {
        calls: rules.calls().union(told),
        tracks: about_data || asynchronous || hides,
        reports: shared.is_some(),
        hides,
    });
    Ok(counting)
}

/// The absolute path of the file that was executed: a link is not followed, and of a script it is the script. An executed
/// descriptor, as which some programs execute themselves, has the path of what it is open for.
fn path_of_program() -> Vec<u8> {
    let path = sys::file_of_program();
    let mut buffer = vec![0; libc::PATH_MAX as usize];
    if path.starts_with(b"/proc/") || path.starts_with(b"/dev/fd/") {
        let len = sys::read_link(c"/proc/self/exe", &mut buffer).unwrap_or(0);
        buffer.truncate(len);
        return if len > 0 { buffer } else { path.to_vec() };
    }
    // The program has not changed its directory yet.
    match sys::current_directory(&mut buffer) {
        Ok(len) if !path.starts_with(b"/") => {
            buffer.truncate(len - 1);
            [&buffer, &b"/"[..], path.strip_prefix(b"./").unwrap_or(path)].concat()
        }
        _ => path.to_vec(),
    }
}

fn is_asynchronous(rule: &Rule) -> bool {
    matches!(rule.verb, Verb::Fail { asynchronous: true, .. })
}

/// The families whose sockets rules about data calls may concern, a bit each: all that such a rule does not exclude. A message
/// may connect, by Fast Open, and may tell of an error that a connect(2) has left.
fn concerned(rules: &Rules) -> u64 {
    const INET: u64 = 1 << libc::AF_INET | 1 << libc::AF_INET6;
    rules.iter().fold(0, |families, rule| {
        let data = rule.calls.has(Call::Send) || rule.calls.has(Call::Recv);
        let own = match &rule.keys.families[..] {
            [] => u64::MAX,
            some => some.iter().fold(0, |families, family| families | 1 << (*family as u32 % 64)),
        };
        let connects = if rule.calls.has(Call::Connect) { INET } else { 0 };
        families | connects | if data { own } else { 0 }
    })
}
