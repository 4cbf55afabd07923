//! Everything that sends or receives. The path of a data call depends only on its handler, so no path is recorded.

use crate::call::Ticket;
use crate::memory;
use crate::track::learn;
use sockshim_core::hook::Direction;
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::Change;

/// send(2), sendmsg(2), sendmmsg(2).
pub fn send(t: &mut Ticket) {
    t.lookup(t.int(0), false);
    t.handler(|ops| ops.sendmsg.func);
    t.judge_message(Direction::Send);
}

/// sendto(2): a send with an address, which with MSG_FASTOPEN connects a TCP socket. Only that state change is
/// tracked: a walk would be too expensive for every datagram.
pub fn sendto(t: &mut Ticket) {
    t.lookup(t.int(0), false);
    t.handler(|ops| ops.sendmsg.func);
    if t.word(4) != 0 {
        t.address(4, 5);
        if t.int(3) & libc::MSG_FASTOPEN != 0 {
            t.change = Change::FastOpen;
        }
    }
    t.judge_message(Direction::Send);
}

/// recv(2), recvfrom(2), recvmsg(2), recvmmsg(2).
pub fn recv(t: &mut Ticket) {
    t.lookup(t.int(0), false);
    t.handler(|ops| ops.recvmsg.func);
    t.judge_message(Direction::Receive);
}

/// read(2) and its relatives, when the descriptor is a socket.
pub fn read(t: &mut Ticket) {
    if t.only_sockets(t.int(0), false) {
        t.handler(|ops| ops.recvmsg.func);
        t.judge_message(Direction::Receive);
    }
}

/// write(2), sendfile(2) and their relatives, when the descriptor is a socket.
pub fn write(t: &mut Ticket) {
    if t.only_sockets(t.int(0), false) {
        t.handler(|ops| ops.sendmsg.func);
        t.judge_message(Direction::Send);
    }
}

/// splice(2): from a socket if the first descriptor is one, else to a socket.
pub fn splice(t: &mut Ticket) {
    if t.only_sockets(t.int(0), false) {
        t.event.handler = t.ops().and_then(|ops| ops.splice_read.or(Some(ops.recvmsg.func)));
        t.judge_message(Direction::Receive);
    } else if t.only_sockets(t.int(2), false) {
        t.handler(|ops| ops.sendmsg.func);
        t.judge_message(Direction::Send);
    }
}

/// Whether a recvmsg(2) that returned `ret` has received descriptors.
///
/// # Safety
/// The call must have been passed this header.
#[inline(always)]
pub unsafe fn has_rights(header: i64, ret: i64) -> bool {
    // SAFETY: the successful call has read the header and written it back.
    ret >= 0 && unsafe { brings(header) }
}

/// The same for recvmmsg(2), which returned how many headers of the array it has filled.
///
/// # Safety
/// The call must have been passed these headers.
#[inline(always)]
pub unsafe fn have_rights(array: i64, ret: i64) -> bool {
    // SAFETY: the successful call has filled this many headers.
    headers(array, ret).any(|header| unsafe { brings(header) })
}

/// The addresses of the headers that recvmmsg(2) has filled.
fn headers(array: i64, ret: i64) -> impl Iterator<Item = i64> {
    (0..ret).map(move |index| array + index * size_of::<libc::mmsghdr>() as i64)
}

/// # Safety
/// A successful call must have filled the header.
#[inline(always)]
unsafe fn brings(header: i64) -> bool {
    // SAFETY: the caller's promise. A header of recvmmsg begins with a header of recvmsg.
    let header: libc::msghdr = unsafe { memory::read_used(header) };
    // SAFETY: the same. Most messages have no control data, so this is tested first.
    has_control(&header) && unsafe { each_descriptor(&header, |_| ()) } > 0
}

fn has_control(header: &libc::msghdr) -> bool {
    !header.msg_control.is_null() && header.msg_controllen >= size_of::<libc::cmsghdr>()
}

/// Records the descriptors that recvmsg(2) may have received.
pub fn received(t: &mut Ticket) {
    if t.event.ret >= 0 && t.libc_answered() {
        // SAFETY: the call has succeeded.
        let count = unsafe { note_received(t.word(1)) };
        note_rights(t, count);
    }
    t.finish();
}

/// The same for each message of recvmmsg(2).
pub fn received_many(t: &mut Ticket) {
    let filled = if t.libc_answered() { t.event.ret } else { 0 };
    // SAFETY: the call has filled these headers.
    let count = headers(t.word(1), filled).map(|header| unsafe { note_received(header) }).sum();
    note_rights(t, count);
    t.finish();
}

fn note_rights(t: &mut Ticket, count: i32) {
    if count > 0 {
        t.event.extra = Extra::Rights(count);
    }
}

/// Marks the received descriptors as unknown: their numbers no longer mean what they did.
///
/// # Safety
/// A successful call must have filled the header.
unsafe fn note_received(header: i64) -> i32 {
    // SAFETY: the caller's promise.
    let header: libc::msghdr = unsafe { memory::read_used(header) };
    // SAFETY: the same.
    if has_control(&header) { unsafe { each_descriptor(&header, |fd| learn(fd, None)) } } else { 0 }
}

/// Calls a function with each descriptor in the control data, and counts them.
///
/// # Safety
/// A successful call must have written the header's control data.
#[inline(never)]
unsafe fn each_descriptor(header: &libc::msghdr, each: fn(i32)) -> i32 {
    let mut count = 0;
    // SAFETY: the kernel has written `msg_controllen` bytes of well-formed control messages.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            if (*message).cmsg_level == libc::SOL_SOCKET && (*message).cmsg_type == libc::SCM_RIGHTS {
                let data = libc::CMSG_DATA(message).cast::<i32>();
                let bytes = (*message).cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
                for index in 0..bytes / size_of::<i32>() {
                    each(data.add(index).read_unaligned());
                    count += 1;
                }
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    count
}
