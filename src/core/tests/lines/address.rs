//! Socket addresses and bytes from outside, formatted in the simplest way.

use serde_json::json;
use sockshim_core::uapi::{self, Named};

use crate::object;

/// Bytes as text between `quote` characters.
pub fn escaped(bytes: &[u8], quote: char) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\0' => out += "\\x00",
                '"' | '\'' if char != quote => out.push(char),
                _ => out.extend(char.escape_debug()),
            }
        }
        out.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    out
}

pub fn hex(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

pub fn address(bytes: &[u8], truncated: bool, by_device: bool) -> (String, String) {
    let half = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
    let word = |at: usize| u32::from(half(at)) | u32::from(half(at + 2)) << 16;
    let name = match bytes.get(..2) {
        Some(_) => Named(uapi::FAMILIES, half(0).into()).to_string(),
        None => "AF_UNSPEC".into(),
    };
    let mut members = vec![("family", json!(name))];
    let mut add = |key, value| members.push((key, value));
    let text = match (bytes, name.as_str()) {
        (_, "AF_UNIX") => {
            let (at, path, kind) = match &bytes[2..] {
                [] => ("", [].as_slice(), "unnamed"),
                [0, name @ ..] => ("@", name, "abstract"),
                path => ("", path.split(|byte| *byte == 0).next().unwrap_or_default(), "pathname"),
            };
            add("path", json!(format!("{at}{}", String::from_utf8_lossy(path))));
            add("kind", json!(kind));
            if String::from_utf8(path.to_vec()).is_err() {
                add("bytes", json!(hex(bytes, "")));
            }
            if kind == "unnamed" { kind.into() } else { format!("{at}\"{}\"", escaped(path, '"')) }
        }
        ([_, _, high, low, a, b, c, d, ..], "AF_INET") if bytes.len() >= 16 => {
            let (ip, port) = (format!("{a}.{b}.{c}.{d}"), u16::from_be_bytes([*high, *low]));
            add("address", json!(ip));
            add("port", json!(port));
            format!("{ip}:{port}")
        }
        ([_, _, high, low, flow @ .., s0, s1, s2, s3], "AF_INET6") if bytes.len() == 28 => {
            let octets: [u8; 16] = flow[4..].try_into().expect("sixteen bytes");
            let (ip, port) = (std::net::Ipv6Addr::from(octets), u16::from_be_bytes([*high, *low]));
            let scope = u32::from_ne_bytes([*s0, *s1, *s2, *s3]);
            let flow = u32::from_be_bytes(flow[..4].try_into().expect("four bytes"));
            add("address", json!(ip.to_string()));
            add("port", json!(port));
            let mut text = format!("[{ip}]:{port}");
            if scope != 0 {
                add("scope_id", json!(scope));
                text = format!("[{ip}%{scope}]:{port}");
            }
            if flow != 0 {
                add("flowinfo", json!(flow));
                text += &format!(" flowinfo {flow:#x}");
            }
            text
        }
        (_, "AF_NETLINK") if bytes.len() >= 12 => {
            add("pid", json!(word(4)));
            add("groups", json!(word(8)));
            format!("pid {} groups {:#x}", word(4), word(8))
        }
        (_, "AF_PACKET") if by_device => {
            let device = bytes[2..].split(|byte| *byte == 0).next().unwrap_or_default();
            add("device", json!(String::from_utf8_lossy(device)));
            format!("device \"{}\"", escaped(device, '"'))
        }
        (_, "AF_PACKET") if bytes.len() >= 12 => {
            let (protocol, halen) = (u16::from_be(half(2)), bytes[11]);
            let hwaddr = hex(&bytes[12..bytes.len().min(12 + usize::from(halen))], ":");
            add("ifindex", json!(word(4)));
            add("protocol", json!(protocol));
            add("hatype", json!(half(8)));
            add("pkttype", json!(bytes[10]));
            add("halen", json!(halen));
            add("hwaddr", json!(hwaddr));
            let part = |word: &str, number: u16| match number {
                0 => String::new(),
                _ => format!(" {word} {number}"),
            };
            let mut text = format!("ifindex {} protocol {protocol:#x}", word(4));
            text += &(part("hatype", half(8)) + &part("pkttype", bytes[10].into()));
            text + &if hwaddr.is_empty() { hwaddr } else { format!(" hwaddr {hwaddr}") }
        }
        (_, "AF_VSOCK") if bytes.len() == 16 => {
            add("cid", json!(word(8)));
            add("port", json!(word(4)));
            match bytes[12] {
                0 => format!("{}:{}", word(8), word(4)),
                flags => {
                    add("flags", json!(flags));
                    format!("{}:{} flags {flags:#x}", word(8), word(4))
                }
            }
        }
        _ => {
            add("bytes", json!(hex(bytes, "")));
            hex(bytes, "")
        }
    };
    if truncated {
        add("truncated", json!(true));
    }
    let mark = if truncated { "…" } else { "" };
    let space = if bytes.len() < 2 { String::new() } else { format!("{name} ") };
    (format!("{{{space}{text}{mark}}}"), object(&members))
}
