//! What a call has found, into the event.
//!
//! # Safety
//! When libc has answered, it has just written what is read here: with a bad pointer the process would have ended.

use super::failure;
use crate::call::Ticket;
use crate::{eight, sys};
use core::ffi::CStr;
use core::slice;
use libc::{addrinfo, c_char, c_int, hostent};
use sockshim_core::hook::MAX_ARGS;
use sockshim_core::net::address::SockAddr;
use sockshim_core::resolve::{Resolved, is_in_errno};
use sockshim_core::trace::event::Extra;
use sockshim_core::trace::parts::{self, Part};

/// The most addresses that are counted.
const MOST: u32 = 1000;

/// After getaddrinfo(3).
pub fn got_addresses(t: &mut Ticket) {
    answered(t, |t| match t.event.ret as c_int {
        // SAFETY: as the module says. The result is a list of addresses.
        0 => Resolved { error: 0, addresses: unsafe { list(t, *(t.word(3) as *const *const addrinfo)) } },
        error => Resolved { error, addresses: 0 },
    });
}

/// After getnameinfo(3).
pub fn got_names(t: &mut Ticket) {
    answered(t, |t| {
        let error = t.event.ret as c_int;
        for (part, buffer, len) in [(Part::HostFound, 2, 3), (Part::ServiceFound, 4, 5)] {
            if error == 0 && t.word(buffer) != 0 && t.word(len) as u32 != 0 {
                // SAFETY: as the module says: a C string.
                let name = unsafe { CStr::from_ptr(t.word(buffer) as *const c_char) };
                parts::push(&mut t.event.addr, part, (name.to_bytes(), false), 0);
            }
        }
        Resolved { error, addresses: 0 }
    });
}

/// After gethostbyname(3) and its relatives.
pub fn got_host(t: &mut Ticket) {
    // SAFETY: as the module says.
    answered(t, |t| unsafe { host(t, t.event.ret, failure::host_error()) });
}

/// After their reentrant forms, which store the host, and an error if there is none.
pub fn got_host_into(t: &mut Ticket) {
    // SAFETY: the frame that has made the call is still there.
    let [result, error] = unsafe { eight::last_two(t.event.hook, &t.event.args) };
    if t.event.hook.arity() > MAX_ARGS {
        // For the log, in place of where the last two arguments are.
        t.event.args[MAX_ARGS - 1] = result;
    }
    // SAFETY: as the module says.
    answered(t, |t| unsafe { host(t, *(result as *const i64), *(error as *const c_int)) });
}

/// Notes what has come of the call: what `found` reads if libc has answered, else what was decided.
fn answered(t: &mut Ticket, found: impl FnOnce(&mut Ticket) -> Resolved) {
    // As libc has left it. Of the event's own, a result of -1 says nothing here.
    let errno = sys::SavedErrno::now().value();
    let does = t.event.hook.does;
    let resolved = match failure::of(t) {
        _ if t.libc_answered() => found(t),
        Some(failure) => Resolved { error: failure.error(does), addresses: 0 },
        None => Resolved::default(),
    };
    t.event.extra = Extra::Resolved(resolved);
    t.event.errno = (resolved.error != 0 && is_in_errno(does, resolved.error)).then_some(errno);
    t.finish();
}

/// Notes the first address of getaddrinfo's list, and counts all.
///
/// # Safety
/// It must be such a list.
unsafe fn list(t: &mut Ticket, first: *const addrinfo) -> u32 {
    let (mut entry, mut count) = (first, 0);
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(first) = first.as_ref() {
            let addr =
                SockAddr::new(slice::from_raw_parts(first.ai_addr.cast::<u8>(), first.ai_addrlen as usize));
            match addr.family() {
                Some(libc::AF_INET) => found_first(t, &addr.v4()),
                Some(libc::AF_INET6) => found_first(t, &addr.v6()),
                _ => {}
            }
        }
        while !entry.is_null() && count < MOST {
            count += 1;
            entry = (*entry).ai_next;
        }
    }
    count
}

/// What came of a call that has found the host at this address, or else had this error.
///
/// # Safety
/// The address must be that of a `hostent`, or 0.
unsafe fn host(t: &mut Ticket, address: i64, error: c_int) -> Resolved {
    // SAFETY: the caller's promise.
    let Some(host) = (unsafe { (address as *const hostent).as_ref() }) else {
        return Resolved { error, addresses: 0 };
    };
    let mut addresses = 0;
    // SAFETY: a host has a list of addresses, each of `h_length` bytes, with a null pointer at its end.
    unsafe {
        while addresses < MOST && !(*host.h_addr_list.add(addresses as usize)).is_null() {
            addresses += 1;
        }
        if addresses > 0 {
            found_first(t, slice::from_raw_parts((*host.h_addr_list).cast::<u8>(), host.h_length as usize));
        }
    }
    Resolved { error: 0, addresses }
}

fn found_first(t: &mut Ticket, address: &[u8]) {
    parts::push(&mut t.event.addr, Part::FirstAddress, (address, false), 0);
}
