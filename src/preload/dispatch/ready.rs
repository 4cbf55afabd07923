//! poll(2), select(2), epoll(7). They change no socket, so nothing is committed.

use crate::call::Ticket;
use crate::panic::attempt;
use crate::stack::Page;
use crate::{memory, sys, track};
use sockshim_core::fdtable::{FDS, Seen};
use sockshim_core::verdict::Reason;

/// How many descriptors of an array are searched for a socket.
const LOOK_AT: u64 = 64;

/// poll(2): logged if one of the first descriptors is a socket.
pub fn poll(t: &mut Ticket) {
    let found = entries(t.page(), t.word(0), t.word(1), false).find(|entry| t.only_sockets(entry.fd, false));
    if found.is_some() {
        t.event.handler = t.ops().and_then(|ops| ops.poll);
    }
    t.wanted = found.is_some();
    t.handle = None;
}

/// The first descriptor in poll's array that is a socket, and its entry in the fd table. `used` means that the kernel
/// has just read the array.
pub fn find_socket(array: i64, count: i64, used: bool) -> Option<(i32, Seen)> {
    entries(Page::NONE, array, count, used).find_map(|entry| {
        let mut word = FDS.word(entry.fd);
        if word.is_unknown() {
            adopt(entry.fd);
            word = FDS.word(entry.fd);
        }
        word.is_socket().then_some((entry.fd, word))
    })
}

/// Asks the kernel what the descriptor is. It runs after the call, so errno is restored, and a panic loses one record
/// only.
#[cold]
#[inline(never)]
fn adopt(fd: i32) {
    let errno = sys::SavedErrno::now();
    let _ = attempt(|| track::adopt(fd).is_ok());
    errno.restore();
}

/// The entries to search, up to the first that cannot be read.
fn entries(own: Page, array: i64, count: i64, used: bool) -> impl Iterator<Item = libc::pollfd> {
    let read = move |index: u64| {
        let address = array + index as i64 * size_of::<libc::pollfd>() as i64;
        match used {
            // SAFETY: `used` means that the call has succeeded, so the kernel has read this many entries.
            true => Some(unsafe { memory::read_used(address) }),
            false => memory::value::<libc::pollfd>(own, address),
        }
    };
    (0..(count as u64).min(LOOK_AT)).map_while(read).filter(|entry| entry.fd >= 0)
}

/// select(2). The sets are not read: the program may have allocated less memory than a whole `fd_set`.
pub fn select(t: &mut Ticket) {
    t.event.fd = None;
    t.event.reason = Reason::FdLife;
    t.wanted = t.int(0) > 0;
}

/// epoll_create(2).
pub fn epoll_create(t: &mut Ticket) {
    t.event.reason = Reason::FdLife;
}

/// epoll_ctl(2), logged for the descriptor that is watched.
pub fn epoll_ctl(t: &mut Ticket) {
    if t.only_true_sockets(t.int(2)) {
        t.event.handler = t.ops().and_then(|ops| ops.poll);
        t.event.reason = Reason::FdLife;
    }
}

/// epoll_wait(2).
pub fn epoll_wait(t: &mut Ticket) {
    t.event.fd = Some(t.int(0));
    t.event.reason = Reason::FdLife;
}
