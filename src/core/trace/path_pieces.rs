//! The part of a JSON line that says which way a control call went: formatted once for each way, and then copied. A server
//! repeats a handful of ways for every request, and a path is most of its line.

use crate::net::names::Func;
use crate::net::ops::ProtoOps;
use crate::net::path::Path;
use crate::net::sock::Proto;
use crate::trace::event::Event;
use crate::trace::line::Line;
use crate::verdict::Reason;

/// How many ways are kept.
const WAYS: usize = 16;
/// A piece that is longer is not kept.
const LONGEST: usize = 1536;

/// The pieces, the one that was replaced last among them.
#[derive(Default)]
pub(super) struct PathPieces {
    pieces: Vec<PathPiece>,
    next: usize,
}

/// A formatted piece, and all that it depends on.
struct PathPiece {
    path: Path,
    ops: Option<&'static ProtoOps>,
    prot: Option<&'static Proto>,
    handler: Option<Func>,
    outcome: &'static str,
    reason: Reason,
    text: [u8; LONGEST],
    len: usize,
}

impl PathPiece {
    fn is_of(&self, event: &Event) -> bool {
        fn same<T>(one: Option<&'static T>, other: Option<&'static T>) -> bool {
            match (one, other) {
                (Some(one), Some(other)) => core::ptr::eq(one, other),
                (None, None) => true,
                _ => false,
            }
        }
        self.reason == event.reason
            && self.handler == event.handler
            && same(self.ops, event.ops)
            && same(self.prot, event.prot)
            && self.outcome == event.outcome()
            && self.path.steps() == event.path.steps()
    }
}

impl PathPieces {
    /// Appends the piece of this event, which has a path. `make` writes it if it is not kept.
    pub fn write(&mut self, event: &Event, line: &mut Line, make: impl FnOnce(&mut Line)) {
        if let Some(piece) = self.pieces.iter().find(|piece| piece.is_of(event)) {
            return line.bytes(&piece.text[..piece.len]);
        }
        let start = line.len();
        // What is cut for want of space must not be kept.
        let fits = line.remaining() >= LONGEST;
        make(line);
        let text = line.written_since(start);
        if fits && text.len() <= LONGEST {
            self.keep(event, text);
        }
    }

    /// Keeps the piece in the place of the oldest. Without memory nothing is kept.
    #[cold]
    fn keep(&mut self, event: &Event, text: &[u8]) {
        if self.pieces.try_reserve_exact(WAYS - self.pieces.len()).is_err() {
            return;
        }
        let mut piece = PathPiece {
            path: event.path.clone(),
            ops: event.ops,
            prot: event.prot,
            handler: event.handler,
            outcome: event.outcome(),
            reason: event.reason,
            text: [0; LONGEST],
            len: text.len(),
        };
        piece.text[..text.len()].copy_from_slice(text);
        if self.pieces.len() < WAYS {
            self.pieces.push(piece);
        } else if let Some(oldest) = self.pieces.get_mut(self.next) {
            *oldest = piece;
            self.next = (self.next + 1) % WAYS;
        }
    }
}
