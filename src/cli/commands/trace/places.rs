//! Socket addresses of events: short, as strace writes them, and as the kernel has them.

use super::data::quoted_text;
use crate::commands::check::rules::parse_address;
use serde_json::Value;
use sockshim_core::net::address::SockAddr;

/// The address in a few characters: `10.0.0.1:80`, `[::1]:80`, `/run/socket`, `@name`. `None` for what has no name.
pub fn place(addr: &Value) -> Option<String> {
    let text = |key: &str| addr.get(key).and_then(Value::as_str);
    let port = addr.get("port").and_then(Value::as_u64).unwrap_or(0);
    match text("family")? {
        "AF_INET" => Some(format!("{}:{port}", text("address")?)),
        "AF_INET6" => Some(format!("[{}]:{port}", text("address")?)),
        "AF_UNIX" => match (text("kind"), text("path")?) {
            (Some("unnamed"), _) => None,
            (Some("abstract"), name) => Some(format!("@{}", name.trim_start_matches('@'))),
            (_, path) => Some(path.to_owned()),
        },
        "AF_NETLINK" => Some(format!("{}", addr.get("pid").and_then(Value::as_u64)?)),
        _ => None,
    }
}

/// The address as strace writes it.
pub fn structure(addr: &Value) -> Option<String> {
    let text = |key: &str| addr.get(key).and_then(Value::as_str);
    let number = |key: &str| addr.get(key).and_then(Value::as_u64).unwrap_or(0);
    let family = text("family")?;
    let rest = match family {
        "AF_INET" => {
            format!(", sin_port=htons({}), sin_addr=inet_addr(\"{}\")", number("port"), text("address")?)
        }
        "AF_INET6" => format!(
            ", sin6_port=htons({}), sin6_flowinfo=htonl({}), inet_pton(AF_INET6, \"{}\", &sin6_addr), sin6_scope_id={}",
            number("port"),
            number("flowinfo"),
            text("address")?,
            number("scope_id")
        ),
        "AF_UNIX" => match (text("kind"), text("path")?) {
            (Some("unnamed"), _) => String::new(),
            (Some("abstract"), name) => format!(", sun_path=@{}", quoted_text(name.trim_start_matches('@'))),
            (_, path) => format!(", sun_path={}", quoted_text(path)),
        },
        _ => {
            let object = addr.as_object()?;
            object
                .iter()
                .filter(|(key, _)| *key != "family")
                .map(|(key, value)| format!(", {key}={value}"))
                .collect()
        }
    };
    Some(format!("{{sa_family={family}{rest}}}"))
}

/// The address as rules look at it.
pub fn sockaddr(place: &str) -> Option<SockAddr> {
    let text = if place.starts_with('/') { format!("unix:{place}") } else { place.to_owned() };
    parse_address(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_as_people_and_strace_write_them() {
        for (addr, short, long) in [
            (
                json!({"family": "AF_INET", "address": "10.0.0.1", "port": 80}),
                Some("10.0.0.1:80"),
                r#"{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}"#,
            ),
            (
                json!({"family": "AF_INET6", "address": "::1", "port": 80}),
                Some("[::1]:80"),
                r#"{sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}"#,
            ),
            (
                json!({"family": "AF_UNIX", "path": "/run/x", "kind": "pathname"}),
                Some("/run/x"),
                r#"{sa_family=AF_UNIX, sun_path="/run/x"}"#,
            ),
            (json!({"family": "AF_UNIX", "path": "", "kind": "unnamed"}), None, "{sa_family=AF_UNIX}"),
        ] {
            assert_eq!(place(&addr).as_deref(), short);
            assert_eq!(structure(&addr).as_deref(), Some(long));
        }
        assert_eq!(place(&json!("0x7ffd")), None);
    }

    #[test]
    fn rules_look_at_the_same_address() {
        assert_eq!(sockaddr("10.0.0.1:80").map(|addr| addr.port()), Some(80));
        assert!(sockaddr("/run/x").is_some() && sockaddr("@x").is_some() && sockaddr("[::1]:80").is_some());
    }
}
