//! Corrects an entry from the kernel's answers, when the socket has changed in a way that no hook saw.

use super::kernel::{apply, observe};
use super::lookup::verify;
use super::owner::{is_current, is_still};
use super::store::adopt;
use crate::identity;
use libc::c_int;
use sockshim_core::fdtable::{Entry, FDS, SequenceStep};
use sockshim_core::net::ops::Socket;
use sockshim_core::net::sock::Bound;
use sockshim_core::net::state::State;

/// Sets the remembered state of the socket of `fd` to what the kernel says.
#[cold]
#[inline(never)]
pub fn correct(fd: c_int) {
    if identity::is_sandboxed() {
        return;
    }
    let Entry::Socket(handle) = FDS.get(fd) else { return };
    let Some((mut socket, name)) = FDS.read(handle) else { return };
    if !is_current(fd, &socket, name) {
        FDS.doubt_if(fd, handle.into());
        return;
    }
    // Another thread's change may come between the kernel's answers and the entry.
    FDS.step(handle, SequenceStep::Begin);
    apply(&observe(fd), &mut socket);
    socket.sk.bound = Bound::Unknown;
    FDS.update(handle, |old| State { shutdown: old.shutdown, ..State::of(&socket) });
    FDS.step(handle, SequenceStep::End);
}

/// Stores what the kernel says an interposer's function has made. An entry that a nested call has stored is kept if
/// it is true.
#[cold]
#[inline(never)]
pub fn made_behind(fd: c_int) -> Option<Socket> {
    verify(fd);
    follow(fd);
    match FDS.get(fd) {
        Entry::Socket(handle) => FDS.read(handle).map(|(socket, _)| socket),
        _ => None,
    }
}

/// After an interposer's function may have changed the socket of `fd`: sets the entry to what the kernel says.
#[cold]
#[inline(never)]
pub fn follow(fd: c_int) {
    let seen = FDS.seen(fd);
    let known = match seen.entry() {
        Entry::Socket(handle) => FDS.read(handle),
        _ => None,
    };
    if !known.is_some_and(|(socket, name)| is_still(fd, &socket, name)) {
        FDS.doubt_if(fd, seen);
        let _ = adopt(fd);
    }
    correct(fd);
}
