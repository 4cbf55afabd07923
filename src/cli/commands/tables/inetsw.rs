//! `inetsw[]` and `inetsw6[]`.

use crate::grid;
use serde::Serialize;
use sockshim_core::net::protosw::{
    INET_PROTOSW_ICSK, INET_PROTOSW_PERMANENT, INET_PROTOSW_REUSE, InetProtosw, Protosw,
};
use sockshim_core::uapi::{self, Named, SOCK_MAX, name_of};
use std::io::{self, Write};

/// One entry as JSON.
#[derive(Serialize)]
pub struct InetswRow {
    #[serde(rename = "type")]
    ty: String,
    /// Its index in the list of its type; the walk begins at 0.
    index: usize,
    name: &'static str,
    /// The protocol; 0 accepts any.
    protocol: i32,
    protocol_name: Option<&'static str>,
    prot: &'static str,
    ops: &'static str,
    flags: Vec<&'static str>,
}

const FLAGS: [(u8, &str); 3] =
    [(INET_PROTOSW_PERMANENT, "PERMANENT"), (INET_PROTOSW_REUSE, "REUSE"), (INET_PROTOSW_ICSK, "ICSK")];

/// All entries, type by type, each type in the order of the walk.
pub fn rows(sw: &Protosw) -> Vec<InetswRow> {
    let entries = (0..SOCK_MAX).flat_map(|ty| sw.list(ty).iter().enumerate());
    entries.map(|(index, entry)| row(index, entry)).collect()
}

fn row(index: usize, entry: &InetProtosw) -> InetswRow {
    let flags = FLAGS.iter().filter(|(bit, _)| entry.flags & bit != 0);
    InetswRow {
        ty: Named(uapi::TYPES, entry.ty).to_string(),
        index,
        name: entry.name,
        protocol: entry.protocol,
        protocol_name: name_of(uapi::PROTOCOLS, entry.protocol),
        prot: entry.prot.symbol,
        ops: entry.ops.name,
        flags: flags.map(|(_, name)| *name).collect(),
    }
}

/// Prints all entries.
///
/// # Errors
/// What `out` reports.
pub fn print(out: &mut dyn Write, name: &str, sw: &Protosw) -> io::Result<()> {
    writeln!(
        out,
        "{name}[]: socket(2) gets the first entry of its type that takes its protocol; 0 is any entry's that has one\n"
    )?;
    let rows = rows(sw).into_iter().map(|row| {
        let protocol = match (row.protocol, row.protocol_name) {
            (0, _) => "0 (any)".to_string(),
            (number, Some(name)) => format!("{number} {name}"),
            (number, None) => number.to_string(),
        };
        [
            row.ty,
            row.index.to_string(),
            row.name.to_string(),
            protocol,
            row.prot.to_string(),
            row.ops.to_string(),
            if row.flags.is_empty() { "0".to_string() } else { row.flags.join("|") },
        ]
    });
    grid::table(out, ["type", "#", "entry", "protocol", "prot", "ops", "flags"], rows, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::tables::init;
    use sockshim_core::net::ipv4::af_inet::{INET_STREAM_OPS, INETSW};
    use sockshim_core::net::ipv4::tcp::TCP_PROT;

    /// Otherwise a row's flag without a name would be left out of the output.
    #[test]
    fn every_flag_has_a_name() {
        init();
        let named = FLAGS.iter().fold(0, |bits, (bit, _)| bits | bit);
        for ty in 0..SOCK_MAX {
            assert!(INETSW.list(ty).iter().all(|entry| entry.flags & !named == 0));
        }
    }

    /// An entry that a module registers later is printed at its index; a protocol without a name is printed as a
    /// number.
    #[test]
    fn later_entries_are_shown() {
        static NEW: InetProtosw = InetProtosw {
            name: &"NEW",
            ty: libc::SOCK_STREAM,
            protocol: 200,
            prot: &TCP_PROT,
            ops: &INET_STREAM_OPS,
            flags: 0,
        };
        let sw = Protosw::new();
        sw.register(&sockshim_core::net::ipv4::tcp::TCP_PROTOSW).expect("an empty list");
        sw.register(&NEW).expect("no such protocol yet");
        let rows = rows(&sw);
        assert_eq!(rows.iter().map(|row| row.name).collect::<Vec<_>>(), ["TCP", "NEW"]);
        assert_eq!((rows[1].index, rows[1].protocol, rows[1].protocol_name), (1, 200, None));
    }
}
