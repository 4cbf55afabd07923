//! Events as JSON, one object a line. The fields and their meaning are in `event.schema.json`.

use crate::errno::Errno;
use crate::hook::Level;
use crate::net::path::{Finding, Step};
use crate::trace::decode::{Lossy, argument};
use crate::trace::event::{Event, Extra, Process};
use crate::uapi::{Bits, FAMILIES, Named, TYPE_FLAGS, TYPES};
use crate::verdict::Predicted;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::fmt;
use std::io;

/// The version of the format; raised only if a field's meaning ever changes.
pub const VERSION: u32 = 1;

/// Writes the event and a line feed.
///
/// # Errors
/// What `out` reports, such as no room left in a buffer.
pub fn write(event: &Event, process: &Process, out: &mut impl io::Write) -> io::Result<()> {
    Line { event, process }.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Micros))?;
    out.write_all(b"\n")
}

/// Writes the one number that is not whole, the time, with six digits after the point. The general way, which finds the
/// shortest digits of any number, is tables of 17 kB.
struct Micros;

impl serde_json::ser::Formatter for Micros {
    fn write_f64<W: ?Sized + io::Write>(&mut self, out: &mut W, seconds: f64) -> io::Result<()> {
        // A time since the epoch has 16 digits down to microseconds, which is what an f64 holds.
        let micros = (seconds * 1e6 + 0.5) as u64;
        write!(out, "{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

struct Line<'a> {
    event: &'a Event,
    process: &'a Process<'a>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Line { event, process } = self;
        let micros = (event.start + process.epoch) / 1000;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &VERSION)?;
        map.serialize_entry("ts", &(micros as f64 / 1e6))?;
        map.serialize_entry("pid", &process.pid)?;
        map.serialize_entry("tid", &event.tid)?;
        map.serialize_entry("comm", process.comm)?;
        map.serialize_entry("call", event.hook.name)?;
        map.serialize_entry("fd", &event.fd)?;
        map.serialize_entry("args", &Args(event))?;
        map.serialize_entry("path", &Steps(event))?;
        map.serialize_entry("ops", &event.ops.map(|ops| ops.name))?;
        map.serialize_entry("prot", &event.prot.map(|prot| *prot.symbol))?;
        map.serialize_entry("handler", &event.handler.map(|handler| handler.name()))?;
        map.serialize_entry("outcome", event.outcome())?;
        map.serialize_entry("reason", event.reason.code())?;
        map.serialize_entry("ret", &event.ret)?;
        map.serialize_entry("errno", &event.errno.map(|errno| ErrnoName(Errno(errno))))?;
        map.serialize_entry("predicted", &Prediction(event.predicted))?;
        map.serialize_entry("ns", &event.ns)?;
        map.end()
    }
}

struct Args<'a>(&'a Event);

impl Serialize for Args<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let mut map = serializer.serialize_map(None)?;
        for (index, param) in event.hook.params.iter().enumerate() {
            map.serialize_entry(param.name.trim_end_matches('_'), &argument(event, index))?;
        }
        if event.via_syscall {
            map.serialize_entry("via", "syscall")?;
        }
        if event.reason.is_uncovered_exec() {
            map.serialize_entry("covered", &false)?;
        }
        match event.extra {
            Extra::Rights(count) => map.serialize_entry("rights", &count)?,
            Extra::Count(count) => map.serialize_entry("count", &count)?,
            Extra::Summary(summary) => {
                map.serialize_entry("events", &summary.events)?;
                map.serialize_entry("predicted", &summary.predicted)?;
                map.serialize_entry("divergences", &summary.divergences)?;
                map.serialize_entry("dropped", &summary.dropped)?;
            }
            Extra::Text if event.hook.params.is_empty() => {
                map.serialize_entry("message", &Lossy(event.addr.bytes()))?;
            }
            _ => {}
        }
        map.end()
    }
}

/// An error by its name, or as a number when it has none.
struct ErrnoName(Errno);

impl Serialize for ErrnoName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_str(&self.0.0),
        }
    }
}

struct Prediction(Predicted);

impl Serialize for Prediction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Predicted::Unknown => serializer.serialize_none(),
            Predicted::Ok => serializer.serialize_str("ok"),
            Predicted::Errno(errno) => ErrnoName(errno).serialize(serializer),
        }
    }
}

struct Steps<'a>(&'a Event);

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event = self.0;
        let mut seq = serializer.serialize_seq(None)?;
        if event.path.steps().is_empty() && event.hook.level == Level::Io {
            // A data call goes the same way every time, so the program's thread does not record it.
            for func in [event.handler, data_function(event)].into_iter().flatten() {
                seq.serialize_element(&OneStep(&Step { func, finding: Finding::Passed }))?;
            }
        }
        for step in event.path.steps() {
            seq.serialize_element(&OneStep(step))?;
        }
        seq.end()
    }
}

/// The protocol's function below a data call's handler.
fn data_function(event: &Event) -> Option<crate::net::path::Func> {
    let prot = event.prot?;
    let sends =
        event.ops.is_some_and(|ops| event.handler.is_some_and(|h| h.name() == ops.sendmsg.func.name()));
    let receives =
        event.ops.is_some_and(|ops| event.handler.is_some_and(|h| h.name() == ops.recvmsg.func.name()));
    match (sends, receives) {
        (true, _) => prot.sendmsg,
        (_, true) => prot.recvmsg,
        _ => None,
    }
}

struct OneStep<'a>(&'a Step);

impl Serialize for OneStep<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("fn", self.0.func.name())?;
        match self.0.finding {
            Finding::Passed => {}
            Finding::Unchanged => map.serialize_entry("result", "unchanged")?,
            Finding::Allow => map.serialize_entry("result", "allow")?,
            Finding::Family { index, create } => {
                map.serialize_entry("family", &index)?;
                map.serialize_entry("create", *create)?;
            }
            Finding::NoFamily(index) => {
                map.serialize_entry("family", &index)?;
                map.serialize_entry("create", &None::<&str>)?;
            }
            Finding::FamilyBecomes(family) => {
                map.serialize_entry("family", &Shown(Named(FAMILIES, family.into())))?
            }
            Finding::TypeBecomes(ty) => map.serialize_entry("type", &Shown(Named(TYPES, ty.into())))?,
            Finding::Entry { index, how, protocol, name } => {
                map.serialize_entry("entry", *name)?;
                map.serialize_entry("index", &index)?;
                map.serialize_entry("match", how.word())?;
                map.serialize_entry("protocol", &protocol)?;
            }
            Finding::NoEntry { entries } => {
                map.serialize_entry("match", "none")?;
                map.serialize_entry("entries", &entries)?;
            }
            Finding::Protocol(protocol) => map.serialize_entry("protocol", &protocol)?,
            Finding::Module { .. } => map.serialize_entry("module", &Shown(ModuleName(self.0.finding)))?,
            Finding::Errno(errno) => map.serialize_entry("errno", &ErrnoName(errno))?,
            Finding::Host(what) => map.serialize_entry("host", *what)?,
            Finding::Fact { name, value, source } => {
                map.serialize_entry("fact", *name)?;
                map.serialize_entry("value", &value)?;
                map.serialize_entry("source", source.word())?;
            }
            Finding::Ops(ops) => map.serialize_entry("ops", ops.name)?,
            Finding::Fd(fd) => map.serialize_entry("fd", &fd)?,
            Finding::Flags(0) => {}
            Finding::Flags(flags) => map.serialize_entry("flags", &Shown(Bits(TYPE_FLAGS, flags)))?,
            Finding::Value(value) => map.serialize_entry("value", &value)?,
            Finding::State(state, sk_state) => {
                map.serialize_entry("state", state.name())?;
                map.serialize_entry("sk_state", sk_state.name())?;
            }
        }
        map.end()
    }
}

struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The name that `request_module` asks for.
pub struct ModuleName(pub Finding);

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding::Module { family, ty, protocol } = self.0 else { return Ok(()) };
        write!(f, "net-pf-{family}")?;
        if let Some(protocol) = protocol {
            write!(f, "-proto-{protocol}")?;
        }
        if let Some(ty) = ty {
            write!(f, "-type-{ty}")?;
        }
        Ok(())
    }
}
