//! poll(2), select(2), epoll(7). Descriptors are the kernel's own, so these are only looked at, never changed.

use crate::call::Ticket;
use crate::panic::attempt;
use crate::stack::Page;
use crate::{memory, sys, track};
use sockshim_core::fdtable::{FDS, Seen};
use sockshim_core::verdict::Reason;

/// How many descriptors of a set are looked at to find a socket.
const LOOK_AT: u64 = 64;

/// poll(2): of interest when one of the first descriptors is a socket.
pub fn poll(t: &mut Ticket) {
    let found = entries(t.page(), t.word(0), t.word(1), false).find(|entry| t.only_sockets(entry.fd, false));
    if found.is_some() {
        t.event.handler = t.event.ops.and_then(|ops| ops.poll);
    }
    t.wanted = found.is_some();
    t.handle = None;
}

/// The first descriptor of poll's array that is a socket, and its entry in the fd table. `used` says that the kernel has
/// just read the array.
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

/// Asks the kernel what the descriptor is. The call is over: errno is the program's, and a panic costs one record.
#[cold]
#[inline(never)]
fn adopt(fd: i32) {
    let errno = sys::Errno::now();
    let _ = attempt(|| track::adopt(fd));
    errno.restore();
}

/// The entries that are looked at, up to the first that cannot be read.
fn entries(own: Page, array: i64, count: i64, used: bool) -> impl Iterator<Item = libc::pollfd> {
    let read = move |index: u64| {
        let address = array + index as i64 * size_of::<libc::pollfd>() as i64;
        match used {
            // SAFETY: whoever says `used` has seen the call succeed, which has read so many entries.
            true => Some(unsafe { memory::read_used(address) }),
            false => memory::value::<libc::pollfd>(own, address),
        }
    };
    (0..(count as u64).min(LOOK_AT)).map_while(read).filter(|entry| entry.fd >= 0)
}

/// select(2): the sets are not read, because their owner may give less memory than a whole set has.
pub fn select(t: &mut Ticket) {
    t.event.fd = None;
    t.event.reason = Reason::FdLife;
    t.wanted = t.int(0) > 0;
}

/// epoll_create(2).
pub fn epoll_create(t: &mut Ticket) {
    t.event.reason = Reason::FdLife;
}

/// epoll_ctl(2), about the descriptor that is watched.
pub fn epoll_ctl(t: &mut Ticket) {
    if t.only_true_sockets(t.int(2)) {
        t.event.handler = t.event.ops.and_then(|ops| ops.poll);
        t.event.reason = Reason::FdLife;
    }
}

/// epoll_wait(2).
pub fn epoll_wait(t: &mut Ticket) {
    t.event.fd = Some(t.int(0));
    t.event.reason = Reason::FdLife;
}
