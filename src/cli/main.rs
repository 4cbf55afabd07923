//! The command `sockshim`: shows what `libsockshim.so` does between a program and libc.
//!
//! - `main` parses the command line and turns the result of a subcommand into an exit code;
//! - [`commands`] has one file per subcommand, which is its part of the command line and what it does;
//! - [`hook_table`] and the registries of `sockshim-core` are the data that it shows: the same tables that the
//!   library uses, compiled in, so that they cannot be out of date;
//! - [`output`] and [`grid`] write to stdout.

mod bus;
mod commands;
mod grid;
mod hook_table;
mod inherited;
mod module_file;
mod output;
mod prototype;
mod rule_file;

use clap::{Parser, Subcommand};
use sockshim_oldlibc as _;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code when sockshim itself fails. Higher codes are a program's own, as for env(1) and timeout(1); a wrong
/// command line gives 2.
const FAILURE: u8 = 125;

/// The Linux socket layer in userspace, between a program and libc
///
/// LD_PRELOAD=libsockshim.so puts the socket layer of Linux between a program and
/// libc: net_families[], inetsw[] and struct proto_ops. Every socket call takes
/// the way that it would take in the kernel, and the way can be logged. This
/// command shows the tables that the library runs on.
#[derive(Parser)]
#[command(name = "sockshim", version = env!("SOCKSHIM_VERSION"), verbatim_doc_comment)]
#[command(after_help = format!("{EXAMPLES}\n\n'sockshim --help' says more, and so does 'sockshim COMMAND --help'."))]
#[command(after_long_help = format!("{EXAMPLES}\n\n{ENVIRONMENT}\n\n{EXIT_CODES}"))]
struct Cli<C: Subcommand> {
    #[command(subcommand)]
    command: C,
}

const EXAMPLES: &str = "\
Examples:
  sockshim explain AF_INET SOCK_DGRAM IPPROTO_TCP
                             Why does this socket(2) fail, and what would not?
  sockshim tables inetsw     Which protocol does socket(AF_INET, SOCK_STREAM, 0) get?
  sockshim check nginx       Will the library be loaded into it?
  sockshim self-test         Does it work on this machine?
  sockshim hooks             Which functions of libc does the library stand in for?
  LD_PRELOAD=/path/to/libsockshim.so SOCKSHIM_LOG=call curl http://localhost/
'sockshim trace' and 'sockshim run' start programs, and have examples of their own.";

const ENVIRONMENT: &str = "\
Environment of the library:
  SOCKSHIM_LOG         off (default), decision, call or io: how much is logged
  SOCKSHIM_LOG_FORMAT  text (default) or json, one object a line
  SOCKSHIM_LOG_FILE    a path, to which the log is appended; %p is the pid (default: stderr)
  SOCKSHIM_CONFIG      a file of rules; 'sockshim run' has options for them
  SOCKSHIM_CAN         interfaces of a CAN bus, such as vcan0,vcan1:mtu=16
  SOCKSHIM_CAN_BUS     the directory of that bus
  SOCKSHIM_MODULES     files of modules, with colons between them
  SOCKSHIM_PROPAGATE   env (default) or always: whether programs that are started without LD_PRELOAD get it
  SOCKSHIM_DISABLE     1 switches everything off";

const EXIT_CODES: &str = "\
Exit codes:
  0    success, also when the reader of a pipe went away
  2    the command line is wrong
  125  sockshim itself has failed, such as on a full disk
  'sockshim check' has more: see 'sockshim check --help'";

/// The subcommands for everybody: `Cli<Command>` is what the man pages and the completions show.
#[derive(Subcommand)]
enum Command {
    Can(Box<commands::can::CanArgs>),
    Check(commands::check::CheckArgs),
    Explain(commands::explain::ExplainArgs),
    Hooks(commands::hooks::HooksArgs),
    Modules(commands::modules::ModulesArgs),
    Run(Box<commands::run::RunArgs>),
    SelfTest(commands::self_test::SelfTestArgs),
    Trace(Box<commands::trace::TraceArgs>),
    Tables(commands::tables::TablesArgs),
}

/// All subcommands: `Cli<Any>` is what is parsed.
#[derive(Subcommand)]
enum Any {
    #[command(flatten)]
    Shown(Command),
    #[command(hide = true)]
    Generate(commands::generate::GenerateArgs),
}

impl Any {
    /// Runs the subcommand, and returns the exit code.
    fn run(&self) -> io::Result<u8> {
        match self {
            Any::Shown(command) => command.run(),
            Any::Generate(args) => Ok(commands::generate::run(args)),
        }
    }
}

impl Command {
    /// Runs the subcommand, and returns the exit code.
    fn run(&self) -> io::Result<u8> {
        match self {
            Command::Can(args) => return commands::can::run(args),
            Command::Check(args) => return commands::check::run(args),
            Command::Explain(args) => commands::explain::run(args),
            Command::Hooks(args) => commands::hooks::run(args),
            Command::Modules(args) => return commands::modules::run(args),
            Command::Run(args) => return Ok(commands::run::run(args)),
            Command::SelfTest(args) => return commands::self_test::run(args),
            Command::Trace(args) => return Ok(commands::trace::run(args)),
            Command::Tables(args) => commands::tables::run(args),
        }
        .map(|()| 0)
    }
}

fn main() -> ExitCode {
    let ended = match Cli::<Any>::try_parse() {
        Ok(cli) => cli.command.run(),
        // clap returns the texts of --help and --version as errors: it prints them to stdout with exit code 0.
        Err(error) => error.print().map(|()| if error.use_stderr() { wrong_command_line() } else { 0 }),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        // A reader that closed the pipe, as in `sockshim tables | head`, needs no more output.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            // If stderr is closed too, only the exit code can tell.
            let _ = writeln!(io::stderr(), "sockshim: cannot write the output: {error}");
            ExitCode::from(FAILURE)
        }
        Err(_) => ExitCode::SUCCESS,
    }
}

/// The exit code for a wrong command line. `run` and `trace` leave all codes but the highest to the program, as env(1) does.
fn wrong_command_line() -> u8 {
    let runs = std::env::args_os().nth(1).is_some_and(|word| word == "run" || word == "trace");
    if runs { FAILURE } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use sockshim_core::config::{CAN, CAN_BUS, Config, MODULES};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::<Any>::command().debug_assert();
    }

    #[test]
    fn the_help_offers_what_the_library_takes() {
        let lines: Vec<&str> = ENVIRONMENT.lines().skip(1).collect();
        assert_eq!(lines.len(), 9);
        for line in lines {
            let (variable, values) = line.trim().split_once(' ').expect("a variable and its values");
            let bad = format!("{variable}=?");
            if let Some(complaint) = Config::read([bad.as_bytes()].into_iter()).complaint {
                for value in
                    complaint.takes.split([',', ' ']).filter(|word| !word.is_empty() && *word != "or")
                {
                    assert!(values.contains(value), "{variable} takes {value}");
                }
            } else {
                let names = ["SOCKSHIM_LOG_FILE", "SOCKSHIM_CONFIG", CAN, CAN_BUS, MODULES];
                assert!(names.contains(&variable), "the library does not know {variable}");
            }
        }
    }
}
