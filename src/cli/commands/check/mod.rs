//! `sockshim check`: whether the library will be loaded into a program, and why not.

mod contents;
mod dependencies;
mod env;
mod find;
mod judge;
mod linking;
mod load;
mod search;
mod words;

use crate::output;
use judge::Judgement;
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, Write};

/// Say whether programs can be intercepted, and why not
///
/// LD_PRELOAD is read by glibc's dynamic linker. This looks at a program's file,
/// and says in one sentence whether the library will be loaded into it, and what
/// can be done if not. A script is judged by its interpreter. Nothing is run.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{EXIT_CODES}\n\n{JSON}\n\n{EXAMPLES}"))]
pub struct CheckArgs {
    /// A path, or a name that is looked for in PATH
    #[arg(value_name = "PROG", required = true)]
    programs: Vec<OsString>,

    /// Print an array of JSON objects; see --help
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
  125  unreadable      the file cannot be read, so nothing can be said
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
  warnings      what will not be seen although the library is loaded";

const EXAMPLES: &str = "\
Examples:
  sockshim check curl
  sockshim check /bin/sh /bin/ls
  sockshim check --json python3 | jq -r '.[].verdict'
  sockshim check -q ./server && LD_PRELOAD=/path/to/libsockshim.so ./server";

/// Runs the subcommand, and gives the exit code.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &CheckArgs) -> io::Result<u8> {
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
