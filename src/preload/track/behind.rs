//! Interposers behind the library: their functions stand between it and libc, and may make another socket, or connect it,
//! by calls that no hook sees. Then nothing follows from the program's arguments, and the kernel is asked after each call
//! that makes or changes a socket.

use super::contradict::correct;
use super::store::{adopt, is_still};
use core::sync::atomic::{AtomicBool, Ordering};
use libc::c_int;
use sockshim_core::fdtable::{Entry, FDS};
use sockshim_core::net::ops::Socket;

static INTERPOSED: AtomicBool = AtomicBool::new(false);

/// Said once, when libc's functions are looked up: some of them are not libc's.
pub fn set_interposed() {
    INTERPOSED.store(true, Ordering::Relaxed);
}

/// Whether there is an interposer.
#[inline(always)]
pub fn is_interposed() -> bool {
    INTERPOSED.load(Ordering::Relaxed)
}

/// What the kernel says that an interposer's function has made. An entry that a call inside it has stored is kept if it is
/// true.
#[cold]
#[inline(never)]
pub fn made_behind(fd: c_int) -> Option<Socket> {
    follow(fd);
    match FDS.get(fd) {
        Entry::Socket(handle) => FDS.read(handle).map(|(socket, _)| socket),
        _ => None,
    }
}

/// After an interposer's function has changed the socket of `fd`: the entry becomes what the kernel says.
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
        adopt(fd);
    }
    correct(fd);
}
