//! Events as text: the call as strace(1) writes it, followed by the functions that it went through.

use crate::errno::Errno;
use crate::func;
use crate::net::path::{Finding, Match, Step};
use crate::resolve::{Resolved, error_names};
use crate::rules::name_of;
use crate::trace::decode::{Value, argument, ip};
use crate::trace::escape::Escaped;
use crate::trace::event::{Event, Extra};
use crate::trace::json::ModuleName;
use crate::trace::line::Line;
use crate::trace::parts::{self, Part};
use crate::trace::pieces::Process;
use crate::uapi::{Bits, FAMILIES, Named, PROTOCOLS, SOCK_TYPE_MASK, TYPE_FLAGS, TYPES, protocols_of};
use crate::verdict::{Predicted, Reason};

/// The width of the column of functions, in characters.
const COLUMN: usize = 24;

/// Appends the event with its path.
pub fn write(event: &Event, process: &mut Process, line: &mut Line) {
    head(line, event, process);
    match (event.reason, event.extra) {
        (Reason::Shim, Extra::Text) => {
            let mark = if event.addr.is_truncated() { "…" } else { "" };
            return line.display(format_args!("sockshim: {}{mark}\n", Escaped(event.addr.bytes())));
        }
        (Reason::LogFull, Extra::Count(count)) => {
            return line
                .display(format_args!("sockshim: the log was full, {count} events are missing here\n"));
        }
        (Reason::End, Extra::Summary) => {
            let end = event.summary().unwrap_or_default();
            return line.display(format_args!(
                "sockshim: {} calls on sockets, {} predicted, {} predicted wrongly, {} lost\n",
                end.events, end.predicted, end.divergences, end.dropped
            ));
        }
        _ => {}
    }
    if event.reason == Reason::Mispredicted {
        line.text("DIVERGENCE ");
    }
    call(line, event);
    line.text("\n");
    path(line, event);
}

/// The beginning of the line, `21:28:35.788525 http[23184] `, in UTC.
fn head(line: &mut Line, event: &Event, process: &mut Process) {
    let micros = (event.start + process.epoch) / 1000;
    line.bytes(process.time.get(micros / 1_000_000, time));
    line.digits::<6>(micros % 1_000_000);
    line.bytes(process.name.get(event.tid, |tid, line| name(tid, &process.comm, line)));
}

/// The process's name and the thread.
fn name(tid: i32, comm: &[u8], line: &mut Line) {
    line.text(" ");
    line.display(Escaped(comm));
    line.text("[");
    line.int(tid.into());
    line.text("] ");
}

/// The time of day up to the decimal point of the seconds.
fn time(second: u64, line: &mut Line) {
    line.digits::<2>(second / 3600 % 24);
    line.text(":");
    line.digits::<2>(second / 60 % 60);
    line.text(":");
    line.digits::<2>(second % 60);
    line.text(".");
}

/// `name(arguments) = result`.
fn call(line: &mut Line, event: &Event) {
    line.word(event.hook.name());
    line.text("(");
    let hook = event.hook;
    for index in 0..hook.arity() {
        if index > 0 {
            line.text(", ");
        }
        argument(event, index, hook.meaning(index)).text(line);
    }
    line.text(")");
    if event.hook.ret() != "!" {
        line.text(" = ");
        match event.reason {
            Reason::ResultUnknown => line.text("?"),
            _ if event.hook.ret().starts_with('*') => Value::Pointer(event.ret as u64).text(line),
            _ => line.int(event.ret),
        }
    }
    if let Some(resolved) = event.resolved() {
        came(line, event, resolved);
    }
    if let Some(errno) = event.errno.map(Errno) {
        match errno.name() {
            Some(name) => {
                line.text(" ");
                line.word(name);
            }
            None => line.display(format_args!(" errno {}", errno.0)),
        }
    }
    let diverges = event.is_divergence() || event.reason == Reason::Mispredicted;
    match event.predicted {
        Predicted::Errno(expected) if diverges => {
            line.display(format_args!(" (predicted {})", expected.name().unwrap_or("?")));
        }
        Predicted::Ok if diverges => line.text(" (predicted success)"),
        Predicted::Errno(_) if event.reason.rule().is_none() => {
            line.text(" (");
            line.word(event.reason.code());
            line.text(")");
        }
        _ => {}
    }
    if let Some(rule) = event.reason.rule() {
        line.display(format_args!(" ({}:{})", event.reason.code(), Escaped(name_of(rule).as_bytes())));
    }
    if let Some(unseen) = event.reason.unseen() {
        line.display(format_args!(" ({}: {unseen})", event.reason.code()));
    }
}

/// What came of a call that asks for names or addresses: its own error, or the first of the addresses.
#[inline(never)]
fn came(line: &mut Line, event: &Event, resolved: Resolved) {
    if resolved.error != 0 {
        line.text(" ");
        line.put(|out| Named(error_names(event.hook.does), resolved.error).write(out));
    }
    let first = parts::get(&event.addr, Part::FirstAddress).and_then(|(bytes, _)| ip(bytes));
    match (first, resolved.addresses) {
        (Some(first), 0 | 1) => line.display(format_args!(" ({first})")),
        (Some(first), count) => line.display(format_args!(" ({first} and {} more)", count - 1)),
        _ => {}
    }
}

/// Steps without a finding share a line; a step with a finding has its own.
fn path(line: &mut Line, event: &Event) {
    let mut open = false;
    for step in event.path.steps() {
        let plain = matches!(step.finding, Finding::Passed | Finding::Allow | Finding::Flags(0));
        match (open, plain) {
            (true, true) => line.text(" → "),
            (true, false) => line.text("\n    "),
            (false, _) => line.text("    "),
        }
        open = plain;
        if plain {
            line.word(step.func.name());
        } else {
            let begin = line.len();
            label(line, step, event);
            line.pad(begin, COLUMN);
            line.text(" ");
            found(line, step, event);
            line.text("\n");
        }
    }
    if open {
        line.text("\n");
    }
}

/// What a finding is about: an entry of a table, or the function itself.
fn label(line: &mut Line, step: &Step, event: &Event) {
    let ty = event.args[1] as i32 & SOCK_TYPE_MASK;
    match step.finding {
        Finding::Family { index, .. } | Finding::NoFamily(index) => {
            line.text("net_families[");
            line.uint(index.into());
            line.text("]");
        }
        Finding::Entry { .. } | Finding::NoEntry { .. } => {
            line.text(if step.func == func!(inet6_create) { "inetsw6[" } else { "inetsw[" });
            line.put(|out| Named(TYPES, ty).write(out));
            line.text("]");
        }
        Finding::Ops(_) => line.text("sock->ops"),
        _ => line.word(step.func.name()),
    }
}

/// A finding in words.
fn found(line: &mut Line, step: &Step, event: &Event) {
    match step.finding {
        Finding::Passed => {}
        Finding::Unchanged => line.text("unchanged"),
        Finding::Allow => line.text("allowed"),
        Finding::MayHaveRefused => line.text("may have refused"),
        Finding::Rule(number) => line.display(format_args!("rule {}", Escaped(name_of(number).as_bytes()))),
        Finding::Family { create, .. } => line.word(create.name()),
        Finding::NoFamily(_) => line.text("empty → EAFNOSUPPORT"),
        Finding::FamilyBecomes(family) => {
            line.text("family becomes ");
            line.put(|out| Named(FAMILIES, family.into()).write(out));
        }
        Finding::TypeBecomes(ty) => {
            line.text("type becomes ");
            line.put(|out| Named(TYPES, ty.into()).write(out));
        }
        Finding::Entry { index, how, protocol, name } => {
            line.text("#");
            line.uint(index.into());
            line.text(" ");
            line.word(name);
            line.text(match how {
                Match::Exact => ": the protocol is the entry's → ",
                Match::Wildcard => ": protocol 0 takes the first entry → ",
                Match::WildcardEntry => ": the entry takes any protocol → ",
            });
            line.put(|out| Named(PROTOCOLS, protocol.into()).write(out));
        }
        Finding::NoEntry { entries: 0 } => line.text("the list of this type is empty"),
        Finding::NoEntry { entries } => {
            line.display(format_args!("none of {entries} entries takes the protocol"));
        }
        Finding::Protocol(protocol) => {
            line.text("protocol ");
            line.put(|out| Named(protocols_of(event.args[0] as i32), protocol).write(out));
        }
        Finding::Module { .. } => line.put(|out| ModuleName(step.finding).write(out)),
        Finding::Errno(errno) => line.word(errno.name().unwrap_or("error")),
        Finding::Host(what) => {
            line.word(what);
            line.text(": the host decides");
        }
        Finding::Fact { name, value, source } => {
            line.display(format_args!("{name} = {value} ({})", source.word()));
        }
        Finding::Ops(ops) => {
            line.word(ops);
            line.text(", sk_prot ");
            line.word(event.prot.map_or("none", |prot| prot.symbol));
        }
        Finding::Fd(fd) => line.int(fd.into()),
        Finding::Flags(flags) => line.put(|out| Bits(TYPE_FLAGS, flags).write(out)),
        Finding::Value(value) => line.int(value),
        Finding::State(state, sk_state) => {
            line.word(state.name());
            line.text(", ");
            line.word(sk_state.name());
        }
    }
}
