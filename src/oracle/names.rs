//! The names of functions: each function that a table names must exist in the running kernel.

use crate::remembered::Remembered;
use sockshim_core::net::differences::{RENAMED, Renamed, name_in};
use sockshim_core::net::families::BUILT_IN;
use sockshim_core::net::inet::{INETSW_MODULES, INETSW6_MODULES};
use sockshim_core::net::ipv4::af_inet::INETSW;
use sockshim_core::net::ipv6::af_inet6::INETSW6;
use sockshim_core::net::namespace::Facts;
use sockshim_core::net::protosw::{InetProtosw, Protosw};
use sockshim_core::uapi::SOCK_MAX;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;

/// Looks every name up in `/proc/kallsyms`. `false` when one is missing.
pub fn run() -> bool {
    let mut out = std::io::stdout().lock();
    let symbols = match std::fs::read_to_string("/proc/kallsyms") {
        Ok(symbols) => symbols,
        Err(error) => {
            let _ = writeln!(out, "  not available: /proc/kallsyms: {error}");
            return true;
        }
    };
    let known: HashSet<&str> = symbols.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    if !known.contains("inet_bind") {
        let _ = writeln!(out, "  not available: /proc/kallsyms names no function");
        return true;
    }
    let Some(version) = sockshim_host::kernel_version() else {
        let _ = writeln!(out, "  not available: this kernel says no version");
        return true;
    };
    let names = names(&Remembered::new());
    // Older kernels have other names, or nothing, in some members.
    let here = names.iter().filter_map(|(name, table)| Some((name_in(version, name)?, *table)));
    let here: BTreeMap<_, _> = here.collect();
    let missing: Vec<_> = here.iter().filter(|(name, _)| !known.contains(*name)).collect();
    for (name, table) in &missing {
        let _ = writeln!(out, "    MISMATCH {table} names {name}, which this kernel does not have");
    }
    let early: Vec<_> =
        RENAMED.iter().filter(|name| version < name.since && known.contains(name.name)).collect();
    for Renamed { name, since, .. } in &early {
        let _ = writeln!(
            out,
            "    {name}, new in {}.{}, was taken into this older kernel",
            since.major, since.minor
        );
    }
    let _ = writeln!(out, "  {} functions named, {} missing in this kernel", here.len(), missing.len());
    missing.is_empty()
}

/// Every function that an ops table or protocol of this kernel's families names, with the name of one such table.
fn names(facts: &Remembered) -> BTreeMap<&'static str, &'static str> {
    let mut names = BTreeMap::new();
    let has = |family| facts.has_family(family).is_some_and(|known| known.value);
    for family in BUILT_IN.iter().filter(|family| has(family.family)) {
        names.insert(family.create.func.name(), family.name);
        for ops in family.ops.iter().filter(|ops| is_here(facts, ops.name)) {
            names.extend(ops.members().into_iter().filter_map(|(_, name)| Some((name?, ops.name))));
        }
        for prot in family.prots.iter().filter(|prot| is_here(facts, prot.symbol)) {
            let functions = [
                prot.init,
                prot.connect,
                prot.disconnect,
                prot.bind,
                prot.get_port,
                prot.accept,
                prot.setsockopt,
                prot.getsockopt,
                prot.sendmsg,
                prot.recvmsg,
                prot.close,
            ];
            names.extend(functions.into_iter().flatten().map(|func| (func.name(), *prot.symbol)));
        }
    }
    names
}

/// Whether this kernel has the table's protocol, if the protocol is optional.
fn is_here(facts: &Remembered, table: &str) -> bool {
    let rows = |sw: &'static Protosw| (0..SOCK_MAX).flat_map(move |ty| sw.list(ty).iter().copied());
    let of_table = |row: &&InetProtosw| row.ops.name == table || *row.prot.symbol == table;
    let four = rows(&INETSW).chain(INETSW_MODULES).filter(of_table).map(|row| (libc::AF_INET, row));
    let six = rows(&INETSW6).chain(INETSW6_MODULES).filter(of_table).map(|row| (libc::AF_INET6, row));
    let rows: Vec<_> = four.chain(six).collect();
    let has = |family, row: &InetProtosw| {
        let answer = facts.has_protocol(family, row.ty, row.protocol);
        answer.is_some_and(|known| known.value)
    };
    rows.is_empty() || rows.into_iter().any(|(family, row)| row.protocol == 0 || has(family, row))
}
