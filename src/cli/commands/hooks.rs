//! `sockshim hooks`: the functions that the library stands in for.

use crate::grid;
use crate::hook_table::{DOCS, HOOKS, NOT_HOOKED, NotHooked};
use crate::output;
use crate::prototype::{c_type, param_name, prototype};
use serde::Serialize;
use sockshim_core::hook::Hook;
use std::io::{self, Write};

/// Print the functions of libc that libsockshim.so stands in for
///
/// Each is an exported symbol of the library. The level is the value of
/// SOCKSHIM_LOG from which its calls are logged.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub struct HooksArgs {
    /// Print only the symbols, one a line, in the order of nm(1) in the C locale
    #[arg(long, conflicts_with = "json")]
    names: bool,

    /// Print an array of JSON objects
    #[arg(long)]
    json: bool,

    /// Print the symbols that are left out on purpose, and why
    #[arg(long)]
    not_hooked: bool,
}

const EXAMPLES: &str = "\
Examples:
  sockshim hooks --not-hooked
  sockshim hooks --json | jq -r '.[] | select(.level == \"decision\").prototype'
  sockshim hooks --names | LC_ALL=C diff - <(LC_ALL=C nm -D --defined-only libsockshim.so | cut -d' ' -f3)";

/// Runs the subcommand.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &HooksArgs) -> io::Result<()> {
    output::stdout(|out| match (args.not_hooked, args.names, args.json) {
        (false, true, _) => names(out, HOOKS.iter().map(|hook| hook.name())),
        (true, true, _) => names(out, NOT_HOOKED.iter().map(|symbol| symbol.name)),
        (false, _, true) => output::json(out, &HOOKS.iter().zip(DOCS).map(HookRow::from).collect::<Vec<_>>()),
        (true, _, true) => output::json(out, &NOT_HOOKED.iter().map(NotHookedRow::from).collect::<Vec<_>>()),
        (false, _, _) => hooks(out),
        (true, _, _) => not_hooked(out),
    })
}

/// Prints the names sorted by bytes, independently of the locale.
fn names(out: &mut dyn Write, names: impl Iterator<Item = &'static str>) -> io::Result<()> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.iter().try_for_each(|name| writeln!(out, "{name}"))
}

fn hooks(out: &mut dyn Write) -> io::Result<()> {
    let rows = HOOKS.iter().zip(DOCS).map(|(hook, doc)| {
        [hook.name().to_string(), hook.level.name().to_string(), prototype(hook), doc.trim().to_string()]
    });
    grid::table(out, ["symbol", "level", "prototype", "what it is"], rows, &[2, 3])
}

fn not_hooked(out: &mut dyn Write) -> io::Result<()> {
    let rows = NOT_HOOKED.iter().map(|symbol| [symbol.name.to_string(), symbol.why.to_string()]);
    grid::table(out, ["symbol", "why it is not hooked"], rows, &[1])
}

/// A hook as JSON.
#[derive(Serialize)]
struct HookRow {
    name: &'static str,
    level: &'static str,
    /// The number of the system call with the same arguments.
    syscall: Option<i64>,
    prototype: String,
    ret: String,
    params: Vec<HookParam>,
    doc: &'static str,
}

/// A parameter as JSON.
#[derive(Serialize)]
struct HookParam {
    name: &'static str,
    #[serde(rename = "type")]
    ty: String,
}

impl From<(&Hook, &&'static str)> for HookRow {
    fn from((hook, doc): (&Hook, &&'static str)) -> Self {
        let params = hook.params().map(|param| HookParam { name: param_name(&param), ty: c_type(param.ty) });
        HookRow {
            name: hook.name(),
            level: hook.level.name(),
            syscall: hook.nr(),
            prototype: prototype(hook),
            ret: c_type(hook.ret()),
            params: params.collect(),
            doc: doc.trim(),
        }
    }
}

/// A symbol that is left out, as JSON.
#[derive(Serialize)]
struct NotHookedRow {
    name: &'static str,
    why: &'static str,
}

impl From<&NotHooked> for NotHookedRow {
    fn from(symbol: &NotHooked) -> Self {
        NotHookedRow { name: symbol.name, why: symbol.why }
    }
}
