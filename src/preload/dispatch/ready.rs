//! poll(2), select(2), epoll(7). Descriptors are the kernel's own, so these are only looked at, never changed.

use crate::call::Ticket;
use crate::memory;
use sockshim_core::verdict::Reason;

/// How many descriptors of a set are looked at to find a socket.
const LOOK_AT: usize = 64;

/// poll(2): of interest when one of the first descriptors is a socket.
pub fn poll(t: &mut Ticket) {
    let count = (t.word(1) as u64).min(LOOK_AT as u64) as usize;
    let mut found = false;
    for index in 0..count {
        let address = t.word(0) + (index * size_of::<libc::pollfd>()) as i64;
        let Some(entry) = memory::value::<libc::pollfd>(address) else { break };
        if entry.fd >= 0 && t.only_sockets(entry.fd, false) {
            found = true;
            t.event.handler = t.event.ops.and_then(|ops| ops.poll);
            break;
        }
    }
    t.wanted = found;
    t.handle = None;
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
    if t.only_sockets(t.int(2), false) {
        t.event.handler = t.event.ops.and_then(|ops| ops.poll);
        t.event.reason = Reason::FdLife;
    }
}

/// epoll_wait(2).
pub fn epoll_wait(t: &mut Ticket) {
    t.event.fd = Some(t.int(0));
    t.event.reason = Reason::FdLife;
}
