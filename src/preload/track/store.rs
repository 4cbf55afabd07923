//! Stores entries, and checks them again afterwards.

use super::lookup::{take_back, verify};
use super::overlap::overlap;
use super::owner::{is_still, name_of, name_of_packed};
use super::{kernel, stale};
use crate::nsproxy::net_ns;
use crate::{identity as own, kmod, sys, threads};
use libc::c_int;
use sockshim_core::fdtable::{Entry, FDS, Handle, Packed, Seen};
use sockshim_core::net::ops::Socket;
use sockshim_core::net::sock::Bound;
use sockshim_core::net::socket::{Found, socket_of};
use sockshim_core::net::state;
use sockshim_core::trace::event::Event;

/// A socket that the kernel was asked about, and its handle if it was stored; else what the descriptor is.
pub type Adopted = Result<(Socket, Option<Handle>), Found>;

/// Asks the kernel what `fd` is, and stores the answer. In a sandbox it asks nothing.
#[inline]
pub fn adopt(fd: c_int) -> Adopted {
    if own::is_sandboxed() {
        return Err(Found::Unknown);
    }
    let seen = FDS.seen(fd);
    match sys::getsockopt_cookie(fd) {
        Ok(_) => adopt_socket(fd, seen),
        Err(libc::ENOTSOCK) => {
            let stored = seen.entry() != Entry::NotSocket && FDS.set_not_socket_if(fd, seen);
            if stored && threads::has_others() {
                // Another thread may have closed it, and have checked the table before this entry was there.
                settle_other(fd);
            }
            Err(Found::NotSocket)
        }
        Err(libc::EBADF) => {
            FDS.forget_if(fd, seen);
            Err(Found::BadFd)
        }
        Err(_) => Err(Found::Unknown),
    }
}

#[inline(never)]
fn adopt_socket(fd: c_int, seen: Seen) -> Adopted {
    let Some([family, ty, protocol]) = kmod::describe(fd).or_else(|| asked_of_kernel(fd)) else {
        return Err(Found::Unknown);
    };
    let mut socket = socket_of(net_ns().id, family, ty, protocol);
    let Ok(cookie) = name_of(fd, &socket) else { return Err(Found::Unknown) };
    socket.sk.bound = Bound::Unknown;
    kernel::apply(&kernel::observe(fd), &mut socket);
    let handle = FDS.adopt(fd, seen, &state::unobserved(&socket), cookie, own::pid());
    if threads::has_others() {
        let current = is_still(fd, &socket, cookie);
        if handle.is_none() || !current {
            FDS.doubt(fd);
        }
        if !current {
            // The answers belong to two different sockets, or to one that is gone.
            return Err(Found::Unknown);
        }
        // Another thread's call may have been under way while the state was asked for.
        handle.into_iter().for_each(overlap);
    }
    // The state that another descriptor has remembered is more precise than what the socket itself tells.
    let socket = handle.and_then(|handle| FDS.read(handle)).map_or(socket, |(socket, _)| socket);
    Ok((socket, handle))
}

/// Family, type and protocol of a socket of the kernel's.
fn asked_of_kernel(fd: c_int) -> Option<[c_int; 3]> {
    let ask = |option| sys::getsockopt_int(fd, option);
    Some([ask(libc::SO_DOMAIN).ok()?, ask(libc::SO_TYPE).unwrap_or(0), ask(libc::SO_PROTOCOL).unwrap_or(0)])
}

/// Stores a socket that libc has just made under `fd`, with the kernel's name for it.
///
/// Another thread may have closed it by now, and a third may have been given the number. So the kernel is asked again
/// once the entry is in the table: a thread that closes the socket later finds the entry ([`settle`]). If the table
/// had a socket under the number, the name may already be that of the third thread's socket, so the kernel is asked
/// what the number means.
pub fn remember(fd: c_int, socket: &Socket, call: &Event) {
    if threads::has_others() {
        given(fd, Some(call));
    }
    let name = match own::is_sandboxed() {
        true => 0,
        false => match name_of(fd, socket) {
            Ok(name) => name,
            Err(libc::EBADF | libc::ENOTSOCK) => return unknown(fd),
            Err(_) => 0,
        },
    };
    let Some((handle, before)) = FDS.install(fd, &state::unobserved(socket), name) else {
        return unknown(fd);
    };
    if threads::has_others() || before.is_socket() {
        confirm(fd, socket, name, handle, before, call);
    }
}

/// [`remember`] in a process without other threads. `false` where something is unusual, and nothing was stored.
#[inline(always)]
pub fn made(fd: c_int, socket: Packed) -> bool {
    if own::is_sandboxed() || FDS.seen(fd).is_socket() {
        return false;
    }
    let socket = socket.unobserved();
    match name_of_packed(fd, socket) {
        Ok(name) => FDS.install(fd, socket, name).is_some(),
        Err(_) => false,
    }
}

/// The entry was a socket, which is proof of an unseen close, or there are other threads: then the kernel is asked once more,
/// and what is uncertain is given up.
#[cold]
#[inline(never)]
fn confirm(fd: c_int, socket: &Socket, name: u64, handle: Handle, before: Seen, call: &Event) {
    if !threads::has_others() {
        return stale::dropped(fd, before, Some(call));
    }
    if name != 0 && (before.has_known_socket() || FDS.is_adopted(name) || !is_still(fd, socket, name)) {
        FDS.doubt_if(fd, handle.into());
        let _ = adopt(fd);
    }
}

/// The kernel has given `fd` out: a socket that the table has there was closed unseen, unless another thread has used the
/// number already.
fn given(fd: c_int, call: Option<&Event>) {
    take_back(fd, !threads::has_others(), call);
}

/// Forgets a number that now means something else, of which nothing could be stored.
#[inline(never)]
fn unknown(fd: c_int) {
    if threads::has_others() {
        FDS.doubt(fd);
    } else {
        FDS.forget(fd);
    }
}

/// The kernel has given the number out for something new, of which nothing is known here. It is asked when the number is
/// used; beside other threads at once: the thread that made what the number meant before may only now store it, and has
/// to find this entry. `call` is what the number came from, where the log names the number as its result.
#[inline(never)]
pub fn learn(fd: c_int, call: Option<&Event>) {
    if threads::has_others() || !FDS.seen(fd).is_unknown() {
        learn_now(fd, call);
    }
}

#[cold]
#[inline(never)]
fn learn_now(fd: c_int, call: Option<&Event>) {
    given(fd, call);
    if threads::has_others() {
        learn_again(fd);
    } else {
        FDS.forget(fd);
    }
}

/// Beside other threads: a number that was [ended](end) for a call means something new, or still what it did.
#[inline(never)]
pub fn learn_again(fd: c_int) {
    FDS.doubt(fd);
    let _ = adopt(fd);
}

/// Before a call that replaces what `fd` means. Says whether that is a socket.
#[inline(always)]
pub fn end(fd: c_int) -> bool {
    !FDS.seen(fd).is_unknown() && end_known(fd)
}

#[inline(never)]
fn end_known(fd: c_int) -> bool {
    verify(fd);
    FDS.forget(fd).is_socket()
}

/// Makes `fd` another descriptor of a known socket. `call` is what the kernel has given the number out for, unless the
/// number was [ended](end) for it.
#[inline(always)]
pub fn copy(handle: Handle, fd: c_int, call: Option<&Event>) {
    let has_threads = threads::has_others();
    if call.is_some() && (has_threads || FDS.seen(fd).is_socket()) {
        given(fd, call);
    }
    FDS.dup(handle, fd);
    if has_threads {
        settle(fd);
    }
}

/// After a call that may have closed or replaced `fd`, in a process with threads: removes the entry unless the kernel
/// confirms it. Another thread may have stored its socket after this call had forgotten the number and before libc
/// closed the socket.
#[inline(never)]
pub fn settle(fd: c_int) {
    let seen = FDS.seen(fd);
    let known = match seen.entry() {
        Entry::Unknown | Entry::Doubtful => return,
        Entry::NotSocket => None,
        Entry::Socket(handle) => FDS.read(handle),
    };
    if !known.is_some_and(|(socket, name)| is_still(fd, &socket, name)) {
        FDS.doubt_if(fd, seen);
    }
}

/// Removes the entry "not a socket", unless the kernel confirms it.
#[inline(never)]
fn settle_other(fd: c_int) {
    let seen = FDS.seen(fd);
    if seen.entry() == Entry::NotSocket && sys::getsockopt_cookie(fd) != Err(libc::ENOTSOCK) {
        FDS.doubt_if(fd, seen);
    }
}
