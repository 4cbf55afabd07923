//! `net_families[]`.

use crate::grid;
use serde::Serialize;
use sockshim_core::net::families::{self, Family};
use sockshim_core::net::ops::NetProtoFamily;
use sockshim_core::net::socket::net_family;
use sockshim_core::uapi::{self, NPROTO, Named};
use std::io::{self, Write};

/// One family as JSON.
#[derive(Serialize)]
pub struct FamilyRow {
    number: i32,
    name: String,
    /// The create function, here or in the kernel.
    create: Option<&'static str>,
    code: Code,
    /// The registered family in this slot.
    slot: Option<&'static str>,
}

/// Where the family's code is.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
enum Code {
    /// Its sockets are modelled here.
    Modelled,
    /// The kernel may have a module for it, and only the host knows.
    KernelModule,
    /// It has a number and no code.
    None,
}

impl Code {
    fn words(self) -> &'static str {
        match self {
            Code::Modelled => "modelled",
            Code::KernelModule => "kernel module",
            Code::None => "none",
        }
    }
}

/// All families, in the order of their numbers.
pub fn rows() -> Vec<FamilyRow> {
    (0..NPROTO).map(|number| row(families::of_number(number), net_family(number))).collect()
}

fn row(known: Family, registered: Option<&'static NetProtoFamily>) -> FamilyRow {
    FamilyRow {
        number: known.number,
        name: Named(uapi::FAMILIES, known.number).to_string(),
        create: registered
            .map(|family| family.create.func.name())
            .or(known.create.map(|create| create.name())),
        code: match (known.create, known.module) {
            _ if registered.is_some() => Code::Modelled,
            (Some(_), true) => Code::KernelModule,
            (Some(_), false) | (None, _) => Code::None,
        },
        slot: registered.map(|family| family.name),
    }
}

/// Prints all families.
///
/// # Errors
/// What `out` reports.
pub fn print(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "net_families[]: the create function of each family\n")?;
    let rows = rows().into_iter().map(|row| {
        [
            row.number.to_string(),
            row.name,
            row.create.unwrap_or("-").to_string(),
            row.code.words().to_string(),
            row.slot.unwrap_or("NULL").to_string(),
        ]
    });
    grid::table(out, ["#", "family", "create", "code", "net_families[#]"], rows, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::tables::init;

    #[test]
    fn slots_are_what_is_registered() {
        init();
        let rows = rows();
        assert_eq!(rows.len(), NPROTO as usize);
        let filled = rows.iter().filter(|row| row.slot.is_some()).count();
        assert_eq!(filled, families::BUILT_IN.len());
        let can = &rows[29];
        assert_eq!(
            (can.name.as_str(), can.create, can.code),
            ("AF_CAN", Some("can_create"), Code::KernelModule)
        );
        let unspec = &rows[0];
        assert_eq!((unspec.name.as_str(), unspec.create, unspec.code), ("AF_UNSPEC", None, Code::None));
    }

    #[test]
    fn every_modelled_family_is_registered() {
        init();
        for family in families::FAMILIES {
            let modelled = family.create.is_some() && !family.module;
            assert_eq!(modelled, net_family(family.number).is_some(), "{}", family.number);
        }
    }
}
