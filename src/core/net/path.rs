//! The path of a call: which functions it went through, and what each of them found.

use crate::errno::Errno;
pub use crate::net::names::Func;
use crate::net::namespace::FactSource;
use crate::net::sock::{SocketState, TcpState};
use arrayvec::ArrayVec;
use libc::c_int;

/// How an `inetsw` entry matched the requested protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Match {
    /// The numbers are equal.
    Exact,
    /// The program asked for protocol 0 and got the first entry's.
    Wildcard,
    /// The entry accepts any protocol (`IPPROTO_IP` in the table: raw sockets).
    WildcardEntry,
}

impl Match {
    /// The word for it in the log.
    pub fn word(self) -> &'static str {
        match self {
            Match::Exact => "exact",
            Match::Wildcard => "wildcard",
            Match::WildcardEntry => "wildcard-entry",
        }
    }
}

/// What a function found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The call passed through it; there is nothing else to say.
    Passed,
    /// It let the call through unchanged.
    Unchanged,
    /// It allowed the call.
    Allow,
    /// A rule decided here: its number ([`crate::rules::name_of`]).
    Rule(u16),
    /// The call was refused, and this function may have done it.
    MayHaveRefused,
    /// `net_families[index]` names this create function.
    Family {
        /// The family's number.
        index: u8,
        /// Its create function.
        create: Func,
    },
    /// `net_families[index]` is empty.
    NoFamily(u8),
    /// The family was replaced: (AF_INET, SOCK_PACKET) means AF_PACKET.
    FamilyBecomes(u8),
    /// The type was replaced: (AF_UNIX, SOCK_RAW) means SOCK_DGRAM.
    TypeBecomes(u8),
    /// An entry of `inetsw[type]` matched the protocol.
    Entry {
        /// Its index in the list.
        index: u8,
        /// How it matched.
        how: Match,
        /// The protocol that the socket gets.
        protocol: u16,
        /// Its name.
        name: &'static &'static str,
    },
    /// No entry of `inetsw[type]` matched the protocol.
    NoEntry {
        /// How many entries the list has.
        entries: u8,
    },
    /// A protocol table was searched for this number.
    Protocol(i32),
    /// A module would be requested, as `net-pf-<family>[-proto-<protocol>[-type-<type>]]`.
    Module {
        /// The family's number.
        family: u8,
        /// The type, when the name has one.
        ty: Option<u8>,
        /// The protocol, when the name has one.
        protocol: Option<i32>,
    },
    /// It refused the call.
    Errno(Errno),
    /// The decision could not be made here: only the host knows.
    Host(&'static &'static str),
    /// It looked at a fact that only the running kernel knows.
    Fact {
        /// The fact.
        name: &'static &'static str,
        /// Its value; 0 and 1 for no and yes.
        value: i32,
        /// Where the value came from.
        source: FactSource,
    },
    /// The name of the ops that the socket has.
    Ops(&'static &'static str),
    /// A descriptor.
    Fd(c_int),
    /// SOCK_NONBLOCK and SOCK_CLOEXEC, as requested.
    Flags(c_int),
    /// A number it used.
    Value(i64),
    /// The socket's state when it looked.
    State(SocketState, TcpState),
}

/// One function and its finding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The function.
    pub func: Func,
    /// What it found.
    pub finding: Finding,
}

/// The longest path that is recorded. A longer walk's path is cut; the walk itself goes on.
pub const MAX_STEPS: usize = 14;

/// The steps of one call, in order. Unused capacity is neither initialised nor copied.
#[derive(Default)]
#[repr(C)]
pub struct Path {
    /// Whether it keeps no steps.
    closed: bool,
    steps: ArrayVec<Step, MAX_STEPS>,
}

impl Clone for Path {
    /// Copies all steps at once; the derived implementation copies them one by one.
    #[inline]
    fn clone(&self) -> Path {
        let mut path = Path { closed: self.closed, steps: ArrayVec::new() };
        path.clone_from(self);
        path
    }

    /// Copies the steps that there are, and leaves the unused capacity alone.
    #[inline]
    fn clone_from(&mut self, other: &Path) {
        self.closed = other.closed;
        self.steps.clear();
        // Both have the same capacity, so it fits.
        let _ = self.steps.try_extend_from_slice(&other.steps);
    }
}

impl Path {
    /// A path without steps.
    pub const fn new() -> Self {
        Path { closed: false, steps: ArrayVec::new_const() }
    }

    /// A path that keeps no steps, for a walk of which only the verdict matters.
    #[inline(always)]
    pub const fn closed() -> Self {
        Path { closed: true, steps: ArrayVec::new_const() }
    }

    /// Adds a step. Always inlined: it is three stores, and every walk adds several.
    #[inline(always)]
    pub fn step(&mut self, func: Func, finding: Finding) {
        if self.closed {
            return;
        }
        // A step beyond the capacity is cut.
        let _ = self.steps.try_push(Step { func, finding });
    }

    /// Forgets all steps.
    pub fn clear(&mut self) {
        self.steps.clear();
    }

    /// Removes the step at `len` and all after it.
    pub fn truncate(&mut self, len: usize) {
        self.steps.truncate(len);
    }

    /// Replaces the finding of the step at `index`, if there is one.
    pub fn find_instead(&mut self, index: usize, finding: Finding) {
        if let Some(step) = self.steps.get_mut(index) {
            step.finding = finding;
        }
    }

    /// The steps so far.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::func;

    #[test]
    fn a_closed_path_keeps_nothing() {
        let (mut open, mut closed) = (Path::new(), Path::closed());
        for path in [&mut open, &mut closed] {
            path.step(func!(sock_map_fd), Finding::Passed);
        }
        assert_eq!((open.steps().len(), closed.steps().len()), (1, 0));
    }
}
