//! Events as text: the call as strace(1) would write it, and below it the way that it took.

use crate::errno::Errno;
use crate::net::path::{Finding, Step};
use crate::trace::decode::{Lossy, argument};
use crate::trace::event::{Event, Extra, Process};
use crate::trace::json::ModuleName;
use crate::uapi::{Bits, FAMILIES, Named, TYPE_FLAGS, TYPES};
use crate::verdict::{Predicted, Reason};
use std::fmt;
use std::io;

/// Writes the event with its path.
///
/// # Errors
/// What `out` reports, such as no room left in a buffer.
pub fn write(event: &Event, process: &Process, out: &mut impl io::Write) -> io::Result<()> {
    let nanos = event.start + process.epoch;
    let (seconds, micros) = (nanos / 1_000_000_000 % 86_400, nanos / 1000 % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    write!(out, "{hour:02}:{minute:02}:{second:02}.{micros:06} {}[{}] ", process.comm, event.tid)?;
    match (event.reason, event.extra) {
        (Reason::Shim, Extra::Text) => return writeln!(out, "sockshim: {}", Lossy(event.addr.bytes())),
        (Reason::LogFull, Extra::Count(count)) => {
            return writeln!(out, "sockshim: the log was full, {count} events are missing here");
        }
        _ => {}
    }
    if event.reason == Reason::Mispredicted {
        write!(out, "DIVERGENCE ")?;
    }
    writeln!(out, "{}", Call(event))?;
    let mut plain = Plain { out, open: false };
    for step in event.path.steps() {
        plain.step(step)?;
    }
    plain.end()
}

/// `name(arguments) = result`.
struct Call<'a>(&'a Event);

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        write!(f, "{}(", event.hook.name)?;
        for index in 0..event.hook.params.len() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}", argument(event, index))?;
        }
        write!(f, ")")?;
        if event.hook.ret != "!" {
            write!(f, " = {}", event.ret)?;
        }
        if let Some(errno) = event.errno.map(Errno) {
            match errno.name() {
                Some(name) => write!(f, " {name}")?,
                None => write!(f, " errno {}", errno.0)?,
            }
        }
        match event.predicted {
            Predicted::Errno(expected) if event.is_divergence() || event.reason == Reason::Mispredicted => {
                write!(f, " (predicted {})", expected.name().unwrap_or("?"))?;
            }
            Predicted::Ok if event.is_divergence() || event.reason == Reason::Mispredicted => {
                write!(f, " (predicted success)")?;
            }
            Predicted::Errno(_) => write!(f, " ({})", event.reason.code())?,
            _ => {}
        }
        Ok(())
    }
}

/// Steps that only passed share a line; steps with a finding have their own.
struct Plain<'a, W: io::Write> {
    out: &'a mut W,
    open: bool,
}

impl<W: io::Write> Plain<'_, W> {
    fn step(&mut self, step: &Step) -> io::Result<()> {
        if matches!(step.finding, Finding::Passed | Finding::Allow | Finding::Flags(0)) {
            let lead = if self.open { " → " } else { "    " };
            self.open = true;
            return write!(self.out, "{lead}{}", step.func.name());
        }
        self.end()?;
        let (label, finding) = (Label(step), Found(step));
        match step.finding {
            Finding::Family { .. } | Finding::NoFamily(_) => writeln!(self.out, "    {label:<24} {finding}"),
            _ => writeln!(self.out, "    {:<24} {finding}", step.func.name()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.open) { writeln!(self.out) } else { Ok(()) }
    }
}

/// `net_families[2]`.
struct Label<'a>(&'a Step);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Finding::Family { index, .. } | Finding::NoFamily(index)) = self.0.finding else {
            return Ok(());
        };
        let width = match index {
            0..10 => 8,
            _ => 7,
        };
        write!(f, "net_families[{index}]{:width$}", "")
    }
}

/// A finding in words.
struct Found<'a>(&'a Step);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.finding {
            Finding::Passed => Ok(()),
            Finding::Unchanged => f.write_str("unchanged"),
            Finding::Allow => f.write_str("allowed"),
            Finding::Family { create, .. } => write!(f, "{create}"),
            Finding::NoFamily(_) => f.write_str("empty → EAFNOSUPPORT"),
            Finding::FamilyBecomes(family) => write!(f, "family becomes {}", Named(FAMILIES, family.into())),
            Finding::TypeBecomes(ty) => write!(f, "type becomes {}", Named(TYPES, ty.into())),
            Finding::Entry { index, how, protocol, name } => {
                use crate::net::path::Match;
                let why = match how {
                    Match::Exact => "the protocol is the entry's",
                    Match::Wildcard => "protocol 0 takes the first entry",
                    Match::WildcardEntry => "the entry takes any protocol",
                };
                write!(f, "#{index} {name}: {why} → protocol {protocol}")
            }
            Finding::NoEntry { entries: 0 } => f.write_str("the list of this type is empty"),
            Finding::NoEntry { entries } => write!(f, "none of {entries} entries takes the protocol"),
            Finding::Protocol(protocol) => write!(f, "protocol {protocol}"),
            Finding::Module { .. } => write!(f, "{}", ModuleName(self.0.finding)),
            Finding::Errno(errno) => write!(f, "{}", errno.name().unwrap_or("error")),
            Finding::Host(what) => write!(f, "{what}: the host decides"),
            Finding::Ops(ops) => write!(f, "sock->ops = {}", ops.name),
            Finding::Fd(fd) => write!(f, "{fd}"),
            Finding::Flags(flags) => write!(f, "{}", Bits(TYPE_FLAGS, flags)),
            Finding::Value(value) => write!(f, "{value}"),
            Finding::State(state, sk_state) => write!(f, "{}, {}", state.name(), sk_state.name()),
        }
    }
}
