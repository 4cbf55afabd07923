//! `sockshim tables`: the registries of the socket layer, after the same initialisation as in the library.

mod families;
mod inetsw;
mod ops;
mod prots;

use crate::output;
use clap::ValueEnum;
use serde::Serialize;
use sockshim_core::net;
use sockshim_core::net::ipv4::af_inet::INETSW;
use sockshim_core::net::ipv6::af_inet6::INETSW6;
use std::io::{self, Write};
use std::sync::Once;

/// Print the tables by which a socket call finds its function
///
/// They are not a copy: the command registers the families and protocols as the
/// library does, and prints the registries. The names are those of the Linux kernel.
#[derive(clap::Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub struct TablesArgs {
    /// The tables to print; all, if none is named
    #[arg(value_name = "TABLE")]
    tables: Vec<TableName>,

    /// Print one JSON object with a member for each table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  sockshim tables families
  sockshim tables inetsw inetsw6
  sockshim tables ops --json | jq '.ops[] | select(.name == \"unix_dgram_ops\").members'";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TableName {
    /// net_families[]: the create function of each address family
    Families,
    /// inetsw[]: the protocols of AF_INET by socket type, in the order in which they are tried
    Inetsw,
    /// inetsw6[]: the same of AF_INET6
    Inetsw6,
    /// struct proto_ops: what each kind of socket runs for each call
    Ops,
    /// struct proto: what lies below, protocol by protocol
    Prots,
}

/// Runs the subcommand.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &TablesArgs) -> io::Result<()> {
    init();
    // In the order of their definition, each once, whatever the order on the command line.
    let mut wanted = TableName::value_variants().to_vec();
    wanted.retain(|table| args.tables.is_empty() || args.tables.contains(table));
    output::stdout(|out| match args.json {
        true => output::json(out, &TablesDocument::of(&wanted)),
        false => text(out, &wanted),
    })
}

/// Fills the registries. Waits until they are filled, because `net::init` itself does not wait for another caller.
fn init() {
    static DONE: Once = Once::new();
    DONE.call_once(net::init);
}

fn text(out: &mut dyn Write, wanted: &[TableName]) -> io::Result<()> {
    for (index, table) in wanted.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        match table {
            TableName::Families => families::print(out)?,
            TableName::Inetsw => inetsw::print(out, "inetsw", &INETSW)?,
            TableName::Inetsw6 => inetsw::print(out, "inetsw6", &INETSW6)?,
            TableName::Ops => ops::print(out)?,
            TableName::Prots => prots::print(out)?,
        }
    }
    Ok(())
}

/// The tables as JSON. Tables that were not requested are left out.
#[derive(Serialize, Default)]
struct TablesDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    families: Option<Vec<families::FamilyRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inetsw: Option<Vec<inetsw::InetswRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inetsw6: Option<Vec<inetsw::InetswRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ops: Option<Vec<ops::OpsRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prots: Option<Vec<prots::ProtRow>>,
}

impl TablesDocument {
    fn of(wanted: &[TableName]) -> Self {
        let mut document = Self::default();
        for table in wanted {
            match table {
                TableName::Families => document.families = Some(families::rows()),
                TableName::Inetsw => document.inetsw = Some(inetsw::rows(&INETSW)),
                TableName::Inetsw6 => document.inetsw6 = Some(inetsw::rows(&INETSW6)),
                TableName::Ops => document.ops = Some(ops::rows()),
                TableName::Prots => document.prots = Some(prots::rows()),
            }
        }
        document
    }
}

/// The members of a kernel struct by name, in the kernel's order. `None` is NULL.
struct Members(Vec<(&'static str, Option<&'static str>)>);

impl Serialize for Members {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}
