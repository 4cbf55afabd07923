//! What a call's descriptor is.

use super::store::{adopt, is_current};
use super::stale;
use libc::c_int;
use sockshim_core::fdtable::{Entry, FDS, Handle};
use sockshim_core::net::ops::Socket;
use sockshim_core::net::socket::Lookup;

/// Whether the table says that `fd` is a socket.
pub fn is_socket(fd: c_int) -> bool {
    FDS.seen(fd).is_socket()
}

/// The socket that `fd` is known as. `careful` asks the kernel whether that is still what the number means.
#[inline(always)]
pub fn known(fd: c_int, careful: bool) -> Option<(Socket, Handle)> {
    let Entry::Socket(handle) = FDS.get(fd) else { return None };
    let (socket, cookie) = FDS.read(handle)?;
    if careful && !is_current(fd, &socket, cookie) {
        give_up(fd, &socket, handle);
        return None;
    }
    Some((socket, handle))
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

/// What `fd` is when it is not [`known`] as a socket. `careful` asks the kernel even where the table says that it is none.
#[inline(always)]
pub fn asked(fd: c_int, careful: bool) -> (Lookup, Option<Handle>) {
    if !careful && FDS.get(fd) == Entry::NotSocket {
        return (Lookup::NotSocket, None);
    }
    adopt(fd)
}
