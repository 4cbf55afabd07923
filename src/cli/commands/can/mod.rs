//! `sockshim can`: looks at a CAN bus and feeds it.
//!
//! The subcommands are programs for AF_CAN like any other: they make sockets of libc, and know of no bus. So [`run`] executes this
//! program again, with the library and the bus in its environment, unless it is on a bus already or the kernel has the interfaces.

mod capture;
mod dump;
mod filter;
mod interrupt;
mod log;
mod replay;
mod send;
mod socket;

use crate::FAILURE;
use crate::bus;
use crate::commands::run::library;
use crate::commands::run::refusal::{Refusal, say};
use clap::ValueHint;
use sockshim_core::config::{CAN, CAN_BUS};
use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fmt};

/// Look at a CAN bus, and feed it
///
/// The interfaces are those of the bus that 'sockshim run --can' uses, or the
/// kernel's own where it has one of that name.
#[derive(clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  sockshim can dump any\n  sockshim can dump -L vcan0,123:7FF > can.log\n  sockshim can send vcan0 123#C0FFEE 12345678##1AABB\n  sockshim can replay can.log vcan1=vcan0\n\nExit codes:\n  0    success\n  2    the command line is wrong\n  125  sockshim itself has failed, or a frame could not be sent"
)]
pub struct CanArgs {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    bus: BusOptions,

    /// The bus is in the environment
    #[arg(long, hide = true)]
    here: bool,
}

/// Which bus.
#[derive(clap::Args)]
struct BusOptions {
    /// Interfaces of the bus, made if they are not there; without it, all that it has
    #[arg(long = "can", value_name = "NAME[:mtu=N][,…]", global = true, help_heading = "Bus")]
    can: Vec<String>,

    /// The directory of the bus
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, global = true, help_heading = "Bus")]
    can_bus: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Action {
    Dump(dump::DumpArgs),
    Send(send::SendArgs),
    Replay(replay::ReplayArgs),
}

/// What has gone wrong, in words.
#[derive(Debug)]
enum Failure {
    /// Something with the bus, a file or a frame.
    Said(String),
    /// The output cannot be written.
    Output(io::Error),
}

impl Failure {
    fn of(what: impl Display, error: &io::Error) -> Failure {
        let text = error.to_string();
        Failure::Said(format!("{what}: {}", text.split(" (os error").next().unwrap_or(&text)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::Said(why) => f.write_str(why),
            Failure::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

/// Runs the subcommand, and gives the exit code.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &CanArgs) -> io::Result<u8> {
    if !args.here {
        match variables(&args.bus) {
            Ok(Some(set)) => return Ok(again(set).say()),
            Ok(None) => {}
            Err(refusal) => return Ok(refusal.say()),
        }
    }
    let done = match &args.action {
        Action::Dump(args) => dump::run(args),
        Action::Send(args) => send::run(args),
        Action::Replay(args) => replay::run(args),
    };
    match done {
        Ok(()) => Ok(0),
        Err(Failure::Output(error)) => Err(error),
        Err(Failure::Said(why)) => {
            say(why);
            Ok(FAILURE)
        }
    }
}

/// What must be in the environment for the bus; nothing if it is there already, or if there is no bus.
fn variables(options: &BusOptions) -> Result<Option<Vec<(&'static str, OsString)>>, Refusal> {
    let preloaded = env::var_os(library::PRELOAD).unwrap_or_default();
    let inherited = env::var_os(CAN).filter(|names| !names.is_empty());
    let is_named = !options.can.is_empty() || options.can_bus.is_some();
    if !is_named && inherited.is_some() && library::is_preloaded(&preloaded) {
        return Ok(None);
    }
    let directory = bus::directory(options.can_bus.as_deref())?;
    let names = match inherited {
        _ if !options.can.is_empty() => options.can.join(","),
        Some(names) => names.to_string_lossy().into_owned(),
        None => bus::names(&directory)?.join(","),
    };
    if names.is_empty() {
        return Ok(None);
    }
    bus::make(&names, &directory)?;
    let library = library::find()?;
    Ok(Some(vec![
        (library::PRELOAD, library::preload(&library, &preloaded)),
        (CAN, names.into()),
        (CAN_BUS, directory.into()),
    ]))
}

/// Becomes this program on the bus.
fn again(set: Vec<(&'static str, OsString)>) -> Refusal {
    let own = match env::current_exe() {
        Ok(own) => own,
        Err(error) => return Refusal::own(format!("cannot find the command itself: {error}")),
    };
    let mut command = Command::new(own);
    command.args(["can", "--here"]).args(env::args_os().skip(2)).envs(set);
    Refusal::own(format!("cannot execute the command itself: {}", command.exec()))
}

/// The index of an interface. 0 is `any`.
fn index(name: &str) -> Result<i32, Failure> {
    if name == "any" {
        return Ok(0);
    }
    socket::index_of(name).ok_or_else(|| {
        Failure::Said(format!("there is no interface {name}; '--can {name}' makes it on the bus"))
    })
}
