//! What is the same for many lines: it is made once and copied.

use crate::hook::{Hook, Level};
use crate::trace::event::Event;
use crate::trace::line::Line;
use crate::verdict::{Action, Reason};

/// The process, and pieces of lines that stay as they are until what they are made of changes.
pub struct Process {
    /// The process id.
    pub pid: i32,
    /// Nanoseconds from CLOCK_MONOTONIC's zero to the epoch's.
    pub epoch: u64,
    /// `/proc/self/comm`.
    pub(super) comm: Vec<u8>,
    /// Of JSON: up to the point of the seconds; and from there, behind the digits, up to the call's name.
    pub(super) second: Piece<u64, 32>,
    pub(super) thread: Piece<i32, 256>,
    /// Of text: the time of day, and the name with the thread.
    pub(super) time: Piece<u64, 32>,
    pub(super) name: Piece<i32, 128>,
    pub(super) ways: Ways,
}

impl Process {
    /// A process by its id and name.
    pub fn new(pid: i32, comm: &[u8]) -> Process {
        let mut name = Vec::with_capacity(64);
        name.extend_from_slice(comm);
        Process {
            pid,
            epoch: 0,
            comm: name,
            second: Piece::EMPTY,
            time: Piece::EMPTY,
            thread: Piece::EMPTY,
            name: Piece::EMPTY,
            ways: Ways { pieces: [const { Piece::EMPTY }; WAYS], next: 0 },
        }
    }

    /// The process has another name.
    pub fn rename(&mut self, comm: &[u8]) {
        if self.comm != comm {
            self.comm.clear();
            self.comm.extend_from_slice(comm);
            self.thread.forget();
            self.name.forget();
        }
    }
}

/// A piece of a line, and what it is made of.
pub(super) struct Piece<T, const N: usize> {
    of: Option<T>,
    room: [u8; N],
    len: usize,
}

impl<T: Copy + PartialEq, const N: usize> Piece<T, N> {
    const EMPTY: Piece<T, N> = Piece { of: None, room: [0; N], len: 0 };

    fn forget(&mut self) {
        self.of = None;
    }

    /// The piece that `make` makes of `of`.
    #[inline]
    pub fn get(&mut self, of: T, make: impl FnOnce(T, &mut Line)) -> &[u8] {
        if self.of != Some(of) {
            let mut line = Line::new(&mut self.room);
            make(of, &mut line);
            self.len = line.len();
            self.of = Some(of);
        }
        &self.room[..self.len]
    }
}

/// How many ways are remembered: a program makes a handful of different calls over and over.
const WAYS: usize = 8;

/// The ways of data calls, which are the same for the same call on the same kind of socket.
pub(super) struct Ways {
    pieces: [Piece<Way, 512>; WAYS],
    /// The piece that is given up next.
    next: usize,
}

/// What the way of a data call depends on, by the addresses of what is there once for ever.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    hook: *const Hook,
    ops: *const (),
    prot: *const (),
    handler: (*const u8, usize),
    reason: Reason,
}

impl Way {
    /// The way of an event, if it is one of those that are remembered.
    #[inline]
    pub fn of(event: &Event) -> Option<Way> {
        let plain = event.path.steps().is_empty()
            && event.hook.level == Level::Io
            && matches!(event.action, Action::Host);
        let name = event.handler.map_or("", |handler| handler.name());
        plain.then(|| Way {
            hook: event.hook,
            ops: event.ops.map_or(core::ptr::null(), |ops| core::ptr::from_ref(ops).cast()),
            prot: event.prot.map_or(core::ptr::null(), |prot| core::ptr::from_ref(prot).cast()),
            handler: (name.as_ptr(), name.len()),
            reason: event.reason,
        })
    }
}

impl Ways {
    /// The piece of this way.
    #[inline]
    pub fn get(&mut self, way: Way, make: impl FnOnce(Way, &mut Line)) -> &[u8] {
        let known = self.pieces.iter().position(|piece| piece.of == Some(way));
        let place = known.unwrap_or_else(|| {
            self.next = (self.next + 1) % WAYS;
            self.next
        });
        self.pieces[place].get(way, make)
    }
}
