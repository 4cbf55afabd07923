//! The functions of the kernel that a call goes through, each with what was found there.

use super::fit::{Width, column, fit};
use super::style::Style;
use serde_json::Value;
use std::fmt::Write;

/// The column of functions, and its width.
const FUNCTIONS: usize = 4;
const COLUMN: usize = 28;
/// The column in which text goes on below where it is narrow.
const NARROW: usize = 2 * FUNCTIONS;

/// A step: the function and what was found there; `None` where it only passed the call on.
type Step = (String, Option<String>);

/// Writes the path below a call. Steps that only passed it on share a line.
pub fn write(path: &str, style: Style, width: Width, out: &mut String) {
    let mut passed: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    let together = |passed: &[String]| fit(&passed.join(" → "), FUNCTIONS, NARROW, width);
    for (func, found) in steps(path) {
        match found {
            None => passed.push(func),
            Some(found) => {
                if !passed.is_empty() {
                    lines.push(together(&passed));
                    passed.clear();
                }
                let at = FUNCTIONS + func.len().max(COLUMN) + 1;
                let found = fit(&found, at, column(FUNCTIONS + COLUMN + 1, NARROW, width), width);
                // No blanks before a line feed.
                let found = if found.starts_with('\n') { found } else { format!(" {found}") };
                let pad = if found.starts_with('\n') { 0 } else { COLUMN };
                lines.push(format!("{func:<pad$}{found}"));
            }
        }
    }
    if !passed.is_empty() {
        lines.push(together(&passed));
    }
    let last = lines.len().saturating_sub(1);
    for (index, line) in lines.iter().enumerate() {
        // The last step is the one that has decided.
        let _ = match index == last {
            true => write!(out, "\n    {line}"),
            false => write!(out, "\n    {}{line}{}", style.dim(), style.plain()),
        };
    }
}

/// The step that has decided: the last one, in a few words.
pub fn decider(path: &str) -> Option<String> {
    let (func, found) = steps(path).pop()?;
    Some(match found {
        Some(found) => format!("{func}: {found}"),
        None => func,
    })
}

fn steps(path: &str) -> Vec<Step> {
    let all: Vec<Value> = serde_json::from_str(path).unwrap_or_default();
    all.iter().map(step).collect()
}

fn step(step: &Value) -> Step {
    let text = |key: &str| step.get(key).and_then(Value::as_str);
    let int = |key: &str| step.get(key).and_then(Value::as_i64);
    let has = |key: &str| step.get(key).is_some();
    let mut func = text("fn").unwrap_or_default().to_owned();
    let found = if let Some(result) = text("result") {
        match result {
            "allow" => return (func, None),
            "may-have-refused" => "may have refused".into(),
            other => other.into(),
        }
    } else if let Some(rule) = text("rule") {
        format!("rule {rule}")
    } else if let (Some(family), true) = (int("family"), has("create")) {
        func = format!("net_families[{family}]");
        text("create").unwrap_or("empty → EAFNOSUPPORT").into()
    } else if let Some(family) = text("family") {
        format!("family becomes {family}")
    } else if let Some(ty) = text("type") {
        format!("type becomes {ty}")
    } else if let Some(entry) = text("entry") {
        let how = match text("match") {
            Some("exact") => "the protocol is the entry's",
            Some("wildcard") => "protocol 0 takes the first entry",
            _ => "the entry takes any protocol",
        };
        format!("#{} {entry}: {how}", int("index").unwrap_or(0))
    } else if has("entries") {
        format!("none of {} entries takes the protocol", int("entries").unwrap_or(0))
    } else if let Some(protocol) = int("protocol") {
        format!("protocol {protocol}")
    } else if let Some(module) = text("module") {
        module.into()
    } else if let Some(errno) = text("errno") {
        errno.into()
    } else if let Some(host) = text("host") {
        format!("{host}: the kernel decides")
    } else if let Some(fact) = text("fact") {
        let value = step.get("value").map_or_else(|| "?".into(), Value::to_string);
        format!("{fact} = {value} ({})", text("source").unwrap_or("?"))
    } else if let Some(ops) = text("ops") {
        func = "sock->ops".into();
        ops.into()
    } else if let Some(fd) = int("fd") {
        fd.to_string()
    } else if let Some(flags) = text("flags") {
        flags.into()
    } else if let Some(value) = int("value") {
        value.to_string()
    } else if let (Some(state), Some(sk_state)) = (text("state"), text("sk_state")) {
        format!("{state}, {sk_state}")
    } else {
        return (func, None);
    };
    (func, Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = r#"[{"fn":"move_addr_to_kernel","value":16},{"fn":"sockfd_lookup_light","state":"SS_UNCONNECTED","sk_state":"TCP_CLOSE"},
        {"fn":"security_socket_connect","result":"allow"},{"fn":"inet_stream_connect"},{"fn":"tcp_v4_connect","host":"the peer"}]"#;

    #[test]
    fn the_last_step_decides() {
        assert_eq!(decider(PATH).as_deref(), Some("tcp_v4_connect: the peer: the kernel decides"));
        assert_eq!(decider("[]"), None);
        let mut text = String::new();
        let mut marked = String::new();
        write(PATH, Style::NONE, None, &mut marked);
        Style::NONE.finish(&marked, &mut text);
        let expected = "\n    move_addr_to_kernel          16\n    sockfd_lookup_light          SS_UNCONNECTED, TCP_CLOSE\n    \
                        security_socket_connect → inet_stream_connect\n    tcp_v4_connect               the peer: the kernel decides";
        assert_eq!(text, expected);
    }
}
