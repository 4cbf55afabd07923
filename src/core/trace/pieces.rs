//! Pieces: parts that many lines have in common. Each is formatted once and then copied.

use crate::hook::{Hook, Level};
use crate::trace::event::Event;
use crate::trace::line::Line;
use crate::trace::path_pieces::PathPieces;
use crate::verdict::{Action, Reason};

/// The process whose events are written, and the pieces of its lines. A piece is formatted again when the value that
/// it depends on has changed.
pub struct Process {
    /// The process id.
    pub pid: i32,
    /// CLOCK_REALTIME minus CLOCK_MONOTONIC, in nanoseconds.
    pub epoch: u64,
    /// The bytes of `/proc/self/comm`, without the line feed.
    pub(super) comm: Vec<u8>,
    /// JSON: from the beginning of the line to the decimal point of the time; depends on the second.
    pub(super) second: Piece<u64, 32>,
    /// JSON: from after the time to the name of the call; depends on the thread.
    pub(super) thread: Piece<i32, 256>,
    /// Text: the time of day to its decimal point; depends on the second.
    pub(super) time: Piece<u64, 32>,
    /// Text: the name of the process and the thread id; depends on the thread.
    pub(super) name: Piece<i32, 128>,
    /// JSON: from after the arguments to the result of a data call; depends on the kind of call.
    pub(super) data_calls: DataCallPieces,
    /// JSON: the same of control calls; depends on the path.
    pub(super) paths: PathPieces,
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
            data_calls: DataCallPieces { pieces: [const { Piece::EMPTY }; DATA_CALLS], next: 0 },
            paths: PathPieces::default(),
        }
    }

    /// Replaces the process's name.
    pub fn rename(&mut self, comm: &[u8]) {
        if self.comm != comm {
            self.comm.clear();
            self.comm.extend_from_slice(comm);
            self.thread.forget();
            self.name.forget();
        }
    }
}

/// A formatted piece, and the value that it depends on.
pub(super) struct Piece<T, const N: usize> {
    of: Option<T>,
    bytes: [u8; N],
    len: usize,
}

impl<T: Copy + PartialEq, const N: usize> Piece<T, N> {
    const EMPTY: Piece<T, N> = Piece { of: None, bytes: [0; N], len: 0 };

    fn forget(&mut self) {
        self.of = None;
    }

    /// The piece for the value `of`. `make` writes it if the stored one is for another value.
    #[inline]
    pub fn get(&mut self, of: T, make: impl FnOnce(T, &mut Line)) -> &[u8] {
        if self.of != Some(of) {
            let mut line = Line::new(&mut self.bytes);
            make(of, &mut line);
            self.len = line.len();
            self.of = Some(of);
        }
        &self.bytes[..self.len]
    }
}

/// How many kinds of data calls have a stored piece: most programs repeat a few.
const DATA_CALLS: usize = 8;

/// The pieces of data calls: the same call on the same kind of socket always has the same text there.
pub(super) struct DataCallPieces {
    pieces: [Piece<DataCallKey, 512>; DATA_CALLS],
    /// The piece that was replaced last.
    next: usize,
}

/// What the text of a data call's piece depends on. Hooks and tables are statics, so their addresses identify them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct DataCallKey {
    hook: *const Hook,
    ops: *const (),
    prot: *const (),
    handler: (*const u8, usize),
    reason: Reason,
}

impl DataCallKey {
    /// The key of an event, if it is a data call without a path of its own.
    #[inline]
    pub fn of(event: &Event) -> Option<DataCallKey> {
        let plain = event.path.steps().is_empty()
            && event.hook.level == Level::Io
            && event.reason.rule().is_none()
            && matches!(event.action, Action::Host);
        let name = event.handler.map_or("", |handler| handler.name());
        plain.then(|| DataCallKey {
            hook: event.hook,
            ops: event.ops.map_or(core::ptr::null(), |ops| core::ptr::from_ref(ops).cast()),
            prot: event.prot.map_or(core::ptr::null(), |prot| core::ptr::from_ref(prot).cast()),
            handler: (name.as_ptr(), name.len()),
            reason: event.reason,
        })
    }
}

impl DataCallPieces {
    /// The piece for this key. If none is stored, `make` writes it over the oldest.
    #[inline]
    pub fn get(&mut self, key: DataCallKey, make: impl FnOnce(DataCallKey, &mut Line)) -> &[u8] {
        let known = self.pieces.iter().position(|piece| piece.of == Some(key));
        let index = known.unwrap_or_else(|| {
            self.next = (self.next + 1) % DATA_CALLS;
            self.next
        });
        self.pieces[index].get(key, make)
    }
}
