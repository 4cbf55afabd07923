//! `sockshim self-test`: whether sockshim works on this machine, in a form for a bug report.

mod child;
mod tables;

use crate::FAILURE;
use crate::commands::run::library;
use crate::output;
use rustix::process::geteuid;
use rustix::system::uname;
use sockshim_core::net::namespace::{Fact, Facts, Known};
use sockshim_host::{LiveKernel, seccomp};
use std::ffi::CStr;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Prove in a second that sockshim works on this machine
///
/// A child makes calls under the library, and all of them must be in its log; and
/// 1,000 calls of socket(2) are answered by the tables and by the kernel. Prints
/// what it has found about the machine, for a bug report.
#[derive(clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:\n  sockshim self-test\n\nExit codes:\n  0    all is well\n  125  something is not; the lines with 'FAILED' say what"
)]
pub struct SelfTestArgs {
    /// What is looked at
    #[arg(long, hide = true)]
    child: bool,
}

/// The report, and whether anything has failed.
struct Report<'a> {
    out: &'a mut dyn Write,
    failed: bool,
}

impl Report<'_> {
    fn line(&mut self, head: &str, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{head:<13} {text}")
    }

    /// A line that says whether something is as it should be.
    fn check(&mut self, head: &str, is_well: bool, text: impl Display) -> io::Result<()> {
        self.failed |= !is_well;
        self.line(head, format_args!("{} {text}", if is_well { "ok:" } else { "FAILED:" }))
    }
}

/// Runs the subcommand, and gives the exit code.
///
/// # Errors
/// What stdout reports.
pub fn run(args: &SelfTestArgs) -> io::Result<u8> {
    if args.child {
        let made = child::make_calls();
        if let Err(error) = &made {
            let _ = writeln!(io::stderr(), "a call has failed: {error}");
        }
        return Ok(if made.is_ok() { 0 } else { FAILURE });
    }
    let mut failed = false;
    output::stdout(|out| {
        let mut report = Report { out, failed: false };
        write(&mut report)?;
        failed = report.failed;
        Ok(())
    })?;
    Ok(if failed { FAILURE } else { 0 })
}

fn write(report: &mut Report) -> io::Result<()> {
    let facts = LiveKernel::new();
    report.line("sockshim", env!("SOCKSHIM_VERSION"))?;
    machine(report)?;
    let library = match library::find() {
        Ok(library) => Some(library),
        Err(refusal) => {
            report.check("library", false, &refusal.why)?;
            None
        }
    };
    if let Some(library) = &library {
        report.line("library", library.display())?;
        rule_reader(report, library)?;
        interception(report, library)?;
    }
    agreement(report, &facts)?;
    settings(report, &facts)
}

/// Kernel, libc, user, and what may be in the way.
fn machine(report: &mut Report) -> io::Result<()> {
    let kernel = uname();
    let text = |text: &CStr| text.to_string_lossy().into_owned();
    let (name, release, machine) = (text(kernel.sysname()), text(kernel.release()), text(kernel.machine()));
    report.line("kernel", format_args!("{name} {release} {machine}"))?;
    report.line("libc", format_args!("glibc {}", libc_version()))?;
    let filter = if seccomp::is_filtered() { ", under a seccomp filter" } else { "" };
    report.line("user", format_args!("{}{filter}", geteuid().as_raw()))
}

fn libc_version() -> String {
    // SAFETY: the function returns a string that is there for ever.
    let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) };
    version.to_string_lossy().into_owned()
}

fn rule_reader(report: &mut Report, library: &Path) -> io::Result<()> {
    let reader: PathBuf = library.with_file_name("libsockshim_rulefile.so");
    let found = reader.is_file();
    let text = if found { "" } else { " is not there: SOCKSHIM_CONFIG cannot be read without it" };
    report.check("rule files", found, format_args!("{}{text}", reader.display()))?;
    let missing: Vec<&str> = ["libsockshim_kmod.so", "libsockshim_can.so", "sockshim-can-engine"]
        .into_iter()
        .filter(|name| !library.with_file_name(name).is_file())
        .collect();
    let text = if missing.is_empty() {
        "beside the library".to_owned()
    } else {
        format!("missing: {}", missing.join(", "))
    };
    report.check("modules", missing.is_empty(), format_args!("{text}"))
}

fn interception(report: &mut Report, library: &Path) -> io::Result<()> {
    let seen = match child::run(library) {
        Ok(seen) => seen,
        Err(error) => {
            return report.check("interception", false, format_args!("cannot start a child: {error}"));
        }
    };
    let is_well = seen.missing.is_empty() && seen.divergences == 0 && seen.said.is_empty();
    report.check("interception", is_well, format_args!("{} calls of a child are in its log", seen.calls))?;
    if !seen.missing.is_empty() {
        report.line("", format_args!("missing: {}", seen.missing.join(", ")))?;
    }
    if seen.divergences > 0 {
        report.line(
            "",
            format_args!("the kernel answered {} calls otherwise than predicted", seen.divergences),
        )?;
    }
    if !seen.said.is_empty() {
        report.line("", format_args!("the child said: {}", seen.said))?;
    }
    Ok(())
}

fn agreement(report: &mut Report, facts: &dyn Facts) -> io::Result<()> {
    let agreement = tables::compare(facts);
    let wrong = agreement.wrong.len();
    let text = format!(
        "{} questions about socket(2), {wrong} answered otherwise by the kernel, {} left to it",
        agreement.asked, agreement.open
    );
    report.check("tables", wrong == 0 && agreement.asked == tables::MOST, text)?;
    agreement.wrong.iter().take(10).try_for_each(|wrong| report.line("", wrong))
}

/// What the tables were told about the kernel.
fn settings(report: &mut Report, facts: &dyn Facts) -> io::Result<()> {
    let number = |fact: Fact<i32>| fact.map_or_else(|| "unknown".into(), |known| known.value.to_string());
    let yes = |fact: Fact<bool>| {
        number(fact.map(|known| Known { value: known.value.into(), source: known.source }))
    };
    for (name, value) in [
        ("NPROTO", number(facts.nproto())),
        ("IPPROTO_MAX", number(facts.ipproto_max())),
        ("CAP_NET_RAW", yes(facts.net_raw())),
        ("CAP_NET_BIND_SERVICE", yes(facts.net_bind_service())),
        ("net.ipv4.ping_group_range has a group", yes(facts.ping_group())),
        ("net.mptcp.enabled", yes(facts.mptcp_enabled())),
        ("net.core.somaxconn", number(facts.somaxconn())),
        ("net.ipv4.ip_unprivileged_port_start", number(facts.unprivileged_port_start())),
    ] {
        report.line("fact", format_args!("{name} = {value}"))?;
    }
    Ok(())
}
