//! Events as JSON, one object a line. The fields and their meaning are in `event.schema.json`.

use crate::errno::Errno;
use crate::hook::Level;
use crate::net::path::{Finding, Func, Step};
use crate::trace::decode::{Lossy, argument};
use crate::trace::event::{Event, Extra, Process};
use crate::trace::line::Line;
use crate::uapi::{Bits, FAMILIES, Named, TYPE_FLAGS, TYPES};
use crate::verdict::Predicted;
use std::fmt;

/// The version of the format; raised only if a field's meaning ever changes.
pub const VERSION: u32 = 1;

/// A key with its quotes and its colon, so that it is copied in one piece.
macro_rules! key {
    ($name:literal) => {
        concat!("\"", $name, "\":")
    };
}

/// Appends the event and a line feed.
pub fn write(event: &Event, process: &Process, out: &mut Vec<u8>) {
    let mut json = Json(Line::new(out));
    let micros = (event.start + process.epoch) / 1000;
    json.0.text("{\"v\":");
    json.0.uint(VERSION.into());
    json.0.text(",\"ts\":");
    json.0.uint(micros / 1_000_000);
    json.0.text(".");
    json.0.digits::<6>(micros % 1_000_000);
    json.int(key!("pid"), process.pid.into());
    json.int(key!("tid"), event.tid.into());
    json.key(key!("comm"));
    json.comm(process.comm);
    json.name(key!("call"), event.hook.name());
    json.int_or_null(key!("fd"), event.fd.map(i64::from));
    json.key(key!("args"));
    json.args(event);
    json.key(key!("path"));
    json.path(event);
    json.name_or_null(key!("ops"), event.ops.map(|ops| ops.name));
    json.name_or_null(key!("prot"), event.prot.map(|prot| *prot.symbol));
    json.name_or_null(key!("handler"), event.handler.map(Func::name));
    json.name(key!("outcome"), event.outcome());
    json.name(key!("reason"), event.reason.code());
    json.int(key!("ret"), event.ret);
    json.key(key!("errno"));
    json.errno(event.errno.map(Errno));
    json.key(key!("predicted"));
    match event.predicted {
        Predicted::Unknown => json.0.text("null"),
        Predicted::Ok => json.0.text("\"ok\""),
        Predicted::Errno(errno) => json.errno(Some(errno)),
    }
    json.uint(key!("ns"), event.ns);
    json.0.text("}\n");
}

/// An object in the making. Keys, and what is called a name here, are ours and need no escaping.
struct Json<'a>(Line<'a>);

impl Json<'_> {
    /// The comma, if one is due.
    #[inline]
    fn separate(&mut self) {
        if !matches!(self.0.last(), Some(b'{' | b'[')) {
            self.0.text(",");
        }
    }

    /// A key as [`key!`] makes it.
    #[inline(always)]
    fn key(&mut self, quoted: &'static str) {
        self.separate();
        self.0.text(quoted);
    }

    #[inline]
    fn string(&mut self, name: &str) {
        self.0.text("\"");
        self.0.text(name);
        self.0.text("\"");
    }

    #[inline(always)]
    fn name(&mut self, key: &'static str, name: &str) {
        self.key(key);
        self.string(name);
    }

    #[inline(always)]
    fn name_or_null(&mut self, key: &'static str, name: Option<&str>) {
        self.key(key);
        match name {
            Some(name) => self.string(name),
            None => self.0.text("null"),
        }
    }

    #[inline(always)]
    fn int(&mut self, key: &'static str, number: i64) {
        self.key(key);
        self.0.int(number);
    }

    #[inline(always)]
    fn int_or_null(&mut self, key: &'static str, number: Option<i64>) {
        self.key(key);
        match number {
            Some(number) => self.0.int(number),
            None => self.0.text("null"),
        }
    }

    #[inline(always)]
    fn uint(&mut self, key: &'static str, number: u64) {
        self.key(key);
        self.0.uint(number);
    }

    /// A string that is written by parts.
    fn parts(&mut self, key: &'static str, write: impl FnOnce(&mut Line) -> fmt::Result) {
        self.key(key);
        self.0.text("\"");
        self.0.put(write);
        self.0.text("\"");
    }

    /// The process's name, which may be anything and hardly ever needs escaping.
    fn comm(&mut self, comm: &str) {
        if comm.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            self.string(comm);
        } else {
            self.0.foreign(comm);
        }
    }

    /// An error by its name, or as a string of digits when it has none.
    fn errno(&mut self, errno: Option<Errno>) {
        let Some(errno) = errno else { return self.0.text("null") };
        match errno.name() {
            Some(name) => self.string(name),
            None => self.0.display(format_args!("\"{}\"", errno.0)),
        }
    }

    fn args(&mut self, event: &Event) {
        self.0.text("{");
        for (index, param) in event.hook.params().enumerate() {
            // A name that is a word of Rust has an underscore behind it.
            self.separate();
            self.string(param.name.strip_suffix('_').unwrap_or(param.name));
            self.0.text(":");
            argument(event, index, param.meaning).json(&mut self.0);
        }
        if event.via_syscall {
            self.name(key!("via"), "syscall");
        }
        if event.reason.is_uncovered_exec() {
            self.key(key!("covered"));
            self.0.text("false");
        }
        match event.extra {
            Extra::Rights(count) => self.int(key!("rights"), count.into()),
            Extra::Count(count) => self.uint(key!("count"), count),
            Extra::Summary(summary) => {
                self.uint(key!("events"), summary.events);
                self.uint(key!("predicted"), summary.predicted);
                self.uint(key!("divergences"), summary.divergences);
                self.uint(key!("dropped"), summary.dropped);
            }
            Extra::Text if event.hook.arity() == 0 => {
                self.key(key!("message"));
                self.0.foreign(Lossy(event.addr.bytes()));
            }
            _ => {}
        }
        self.0.text("}");
    }

    fn path(&mut self, event: &Event) {
        self.0.text("[");
        if event.path.steps().is_empty() && event.hook.level == Level::Io {
            // A data call goes the same way every time, so the program's thread does not record it.
            for func in [event.handler, data_function(event)].into_iter().flatten() {
                self.step(&Step { func, finding: Finding::Passed });
            }
        }
        for step in event.path.steps() {
            self.step(step);
        }
        self.0.text("]");
    }

    fn step(&mut self, step: &Step) {
        self.separate();
        self.0.text("{");
        self.name(key!("fn"), step.func.name());
        match step.finding {
            Finding::Passed => {}
            Finding::Unchanged => self.name(key!("result"), "unchanged"),
            Finding::Allow => self.name(key!("result"), "allow"),
            Finding::Family { index, create } => {
                self.int(key!("family"), index.into());
                self.name(key!("create"), create.name());
            }
            Finding::NoFamily(index) => {
                self.int(key!("family"), index.into());
                self.name_or_null(key!("create"), None);
            }
            Finding::FamilyBecomes(family) => {
                self.parts(key!("family"), |out| Named(FAMILIES, family.into()).write(out));
            }
            Finding::TypeBecomes(ty) => self.parts(key!("type"), |out| Named(TYPES, ty.into()).write(out)),
            Finding::Entry { index, how, protocol, name } => {
                self.name(key!("entry"), name);
                self.int(key!("index"), index.into());
                self.name(key!("match"), how.word());
                self.int(key!("protocol"), protocol.into());
            }
            Finding::NoEntry { entries } => {
                self.name(key!("match"), "none");
                self.int(key!("entries"), entries.into());
            }
            Finding::Protocol(protocol) => self.int(key!("protocol"), protocol.into()),
            Finding::Module { .. } => self.parts(key!("module"), |out| ModuleName(step.finding).write(out)),
            Finding::Errno(errno) => {
                self.key(key!("errno"));
                self.errno(Some(errno));
            }
            Finding::Host(what) => self.name(key!("host"), what),
            Finding::Fact { name, value, source } => {
                self.name(key!("fact"), name);
                self.int(key!("value"), value.into());
                self.name(key!("source"), source.word());
            }
            Finding::Ops(ops) => self.name(key!("ops"), ops.name),
            Finding::Fd(fd) => self.int(key!("fd"), fd.into()),
            Finding::Flags(0) => {}
            Finding::Flags(flags) => self.parts(key!("flags"), |out| Bits(TYPE_FLAGS, flags).write(out)),
            Finding::Value(value) => self.int(key!("value"), value),
            Finding::State(state, sk_state) => {
                self.name(key!("state"), state.name());
                self.name(key!("sk_state"), sk_state.name());
            }
        }
        self.0.text("}");
    }
}

/// The protocol's function below a data call's handler.
fn data_function(event: &Event) -> Option<Func> {
    let (prot, ops, handler) = (event.prot?, event.ops?, event.handler?);
    match handler {
        _ if handler == ops.sendmsg.func => prot.sendmsg,
        _ if handler == ops.recvmsg.func => prot.recvmsg,
        _ => None,
    }
}

/// The name that `request_module` asks for.
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
