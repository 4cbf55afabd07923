//! Lists that exist twice, here and in documentation or elsewhere, have the same entries.

use sockshim_core::config::{HANDED_ON, NAMES};
use sockshim_core::net::families::BUILT_IN;
use sockshim_core::net::inet::{INET_FAMILY_OPS, INET6_FAMILY_OPS, INETSW_MODULES, INETSW6_MODULES};
use sockshim_core::net::ipv4::af_inet::INETSW;
use sockshim_core::net::ipv6::af_inet6::INETSW6;
use sockshim_core::net::ops::NetProtoFamily;
use sockshim_core::net::protosw::{InetProtosw, Protosw};
use sockshim_core::rules::Call;
use sockshim_core::rules::file::KEYS;
use sockshim_core::uapi::SOCK_PACKET;
use sockshim_core::verdict::Reason;
use std::collections::BTreeSet;
use std::fs;
use std::ptr;

fn page(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first cells of the rows of a page's tables that are marked as code.
fn first_cells(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0)).collect()
}

#[test]
fn every_variable_has_a_row() {
    for path in ["README.md", "docs/log.md"] {
        let text = page(path);
        let rows = first_cells(&text);
        let rows: BTreeSet<&str> = rows.into_iter().filter(|name| name.starts_with("SOCKSHIM_")).collect();
        let set_by_people = NAMES.into_iter().filter(|name| !HANDED_ON.contains(name));
        assert_eq!(rows, set_by_people.collect(), "{path}");
    }
    let text = page("docs/rules.md");
    for name in HANDED_ON {
        assert!(text.contains(&format!("`{name}`")), "docs/rules.md does not say what {name} is");
    }
}

#[test]
fn every_call_and_key_of_a_rule_has_a_row() {
    let text = page("docs/rules.md");
    let section = |heading: &str| {
        let (_, behind) = text.split_once(&format!("\n## {heading}\n")).expect(heading);
        behind.split("\n## ").next().unwrap_or(behind)
    };
    assert_eq!(first_cells(section("Calls")), Call::ALL.into_iter().map(Call::name).collect());
    let sections = ["Keys", "Verbs", "When a rule fires"];
    // A cell may show a value behind the key.
    let keys = sections.into_iter().flat_map(|heading| first_cells(section(heading)));
    let keys: BTreeSet<&str> = keys.filter_map(|cell| cell.split(' ').next()).collect();
    assert_eq!(keys, KEYS.into_iter().collect());
}

#[test]
fn every_reason_has_a_row() {
    let text = page("docs/log.md");
    let (_, reasons) = text.split_once("\n## Reasons\n").expect("the reasons");
    assert_eq!(first_cells(reasons), Reason::CODES.iter().copied().collect());
}

/// The fd table stores a socket's ops and protocol as indices into the family's lists. If they are in none of these,
/// they are lost after the call that made the socket.
#[test]
fn every_row_is_in_the_lists_of_its_family() {
    sockshim_core::net::init();
    let check = |family: &NetProtoFamily, sw: &'static Protosw, modules: &[&'static InetProtosw]| {
        let built_in = (0..=SOCK_PACKET).flat_map(|ty| sw.list(ty).iter().copied());
        let rows: Vec<&InetProtosw> = built_in.chain(modules.iter().copied()).collect();
        assert!(rows.len() >= 10, "{} rows", rows.len());
        for row in rows {
            assert!(family.ops.iter().any(|ops| ptr::eq(*ops, row.ops)), "{}: its ops", row.name);
            assert!(family.prots.iter().any(|prot| ptr::eq(*prot, row.prot)), "{}: its prot", row.name);
        }
    };
    check(&INET_FAMILY_OPS, &INETSW, &INETSW_MODULES);
    check(&INET6_FAMILY_OPS, &INETSW6, &INETSW6_MODULES);
    assert!(BUILT_IN.iter().all(|family| !family.ops.is_empty() && !family.prots.is_empty()));
}
