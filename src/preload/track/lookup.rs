//! What a call's descriptor is.

use super::stale;
use super::store::is_current;
use libc::c_int;
use sockshim_core::fdtable::{Entry, FDS, Handle};
use sockshim_core::net::ops::Socket;

/// Whether the table says that `fd` is a socket.
pub fn is_socket(fd: c_int) -> bool {
    FDS.seen(fd).is_socket()
}

/// Whether the table says that `fd` is something else.
#[inline(always)]
pub fn is_other(fd: c_int) -> bool {
    FDS.seen(fd).is_not_socket()
}

/// The socket that `fd` is known as, its handle, and the kernel's name for it, which [`confirmed`] asks about.
#[inline(always)]
pub fn known(fd: c_int) -> Option<(Socket, Handle, u64)> {
    let Entry::Socket(handle) = FDS.get(fd) else { return None };
    let (socket, name) = FDS.read(handle)?;
    Some((socket, handle, name))
}

/// Asks the kernel whether the number still means what is [`known`]. If not, the entry becomes doubtful.
#[inline(always)]
pub fn confirmed(fd: c_int, socket: &Socket, handle: Handle, name: u64) -> bool {
    let current = is_current(fd, socket, name);
    if !current {
        give_up(fd, socket, handle);
    }
    current
}

/// The number means something else than is remembered.
#[cold]
#[inline(never)]
fn give_up(fd: c_int, socket: &Socket, handle: Handle) {
    // Unless another thread has stored something since: then it was just now that the number changed.
    if FDS.doubt_if(fd, handle.into()) {
        stale::dropped(fd, socket);
    }
}
