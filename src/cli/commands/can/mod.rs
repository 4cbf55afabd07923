//! `sockshim can`: looks at a CAN bus and feeds it.
//!
//! Everything goes through sockets of AF_CAN ([`socket`]), as in any other program: the kernel's, or with the library preloaded
//! ([`bus`]) those of a bus without a kernel module. A frame ([`frame`]) is the same in memory, as text ([`notation`], [`log`](mod@log))
//! and in a capture ([`capture`]).

mod bus;
mod capture;
mod dump;
mod frame;
mod log;
mod notation;
mod replay;
mod send;
mod socket;

use crate::commands::run::Refusal;
use std::io;

/// Look at a CAN bus and feed it, with or without a kernel that has CAN
///
/// The interfaces are the kernel's, or those of a bus that needs no kernel module
/// and no root, which 'sockshim run --can' brings to programs.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{BUS}\n\n{EXAMPLES}"))]
pub struct CanArgs {
    #[command(subcommand)]
    command: CanCommand,
}

#[derive(clap::Subcommand)]
enum CanCommand {
    Dump(dump::DumpArgs),
    Send(send::SendArgs),
    Replay(replay::ReplayArgs),
}

const BUS: &str = "\
Bus:
  The kernel's interface, if it has one of the name. Else the interfaces of --can, or of SOCKSHIM_CAN, or
  those that are on the bus already, because a program was started with 'sockshim run --can'.
  --can-bus or SOCKSHIM_CAN_BUS names the directory of the bus.";

const EXAMPLES: &str = "\
Examples:
  sockshim can dump --can vcan0 vcan0
  sockshim can send vcan0 123#DEADBEEF
  sockshim can replay bus.log";

/// Runs the subcommand, and gives the exit code.
///
/// # Errors
/// stdout cannot be written.
pub fn run(args: &CanArgs) -> io::Result<u8> {
    let said = |result: Result<u8, Refusal>| Ok(result.unwrap_or_else(|refusal| refusal.say()));
    match &args.command {
        CanCommand::Dump(args) => dump::run(args),
        CanCommand::Send(args) => said(send::run(args)),
        CanCommand::Replay(args) => said(replay::run(args)),
    }
}
