//! `sockshim explain`: one socket(2), function by function, with the answer of the running kernel beside it.

mod alternatives;
mod facts;
mod numbers;
pub mod question;
mod reason;
mod tree;

use crate::output;
use libc::c_int;
use question::{Answer, Outcome, Question};
use serde::Serialize;
use serde_json::value::RawValue;
use sockshim_core::net;
use sockshim_core::uapi::SOCK_TYPE_MASK;
use sockshim_core::verdict::Predicted;
use sockshim_host::LiveKernel;
use std::io::{self, Write};

/// Explain what socket(FAMILY, TYPE, PROTOCOL) does, and why
///
/// Prints the functions that the call goes through, what it comes to, what would
/// change that, and what the running kernel says to it. What depends on the kernel
/// or on privileges is asked of the kernel, for which sockets are made and closed;
/// like any program's, such a call may load a module of the kernel.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES, after_long_help = format!("{NUMBERS}\n\n{JSON}\n\n{EXAMPLES}"))]
pub struct ExplainArgs {
    /// An address family: AF_INET, inet, PF_INET, 2 or 0x2
    #[arg(value_parser = numbers::family, allow_negative_numbers = true)]
    family: c_int,

    /// A socket type and flags: SOCK_STREAM|SOCK_NONBLOCK, stream or 1
    #[arg(value_name = "TYPE", value_parser = numbers::type_arg, allow_negative_numbers = true)]
    ty: c_int,

    /// A protocol: IPPROTO_TCP, tcp, NETLINK_ROUTE, htons(ETH_P_ALL), 6 or 0
    #[arg(value_parser = numbers::protocol, allow_negative_numbers = true)]
    protocol: c_int,

    /// Print one JSON object; see --help
    #[arg(long)]
    json: bool,
}

const NUMBERS: &str = "\
Names may be written in any case and without their prefix. Every number of an int
is taken, in decimal or hexadecimal, because a program may pass any.";

const JSON: &str = "\
JSON:
  family, type, flags, protocol  the integers that socket(2) is given; flags are the bits beside the type
  errno        the error that the tables predict, by its name; null for success, and where only the
               kernel knows: then the path ends in a step with a member \"host\", or reason is host-family
  reason       why, as in the log: host-owned (the socket is made), no-family, no-protocol, privilege, ...
  path         the functions gone through, as in the log
  ops, prot    the tables that the socket gets; null without a socket
  kernel       what the running kernel says: errno is a name, or null for success";

const EXAMPLES: &str = "\
Examples:
  sockshim explain AF_INET SOCK_STREAM 0
  sockshim explain inet 'stream|nonblock' mptcp
  sockshim explain netlink raw NETLINK_ROUTE
  sockshim explain 2 3 -1 --json | jq -r .errno";

/// Runs the subcommand.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &ExplainArgs) -> io::Result<()> {
    net::init();
    let facts = LiveKernel::new();
    let question = Question { family: args.family, ty: args.ty, protocol: args.protocol };
    let answer = question.walk(&facts);
    let kernel = question.ask_kernel();
    output::stdout(|out| match args.json {
        true => json(out, &answer, kernel),
        false => {
            text(out, &answer, kernel)?;
            alternatives::print(out, &answer, &facts)
        }
    })
}

fn text(out: &mut dyn Write, answer: &Answer, kernel: Outcome) -> io::Result<()> {
    writeln!(out, "{}", answer.question)?;
    tree::print(out, answer)?;
    writeln!(out)?;
    match answer.outcome() {
        Some(outcome) => writeln!(out, "predicted  {outcome}: {}", reason::sentence(answer))?,
        None => writeln!(out, "predicted  nothing: {}", reason::sentence(answer))?,
    }
    writeln!(out, "kernel     {kernel}")?;
    if answer.is_divergence(kernel) {
        writeln!(
            out,
            "DIVERGENCE: the tables are wrong about this kernel, or something else (a security module, a seccomp \
             filter, a BPF program) has decided"
        )?;
    }
    match numbers::is_missing_htons(answer.question.family, answer.question.protocol) {
        Some(name) => {
            writeln!(out, "note       AF_PACKET takes its protocol in network byte order: htons({name})")
        }
        None => Ok(()),
    }
}

/// The output in JSON.
#[derive(Serialize)]
struct ExplainDocument {
    family: c_int,
    #[serde(rename = "type")]
    ty: c_int,
    flags: c_int,
    protocol: c_int,
    errno: Option<String>,
    reason: &'static str,
    path: Vec<Box<RawValue>>,
    ops: Option<&'static str>,
    prot: Option<&'static str>,
    kernel: Kernel,
}

/// The kernel's answer.
#[derive(Serialize)]
struct Kernel {
    errno: Option<String>,
}

fn json(out: &mut dyn Write, answer: &Answer, kernel: Outcome) -> io::Result<()> {
    let Question { family, ty, protocol } = answer.question;
    let errno = match answer.verdict.predicted {
        Predicted::Errno(errno) => Outcome::Errno(errno).errno_name(),
        Predicted::Ok | Predicted::Unknown => None,
    };
    let document = ExplainDocument {
        family,
        ty: ty & SOCK_TYPE_MASK,
        flags: ty & !SOCK_TYPE_MASK,
        protocol,
        errno,
        reason: answer.verdict.reason.code(),
        path: answer.json_path()?,
        ops: answer.ops().map(|ops| ops.name),
        prot: answer.prot().map(|prot| *prot.symbol),
        kernel: Kernel { errno: kernel.errno_name() },
    };
    output::json(out, &document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(family: c_int, ty: c_int, protocol: c_int, kernel: Outcome) -> String {
        net::init();
        let answer = Question { family, ty, protocol }.walk(&LiveKernel::new());
        let mut out = Vec::new();
        text(&mut out, &answer, kernel).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_difference_is_visible() {
        use sockshim_core::errno::Errno;
        assert!(!explained(2, 1, 0, Outcome::Success).contains("DIVERGENCE"));
        assert!(explained(2, 1, 0, Outcome::Errno(Errno::EPERM)).contains("kernel     EPERM\nDIVERGENCE"));
        assert!(explained(2, 2, 6, Outcome::Success).contains("kernel     success\nDIVERGENCE"));
        assert!(!explained(2, 1, 0, Outcome::Errno(Errno::EMFILE)).contains("DIVERGENCE"));
    }

    #[test]
    fn byte_order_is_noted() {
        assert!(explained(17, 3, libc::ETH_P_ALL, Outcome::Success).contains("htons(ETH_P_ALL)"));
        assert!(!explained(17, 3, 0x300, Outcome::Success).contains("htons"));
        assert!(!explained(2, 3, 3, Outcome::Success).contains("htons"));
    }
}
