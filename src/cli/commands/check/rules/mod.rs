//! `sockshim check FILE.toml`: what the rules of a file mean, and which of them a call would meet.

mod address;
mod question;
mod trial;

use crate::{FAILURE, grid, output, rule_file};
use address::Address;
use question::Question;
use serde::Serialize;
use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::file::{Contents, Module};
use sockshim_core::rules::{Error, Rule, Scope, Warning};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use trial::{Trial, Verdict};

/// The address that a word is: `10.0.0.1:80`, `[::1]:80`, `unix:/path`, `@name`.
pub fn parse_address(word: &str) -> Option<SockAddr> {
    let address = Address::parse(word)?;
    address.family().map(|family| address.of_family(family))
}

/// What marks a file of rules. No program is called so.
const EXTENSION: &str = "toml";

/// Whether an argument names a file of rules.
pub fn is_file(argument: &OsStr) -> bool {
    Path::new(argument).extension() == Some(OsStr::new(EXTENSION))
}

/// What is asked about a file.
pub struct Options<'a> {
    /// A call in words.
    pub call: Option<&'a str>,
    /// Whether the answer is JSON.
    pub json: bool,
    /// Whether only the exit code is wanted.
    pub quiet: bool,
}

/// Shows the rules of a file, or which of them a call would meet, and gives the exit code.
///
/// # Errors
/// What stdout reports.
pub fn run(path: &Path, options: &Options) -> io::Result<u8> {
    let (contents, warnings) = match rule_file::read(path) {
        Ok(read) => read,
        Err(error) => return complain(&error),
    };
    let Contents { rules, modules } = contents;
    let trial = match options.call.map(Question::parse).transpose() {
        Ok(question) => question.map(|question| Trial::of(question, &rules)),
        Err(why) => {
            writeln!(io::stderr(), "sockshim: --try: {why}")?;
            return Ok(2);
        }
    };
    if options.quiet {
        return Ok(0);
    }
    // In JSON they are a part of the answer.
    if !options.json {
        for warning in &warnings {
            writeln!(io::stderr(), "sockshim: warning: {warning}")?;
        }
    }
    output::stdout(|out| match (trial, options.json) {
        (None, false) => table(out, &rules).and_then(|()| module_table(out, &modules)),
        (None, true) => output::json(out, &FileRow::of(&rules, &modules, &warnings)),
        (Some(trial), false) => trial_table(out, &trial, &rules),
        (Some(trial), true) => output::json(out, &TrialRow::of(&trial, &rules)),
    })?;
    Ok(0)
}

fn complain(error: &Error) -> io::Result<u8> {
    writeln!(io::stderr(), "sockshim: {error}")?;
    Ok(FAILURE)
}

/// A rule in parts, each as in a rule's line.
struct Parts {
    calls: String,
    keys: String,
    verb: String,
    pace: String,
}

impl Parts {
    fn of(rule: &Rule) -> Parts {
        let (calls, verb) = (rule.calls.to_string(), rule.verb.to_string());
        let line = rule.to_string();
        let before = line.rsplit_once(&format!(" → {verb}")).map_or(line.as_str(), |(before, _)| before);
        let keys = before.strip_prefix(&calls).unwrap_or(before).trim().to_string();
        let when = rule.when.map(|when| format!("when {when}"));
        let chance = rule.chance.map(|chance| chance.to_string());
        let scope = (rule.scope == Scope::Tree).then(|| "scope tree".to_string());
        let pace = [when, chance, scope].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Parts { calls, keys, verb, pace }
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".into() } else { text }
}

fn table(out: &mut dyn Write, rules: &[Rule]) -> io::Result<()> {
    if rules.is_empty() {
        return writeln!(out, "no rules");
    }
    let rows = rules.iter().map(|rule| {
        let Parts { calls, keys, verb, pace } = Parts::of(rule);
        [rule.name.to_string(), calls, or_dash(keys), verb, or_dash(pace)]
    });
    grid::table(out, ["rule", "call", "keys", "verb", "fires"], rows, &[2])
}

fn module_table(out: &mut dyn Write, modules: &[Module]) -> io::Result<()> {
    if modules.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let rows = modules.iter().map(|module| {
        [module.file.to_string(), module.family.map_or("any".into(), |family| family.to_string())]
    });
    grid::table(out, ["module", "family"], rows, &[])
}

fn trial_table(out: &mut dyn Write, trial: &Trial, rules: &[Rule]) -> io::Result<()> {
    writeln!(out, "{}", trial.question)?;
    let rows: Vec<_> = trial
        .verdicts
        .iter()
        .map(|(number, verdict)| {
            let rule = &rules[*number];
            [rule.name.to_string(), verdict.to_string(), rule.to_string()]
        })
        .collect();
    if !rows.is_empty() {
        writeln!(out)?;
        grid::table(out, ["rule", "matches", "what it says"], rows, &[2])?;
    }
    writeln!(out)?;
    let may_fire = trial.verdicts.iter().any(|(_, verdict)| verdict.may_fire());
    let before = if may_fire { "where none of these fires, " } else { "" };
    match trial.fires().map(|number| &rules[number]) {
        Some(rule) if may_fire => writeln!(out, "where none before it fires, {}: {}", rule.name, rule.verb),
        Some(rule) => writeln!(out, "{}: {}", rule.name, rule.verb),
        None => writeln!(out, "{before}the kernel decides"),
    }
}

/// A file in JSON.
#[derive(Serialize)]
struct FileRow {
    rules: Vec<RuleRow>,
    modules: Vec<ModuleRow>,
    warnings: Vec<String>,
}

/// A module in JSON.
#[derive(Serialize)]
struct ModuleRow {
    family: Option<i32>,
    file: String,
}

impl FileRow {
    fn of(rules: &[Rule], modules: &[Module], warnings: &[Warning]) -> FileRow {
        let module = |module: &Module| ModuleRow { family: module.family, file: module.file.to_string() };
        FileRow {
            rules: rules.iter().map(RuleRow::of).collect(),
            modules: modules.iter().map(module).collect(),
            warnings: warnings.iter().map(|warning| warning.one_line().to_string()).collect(),
        }
    }
}

/// A rule in JSON.
#[derive(Serialize)]
struct RuleRow {
    name: String,
    calls: Vec<&'static str>,
    keys: String,
    verb: String,
    fires: String,
    text: String,
}

impl RuleRow {
    fn of(rule: &Rule) -> RuleRow {
        let Parts { keys, verb, pace, .. } = Parts::of(rule);
        RuleRow {
            name: rule.name.to_string(),
            calls: rule.calls.iter().map(|call| call.name()).collect(),
            keys,
            verb,
            fires: pace,
            text: rule.to_string(),
        }
    }
}

/// A trial in JSON.
#[derive(Serialize)]
struct TrialRow {
    call: String,
    rules: Vec<TriedRow>,
    decides: Option<String>,
}

/// One rule of a trial in JSON.
#[derive(Serialize)]
struct TriedRow {
    name: String,
    matches: bool,
    obstacle: Option<&'static str>,
    fires: Option<String>,
    text: String,
}

impl TrialRow {
    fn of(trial: &Trial, rules: &[Rule]) -> TrialRow {
        let rows = trial.verdicts.iter().map(|(number, verdict)| {
            let rule = &rules[*number];
            TriedRow {
                name: rule.name.to_string(),
                matches: matches!(verdict, Verdict::Fires | Verdict::MayFire(_)),
                obstacle: verdict.obstacle(),
                fires: match verdict {
                    Verdict::Fires => Some("always".into()),
                    Verdict::MayFire(pace) => Some(pace.clone()),
                    _ => None,
                },
                text: rule.to_string(),
            }
        });
        TrialRow {
            call: trial.question.to_string(),
            rules: rows.collect(),
            decides: trial.fires().map(|number| rules[number].name.to_string()),
        }
    }
}
