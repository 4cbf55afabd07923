//! setsockopt(2), getsockopt(2), ioctl(2), sockatmark(3).

use crate::call::Ticket;
use crate::{memory, rules};
use sockshim_core::fdtable::FDS;
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::net::socket::{option_handler, sys_getsockopt, sys_ioctl, sys_setsockopt};
use sockshim_core::trace::event::{Course, Extra};

/// IPV6_ADDRFORM turns an IPv6 socket with a mapped address into an IPv4 socket, which has other ops.
pub const IPV6_ADDRFORM: i32 = 1;

/// SO_ATTACH_FILTER's number, which getsockopt(2) answers with the filter. Its length counts instructions.
const SO_GET_FILTER: i32 = 26;

/// How setsockopt(2) is decided.
pub static SETSOCKOPT: Course = Course {
    walk: |event, cx, lookup| {
        let [_, level, optname, _, optlen, ..] = event.ints();
        sys_setsockopt(cx, lookup, level, optname, event.input.map(Ok), optlen)
    },
    handler: |event, ops| option_handler(ops, event.ints()[1], true),
};

/// How getsockopt(2) is decided.
pub static GETSOCKOPT: Course = Course {
    walk: |event, cx, lookup| {
        let [_, level, optname, ..] = event.ints();
        sys_getsockopt(cx, lookup, level, optname, None, event.input.map(Ok))
    },
    handler: |event, ops| option_handler(ops, event.ints()[1], false),
};

/// How ioctl(2) is decided.
pub static IOCTL: Course = Course {
    walk: |event, cx, lookup| sys_ioctl(cx, lookup, event.ints()[1]),
    handler: |_, ops| Some(ops.ioctl.func),
};

/// Decides setsockopt(2).
pub fn setsockopt(t: &mut Ticket) {
    t.lookup(t.int(0), true);
    let optlen = t.int(4);
    let int = size_of::<i32>() as i32;
    let value = if optlen >= int { memory::value(t.page(), t.word(3)) } else { None };
    t.event.input = value;
    t.decide(&SETSOCKOPT);
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
    t.event.input = memory::value(t.page(), t.word(4));
    t.decide(&GETSOCKOPT);
}

/// Copies the value into the event, if it is an int.
pub fn got_option(t: &mut Ticket) {
    if t.event.ret == 0 && t.libc_answered() {
        if rules::active().is_some() {
            give_error(t);
        }
        // SAFETY: the call has succeeded.
        t.event.extra = unsafe { value(&t.event.args, t.event.input) };
    }
    t.finish();
}

/// SO_ERROR where a rule wants another error than the one that the kernel has refused a connect(2) with.
#[cold]
#[inline(never)]
fn give_error(t: &Ticket) {
    if (t.int(1), t.int(2)) == (libc::SOL_SOCKET, libc::SO_ERROR)
        && let Some(handle) = t.handle
        && rules::outcome::is_to_fail(handle)
        && let Some(errno) = memory::value(t.page(), t.word(3))
        && let Some(error) = rules::outcome::error_given(handle, errno)
    {
        memory::store(t.word(3), &error.to_ne_bytes());
    }
}

/// The value that getsockopt(2) has returned, if it is an int. `capacity` is the length of the program's buffer. Some options
/// answer with a length that they would need, or that counts something else than bytes.
///
/// # Safety
/// The call must just have succeeded.
#[inline(always)]
pub unsafe fn value(words: &[i64; MAX_ARGS], capacity: Option<i32>) -> Extra {
    let int = size_of::<i32>() as i32;
    let counts_bytes = (words[1] as i32, words[2] as i32) != (libc::SOL_SOCKET, SO_GET_FILTER);
    // SAFETY: the caller's promise: the call has written the length, and as much of the value as fits.
    unsafe {
        match capacity.is_some_and(|capacity| capacity >= int)
            && counts_bytes
            && memory::read_used::<i32>(words[4]) == int
        {
            true => Extra::Value(memory::read_used(words[3])),
            false => Extra::None,
        }
    }
}

/// Decides ioctl(2).
pub fn ioctl(t: &mut Ticket) {
    if t.only_true_sockets(t.int(0)) {
        t.decide(&IOCTL);
    }
}

/// sockatmark(3), which libc implements as an ioctl.
pub fn sockatmark(t: &mut Ticket) {
    if t.only_true_sockets(t.int(0)) {
        t.handler(|ops| ops.ioctl.func);
    }
}
