//! `sockshim modules`: which modules there are, and what each registers.
//!
//! A module is asked by the module itself: a child loads it ([`ask`]) and says what it has registered. So a module that crashes
//! does so in the child.

mod ask;

use crate::commands::run::library;
use crate::module_file::{self, Entry};
use crate::{FAILURE, grid, output};
use ask::Registered;
use clap::ValueHint;
use serde::Serialize;
use sockshim_core::config::{MODULES, RULE_FILE};
use sockshim_core::rules::file::Module;
use sockshim_core::uapi::{FAMILIES, Named};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// The module of AF_CAN, which `--can` and SOCKSHIM_CAN load. It is beside the library.
const CAN: &str = "libsockshim_can.so";

/// Show the modules that have families of sockets
///
/// Lists the module of AF_CAN, the modules of SOCKSHIM_MODULES and of the rule file
/// that SOCKSHIM_CONFIG names, and the named files, with what each registers when
/// it is loaded. A module that cannot be used is listed with the reason.
#[derive(clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  sockshim modules\n  sockshim modules ./echo.so\n\nExit codes:\n  0    all of them can be used\n  1    one cannot be used\n  125  sockshim itself has failed"
)]
pub struct ModulesArgs {
    /// Files of modules
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    files: Vec<OsString>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Load one file, and say what it registers
    #[arg(long, hide = true)]
    child: bool,
}

/// One module as JSON.
#[derive(Serialize)]
struct ModuleRow {
    file: String,
    /// The family for which it is loaded, if an alias says so.
    family: Option<u8>,
    /// Who names it.
    named_by: &'static str,
    abi: Option<u32>,
    registers: Option<Registered>,
    /// Why it cannot be used.
    error: Option<String>,
}

/// Runs the subcommand, and gives the exit code.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &ModulesArgs) -> io::Result<u8> {
    if args.child {
        return match args.files.first() {
            Some(file) => ask::in_child(Path::new(file)),
            None => Ok(FAILURE),
        };
    }
    let mut rows = Vec::new();
    for (named_by, entry) in entries(&args.files) {
        rows.push(match entry {
            Ok(entry) => row(named_by, &entry),
            Err((file, error)) => refused(named_by, None, file, error),
        });
    }
    let all_good = rows.iter().all(|row| row.error.is_none());
    output::stdout(|out| if args.json { output::json(out, &rows) } else { print(out, &rows) })?;
    Ok(u8::from(!all_good))
}

type Found = (&'static str, Result<Entry, (String, String)>);

/// All modules that are named, and by what.
fn entries(files: &[OsString]) -> Vec<Found> {
    let parse = |text: &OsStr| Entry::parse(text).map_err(|why| (text.display().to_string(), why));
    let mut entries: Vec<Found> = Vec::new();
    if let Ok(library) = library::find() {
        let file = library.with_file_name(CAN);
        entries.push(("--can", Ok(Entry { family: Some(libc::AF_CAN as u8), file })));
    }
    let listed = env::var_os(MODULES).unwrap_or_default();
    let listed = listed.as_bytes().split(|byte| *byte == b':').filter(|entry| !entry.is_empty());
    entries.extend(listed.map(|entry| (MODULES, parse(OsStr::from_bytes(entry)))));
    if let Some(path) = env::var_os(RULE_FILE).filter(|path| !path.is_empty()) {
        entries.extend(of_rule_file(Path::new(&path)).into_iter().map(|entry| (RULE_FILE, entry)));
    }
    entries.extend(files.iter().map(|file| ("FILE", parse(file))));
    entries
}

fn of_rule_file(path: &Path) -> Vec<Result<Entry, (String, String)>> {
    let name = path.display().to_string();
    let contents = match crate::rule_file::read(path) {
        Ok((contents, _)) => contents,
        Err(error) => return vec![Err((name, error.one_line().to_string()))],
    };
    let named = |(entry, module): (Result<Entry, String>, &Module)| {
        entry.map_err(|why| (module.file.to_string(), why))
    };
    module_file::of_rule_file(path, &contents.modules).into_iter().zip(&contents.modules).map(named).collect()
}

fn refused(named_by: &'static str, family: Option<u8>, file: String, error: String) -> ModuleRow {
    ModuleRow { file, family, named_by, abi: None, registers: None, error: Some(error) }
}

fn row(named_by: &'static str, entry: &Entry) -> ModuleRow {
    let path = beside_the_library(&entry.file);
    let file = fs::canonicalize(&path).unwrap_or(path);
    let name = file.display().to_string();
    match module_file::abi(&file).and_then(|abi| Ok((abi, registered(&file)?))) {
        Ok((abi, registered)) => ModuleRow {
            file: name,
            family: entry.family,
            named_by,
            abi: Some(abi),
            registers: Some(registered),
            error: None,
        },
        Err(error) => refused(named_by, entry.family, name, error),
    }
}

/// In the list, a name without a slash is that of a file beside the library. On the command line it is one here.
fn beside_the_library(file: &Path) -> PathBuf {
    if file.exists() || file.components().count() > 1 {
        return file.into();
    }
    library::find().map_or_else(|_| file.into(), |library| library.with_file_name(file))
}

/// Has a child load the module.
fn registered(file: &Path) -> Result<Registered, String> {
    let failed = |error: io::Error| format!("it cannot be asked: {error}");
    let own = env::current_exe().map_err(failed)?;
    let mut command = Command::new(own);
    command.args(["modules", "--child", "--"]).arg(file).stdin(Stdio::null());
    // The child shall be a program without sockshim, whatever this one was started with.
    command.env_remove(library::PRELOAD);
    let output = command.output().map_err(failed)?;
    if let Some(signal) = output.status.signal() {
        return Err(format!("it is killed by signal {signal} when it begins"));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    match serde_json::from_slice(&output.stdout) {
        Ok(registered) if output.status.success() => Ok(registered),
        _ => Err(said.lines().last().unwrap_or("it has ended the process that loads it").to_string()),
    }
}

fn print(out: &mut dyn Write, rows: &[ModuleRow]) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "no modules");
    }
    let cells = rows.iter().map(|row| {
        let registers = match (&row.registers, &row.error) {
            (Some(registered), _) => words(registered),
            (None, error) => format!("not usable: {}", error.as_deref().unwrap_or("unknown")),
        };
        [
            row.file.clone(),
            row.family.map_or("any".into(), |family| format!("net-pf-{family}")),
            row.named_by.to_string(),
            registers,
        ]
    });
    grid::table(out, ["module", "loaded for", "named by", "registers"], cells, &[3])
}

/// What is registered, in words.
fn words(registered: &Registered) -> String {
    let family = |number: &i32| format!("family {}", Named(FAMILIES, *number));
    let protocol =
        |protosw: &ask::Protosw| format!("type {} protocol {} of AF_INET", protosw.ty, protosw.protocol);
    let mut parts: Vec<String> = registered.families.iter().map(family).collect();
    parts.extend(registered.protocols.iter().map(protocol));
    if registered.devices > 0 {
        parts.push("network interfaces".into());
    }
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}
