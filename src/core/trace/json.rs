//! Events as JSON, one object per line. `event.schema.json` describes the fields.

use crate::errno::Errno;
use crate::hook::{Does, Level};
use crate::net::path::{Finding, Func, Step};
use crate::resolve::{Resolved, error_names};
use crate::rules::name_of;
use crate::trace::decode::argument;
use crate::trace::escape::{Hex, Lossy};
use crate::trace::event::{Event, Extra};
use crate::trace::extras::{address_extra, byte_extras, errno, extra, quoted, resolver_extras, text_extras};
use crate::trace::line::Line;
use crate::trace::pieces::{DataCallKey, Process};
use crate::uapi::{Bits, FAMILIES, Named, TYPE_FLAGS, TYPES};
use crate::verdict::Predicted;
use std::fmt;

/// The version of the format. It is raised only when a field's meaning changes.
pub const VERSION: u32 = 1;

/// Appends the event and a line feed. Adjacent constants are written as one text, and pieces that many lines have in
/// common are copied.
pub fn write(event: &Event, process: &mut Process, line: &mut Line) {
    let micros = (event.start + process.epoch) / 1000;
    line.bytes(process.second.get(micros / 1_000_000, second));
    line.digits::<6>(micros % 1_000_000);
    line.bytes(process.thread.get(event.tid, |tid, line| thread(process.pid, tid, &process.comm, line)));
    line.word(event.hook.name());
    line.text("\",\"fd\":");
    match event.fd {
        Some(fd) => line.int(fd.into()),
        None => line.text("null"),
    }
    line.text(",\"args\":{");
    args(event, line);
    match DataCallKey::of(event) {
        Some(same) => line.bytes(process.data_calls.get(same, |_, line| after_args(event, line))),
        // What names a rule is rare, and its name stands in the line.
        None if event.path.steps().is_empty() || event.reason.rule().is_some() => after_args(event, line),
        None => process.paths.write(event, line, |line| after_args(event, line)),
    }
    line.int(event.ret);
    line.text(",\"errno\":");
    match (event.resolved(), event.errno) {
        (Some(Resolved { error: 0, .. }), _) | (None, None) => line.text("null"),
        (Some(resolved), _) => {
            line.text("\"");
            line.put(|out| Named(error_names(event.hook.does), resolved.error).write(out));
            line.text("\"");
        }
        (_, Some(number)) => errno(Errno(number), line),
    }
    line.text(",\"predicted\":");
    match event.predicted {
        Predicted::Unknown => line.text("null"),
        Predicted::Ok => line.text("\"ok\""),
        Predicted::Errno(expected) => errno(expected, line),
    }
    line.text(",\"ns\":");
    line.uint(event.ns);
    line.text("}\n");
}

/// The beginning of the line, up to the decimal point of the seconds.
fn second(second: u64, line: &mut Line) {
    line.text("{\"v\":");
    line.uint(VERSION.into());
    line.text(",\"ts\":");
    line.uint(second);
    line.text(".");
}

/// From the process id to the name of the call. The process's name can be any bytes.
fn thread(pid: i32, tid: i32, comm: &[u8], line: &mut Line) {
    line.text(",\"pid\":");
    line.int(pid.into());
    line.text(",\"tid\":");
    line.int(tid.into());
    line.text(",\"comm\":");
    line.foreign(Lossy(comm));
    if core::str::from_utf8(comm).is_err() {
        line.display(format_args!(",\"comm_bytes\":\"{}\"", Hex(comm)));
    }
    line.text(",\"call\":\"");
}

#[inline]
fn quoted_or_null(name: Option<&str>, line: &mut Line) {
    match name {
        Some(name) => quoted(name, line),
        None => line.text("null"),
    }
}

/// The members of `args`, without the braces.
fn args(event: &Event, line: &mut Line) {
    let hook = event.hook;
    for index in 0..hook.arity() {
        line.text(if index == 0 { "\"" } else { ",\"" });
        line.bytes(hook.key(index));
        line.text("\":");
        argument(event, index, hook.meaning(index)).json(line);
    }
    if event.via_syscall {
        extra("via", line);
        line.text("\"syscall\"");
    }
    if event.reason.is_uncovered_exec() {
        extra("covered", line);
        line.text("false");
    }
    match event.extra {
        Extra::Rights(count) => {
            extra("rights", line);
            line.int(count.into());
        }
        Extra::Count(count) => {
            extra("count", line);
            line.uint(count);
        }
        Extra::Summary => {
            let summary = event.summary().unwrap_or_default();
            let counts = [
                ("events", summary.events),
                ("predicted", summary.predicted),
                ("divergences", summary.divergences),
                ("dropped", summary.dropped),
            ];
            for (key, count) in counts {
                extra(key, line);
                line.uint(count);
            }
        }
        Extra::Resolved(resolved) => resolver_extras(event, resolved, line),
        Extra::Bytes => byte_extras(event, line),
        Extra::Address if hook.does == Does::Accepts && event.args[1] == 0 => {
            address_extra("peer", event.addr.bytes(), line)
        }
        Extra::Text if hook.arity() == 0 => {
            extra("message", line);
            line.foreign(Lossy(event.addr.bytes()));
        }
        _ => {}
    }
    if let Some((bytes, len)) = event.own_name() {
        address_extra("local", &bytes[..len], line);
    }
    if event.extra == Extra::Text && event.addr.is_readable() {
        text_extras(&event.addr, line);
    }
}

/// From the closing brace of `args` to the value of `ret`. For a data call it depends on a [`DataCallKey`] only.
fn after_args(event: &Event, line: &mut Line) {
    line.text("},\"path\":[");
    if event.path.steps().is_empty() && event.hook.level == Level::Io {
        // A data call of one kind always has the same path, so the program's thread does not record it.
        for func in [event.handler, data_function(event)].into_iter().flatten() {
            step(&Step { func, finding: Finding::Passed }, line);
        }
    }
    for one in event.path.steps() {
        step(one, line);
    }
    line.text("],\"ops\":");
    quoted_or_null(event.ops.map(|ops| ops.name), line);
    line.text(",\"prot\":");
    quoted_or_null(event.prot.map(|prot| *prot.symbol), line);
    line.text(",\"handler\":");
    quoted_or_null(event.handler.map(Func::name), line);
    line.text(",\"outcome\":\"");
    line.word(event.outcome());
    line.text("\",\"reason\":");
    match event.reason.rule() {
        None => quoted(event.reason.code(), line),
        Some(rule) => line.foreign(format_args!("{}:{}", event.reason.code(), name_of(rule))),
    }
    line.text(",\"ret\":");
}

/// The rest of a string, then the end of its object.
fn parts(line: &mut Line, write: impl FnOnce(&mut Line) -> fmt::Result) {
    line.put(write);
    line.text("\"}");
}

/// A name, the end of its string and the end of its object.
fn last_name(name: &str, line: &mut Line) {
    line.word(name);
    line.text("\"}");
}

/// A number and the end of its object.
#[inline]
fn last_int(number: i64, line: &mut Line) {
    line.int(number);
    line.text("}");
}

fn step(step: &Step, line: &mut Line) {
    line.text(if line.last() == Some(b'[') { "{\"fn\":\"" } else { ",{\"fn\":\"" });
    line.word(step.func.name());
    match step.finding {
        Finding::Passed | Finding::Flags(0) => line.text("\"}"),
        Finding::Unchanged => line.text("\",\"result\":\"unchanged\"}"),
        Finding::Allow => line.text("\",\"result\":\"allow\"}"),
        Finding::MayHaveRefused => line.text("\",\"result\":\"may-have-refused\"}"),
        Finding::Rule(number) => {
            line.text("\",\"rule\":");
            line.foreign(name_of(number));
            line.text("}");
        }
        Finding::Family { index, create } => {
            line.text("\",\"family\":");
            line.uint(index.into());
            line.text(",\"create\":\"");
            last_name(create.name(), line);
        }
        Finding::NoFamily(index) => {
            line.text("\",\"family\":");
            line.uint(index.into());
            line.text(",\"create\":null}");
        }
        Finding::FamilyBecomes(family) => {
            line.text("\",\"family\":\"");
            parts(line, |out| Named(FAMILIES, family.into()).write(out));
        }
        Finding::TypeBecomes(ty) => {
            line.text("\",\"type\":\"");
            parts(line, |out| Named(TYPES, ty.into()).write(out));
        }
        Finding::Entry { index, how, protocol, name } => {
            line.text("\",\"entry\":\"");
            line.word(name);
            line.text("\",\"index\":");
            line.uint(index.into());
            line.text(",\"match\":\"");
            line.word(how.word());
            line.text("\",\"protocol\":");
            last_int(protocol.into(), line);
        }
        Finding::NoEntry { entries } => {
            line.text("\",\"match\":\"none\",\"entries\":");
            last_int(entries.into(), line);
        }
        Finding::Protocol(protocol) => {
            line.text("\",\"protocol\":");
            last_int(protocol.into(), line);
        }
        Finding::Module { .. } => {
            line.text("\",\"module\":\"");
            parts(line, |out| ModuleName(step.finding).write(out));
        }
        Finding::Errno(number) => {
            line.text("\",\"errno\":");
            errno(number, line);
            line.text("}");
        }
        Finding::Host(what) => {
            line.text("\",\"host\":\"");
            last_name(what, line);
        }
        Finding::Fact { name, value, source } => {
            line.text("\",\"fact\":\"");
            line.word(name);
            line.text("\",\"value\":");
            line.int(value.into());
            line.text(",\"source\":\"");
            last_name(source.word(), line);
        }
        Finding::Ops(ops) => {
            line.text("\",\"ops\":\"");
            last_name(ops, line);
        }
        Finding::Fd(fd) => {
            line.text("\",\"fd\":");
            last_int(fd.into(), line);
        }
        Finding::Flags(flags) => {
            line.text("\",\"flags\":\"");
            parts(line, |out| Bits(TYPE_FLAGS, flags).write(out));
        }
        Finding::Value(value) => {
            line.text("\",\"value\":");
            last_int(value, line);
        }
        Finding::State(state, sk_state) => {
            line.text("\",\"state\":\"");
            line.word(state.name());
            line.text("\",\"sk_state\":\"");
            last_name(sk_state.name(), line);
        }
    }
}

/// The protocol's function that a data call's handler calls.
fn data_function(event: &Event) -> Option<Func> {
    let (prot, ops, handler) = (event.prot?, event.ops?, event.handler?);
    match handler {
        _ if handler == ops.sendmsg.func => prot.sendmsg,
        _ if handler == ops.recvmsg.func => prot.recvmsg,
        _ => None,
    }
}

/// The name that `request_module` requests.
pub struct ModuleName(pub Finding);

impl ModuleName {
    /// Writes it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Finding::Module { family, ty, protocol } = self.0 else { return Ok(()) };
        write!(out, "net-pf-{family}")?;
        if let Some(protocol) = protocol {
            write!(out, "-proto-{protocol}")?;
        }
        if let Some(ty) = ty {
            write!(out, "-type-{ty}")?;
        }
        Ok(())
    }
}
