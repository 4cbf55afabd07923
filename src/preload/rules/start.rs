//! Where the rules come from: the file that `SOCKSHIM_CONFIG` names, or `SOCKSHIM_RULES`, which `sockshim run` or the process
//! that has started this one has compiled.

use super::compile::compile;
use super::counters;
use crate::mode::{self, Wanted};
use crate::sys;
use core::ffi::CStr;
use sockshim_core::config::Config;
use sockshim_core::fdtable::concern_families;
use sockshim_core::rules::{self, Call, CallSet, Rule, Rules, Verb};

/// Why there are no rules, in one line.
pub struct Refused(pub String);

/// The calls that can tell the program of an error that a connect(2) has left.
const TELLING: CallSet = CallSet::of(&[Call::Connect, Call::Getsockopt, Call::Send, Call::Recv]);

/// Makes the rules that the configuration asks for. From then on calls are decided. The rules as a text, if they were read
/// from a file: what this process starts is to get that.
pub fn start(config: &Config) -> Result<Option<Vec<u8>>, Refused> {
    let compiled = match config.rule_file {
        Some(path) => Some(compile(path).map_err(Refused)?),
        None => None,
    };
    let rules = match compiled.as_deref().or(config.rules) {
        Some(text) => Rules::decode(text).ok_or_else(|| Refused("SOCKSHIM_RULES cannot be read".into()))?,
        None => Rules::new(Vec::new()),
    };
    begin(rules, config.shared)?;
    Ok(compiled)
}

/// Opens the gates.
fn begin(rules: Rules, shared: Option<&[u8]>) -> Result<(), Refused> {
    if rules.is_empty() && shared.is_none() {
        return Ok(());
    }
    let rules: &'static Rules = Box::leak(Box::new(rules.for_program(&path_of_program())));
    let path = shared.map(|path| [path, b"\0"].concat());
    let path = path.as_deref().and_then(|path| CStr::from_bytes_with_nul(path).ok());
    if !counters::init(rules, path) {
        return Err(Refused("no memory for the rules' counters".into()));
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
    Ok(())
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
