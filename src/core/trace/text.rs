//! Events as text: the call as strace(1) would write it, and below it the way that it took.

use crate::errno::Errno;
use crate::net::path::{Finding, Step};
use crate::trace::decode::{Lossy, argument};
use crate::trace::event::{Event, Extra, Process};
use crate::trace::json::ModuleName;
use crate::uapi::{Bits, FAMILIES, Named, PROTOCOLS, SOCK_TYPE_MASK, TYPE_FLAGS, TYPES, protocols_of};
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
        (Reason::End, Extra::Summary(end)) => {
            return writeln!(
                out,
                "sockshim: {} calls on sockets, {} predicted, {} predicted wrongly, {} lost",
                end.events, end.predicted, end.divergences, end.dropped
            );
        }
        _ => {}
    }
    if event.reason == Reason::Mispredicted {
        write!(out, "DIVERGENCE ")?;
    }
    writeln!(out, "{}", Call(event))?;
    let mut plain = Plain { out, event, open: false };
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
        if let Some(unseen) = event.reason.unseen() {
            write!(f, " ({}: {unseen})", event.reason.code())?;
        }
        Ok(())
    }
}

/// Steps that only passed share a line; steps with a finding have their own.
struct Plain<'a, W: io::Write> {
    out: &'a mut W,
    event: &'a Event,
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
        writeln!(
            self.out,
            "    {} {}",
            Column(Label { step, event: self.event }),
            Found { step, event: self.event }
        )
    }

    fn end(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.open) { writeln!(self.out) } else { Ok(()) }
    }
}

/// A text that fills a column of 24 characters.
struct Column<T>(T);

impl<T: fmt::Display> fmt::Display for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        let mut counted = Counted { f, count: 0 };
        write!(counted, "{}", self.0)?;
        let missing = 24_usize.saturating_sub(counted.count);
        write!(f, "{:missing$}", "")
    }
}

/// Counts the characters that go through it.
struct Counted<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    count: usize,
}

impl fmt::Write for Counted<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.count += text.chars().count();
        self.f.write_str(text)
    }
}

/// What a step looked at: a table with its index, or the function itself.
struct Label<'a> {
    step: &'a Step,
    event: &'a Event,
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ty = self.event.args[1] as i32 & SOCK_TYPE_MASK;
        match self.step.finding {
            Finding::Family { index, .. } | Finding::NoFamily(index) => write!(f, "net_families[{index}]"),
            Finding::Entry { .. } | Finding::NoEntry { .. } => {
                let table = if self.step.func.name() == "inet6_create" { "inetsw6" } else { "inetsw" };
                write!(f, "{table}[{}]", Named(TYPES, ty))
            }
            Finding::Ops(_) => f.write_str("sock->ops"),
            _ => f.write_str(self.step.func.name()),
        }
    }
}

/// A finding in words.
struct Found<'a> {
    step: &'a Step,
    event: &'a Event,
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step.finding {
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
                write!(f, "#{index} {name}: {why} → {}", Named(PROTOCOLS, protocol.into()))
            }
            Finding::NoEntry { entries: 0 } => f.write_str("the list of this type is empty"),
            Finding::NoEntry { entries } => write!(f, "none of {entries} entries takes the protocol"),
            Finding::Protocol(protocol) => {
                write!(f, "protocol {}", Named(protocols_of(self.event.args[0] as i32), protocol))
            }
            Finding::Module { .. } => write!(f, "{}", ModuleName(self.step.finding)),
            Finding::Errno(errno) => write!(f, "{}", errno.name().unwrap_or("error")),
            Finding::Host(what) => write!(f, "{what}: the host decides"),
            Finding::Fact { name, value, source } => write!(f, "{name} = {value} ({})", source.word()),
            Finding::Ops(ops) => {
                let prot = self.event.prot.map_or("none", |prot| prot.symbol);
                write!(f, "{}, sk_prot {prot}", ops.name)
            }
            Finding::Fd(fd) => write!(f, "{fd}"),
            Finding::Flags(flags) => write!(f, "{}", Bits(TYPE_FLAGS, flags)),
            Finding::Value(value) => write!(f, "{value}"),
            Finding::State(state, sk_state) => write!(f, "{}, {}", state.name(), sk_state.name()),
        }
    }
}
