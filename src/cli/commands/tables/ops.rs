//! `struct proto_ops`: which function each kind of socket runs for each call.

use super::Members;
use crate::grid::Matrix;
use serde::Serialize;
use sockshim_core::net::ops::{NetProtoFamily, ProtoOps};
use sockshim_core::net::socket::net_family;
use sockshim_core::uapi::{self, NPROTO, Named};
use std::io::{self, Write};

/// One ops table as JSON.
#[derive(Serialize)]
pub struct OpsRow {
    name: &'static str,
    family: String,
    members: Members,
}

/// The registered families, in the order of their numbers.
pub fn registered() -> impl Iterator<Item = &'static NetProtoFamily> {
    (0..NPROTO).filter_map(net_family)
}

/// The name of a family, with its prefix.
pub fn family_name(family: i32) -> String {
    Named(uapi::FAMILIES, family).to_string()
}

/// The ops tables of all registered families.
pub fn rows() -> Vec<OpsRow> {
    registered().flat_map(|family| family.ops).map(|ops| row(ops)).collect()
}

fn row(ops: &ProtoOps) -> OpsRow {
    OpsRow { name: ops.name, family: family_name(ops.family), members: Members(ops.members()) }
}

/// Prints the ops tables, one matrix per family.
///
/// # Errors
/// What `out` reports.
pub fn print(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "struct proto_ops: what each kind of socket runs for each call")?;
    for family in registered() {
        writeln!(out)?;
        matrix(family).print(out)?;
    }
    Ok(())
}

fn matrix(family: &NetProtoFamily) -> Matrix {
    let members = family.ops.first().map_or(Vec::new(), |ops| ops.members());
    let column = |ops: &ProtoOps| {
        (ops.name, ops.members().into_iter().map(|(_, function)| function.unwrap_or("NULL")).collect())
    };
    Matrix {
        title: family_name(family.family),
        members: members.into_iter().map(|(member, _)| member).collect(),
        columns: family.ops.iter().map(|ops| column(ops)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::tables::init;
    use sockshim_core::net::ipv4::af_inet::INETSW;
    use sockshim_core::net::ipv6::af_inet6::INETSW6;
    use sockshim_core::uapi::SOCK_MAX;

    /// Otherwise a socket could have ops that this output does not show.
    #[test]
    fn every_ops_table_that_an_entry_names_is_shown() {
        init();
        let shown: Vec<&str> = rows().iter().map(|row| row.name).collect();
        let lists = (0..SOCK_MAX).flat_map(|ty| INETSW.list(ty).iter().chain(INETSW6.list(ty)));
        let named: Vec<&str> = lists.map(|entry| entry.ops.name).collect();
        assert!(named.contains(&"inet_stream_ops"));
        for name in named {
            assert!(shown.contains(&name), "{name}");
        }
    }

    #[test]
    fn names_are_unique() {
        init();
        let mut names: Vec<&str> = rows().iter().map(|row| row.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert!(count > 0 && names.len() == count);
    }
}
