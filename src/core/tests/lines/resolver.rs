//! Calls that ask for names or addresses, in the plain way.

use crate::address::{address, escaped, hex};
use libc::c_int;
use serde_json::{Value, json};
use sockshim_core::errno::Errno;
use sockshim_core::resolve::{HINT_FLAGS, Resolved};
use sockshim_core::trace::event::{Event, Extra};
use sockshim_core::uapi::{self, Bits, Named, TypeArg};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The parts of the event's bytes: what each is, whether it is cut, and its bytes.
fn parts(event: &Event) -> Vec<(u8, bool, Vec<u8>)> {
    let mut bytes = event.addr.bytes().to_vec();
    let mut parts = Vec::new();
    while bytes.len() >= 2 {
        let rest = bytes.split_off(2 + usize::from(bytes[1]));
        parts.push((bytes[0] & 0x7f, bytes[0] >= 0x80, bytes[2..].to_vec()));
        bytes = rest;
    }
    parts
}

fn part(event: &Event, wanted: u8) -> Option<(Vec<u8>, bool)> {
    parts(event).into_iter().find(|part| part.0 == wanted).map(|(_, cut, bytes)| (bytes, cut))
}

fn ip(bytes: &[u8]) -> String {
    match <[u8; 4]>::try_from(bytes) {
        Ok(v4) => Ipv4Addr::from(v4).to_string(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).expect("an address")).to_string(),
    }
}

fn resolved(event: &Event) -> Option<Resolved> {
    match event.extra {
        Extra::Resolved(resolved) => Some(resolved),
        _ => None,
    }
}

/// The name of an error as glibc's header has it.
fn error_name(event: &Event, error: c_int) -> String {
    let of_hosts = event.hook.name().starts_with("gethost");
    let name = match (of_hosts, error) {
        (false, -1) => "EAI_BADFLAGS",
        (false, -2) => "EAI_NONAME",
        (false, -11) => "EAI_SYSTEM",
        (true, -1) => "NETDB_INTERNAL",
        (true, 0) => "NETDB_SUCCESS",
        (true, 1) => "HOST_NOT_FOUND",
        (true, 2) => "TRY_AGAIN",
        _ => return error.to_string(),
    };
    name.to_string()
}

/// The call's own error.
pub fn error(event: &Event) -> Option<Value> {
    let error = resolved(event)?.error;
    Some(if error == 0 { Value::Null } else { json!(error_name(event, error)) })
}

/// An argument as text and as JSON, if the event has a copy.
pub fn argument(event: &Event, name: &str) -> Option<(String, String)> {
    let resolved = resolved(event)?;
    let text = |number: u8| {
        let (bytes, cut) = part(event, number)?;
        let mark = if cut { "…" } else { "" };
        let json = json!(String::from_utf8_lossy(&bytes)).to_string();
        Some((format!("\"{}\"{mark}", escaped(&bytes, '"')), json))
    };
    let quoted = |text: String| (text.clone(), json!(text).to_string());
    match name {
        "node" | "name" => text(1),
        "service" => text(2),
        "host" => text(5),
        "serv" => text(6),
        "addr" if event.hook.name() == "getnameinfo" => Some(address(&part(event, 3)?.0, false, false)),
        "addr" => Some(quoted(ip(&part(event, 3)?.0))),
        "h_errnop" => Some(quoted(error_name(event, resolved.error))),
        "hints" if event.args[6] == 1 => {
            let [flags, family] = [event.args[4] as c_int, (event.args[4] >> 32) as c_int];
            let [ty, protocol] = [event.args[5] as c_int, (event.args[5] >> 32) as c_int];
            let flags = Bits(HINT_FLAGS, flags).to_string();
            let family = Named(uapi::FAMILIES, family).to_string();
            let (ty, protocol) = (TypeArg(ty).to_string(), Named(uapi::PROTOCOLS, protocol).to_string());
            let shown = [&family, &ty, &protocol, &flags].into_iter().filter(|text| *text != "0");
            let text = shown.cloned().collect::<Vec<_>>().join(" ");
            let json = format!(
                "{{\"flags\":\"{flags}\",\"family\":\"{family}\",\"socktype\":\"{ty}\",\"protocol\":\"{protocol}\"}}"
            );
            Some((format!("{{{text}}}"), json))
        }
        _ => None,
    }
}

/// What stands behind the arguments in JSON.
pub fn extras(event: &Event, resolved: Resolved) -> Vec<(&'static str, Value)> {
    let mut extras = Vec::new();
    if resolved.addresses > 0 {
        extras.push(("addresses", json!(resolved.addresses)));
    }
    if let Some((first, _)) = part(event, 4) {
        extras.push(("address", json!(ip(&first))));
    }
    if let Some(number) = event.errno {
        let name = Errno(number).name().map_or_else(|| number.to_string(), String::from);
        extras.push(("errno", json!(name)));
    }
    if let Some((host, cut)) = part(event, 1) {
        if String::from_utf8(host.clone()).is_err() {
            extras.push(("bytes", json!(hex(&host, ""))));
        }
        if cut {
            extras.push(("truncated", json!(true)));
        }
    }
    extras
}

/// What stands behind the result in text.
pub fn came(event: &Event) -> String {
    let Some(resolved) = resolved(event) else { return String::new() };
    let mut came = String::new();
    if resolved.error != 0 {
        came += &format!(" {}", error_name(event, resolved.error));
    }
    if let Some((first, _)) = part(event, 4) {
        let more = match resolved.addresses {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        came += &format!(" ({}{more})", ip(&first));
    }
    came
}
