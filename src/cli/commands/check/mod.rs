//! `sockshim check`: whether the library will be loaded into a program, and why not; and what a file of rules means.

mod contents;
pub mod dependencies;
mod env;
pub mod find;
pub mod judge;
mod linking;
mod load;
pub mod rules;
mod search;
mod words;

use crate::output;
use clap::ValueHint;
use judge::Judgement;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;

/// Say whether programs can be intercepted, and why not; or what a file of rules means
///
/// LD_PRELOAD is read by glibc's dynamic linker. This looks at a program's file,
/// and says in one sentence whether the library will be loaded into it, and what
/// can be done if not. A script is judged by its interpreter. Nothing is run.
///
/// Of a file of rules, named *.toml, it shows the rules as 'sockshim run' takes
/// them, or what is wrong with them, and with --try which of them a call meets.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{TRY}\n\n{EXIT_CODES}\n\n{JSON}\n\n{EXAMPLES}"))]
pub struct CheckArgs {
    /// A path, or a name that is looked for in PATH; or one file of rules
    #[arg(value_name = "PROG|FILE.toml", required = true, value_hint = ValueHint::AnyPath)]
    programs: Vec<OsString>,

    /// Say which rule a call meets, such as 'connect inet stream tcp 10.0.0.1:80'
    #[arg(long = "try", value_name = "CALL")]
    call: Option<String>,

    /// Print JSON; see --help
    #[arg(long, conflicts_with = "quiet")]
    json: bool,

    /// Print nothing; the exit code tells
    #[arg(short, long)]
    quiet: bool,
}

const EXIT_CODES: &str = "\
Exit codes, of the first PROG that is not fine:
  0    fine            the library is loaded into every PROG
  10   static          statically linked
  11   go              made by Go, which makes system calls itself, also when it is linked with libc
  12   setuid          set-user-id or set-group-id, for who asks here
  13   caps            file capabilities, for who asks here
  14   other-libc      linked with another libc, such as musl
  15   other-arch      for another architecture, or another size of words
  16   not-a-program   neither an ELF program nor a script, empty, or damaged
  17   asan            AddressSanitizer's shared runtime ends it unless it comes first in LD_PRELOAD
  18   tsan            has ThreadSanitizer, beside which the library cannot log
  125  unreadable      the file cannot be read, so nothing can be said; or the rules are wrong
  126  not-executable  it cannot be executed
  127  not-found       there is no such file";

const JSON: &str = "\
JSON:
  program       as it was given
  path          the file that was judged first; null when none was found
  interpreters  the files that a script leads to, in order
  verdict       one of the words above
  exit          its exit code
  why           the sentence
  warnings      what will not be seen although the library is loaded
of a file of rules an object:
  rules         name, calls, keys, verb, fires (when, chance, scope), and text: all in one line
  warnings      rules that are probably not meant as they stand
with --try:
  call          with what was taken to be as usual
  rules         name, matches, obstacle (the key that does not hold), fires, text;
                those up to the one that decides
  decides       the name of the rule that fires at each such call, or null";

const TRY: &str = "\
Words of --try:
  CALL [FAMILY] [TYPE] [PROTOCOL] [ADDRESS] [nonblock] [local=ADDRESS]
       [remote=ADDRESS] [optname=OPTION] [program=NAME] [uid=NUMBER]
  resolve NAME
  ADDRESS is 10.0.0.1:80, [::1]:80, :80, unix:/path or @name";

const EXAMPLES: &str = "\
Examples:
  sockshim check curl
  sockshim check /bin/sh /bin/ls
  sockshim check --json python3 | jq -r '.[].verdict'
  sockshim check -q ./server && LD_PRELOAD=/path/to/libsockshim.so ./server
  sockshim check rules.toml
  sockshim check rules.toml --try 'connect 10.0.0.1:5432 program=psql'";

/// Whether this is nothing that can be executed: what is tried of it is meant as rules.
fn is_no_program(file: &OsStr) -> bool {
    use judge::Coverage::{NotAProgram, NotExecutable, NotFound};
    matches!(judge::program(file).verdict, NotAProgram | NotExecutable | NotFound)
}

/// Runs the subcommand, and gives the exit code.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &CheckArgs) -> io::Result<u8> {
    match &args.programs[..] {
        [file] if rules::is_file(file) || (args.call.is_some() && is_no_program(file)) => {
            let (call, json, quiet) = (args.call.as_deref(), args.json, args.quiet);
            return rules::run(Path::new(file), &rules::Options { call, json, quiet });
        }
        programs if args.call.is_some() || programs.iter().any(|program| rules::is_file(program)) => {
            writeln!(
                io::stderr(),
                "sockshim: one file of rules, named *.toml, is checked at a time, and --try is about one"
            )?;
            return Ok(2);
        }
        _ => {}
    }
    let judgements: Vec<Judgement> = args.programs.iter().map(|program| judge::program(program)).collect();
    let code = judgements.iter().map(|judgement| judgement.verdict.exit()).find(|code| *code != 0);
    if !args.quiet {
        output::stdout(|out| match args.json {
            true => output::json(out, &judgements.iter().map(CheckRow::from).collect::<Vec<_>>()),
            false => judgements.iter().try_for_each(|judgement| text(out, judgement)),
        })?;
    }
    Ok(code.unwrap_or(0))
}

fn text(out: &mut dyn Write, judgement: &Judgement) -> io::Result<()> {
    let program = judgement.program.display();
    writeln!(out, "{program}: {}: {}", judgement.verdict.code(), judgement.why)?;
    judgement.warnings.iter().try_for_each(|warning| writeln!(out, "{program}: warning: {warning}"))
}

/// A judgement in JSON.
#[derive(Serialize)]
struct CheckRow {
    program: String,
    path: Option<String>,
    interpreters: Vec<String>,
    verdict: &'static str,
    exit: u8,
    why: String,
    warnings: Vec<String>,
}

impl From<&Judgement> for CheckRow {
    fn from(judgement: &Judgement) -> Self {
        let mut files = judgement.files.iter().map(|path| path.display().to_string());
        CheckRow {
            program: judgement.program.display().to_string(),
            path: files.next(),
            interpreters: files.collect(),
            verdict: judgement.verdict.code(),
            exit: judgement.verdict.exit(),
            why: judgement.why.clone(),
            warnings: judgement.warnings.clone(),
        }
    }
}
