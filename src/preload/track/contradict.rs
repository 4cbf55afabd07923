//! Whether a wrong prediction was made from a state that the socket no longer had.

use super::behind::is_interposed;
use super::kernel::{is_bound, observe};
use super::overlap::Begun;
use super::owner::is_current;
use crate::{identity, sys, threads};
use libc::c_int;
use sockshim_core::fdtable::{FDS, Handle, Packed};
use sockshim_core::hook::Does;
use sockshim_core::net::ops::{Socket, SocketState};
use sockshim_core::net::sock::{Bound, TcpState};
use sockshim_core::trace::event::Event;

/// Whether the socket is, or was during the call, in another state than the one from which the event's prediction was
/// made: another call has changed it, the kernel says so, or an interposer has answered. Asked before the call's own
/// change is applied.
#[cold]
#[inline(never)]
pub fn contradicted(event: &Event, handle: Option<Handle>, begun: Begun) -> bool {
    // The tables describe libc, not an interposer in front of it.
    if is_interposed() {
        return true;
    }
    if matches!(event.hook.does, Does::Creates | Does::Pairs) {
        return false;
    }
    // The kernel has said that there was no socket, and another thread may have been given the number since.
    let (Some(fd), Some(before)) = (event.fd, event.before.map(Packed::unpack)) else {
        return threads::has_others();
    };
    // No table has these answers for a socket: the number was closed or replaced, and may by now mean the same socket again.
    if matches!(event.errno, Some(libc::EBADF | libc::ENOTSOCK)) {
        return true;
    }
    let before = &before;
    if handle.is_some_and(|handle| begun.is_overtaken(handle, before)) {
        return true;
    }
    if identity::is_sandboxed() {
        return false;
    }
    let name = handle.and_then(|handle| FDS.read(handle)).map_or(0, |(_, name)| name);
    if !is_current(fd, before, name) {
        return true;
    }
    may_lack_port(fd, event, before) || kernel_disagrees(fd, event, before)
}

/// listen(2) needs the port for itself. A port that the kernel chose with SO_REUSEADDR may be shared, and if the
/// kernel must choose one now, none may be free.
fn may_lack_port(fd: c_int, event: &Event, before: &Socket) -> bool {
    event.hook.does == Does::Listens
        && event.errno == Some(libc::EADDRINUSE)
        && (before.sk.bound != Bound::Auto || sys::getsockopt_int(fd, libc::SO_REUSEADDR) != Ok(0))
}

/// Whether the kernel's answers contradict the state from before the call. A successful call may have changed that
/// state itself, so then only calls that do not change what is compared are judged.
fn kernel_disagrees(fd: c_int, event: &Event, before: &Socket) -> bool {
    let changes = matches!(event.hook.does, Does::Binds | Does::Listens | Does::Connects);
    if event.errno.is_none() && changes {
        return false;
    }
    let observed = observe(fd);
    let listens = before.sk.state == TcpState::Listen;
    let connected = before.sk.state == TcpState::Established;
    let settled = !matches!(before.state, SocketState::Unknown | SocketState::Connecting);
    let bound = match before.sk.bound {
        Bound::No | Bound::Gone => Some(false),
        Bound::Yes | Bound::Auto => Some(true),
        Bound::Unknown => None,
    };
    let misplaced = || {
        let now = is_bound(fd, before.sk.family);
        bound.is_some() && now.is_some() && bound != now
    };
    settled && (observed.listens != listens || observed.has_peer != connected) || misplaced()
}
