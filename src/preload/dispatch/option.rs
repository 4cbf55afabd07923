//! setsockopt(2), getsockopt(2), ioctl(2), sockatmark(3).

use crate::call::Ticket;
use crate::memory;
use sockshim_core::fdtable::FDS;
use sockshim_core::net::socket::{option_handler, sys_getsockopt, sys_ioctl, sys_setsockopt};
use sockshim_core::trace::event::Extra;

/// IPV6_ADDRFORM turns an IPv6 socket with a mapped address into an IPv4 socket, which has other ops.
const IPV6_ADDRFORM: i32 = 1;

/// Decides setsockopt(2).
pub fn setsockopt(t: &mut Ticket) {
    t.lookup(t.int(0), true);
    let (level, optlen) = (t.int(1), t.int(4));
    let int = size_of::<i32>() as i32;
    let value = if optlen >= int { memory::value(t.page(), t.word(3)) } else { None };
    t.event.input = value;
    t.decide(|event, cx, lookup| {
        let [_, level, optname, _, optlen, ..] = event.ints();
        sys_setsockopt(cx, lookup, level, optname, event.input.map(Ok), optlen)
    });
    t.event.handler = t.ops().and_then(|ops| option_handler(ops, level, true));
    if optlen == int
        && let Some(value) = value
    {
        t.event.extra = Extra::Value(value);
    }
}

/// After setsockopt(2). A socket that has changed its family must be asked again through every descriptor.
pub fn set_option(t: &mut Ticket) {
    let another = t.int(1) == libc::SOL_IPV6 && t.int(2) == IPV6_ADDRFORM && t.event.ret == 0;
    if another && let Some(handle) = t.handle.take() {
        FDS.condemn(handle);
    }
    t.finish();
}

/// Decides getsockopt(2).
pub fn getsockopt(t: &mut Ticket) {
    t.lookup(t.int(0), true);
    let level = t.int(1);
    t.event.input = memory::value(t.page(), t.word(4));
    t.decide(|event, cx, lookup| {
        let [_, level, optname, ..] = event.ints();
        sys_getsockopt(cx, lookup, level, optname, None, event.input.map(Ok))
    });
    t.event.handler = t.ops().and_then(|ops| option_handler(ops, level, false));
}

/// Copies the value into the event, if it is an int.
pub fn got_option(t: &mut Ticket) {
    if t.event.ret == 0 && t.libc_answered() {
        // SAFETY: the successful call has written the length.
        let len: i32 = unsafe { memory::read_used(t.word(4)) };
        if len == size_of::<i32>() as i32 {
            // SAFETY: the successful call has written that many bytes of the value.
            t.event.extra = Extra::Value(unsafe { memory::read_used(t.word(3)) });
        }
    }
    t.finish();
}

/// Decides ioctl(2).
pub fn ioctl(t: &mut Ticket) {
    if t.only_true_sockets(t.int(0)) {
        t.decide(|event, cx, lookup| sys_ioctl(cx, lookup, event.ints()[1]));
        t.handler(|ops| ops.ioctl.func);
    }
}

/// sockatmark(3), which libc implements as an ioctl.
pub fn sockatmark(t: &mut Ticket) {
    if t.only_true_sockets(t.int(0)) {
        t.handler(|ops| ops.ioctl.func);
    }
}
