//! `sockshim run`: starts a program under rules.
//!
//! The command becomes the program by exec, so that nothing stands between it and whoever has started it. Only where
//! something is left to do at the end, or the tree needs something that is taken away at the end, a [`parent`] stays.

mod carried;
pub mod environment;
pub mod library;
mod modules;
mod options;
mod parent;
pub mod proc;
pub mod program;
mod refusal;
mod report;
mod signals;
mod tree;

use crate::commands::check::judge::{self, Coverage};
use crate::inherited::{inherited, streams};
use crate::rule_file;
use clap::ValueHint;
use modules::ModuleOptions;
use options::RuleOptions;
pub use parent::Ended;
use parent::Parent;
use program::Program;
use refusal::STRICT;
pub use refusal::{Refusal, say};
use report::Report;
use rustix::io::{FdFlags, fcntl_setfd};
use sockshim_core::rules::file::Contents;
use sockshim_core::rules::{Doubt, Error, Rules, Scope, doubts};
use sockshim_elf::obstacle::Obstacle;
use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::{env, io};
use tree::Tree;

/// Run a program, and have its socket calls fail, wait, come up short or go elsewhere
///
/// The program and all that it starts run with the library, and the first rule
/// that holds for a call decides about it: the options in the order in which they
/// are given, then the rules of --config, then --offline. Exit code, signals, job
/// control and streams are the program's own.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{WORDS}\n\n{NOTES}\n\n{EXIT_CODES}\n\n{JSON}\n\n{EXAMPLES}"))]
pub struct RunArgs {
    #[command(flatten)]
    under: UnderRules,

    /// Log calls: decision, call or io
    #[arg(long, value_name = "LEVEL", value_parser = ["off", "decision", "call", "io"], help_heading = "Log")]
    log: Option<String>,

    /// Where the log goes; %p is the process
    #[arg(long, value_name = "FILE", requires = "log", value_hint = ValueHint::FilePath, help_heading = "Log")]
    log_file: Option<OsString>,

    /// text or json
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"], requires = "log", help_heading = "Log")]
    log_format: Option<String>,

    /// The program and its arguments
    #[arg(value_name = "PROG", required = true, trailing_var_arg = true, value_hint = ValueHint::CommandWithArguments)]
    program: Vec<OsString>,
}

/// Rules, and what is to be said of them at the end.
#[derive(clap::Args)]
pub struct UnderRules {
    #[command(flatten)]
    rules: RuleOptions,

    /// Rules in a file; 'sockshim check FILE' shows what they mean
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    config: Option<PathBuf>,

    #[command(flatten)]
    modules: ModuleOptions,

    /// Write to a file at the end what the rules did, in JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Exit with 124 if a rule never fired, or if a program ran without the library
    #[arg(long)]
    strict: bool,
}

/// A program that is to be started.
pub struct Launch<'a> {
    /// The rules.
    pub under: &'a UnderRules,
    /// The program and its arguments.
    pub program: &'a [OsString],
    /// Variables of the log.
    pub log: Vec<(&'static str, Option<OsString>)>,
    /// Who watches the program, if anybody does: then this process stays as its parent.
    pub watcher: Option<&'a mut dyn Watcher>,
}

/// Who watches the program from outside.
pub trait Watcher {
    /// Signals are blocked, and the program is about to start.
    ///
    /// # Errors
    /// What keeps it from watching.
    fn begin(&mut self) -> io::Result<()>;

    /// The program has this number.
    fn started(&mut self, pid: i32);

    /// The program has ended, and how. What else is known of the tree: programs that ran without the library, each with the reason.
    /// Whoever waits in it asks from time to time whether it `is_over`: a signal has come that would have ended the command.
    fn end(&mut self, ended: Ended, uncovered: &[(String, String)], is_over: &dyn Fn() -> bool);
}

const WORDS: &str = "\
Words:
  CALL    socket socketpair bind connect listen accept send recv setsockopt
          getsockopt shutdown resolve io_uring_setup
  TARGET  ADDR[/LEN][:PORT[-PORT]], [V6][/LEN]:PORT, *[:PORT], loopback[:PORT],
          beyond-loopback[:PORT], unix:GLOB, @GLOB (abstract); for resolve a glob
          over the host name
  ,…      when=FIRST[..LAST][+[STEP]]  which of the calls, as strace's -e inject=
          chance=0.05, seed=7          how often
          scope=tree                   count over all processes, not in each";

const NOTES: &str = "\
Notes:
  The library is looked for beside this command, in ../lib and in ../lib/sockshim;
  SOCKSHIM_LIB names another one. Within another 'sockshim run' the inner rules replace the outer ones.
  With --report, --strict or scope=tree sockshim stays as the program's parent and
  ends as the program does. It does not wait for what the program leaves in the
  background: the report says what has happened until then.
  It is no sandbox: a program can get around it.";

const EXIT_CODES: &str = "\
Exit codes:
  the program's own, and its signals, but for:
  124  --strict is not content
  125  sockshim itself has failed, or the command line or a rule is wrong
  126  PROG cannot be executed
  127  there is no PROG";

const JSON: &str = "\
JSON of --report:
  version         sockshim's
  program         the command line
  ended           its exit code, or its signal
  rules           name, text, hits, and first: the first call that the rule changed
                  (time in seconds since 1970, pid, program, call, address), or null
  processes       how many programs were executed with the library
  uncovered       programs that ran without it: program, reason, starts
  more_uncovered  how many more starts of such programs there were
  io_urings       how often an io_uring was made, whose calls no rule sees";

const EXAMPLES: &str = "\
Examples:
  sockshim run --offline -- pytest
  sockshim run --fail connect:10.0.0.0/8:5432=ECONNREFUSED,when=1..2 -- ./server
  sockshim run --limit recv=1 --limit send=1 -- redis-cli ping
  sockshim run --redirect bind:*:80=127.0.0.1:8080,hide -- nginx
  sockshim run --can vcan0 -- pytest
  sockshim run --config rules.toml --report report.json --strict -- make test";

/// The file of rules that is taken without `--config`.
const CONFIG: &str = environment::CONFIG;
/// What switches the library off.
const DISABLE: &str = "SOCKSHIM_DISABLE";

/// Runs the program, and gives the exit code if the program has not taken this process's place.
pub fn run(args: &RunArgs) -> u8 {
    let (under, program, log) = (&args.under, &args.program[..], args.log_variables());
    launch(Launch { under, program, log, watcher: None })
}

/// The same for whoever starts programs.
pub fn launch(launch: Launch) -> u8 {
    match start(launch) {
        Ok(code) => code,
        Err(refusal) => refusal.say(),
    }
}

fn start(launch: Launch) -> Result<u8, Refusal> {
    let Launch { under, program, log, watcher } = launch;
    let preloaded = env::var_os(library::PRELOAD).unwrap_or_default();
    let (rules, modules) = rules(under, &preloaded)?;
    let handed_on = handed_on(&rules)?;
    let library = library::find()?;
    let found = Program::find(program)?;
    let modules = under.modules.variables(modules)?;
    let uncovered = disabled().or_else(|| uncovered(&found.name, &preloaded));
    if let Some((_, why)) = &uncovered {
        say(why);
        if under.strict {
            return Ok(STRICT);
        }
    }
    let variables = |shared: Option<OsString>| {
        let mut set = environment::of_run(&library, &preloaded, handed_on, shared);
        set.extend(log);
        set.extend(modules);
        program::lines(environment::with(env::vars_os(), &set))
    };
    let needs_parent = under.report.is_some() || under.strict || watcher.is_some();
    if !needs_parent && !rules.iter().any(|rule| rule.scope == Scope::Tree) {
        return become_program(&found, &variables(None)).map(|never| match never {});
    }
    let uncovered = uncovered.map(|(code, _)| code);
    supervise(&Supervised { under, program, rules: &rules, uncovered }, &found, variables, watcher)
}

impl RunArgs {
    fn log_variables(&self) -> Vec<(&'static str, Option<OsString>)> {
        let mut set = Vec::new();
        let mut add = |name, value: Option<OsString>| {
            if value.is_some() {
                set.push((name, value));
            }
        };
        add("SOCKSHIM_LOG", self.log.as_ref().map(OsString::from));
        add("SOCKSHIM_LOG_FILE", self.log_file.clone());
        add("SOCKSHIM_LOG_FORMAT", self.log_format.as_ref().map(OsString::from));
        set
    }
}

/// The rules of the options and of a file, and the modules of the file, as entries of their variable.
fn rules(under: &UnderRules, preloaded: &OsStr) -> Result<(Rules, Vec<OsString>), Refusal> {
    // What an outer run has set is not for this one.
    let is_inner = library::is_preloaded(preloaded);
    let from_environment =
        || env::var_os(CONFIG).filter(|path| !path.is_empty() && !is_inner).map(PathBuf::from);
    let config = under.config.clone().or_else(from_environment);
    let refused = |error: Error| Refusal::own(error);
    let mut contents = Contents::default();
    let mut modules = Vec::new();
    if let Some(path) = &config {
        contents = rule_file::read(path).map_err(refused)?.0;
        modules = modules::of_file(&contents.modules, path)?;
    }
    let rules = under.rules.around(contents.rules).map_err(refused)?;
    if rules.len() > Rules::MOST {
        return Err(Refusal::own(format!("{} rules are too many: at most {}", rules.len(), Rules::MOST)));
    }
    // Of the whole list, because an option may hide what a file says. A fence may be hidden: it stands behind everything.
    for Doubt { rule, reason } in doubts(&rules) {
        let name = &rules[rule].name;
        if !options::is_fence(name) {
            say(format_args!("warning: rule {name} {reason}"));
        }
    }
    Ok((Rules::new(rules), modules))
}

/// The rules as the program gets them: a text for a variable, if there are any.
fn handed_on(rules: &Rules) -> Result<Option<String>, Refusal> {
    if rules.is_empty() {
        return Ok(None);
    }
    let too_long = || {
        Refusal::own(format!(
            "these are too many rules: handed on to programs they take more than {} bytes, the most that a variable can hold",
            Rules::LONGEST
        ))
    };
    rules.encode().map(Some).ok_or_else(too_long)
}

/// Whether the library is switched off for the whole tree: in a word, and on one line.
fn disabled() -> Option<(&'static str, String)> {
    let is_set = env::var_os(DISABLE).is_some_and(|value| value == "1");
    is_set.then(|| {
        ("disabled", format!("no program is covered: {DISABLE}=1 is set, so there are no rules and no log"))
    })
}

/// Why the library will not be loaded into the program: in a word, and on one line.
fn uncovered(name: &OsStr, preloaded: &OsStr) -> Option<(&'static str, String)> {
    let mut judgement = judge::program(name);
    if judgement.verdict == Coverage::NotAProgram {
        // A file of commands, which the shell executes.
        judgement = judge::program(OsStr::new(program::SHELL.to_str().unwrap_or_default()));
    }
    match judgement.verdict {
        // What cannot be executed has an error of its own.
        Coverage::Fine | Coverage::NotExecutable | Coverage::NotFound => None,
        Coverage::Not(Obstacle::AddressSanitizer) if library::has_asan(preloaded) => None,
        verdict => {
            let why = format!("{} is not covered: {}: {}", name.display(), verdict.code(), judgement.why);
            Some((verdict.code(), why))
        }
    }
}

/// Gives this process to the program.
fn become_program(program: &Program, environment: &[CString]) -> Result<Infallible, Refusal> {
    let inherited = inherited();
    if !inherited.ignores_sigpipe {
        let _ = sockshim_sys::signal::set_default(libc::SIGPIPE);
    }
    for (stream, closed) in streams().into_iter().zip(inherited.closed) {
        if closed {
            let _ = fcntl_setfd(stream, FdFlags::CLOEXEC);
        }
    }
    program.start(|path, arguments| nix::unistd::execve(path, arguments, environment))
}

/// A program as a child.
struct Supervised<'a> {
    under: &'a UnderRules,
    program: &'a [OsString],
    rules: &'a Rules,
    uncovered: Option<&'static str>,
}

/// Runs the program as a child, and says at the end what became of the rules.
fn supervise(
    args: &Supervised,
    program: &Program,
    variables: impl FnOnce(Option<OsString>) -> Vec<CString>,
    mut watcher: Option<&mut dyn Watcher>,
) -> Result<u8, Refusal> {
    let under = args.under;
    let mut report_file = match &under.report {
        Some(path) => Some(open_report(path)?),
        None => None,
    };
    // Before there is something to put away.
    let parent = Parent::new()?;
    // Who only watches needs no counters.
    let counts =
        under.report.is_some() || under.strict || args.rules.iter().any(|rule| rule.scope == Scope::Tree);
    let cannot_share = |error: io::Error| Refusal::own(format!("cannot count over processes: {error}"));
    let tree = if counts { Some(Tree::new(args.rules.len()).map_err(cannot_share)?) } else { None };
    let environment = variables(tree.as_ref().map(|tree| tree.number().into()));
    if let Some(watcher) = &mut watcher {
        watcher.begin().map_err(|error| Refusal::own(format!("cannot watch the program: {error}")))?;
    }
    let ended = parent.run(program, &environment, |pid| {
        if let Some(watcher) = &mut watcher {
            watcher.started(pid);
        }
    })?;
    let shared = tree.as_ref().and_then(Tree::shared);
    let report = shared.map(|shared| Report::of(args.program, ended, args.rules, &shared, args.uncovered));
    if let Some(watcher) = &mut watcher {
        let own = || args.program.first().zip(args.uncovered);
        let own = own().map(|(program, reason)| (program.display().to_string(), reason.to_owned()));
        let uncovered = report.as_ref().map_or_else(|| own.into_iter().collect(), Report::uncovered);
        watcher.end(ended, &uncovered, &|| parent.is_told_to_end());
    }
    parent.release();
    if tree.is_none() {
        return Ok(ended.repeat());
    }

    let failed = |what: String| {
        say(what);
        if ended == Ended::Exit(0) { crate::FAILURE } else { ended.repeat() }
    };
    let Some(report) = report else {
        return Ok(failed("the counters are lost: a process has overwritten them".into()));
    };
    if let (Some(file), Some(path)) = (&mut report_file, &under.report)
        && let Err(error) = report.write(file)
    {
        return Ok(failed(format!("{}: {error}", path.display())));
    }
    let complaints = if under.strict { report.complaints() } else { Vec::new() };
    complaints.iter().for_each(say);
    if complaints.is_empty() { Ok(ended.repeat()) } else { Ok(STRICT) }
}

/// Opens the report before the program starts, so that a path that cannot be written is said in time.
fn open_report(path: &Path) -> Result<File, Refusal> {
    if path == Path::new("-") {
        return Err(Refusal::own("--report takes a file: stdout is the program's"));
    }
    File::create(path).map_err(|error| Refusal::own(format!("{}: {error}", path.display())))
}
