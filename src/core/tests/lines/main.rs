//! The lines of the log equal those that serde_json and core::fmt make: formatted once more here in the simplest way,
//! and compared byte by byte over many pseudo-random events.

mod address;
mod dice;
mod resolver;
mod rules;

use address::{address, escaped, hex};
use dice::Dice;
use libc::c_int;
use rules::{activate_rules, rule};
use serde_json::{Value, json, to_string};
use sockshim_core::errno::Errno;
use sockshim_core::hook::Level;
use sockshim_core::net::path::{Finding, Match, Step};
use sockshim_core::resolve::NAME_FLAGS;
use sockshim_core::trace::event::{Event, Extra, Summary};
use sockshim_core::trace::line::{LONGEST, Line};
use sockshim_core::trace::pieces::Process;
use sockshim_core::trace::{json as json_format, text as text_format};
use sockshim_core::uapi::{self, Bits, Named, TypeArg};
use sockshim_core::verdict::{Action, Predicted, Reason};

/// An object whose members keep this order.
fn object(members: &[(&str, Value)]) -> String {
    let members: Vec<_> = members.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    format!("{{{}}}", members.join(","))
}

fn errno(errno: c_int) -> Value {
    Errno(errno).name().map_or_else(|| json!(errno.to_string()), |name| json!(name))
}

/// An argument as text and as JSON.
fn argument(event: &Event, index: usize) -> (String, String) {
    let param = event.hook.param(index).expect("a parameter");
    if let Some(asked) = resolver::argument(event, param.name) {
        return asked;
    }
    let word = event.args.get(index).copied().unwrap_or(0);
    let int = word as c_int;
    let number = |text: String| (text.clone(), text);
    let name = |text: String| (text.clone(), json!(text).to_string());
    let text = || String::from_utf8_lossy(event.addr.bytes()).into_owned();
    let unreadable = event.addr.bytes().is_empty() && event.addr.is_truncated();
    match (param.name, event.extra) {
        ("path", Extra::Text) if !unreadable => {
            let mark = if event.addr.is_truncated() { "…" } else { "" };
            (format!("\"{}\"{mark}", escaped(event.addr.bytes(), '"')), to_string(&text()).expect("JSON"))
        }
        ("sv", Extra::Pair([one, two])) => (format!("[{one}, {two}]"), format!("[{one},{two}]")),
        ("optval", Extra::Value(value)) => number(value.to_string()),
        ("addr", Extra::Address) if word != 0 => {
            let by_device = event.socket.is_some_and(|socket| socket.ty == uapi::SOCK_PACKET);
            address(event.addr.bytes(), event.addr.is_truncated(), by_device)
        }
        ("family" | "af", _) => name(Named(uapi::FAMILIES, int).to_string()),
        ("type_", _) if event.hook.does.resolves() => name(Named(uapi::FAMILIES, int).to_string()),
        ("type_", _) => name(TypeArg(int).to_string()),
        ("protocol", _) => name(Named(uapi::protocols_of(event.args[0] as c_int), int).to_string()),
        ("level", _) => name(Named(uapi::LEVELS, int).to_string()),
        ("optname", _) => name(Named(uapi::options_of(event.args[1] as c_int), int).to_string()),
        ("flags", _) if event.hook.name() == "getnameinfo" => name(Bits(NAME_FLAGS, int).to_string()),
        ("flags", _) if event.hook.name() == "accept4" => name(Bits(uapi::TYPE_FLAGS, int).to_string()),
        ("flags", _) => name(Bits(uapi::MSG, int).to_string()),
        _ if param.ty.starts_with('*') && word == 0 => ("NULL".into(), "null".into()),
        _ if param.ty.starts_with('*') => name(format!("{word:#x}")),
        _ if param.ty == "c_int" => number(int.to_string()),
        _ if param.ty == "socklen_t" => number((word as u32).to_string()),
        _ if param.ty == "size_t" => number((word as u64).to_string()),
        _ => number(word.to_string()),
    }
}

/// A step as JSON; and as text: what it looked at, and what it found.
fn step(step: &Step, event: &Event) -> (String, String, String) {
    let func = step.func.name();
    let plain = || (func.to_string(), String::new());
    let (members, (label, found)) = match step.finding {
        Finding::Passed | Finding::Flags(0) => (vec![], plain()),
        Finding::Unchanged => (vec![("result", json!("unchanged"))], (func.into(), "unchanged".into())),
        Finding::Allow => (vec![("result", json!("allow"))], plain()),
        Finding::Rule(number) => {
            let name = rule(number);
            (vec![("rule", json!(name))], (func.into(), format!("rule {}", escaped(name.as_bytes(), '\\'))))
        }
        Finding::MayHaveRefused => {
            (vec![("result", json!("may-have-refused"))], (func.into(), "may have refused".into()))
        }
        Finding::Family { index, create } => (
            vec![("family", json!(index)), ("create", json!(create.name()))],
            (format!("net_families[{index}]"), create.name().to_string()),
        ),
        Finding::NoFamily(index) => (
            vec![("family", json!(index)), ("create", Value::Null)],
            (format!("net_families[{index}]"), "empty → EAFNOSUPPORT".into()),
        ),
        Finding::FamilyBecomes(family) => {
            let name = Named(uapi::FAMILIES, family.into()).to_string();
            (vec![("family", json!(name))], (func.into(), format!("family becomes {name}")))
        }
        Finding::TypeBecomes(ty) => {
            let name = Named(uapi::TYPES, ty.into()).to_string();
            (vec![("type", json!(name))], (func.into(), format!("type becomes {name}")))
        }
        Finding::Entry { index, how, protocol, name } => {
            let members = vec![
                ("entry", json!(*name)),
                ("index", json!(index)),
                ("match", json!(how.word())),
                ("protocol", json!(protocol)),
            ];
            let why = match how {
                Match::Exact => "the protocol is the entry's",
                Match::Wildcard => "protocol 0 takes the first entry",
                Match::WildcardEntry => "the entry takes any protocol",
            };
            let protocol = Named(uapi::PROTOCOLS, protocol.into());
            (members, (table(func, event), format!("#{index} {name}: {why} → {protocol}")))
        }
        Finding::NoEntry { entries } => {
            let found = match entries {
                0 => "the list of this type is empty".into(),
                _ => format!("none of {entries} entries takes the protocol"),
            };
            (vec![("match", json!("none")), ("entries", json!(entries))], (table(func, event), found))
        }
        Finding::Protocol(protocol) => {
            let name = Named(uapi::protocols_of(event.args[0] as c_int), protocol);
            (vec![("protocol", json!(protocol))], (func.into(), format!("protocol {name}")))
        }
        Finding::Module { family, ty, protocol } => {
            let protocol = protocol.map_or(String::new(), |protocol| format!("-proto-{protocol}"));
            let ty = ty.map_or(String::new(), |ty| format!("-type-{ty}"));
            let module = format!("net-pf-{family}{protocol}{ty}");
            (vec![("module", json!(module))], (func.into(), module))
        }
        Finding::Errno(number) => {
            (vec![("errno", errno(number.0))], (func.into(), number.name().unwrap_or("error").into()))
        }
        Finding::Host(what) => {
            (vec![("host", json!(*what))], (func.into(), format!("{what}: the host decides")))
        }
        Finding::Fact { name, value, source } => (
            vec![("fact", json!(*name)), ("value", json!(value)), ("source", json!(source.word()))],
            (func.into(), format!("{name} = {value} ({})", source.word())),
        ),
        Finding::Ops(ops) => {
            let prot = event.prot.map_or("none", |prot| prot.symbol);
            (vec![("ops", json!(*ops))], ("sock->ops".into(), format!("{}, sk_prot {prot}", ops)))
        }
        Finding::Fd(fd) => (vec![("fd", json!(fd))], (func.into(), fd.to_string())),
        Finding::Flags(flags) => {
            let flags = Bits(uapi::TYPE_FLAGS, flags).to_string();
            (vec![("flags", json!(flags))], (func.into(), flags))
        }
        Finding::Value(value) => (vec![("value", json!(value))], (func.into(), value.to_string())),
        Finding::State(state, sk_state) => {
            let (state, sk_state) = (state.name(), sk_state.name());
            let members = vec![("state", json!(state)), ("sk_state", json!(sk_state))];
            (members, (func.into(), format!("{state}, {sk_state}")))
        }
    };
    let members: Vec<_> = [("fn", json!(func))].into_iter().chain(members).collect();
    (object(&members), label, found)
}

fn table(func: &str, event: &Event) -> String {
    let list = if func == "inet6_create" { "inetsw6" } else { "inetsw" };
    format!("{list}[{}]", Named(uapi::TYPES, event.args[1] as c_int & 0xf))
}

/// The functions of a data call, whose path is not recorded: the handler, and the protocol's function below it.
fn gone_through(event: &Event) -> Vec<Step> {
    if !event.path.steps().is_empty() || event.hook.level != Level::Io {
        return event.path.steps().to_vec();
    }
    let below = || {
        let (ops, prot, handler) = (event.ops?, event.prot?, event.handler?.name());
        match handler {
            _ if handler == ops.sendmsg.func.name() => prot.sendmsg,
            _ if handler == ops.recvmsg.func.name() => prot.recvmsg,
            _ => None,
        }
    };
    [event.handler, below()]
        .into_iter()
        .flatten()
        .map(|func| Step { func, finding: Finding::Passed })
        .collect()
}

fn as_json(event: &Event, comm: &[u8], epoch: u64) -> String {
    let hook = event.hook;
    let micros = (event.start + epoch) / 1000;
    let mut args: Vec<_> = hook
        .params()
        .enumerate()
        .map(|(index, param)| {
            format!("\"{}\":{}", param.name.trim_end_matches('_'), argument(event, index).1)
        })
        .collect();
    let mut extra = |key: &str, value: Value| args.push(format!("\"{key}\":{value}"));
    if event.via_syscall {
        extra("via", json!("syscall"));
    }
    if event.reason == Reason::ExecStatic {
        extra("covered", json!(false));
    }
    match event.extra {
        Extra::Rights(count) => extra("rights", json!(count)),
        Extra::Count(count) => extra("count", json!(count)),
        Extra::Summary => {
            let summary = event.summary().expect("a summary");
            extra("events", json!(summary.events));
            extra("predicted", json!(summary.predicted));
            extra("divergences", json!(summary.divergences));
            extra("dropped", json!(summary.dropped));
        }
        Extra::Resolved(resolved) => {
            resolver::extras(event, resolved).into_iter().for_each(|(key, value)| extra(key, value));
        }
        Extra::Text if hook.arity() == 0 => {
            extra("message", json!(String::from_utf8_lossy(event.addr.bytes())));
        }
        _ => {}
    }
    let bytes = event.addr.bytes();
    if event.extra == Extra::Text && std::str::from_utf8(bytes).is_err() {
        extra("bytes", json!(hex(bytes, "")));
    }
    if event.extra == Extra::Text && event.addr.is_truncated() && !bytes.is_empty() {
        extra("truncated", json!(true));
    }
    let path: Vec<_> = gone_through(event).iter().map(|one| step(one, event).0).collect();
    let outcome = match event.action {
        Action::Host | Action::HostInstead => "host",
        Action::Done(_) if matches!(event.extra, Extra::Resolved(resolved) if resolved.error != 0) => "fail",
        Action::Done(_) => "done",
        Action::Fail(_) => "fail",
    };
    let predicted = match event.predicted {
        Predicted::Unknown => Value::Null,
        Predicted::Ok => json!("ok"),
        Predicted::Errno(expected) => errno(expected.0),
    };
    let comm = match std::str::from_utf8(comm) {
        Ok(comm) => json!(comm).to_string(),
        Err(_) => format!("{},\"comm_bytes\":\"{}\"", json!(String::from_utf8_lossy(comm)), hex(comm, "")),
    };
    format!(
        "{{\"v\":1,\"ts\":{}.{:06},\"pid\":77,\"tid\":{},\"comm\":{comm},\"call\":\"{}\",\"fd\":{},\"args\":{{{}}},\
         \"path\":[{}],\"ops\":{},\"prot\":{},\"handler\":{},\"outcome\":\"{outcome}\",\"reason\":{},\
         \"ret\":{},\"errno\":{},\"predicted\":{predicted},\"ns\":{}}}\n",
        micros / 1_000_000,
        micros % 1_000_000,
        event.tid,
        hook.name(),
        json!(event.fd),
        args.join(","),
        path.join(","),
        json!(event.ops.map(|ops| ops.name)),
        json!(event.prot.map(|prot| *prot.symbol)),
        json!(event.handler.map(|func| func.name())),
        match event.reason.rule() {
            Some(number) => json!(format!("rule:{}", rule(number))),
            None => json!(event.reason.code()),
        },
        event.ret,
        resolver::error(event).unwrap_or_else(|| event.errno.map_or(Value::Null, errno)),
        event.ns,
    )
}

fn as_text(event: &Event, comm: &[u8], epoch: u64) -> String {
    let nanos = event.start + epoch;
    let seconds = nanos / 1_000_000_000;
    let mut out = format!(
        "{:02}:{:02}:{:02}.{:06} {}[{}] ",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        nanos / 1000 % 1_000_000,
        escaped(comm, '\\'),
        event.tid
    );
    match (event.reason, event.extra) {
        (Reason::Shim, Extra::Text) => {
            let mark = if event.addr.is_truncated() { "…" } else { "" };
            return out + &format!("sockshim: {}{mark}\n", escaped(event.addr.bytes(), '\\'));
        }
        (Reason::LogFull, Extra::Count(count)) => {
            return out + &format!("sockshim: the log was full, {count} events are missing here\n");
        }
        (Reason::End, Extra::Summary) => {
            let Summary { events, predicted, divergences, dropped } = event.summary().expect("a summary");
            let shares = format!("{predicted} predicted, {divergences} predicted wrongly, {dropped} lost");
            return out + &format!("sockshim: {events} calls on sockets, {shares}\n");
        }
        _ => {}
    }
    if event.reason == Reason::Mispredicted {
        out += "DIVERGENCE ";
    }
    let args: Vec<_> = (0..event.hook.arity()).map(|index| argument(event, index).0).collect();
    out += &format!("{}({})", event.hook.name(), args.join(", "));
    if event.hook.ret() != "!" {
        let unknown = event.reason == Reason::ResultUnknown;
        out += &match event.hook.ret() {
            _ if unknown => " = ?".to_string(),
            "*mut hostent" if event.ret == 0 => " = NULL".to_string(),
            "*mut hostent" => format!(" = {:#x}", event.ret),
            _ => format!(" = {}", event.ret),
        };
    }
    out += &resolver::came(event);
    if let Some(number) = event.errno {
        out += &Errno(number).name().map_or_else(|| format!(" errno {number}"), |name| format!(" {name}"));
    }
    let diverges = event.is_divergence() || event.reason == Reason::Mispredicted;
    match event.predicted {
        Predicted::Errno(expected) if diverges => {
            out += &format!(" (predicted {})", expected.name().unwrap_or("?"));
        }
        Predicted::Ok if diverges => out += " (predicted success)",
        Predicted::Errno(_) if event.reason.rule().is_none() => {
            out += &format!(" ({})", event.reason.code());
        }
        _ => {}
    }
    if let Some(number) = event.reason.rule() {
        out += &format!(" (rule:{})", escaped(rule(number).as_bytes(), '\\'));
    }
    if let Some(unseen) = event.reason.unseen() {
        out += &format!(" ({}: {unseen})", event.reason.code());
    }
    out += "\n";
    let mut open = false;
    for one in event.path.steps() {
        let (_, label, found) = step(one, event);
        let plain = found.is_empty();
        out += match (open, plain) {
            (true, true) => " → ",
            (true, false) => "\n    ",
            (false, _) => "    ",
        };
        open = plain;
        out += &if plain { label } else { format!("{label:24} {found}\n") };
    }
    out + if open { "\n" } else { "" }
}

#[test]
fn lines_are_what_the_plain_way_makes() {
    sockshim_core::net::init();
    activate_rules();
    let mut dice = Dice(1);
    let mut process = Process::new(77, b"");
    let mut seen: Vec<Event> = Vec::new();
    let names: [&[u8]; 6] = [
        b"http",
        b"a\"b'c\\\n",
        "é→".as_bytes(),
        b"lat\xe9n",
        b"",
        // The longest name, and the longest name after escaping.
        b"\x1b[2J\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\xff\xff\xff",
    ];
    for comm in names {
        process.rename(comm);
        for _ in 0..5000 {
            let event = match dice.below(2) {
                0 if !seen.is_empty() => {
                    let index = dice.below(seen.len() as u64) as usize;
                    dice.again(&seen[index])
                }
                _ => dice.event(),
            };
            seen.truncate(7);
            seen.insert(0, event.clone());
            if dice.below(4) == 0 {
                process.epoch = dice.word() >> 4;
            }
            let epoch = process.epoch;
            let (mut json, mut text) = ([0; LONGEST], [0; LONGEST]);
            let (mut json, mut text) = (Line::new(&mut json), Line::new(&mut text));
            json_format::write(&event, &mut process, &mut json);
            text_format::write(&event, &mut process, &mut text);
            assert_eq!(core::str::from_utf8(json.written()).expect("UTF-8"), as_json(&event, comm, epoch));
            assert_eq!(core::str::from_utf8(text.written()).expect("UTF-8"), as_text(&event, comm, epoch));
        }
    }
}
