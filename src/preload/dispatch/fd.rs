//! The life of descriptors: close(2), close_range(2), dup(2), fcntl(2).
//!
//! What a number meant is forgotten *before* libc closes it, because afterwards another thread may already have been
//! given the number. If the close then fails, nothing is lost: an unknown descriptor is asked what it is. In a
//! process with threads the entry is checked again after the call, because another thread may have stored the closed
//! socket in between.

use crate::call::{Note, Ticket};
use crate::capture::tap;
use crate::log::writer::apart;
use crate::track::{self, learn, learn_again, settle, verify_range};
use crate::{log, mode, threads};
use sockshim_core::fdtable::FDS;
use sockshim_core::func;
use sockshim_core::net::ops::Cx;
use sockshim_core::net::path::Finding;
use sockshim_core::net::socket::{Lookup, sock_release};
use sockshim_core::trace::event::{Course, Event};
use sockshim_core::verdict::{Change, Predicted, Reason, Verdict};

/// close(2).
pub fn close(t: &mut Ticket) {
    closing(t, t.int(0));
}

/// fclose(3), which closes the stream's descriptor.
pub fn fclose(t: &mut Ticket) {
    closing_stream(t, t.word(0));
}

/// freopen(3), which closes the stream's descriptor and opens a file, mostly under the same number.
pub fn freopen(t: &mut Ticket) {
    closing_stream(t, t.word(2));
    t.event.predicted = Predicted::Unknown;
    t.change = Change::None;
}

/// How close(2) is decided.
pub static CLOSE: Course = Course { walk: filp_close, handler: |_, ops| Some(ops.release.func) };

/// The walk of a close: the release handler runs only with the last descriptor of the open file.
fn filp_close(event: &Event, cx: &mut Cx, lookup: Lookup) -> Verdict {
    let refs = event.input.unwrap_or(0);
    cx.path.step(func!(filp_close), Finding::Value(refs.into()));
    let verdict = if refs == 1 { sock_release(cx, lookup) } else { Verdict::ask() };
    Verdict { reason: Reason::FdLife, ..verdict }
}

#[cold]
#[inline(never)]
fn closing_stream(t: &mut Ticket, stream: i64) {
    // SAFETY: the program passes a stream, and fileno only reads one of its fields.
    let fd = unsafe { libc::fileno(stream as *mut libc::FILE) };
    t.note = Note::Closes(fd);
    if fd < 0 {
        t.wanted = false;
        return;
    }
    closing(t, fd);
}

/// Inlined for close(2), whose cost has a limit.
#[inline(always)]
fn closing(t: &mut Ticket, fd: i32) {
    if fd == libc::STDERR_FILENO {
        log::needs_stderr();
    }
    apart::wait();
    if t.only_true_sockets(fd) {
        let refs = t.handle.map_or(0, |handle| FDS.refs(handle));
        t.event.input = Some(refs as i32);
        t.decide(&CLOSE);
        if mode::taps() {
            tap::closing(&t.event, refs);
        }
    }
    FDS.forget(fd);
    t.handle = None;
    t.note = Note::Closes(fd);
}

/// After close(2): the descriptor is closed, unless the call has failed.
pub fn closed(t: &mut Ticket) {
    if let Note::Closes(fd) = t.note
        && threads::has_others()
    {
        settle(fd);
    }
    t.finish();
}

/// close_range(2). With CLOSE_RANGE_CLOEXEC nothing is closed. With CLOSE_RANGE_UNSHARE other threads may keep the
/// descriptors that are forgotten here; they are asked again when they are used.
pub fn close_range(t: &mut Ticket) {
    log::needs_stderr();
    apart::wait();
    t.event.reason = Reason::FdLife;
    let flags = t.int(2) as u32;
    // With any other flag the kernel closes nothing.
    let closes = flags & !libc::CLOSE_RANGE_UNSHARE == 0;
    if closes && t.word(0) as u32 <= t.word(1) as u32 {
        verify_range(t.word(0) as u32, t.word(1) as u32);
        FDS.forget_range(t.word(0) as u32, t.word(1) as u32);
    }
}

/// After close_range(2). With CLOSE_RANGE_UNSHARE only the calling thread's table has changed.
pub fn range_closed(t: &mut Ticket) {
    let flags = t.int(2) as u32;
    if flags & !libc::CLOSE_RANGE_UNSHARE == 0 {
        settle_range(t.word(0) as u32, t.word(1) as u32);
    }
    if t.event.ret == 0 && flags & libc::CLOSE_RANGE_UNSHARE != 0 && threads::has_others() {
        FDS.divide();
    }
    t.finish();
}

fn settle_range(first: u32, last: u32) {
    if threads::has_others() {
        FDS.each_known(first, last, |_, fd| settle(fd));
    }
}

/// closefrom(3).
pub fn closefrom(t: &mut Ticket) {
    log::needs_stderr();
    apart::wait();
    t.event.reason = Reason::FdLife;
    verify_range(t.int(0).max(0) as u32, u32::MAX);
    FDS.forget_range(t.int(0).max(0) as u32, u32::MAX);
}

/// After closefrom(3).
pub fn all_closed(t: &mut Ticket) {
    settle_range(t.int(0).max(0) as u32, u32::MAX);
    t.finish();
}

/// dup(2).
pub fn dup(t: &mut Ticket) {
    t.event.reason = Reason::FdLife;
    t.only_sockets(t.int(0), true);
}

/// dup2(2), dup3(2): the new number is closed first.
pub fn dup2(t: &mut Ticket) {
    dup(t);
    let (old, new) = (t.int(0), t.int(1));
    if old != new {
        if new == libc::STDERR_FILENO {
            log::needs_stderr();
        }
        apart::wait();
        // Closing a socket is logged even if the new number becomes something else.
        t.wanted |= track::end(new);
        t.note = Note::Forgot;
    }
}

/// After dup(2): makes the new descriptor another handle of the old one's description.
pub fn duplicated(t: &mut Ticket) {
    let new = t.event.ret as i32;
    if new >= 0 && new != t.int(0) {
        match t.handle {
            Some(handle) => track::copy(handle, new, (t.note != Note::Forgot).then_some(&t.event)),
            None if t.note == Note::Forgot => learn_forgotten(new),
            None => learn(new, Some(&t.event)),
        }
    }
    if t.event.ret < 0 && t.note == Note::Forgot {
        learn_forgotten(t.int(1));
    }
    t.finish();
}

/// The number was forgotten before the call. Without other threads nobody was there to store anything since.
fn learn_forgotten(fd: i32) {
    if threads::has_others() {
        learn_again(fd);
    }
}

/// fcntl(2).
pub fn fcntl(t: &mut Ticket) {
    t.event.reason = Reason::FdLife;
    if is_dup(t.int(1)) {
        t.only_sockets(t.int(0), true);
    } else {
        t.only_true_sockets(t.int(0));
    }
}

fn is_dup(cmd: i32) -> bool {
    cmd == libc::F_DUPFD || cmd == libc::F_DUPFD_CLOEXEC
}

/// After fcntl(2): F_DUPFD duplicates.
pub fn fcntl_done(t: &mut Ticket) {
    if is_dup(t.int(1)) { duplicated(t) } else { t.finish() }
}

/// pidfd_getfd(2).
pub fn getfd(t: &mut Ticket) {
    t.event.reason = Reason::FdLife;
}

/// After pidfd_getfd(2): a copy of another process's descriptor has arrived.
pub fn got(t: &mut Ticket) {
    let fd = t.event.ret as i32;
    if fd >= 0 {
        t.event.fd = Some(fd);
        learn(fd, Some(&t.event));
    }
    t.finish();
}

/// login_tty(3): the terminal becomes stdin, stdout and stderr.
pub fn login_tty(t: &mut Ticket) {
    log::needs_stderr();
    t.event.reason = Reason::FdLife;
    verify_range(0, 2);
}

/// After login_tty(3): the descriptors 0 to 2 are replaced, and the terminal's own number may be closed.
pub fn logged_in(t: &mut Ticket) {
    FDS.forget_range(0, 2);
    FDS.forget(t.int(0));
    t.finish();
}

/// After a call that has opened something that is not a socket.
pub fn opened(t: &mut Ticket) {
    let fd = t.event.ret as i32;
    t.event.fd = Some(fd);
    if fd >= 0 {
        learn(fd, Some(&t.event));
    }
    t.finish();
}

/// A call that is never observed.
pub fn unseen(t: &mut Ticket) {
    t.wanted = false;
}
