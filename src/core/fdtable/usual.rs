//! What socket(2) has made before: the same arguments make the same sort of socket again, as long as libc performs the call.

use super::Packed;
use crate::boxed::try_boxed;
use once_cell::race::OnceBox;

/// Most programs make fewer sorts of sockets.
const SORTS: usize = 8;

/// The arguments of socket(2), and the socket.
type Made = ([i32; 3], Packed);

/// The sorts that were made, in the order in which they came.
#[derive(Default)]
pub struct Usual([OnceBox<[Made; 1]>; SORTS]);

impl Usual {
    /// None.
    pub const fn new() -> Usual {
        Usual([const { OnceBox::new() }; SORTS])
    }

    /// The socket that these arguments have made before.
    #[inline(always)]
    pub fn of(&self, args: [i32; 3]) -> Option<Packed> {
        let made = self.0.iter().map_while(OnceBox::get).find(|[(others, _)]| *others == args);
        made.map(|[(_, socket)]| *socket)
    }

    /// Notes what these arguments have made, if there is room.
    pub fn note(&self, args: [i32; 3], socket: Packed) {
        if self.of(args).is_none()
            && let Some(free) = self.0.iter().find(|cell| cell.get().is_none())
            && let Some(made) = try_boxed(|| (args, socket))
        {
            // If another thread has been faster, the next call notes it.
            let _ = free.set(made);
        }
    }
}
