//! `struct proto`: the protocols below the ops.

use super::Members;
use super::ops::{family_name, registered};
use crate::grid::Matrix;
use serde::Serialize;
use sockshim_core::net::path::Func;
use sockshim_core::net::sock::Proto;
use std::io::{self, Write};

/// One protocol as JSON.
#[derive(Serialize)]
pub struct ProtRow {
    symbol: &'static str,
    family: String,
    /// The name in `/proc/net/protocols`.
    name: &'static str,
    members: Members,
}

/// The protocols of all registered families.
pub fn rows() -> Vec<ProtRow> {
    let prots = registered().flat_map(|family| family.prots.iter().map(move |prot| (family.family, *prot)));
    prots
        .map(|(family, prot)| ProtRow {
            symbol: prot.symbol,
            family: family_name(family),
            name: prot.name,
            members: Members(members(prot)),
        })
        .collect()
}

/// The functions by member. All fields are named, so that the compiler reports one that is added.
fn members(prot: &Proto) -> Vec<(&'static str, Option<&'static str>)> {
    let Proto {
        symbol: _,
        name: _,
        below: _,
        init,
        connect,
        disconnect,
        bind,
        get_port,
        accept,
        setsockopt,
        getsockopt,
        sendmsg,
        recvmsg,
        close,
    } = prot;
    let members = [
        ("init", init),
        ("connect", connect),
        ("disconnect", disconnect),
        ("bind", bind),
        ("get_port", get_port),
        ("accept", accept),
        ("setsockopt", setsockopt),
        ("getsockopt", getsockopt),
        ("sendmsg", sendmsg),
        ("recvmsg", recvmsg),
        ("close", close),
    ];
    members.into_iter().map(|(member, func)| (member, func.map(Func::name))).collect()
}

/// Prints the protocols, one matrix per family. A dash is a function that is not modelled, because no path goes
/// through it; a member that no protocol of the family has is left out.
///
/// # Errors
/// What `out` reports.
pub fn print(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "struct proto: what the ops hand over to, as far as it is modelled")?;
    for family in registered() {
        writeln!(out)?;
        matrix(family_name(family.family), family.prots).print(out)?;
    }
    Ok(())
}

fn matrix(title: String, prots: &[&'static Proto]) -> Matrix {
    let mut rows = vec![("name", prots.iter().map(|prot| Some(prot.name)).collect::<Vec<_>>())];
    for prot in prots {
        for (member, function) in members(prot) {
            match rows.iter_mut().find(|(name, _)| *name == member) {
                Some((_, cells)) => cells.push(function),
                None => rows.push((member, vec![function])),
            }
        }
    }
    rows.retain(|(_, cells)| cells.iter().any(Option::is_some));
    let column = |index: usize| rows.iter().map(|(_, cells)| cells[index].unwrap_or("-")).collect();
    Matrix {
        title,
        members: rows.iter().map(|(member, _)| *member).collect(),
        columns: prots.iter().enumerate().map(|(index, prot)| (*prot.symbol, column(index))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::tables::init;
    use sockshim_core::func;
    use sockshim_core::net::sock::NO_PROTO;

    #[test]
    fn a_member_that_nobody_has_is_left_out() {
        static ONE: Proto = Proto { symbol: &"one", name: "ONE", bind: Some(func!(inet_bind)), ..NO_PROTO };
        static TWO: Proto =
            Proto { symbol: &"two", name: "TWO", close: Some(func!(udp_lib_close)), ..NO_PROTO };
        let matrix = matrix("AF_X".to_string(), &[&ONE, &TWO]);
        assert_eq!(matrix.members, ["name", "bind", "close"]);
        assert_eq!(
            matrix.columns,
            [("one", vec!["ONE", "inet_bind", "-"]), ("two", vec!["TWO", "-", "udp_lib_close"])]
        );
    }

    #[test]
    fn functions_stand_at_their_members() {
        init();
        let rows = rows();
        let tcp = rows.iter().find(|row| row.symbol == "tcp_prot").expect("tcp_prot");
        assert_eq!((tcp.name, tcp.family.as_str()), ("TCP", "AF_INET"));
        let sendmsg = tcp.members.0.iter().find(|(member, _)| *member == "sendmsg");
        assert_eq!(sendmsg, Some(&("sendmsg", Some("tcp_sendmsg"))));
    }
}
