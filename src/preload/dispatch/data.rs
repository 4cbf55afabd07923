//! Everything that sends or receives. The way through the layer is the same every time, so it is not recorded: the
//! handler says it all.

use crate::call::Ticket;
use crate::memory;
use crate::track::learn;
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::Change;

/// send(2), sendmsg(2), sendmmsg(2).
pub fn send(t: &mut Ticket) {
    t.lookup(t.int(0), false);
    t.handler(|ops| ops.sendmsg.func);
}

/// sendto(2): send with an address, to which MSG_FASTOPEN connects a TCP socket. Its state is followed here only: a
/// walk would be too much for every datagram.
pub fn sendto(t: &mut Ticket) {
    send(t);
    if t.word(4) != 0 {
        t.address(4, 5);
        if t.int(3) & libc::MSG_FASTOPEN != 0 {
            t.change = Change::FastOpen;
        }
    }
}

/// recv(2), recvfrom(2), recvmsg(2), recvmmsg(2).
pub fn recv(t: &mut Ticket) {
    t.lookup(t.int(0), false);
    t.handler(|ops| ops.recvmsg.func);
}

/// read(2) and its relatives, when the descriptor is a socket.
pub fn read(t: &mut Ticket) {
    if t.only_sockets(t.int(0), false) {
        t.handler(|ops| ops.recvmsg.func);
    }
}

/// write(2), sendfile(2) and their relatives, when the descriptor is a socket.
pub fn write(t: &mut Ticket) {
    if t.only_sockets(t.int(0), false) {
        t.handler(|ops| ops.sendmsg.func);
    }
}

/// splice(2): from a socket, else to one.
pub fn splice(t: &mut Ticket) {
    if t.only_sockets(t.int(0), false) {
        t.event.handler = t.event.ops.and_then(|ops| ops.splice_read.or(Some(ops.recvmsg.func)));
    } else if t.only_sockets(t.int(2), false) {
        t.handler(|ops| ops.sendmsg.func);
    }
}

/// Whether a recvmsg(2) that returned `ret` has brought descriptors.
///
/// # Safety
/// The call must have been given this header.
#[inline(always)]
pub unsafe fn has_rights(header: i64, ret: i64) -> bool {
    // SAFETY: the successful call has read the header and written it back.
    ret >= 0 && unsafe { brings(header) }
}

/// The same of recvmmsg(2), which returned how many headers of the array it has filled.
///
/// # Safety
/// The call must have been given these headers.
#[inline(always)]
pub unsafe fn have_rights(array: i64, ret: i64) -> bool {
    // SAFETY: the successful call has filled this many headers.
    headers(array, ret).any(|header| unsafe { brings(header) })
}

/// Where the headers are that recvmmsg(2) has filled.
fn headers(array: i64, ret: i64) -> impl Iterator<Item = i64> {
    (0..ret).map(move |index| array + index * size_of::<libc::mmsghdr>() as i64)
}

/// # Safety
/// The header must be one that a successful call has filled.
#[inline(always)]
unsafe fn brings(header: i64) -> bool {
    // SAFETY: the caller's promise. The header of recvmmsg begins with one of recvmsg.
    let header: libc::msghdr = unsafe { memory::read_used(header) };
    // SAFETY: the same. Most messages have no control data, and that is known here already.
    has_control(&header) && unsafe { each_descriptor(&header, |_| ()) } > 0
}

fn has_control(header: &libc::msghdr) -> bool {
    !header.msg_control.is_null() && header.msg_controllen >= size_of::<libc::cmsghdr>()
}

/// recvmsg(2) may have brought descriptors.
pub fn received(t: &mut Ticket) {
    if t.event.ret >= 0 && t.libc_answered() {
        // SAFETY: the call has succeeded.
        let count = unsafe { note_received(t.word(1)) };
        note_rights(t, count);
    }
    t.finish();
}

/// recvmmsg(2), likewise for each message.
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

/// What the numbers of the received descriptors meant before is over.
///
/// # Safety
/// The header must be one that a successful call has filled.
unsafe fn note_received(header: i64) -> i32 {
    // SAFETY: the caller's promise.
    let header: libc::msghdr = unsafe { memory::read_used(header) };
    // SAFETY: the same.
    if has_control(&header) { unsafe { each_descriptor(&header, |fd| learn(fd, None)) } } else { 0 }
}

/// Goes through the descriptors in control data, and counts them.
///
/// # Safety
/// The header must have control data that a successful call has written.
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
