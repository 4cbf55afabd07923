//! A call on one line, as strace writes it.

use super::data;
use super::event::{Event, Kind};
use super::fit::Width;
use super::places::structure;
use super::ready;
use super::sockets::Sockets;
use super::style::{Style, one_line};
use super::values;
use serde_json::Value;
use std::fmt::Write;

/// Arguments that are text of the program's, not constants.
const TEXTS: [&str; 8] = ["node", "service", "name", "host", "serv", "path", "file", "message"];
/// Members of `args` that are no arguments: what came of the call.
const RESULTS: [&str; 12] = [
    "via",
    "covered",
    "rights",
    "addresses",
    "address",
    "errno",
    "bytes",
    "truncated",
    "data",
    "value",
    "local",
    "peer",
];

/// How lines look.
pub struct LineStyle {
    /// Whether descriptors carry the names of their sockets.
    pub names: bool,
    /// Whether the time that the call took is behind it.
    pub durations: bool,
    /// The terminal's width, for what is below lines.
    pub width: Width,
    /// Colours.
    pub style: Style,
}

/// `connect(3, {sa_family=AF_INET, …}, 16) = -1 ECONNREFUSED (Connection refused)`.
pub fn write(event: &Event, sockets: &Sockets, how: &LineStyle, out: &mut String) {
    let style = how.style;
    match event.kind() {
        Kind::Call => {}
        kind => return record(event, kind, style, out),
    }
    call(event, sockets, how, out);
    out.push_str(") = ");
    result(event, sockets, how, out);
    if let Some(count) = event.int("rights") {
        let _ =
            write!(out, " ({count} {} came with it)", if count == 1 { "descriptor" } else { "descriptors" });
    }
    if event.arg("covered").is_some() {
        let _ = write!(out, " ({}not covered: {}{})", style.bad(), event.reason, style.plain());
    }
    if let Some(rule) = event.reason.strip_prefix("rule:") {
        let _ = write!(out, " {}(rule {rule}){}", style.rule(), style.plain());
    }
    if how.durations {
        let _ = write!(out, " <{}.{:06}>", event.ns / 1_000_000_000, event.ns / 1000 % 1_000_000);
    }
}

/// `accept(3, NULL, NULL <unfinished ...>`: a call that has not ended yet.
pub fn unfinished(event: &Event, sockets: &Sockets, how: &LineStyle, out: &mut String) {
    call(event, sockets, how, out);
    let _ = write!(out, " {}<unfinished ...>{}", how.style.dim(), how.style.plain());
}

/// The call without what came of it: `connect(3, {sa_family=AF_INET, …}, 16`.
fn call(event: &Event, sockets: &Sockets, how: &LineStyle, out: &mut String) {
    let _ = write!(out, "{}{}{}(", how.style.call(), event.name(), how.style.plain());
    let mut first = true;
    let header = event.arg("msg").or(event.arg("msgvec")).is_some();
    for (key, value) in &event.args.0 {
        // A message's address is shown in its header.
        let is_elsewhere = header && key == "name";
        if RESULTS.contains(&key.as_ref()) || is_elsewhere || values::is_unused(event, key) {
            continue;
        }
        if !first {
            out.push_str(", ");
        }
        first = false;
        argument(event, key, value, sockets, how, out);
    }
}

/// What is no call.
fn record(event: &Event, kind: Kind, style: Style, out: &mut String) {
    let int = |key: &str| event.int(key).unwrap_or(0);
    let (good, bad, plain) = (style.dim(), style.bad(), style.plain());
    let _ = match kind {
        Kind::Dropped => {
            write!(out, "{bad}--- {} events are missing here{plain}", int("count").max(int("events")))
        }
        Kind::Divergence => write!(
            out,
            "{bad}--- divergence: {} was predicted as {}, and the kernel answered {}{plain}",
            event.arg("call").and_then(Value::as_str).unwrap_or("a call"),
            event.predicted.as_deref().unwrap_or("open"),
            event.errno.as_deref().unwrap_or("ok")
        ),
        Kind::Unseen => {
            write!(out, "{good}--- {} was closed in a way that no hook saw{plain}", event.fd.unwrap_or(-1))
        }
        _ => write!(
            out,
            "{good}--- {}{plain}",
            event.arg("message").and_then(Value::as_str).unwrap_or(&event.reason)
        ),
    };
}

fn argument(event: &Event, key: &str, value: &Value, sockets: &Sockets, how: &LineStyle, out: &mut String) {
    let named = how.names.then_some(sockets);
    if let Some(text) = moved(event, key, named) {
        out.push_str(&text);
        return;
    }
    let _ = match value {
        Value::Null => write!(out, "NULL"),
        Value::String(text) if TEXTS.contains(&key) && !text.starts_with("0x") => {
            write!(out, "{}", data::quoted_text(text))
        }
        Value::String(text) => match values::named_text(event, key, text) {
            Some(name) => write!(out, "{name}"),
            None => write!(out, "{}", one_line(text)),
        },
        Value::Number(number) if is_descriptor(key) => {
            let fd = number.as_i64().unwrap_or(-1) as i32;
            descriptor(event.pid, fd, sockets, how, out);
            Ok(())
        }
        Value::Number(number) => match values::named(event, key, number.as_i64().unwrap_or(0)) {
            Some(text) => write!(out, "{text}"),
            None => write!(out, "{number}"),
        },
        Value::Bool(value) => write!(out, "{value}"),
        Value::Array(both) => {
            out.push('[');
            for (index, fd) in both.iter().filter_map(Value::as_i64).enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                descriptor(event.pid, fd as i32, sockets, how, out);
            }
            write!(out, "]")
        }
        Value::Object(object) => match structure(value) {
            Some(text) if key == "addr" => write!(out, "{text}"),
            _ if key == "hints" => write!(out, "{}", values::hints(value)),
            _ => {
                let members = object.iter().map(|(key, value)| match value {
                    Value::String(text) => format!("{key}={text}"),
                    value => format!("{key}={value}"),
                });
                write!(out, "{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        },
    };
}

/// What was sent, received, set or found, in the place of the pointer to it.
fn moved(event: &Event, key: &str, sockets: Option<&Sockets>) -> Option<String> {
    match key {
        "buf" => data::data(event),
        "iov" => Some(format!("[{}]", data::data(event)?)),
        "msg" | "msgvec" => {
            let name = event
                .arg("name")
                .and_then(structure)
                .map(|name| format!("msg_name={name}, "))
                .unwrap_or_default();
            Some(format!("{{{name}msg_iov=[{}]}}", data::data(event)?))
        }
        "optval" => data::option(event),
        "fds" => ready::polled(event, sockets),
        "events" => ready::found(event),
        _ => None,
    }
}

fn is_descriptor(key: &str) -> bool {
    matches!(key, "fd" | "oldfd" | "newfd" | "epfd" | "out_fd" | "in_fd" | "fd_in" | "fd_out" | "targetfd")
}

fn descriptor(pid: i32, fd: i32, sockets: &Sockets, how: &LineStyle, out: &mut String) {
    let _ = write!(out, "{fd}");
    if how.names
        && let Some(sock) = sockets.get(pid, fd)
    {
        let _ = write!(out, "{}<{}>{}", how.style.dim(), sock.annotation(), how.style.plain());
    }
}

fn result(event: &Event, sockets: &Sockets, how: &LineStyle, out: &mut String) {
    let style = how.style;
    let makes = matches!(event.name(), "socket" | "accept" | "accept4" | "dup" | "dup2" | "dup3");
    let _ = match &event.errno {
        _ if event.reason == "result-unknown" => write!(out, "?"),
        None if event.is_last_word() => write!(out, "?"),
        Some(errno) => {
            let said = values::said(errno).map(|said| format!(" ({said})")).unwrap_or_default();
            write!(out, "{} {}{errno}{}{said}", event.ret, style.bad(), style.plain())
        }
        None if makes && event.ret >= 0 => {
            descriptor(event.pid, event.ret as i32, sockets, how, out);
            Ok(())
        }
        None => match values::named_result(event) {
            Some(text) => write!(out, "{text}"),
            None => write!(out, "{}", event.ret),
        },
    };
    let text = |key: &str| event.arg(key).and_then(Value::as_str);
    match (text("address"), event.int("addresses")) {
        (Some(address), Some(count)) if count > 1 => _ = write!(out, " ({address} and {} more)", count - 1),
        (Some(address), _) => _ = write!(out, " ({address})"),
        _ => {}
    }
}
