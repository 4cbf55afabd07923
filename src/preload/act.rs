//! Performs a verdict that acts: an answer from userspace, a wait, or libc's function with other arguments.
//!
//! Whatever the verdict is, the call passes [`call::leave`], like one that libc has performed unchanged.
//!
//! # Safety
//! The frame of [`act`] holds only plain data, because a cancellation or a jump may leave it, during the wait as well
//! as during the call. Code that may panic is in functions of its own, behind [`attempt`].

use crate::arguments::{self, Replacement};
use crate::call::{self, Ticket};
use crate::dispatch::resolve;
use crate::panic::attempt;
use crate::target::Target;
use crate::{identity, original, rules, sys};
use core::mem::MaybeUninit;
use core::ptr;
use sockshim_core::errno::Errno;
use sockshim_core::hook::{Direction, MAX_ARGS};
use sockshim_core::meaning::Meaning;
use sockshim_core::verdict::{Action, Predicted};

/// Calls a function with its arguments as words. The result, as a word.
pub type ByWords = unsafe extern "C-unwind" fn(Target, &[i64; MAX_ARGS]) -> i64;

/// Does what the verdict says: waits, then lets `perform` call `target`, or answers by itself. `failure` is what the
/// function returns when it fails. The result, with errno set.
///
/// # Safety
/// The ticket must have been written by an [`enter`](call::enter) that answered `Acts`, and `target` be the hook's
/// function, which `perform` knows how to call.
#[inline(never)]
pub unsafe fn act(slot: &mut MaybeUninit<Ticket>, perform: ByWords, target: Target, failure: i64) -> i64 {
    let mut replacement = MaybeUninit::<Replacement>::uninit();
    // SAFETY: the caller's promise.
    let delay = unsafe { delay(slot.assume_init_ref()) };
    let since = if delay.is_some() { sys::monotonic() } else { 0 };
    let (mut wait, mut interrupted) = (delay, false);
    while let Some(time) = wait {
        // SAFETY: no descriptors, a time that outlives the call, no mask. It is a cancellation point, like libc's own
        // waits.
        interrupted = unsafe { original::ppoll(ptr::null_mut(), 0, &raw const time, ptr::null()) != 0 };
        // SAFETY: the caller's promise.
        wait = unsafe { rest(interrupted, slot.assume_init_ref(), since) };
    }
    let errno = sys::errno();
    // SAFETY: the caller's promise.
    let ret = match unsafe { answer(slot.assume_init_mut(), interrupted, &mut replacement) } {
        // SAFETY: the program's own call, with other arguments that the kernel checks like the program's.
        Some(words) => unsafe {
            let ret = perform(target, words);
            resolve::from_files(slot.assume_init_ref(), ret)
        },
        // SAFETY: the caller's promise.
        None => without_libc(unsafe { slot.assume_init_ref() }, failure),
    };
    // SAFETY: the replacement was written if other arguments were given, and the call is over.
    unsafe { arguments::give_back(slot.assume_init_ref(), &replacement, ret) };
    // SAFETY: the caller's promise.
    let ret = match unsafe { falls_back(slot.assume_init_mut(), ret) } {
        Some(words) => {
            // The refusal was not the program's.
            sys::set_errno(errno);
            // SAFETY: the program's own call.
            unsafe { perform(target, &words) }
        }
        None => ret,
    };
    // SAFETY: the caller's promise.
    let ret = unsafe { looked_at(slot.assume_init_mut(), ret, failure) };
    // SAFETY: the caller's promise.
    unsafe { call::leave(slot, ret) };
    ret
}

/// The program's own arguments, where libc has refused those of a rule that says so.
#[inline(never)]
fn falls_back(ticket: &mut Ticket, ret: i64) -> Option<[i64; MAX_ARGS]> {
    let refused = ret < 0 && matches!(ticket.event.action, Action::HostInstead);
    if !refused || !rules::outcome::falls_back(ticket.rule()) {
        return None;
    }
    // What was predicted is about the rule's socket: the one that there is now is asked.
    ticket.event.action = Action::Host;
    ticket.event.predicted = Predicted::Unknown;
    (ticket.event.before, ticket.event.socket) = (None, None);
    let mut words = ticket.event.args;
    if ticket.event.via_syscall {
        words.rotate_right(1);
    }
    Some(words)
}

/// What the program gets in the place of libc's answer, with errno set.
#[inline(never)]
fn looked_at(ticket: &mut Ticket, ret: i64, failure: i64) -> i64 {
    let mut errno = sys::errno();
    let looked = attempt(|| ticket.look(ret, &mut errno)).unwrap_or(ret);
    sys::set_errno(errno);
    if looked == ret { ret } else { failure }
}

/// The delay, if there is one. A call that does not wait, by its flags or the descriptor's, is not delayed, and in a sandbox
/// the wait might be forbidden.
#[inline(never)]
fn delay(ticket: &Ticket) -> Option<libc::timespec> {
    let nanos = ticket.instead.delay;
    let flags = ticket.event.hook.index_of(Meaning::MsgFlags).map_or(0, |index| ticket.int(index));
    let blocks = || flags & libc::MSG_DONTWAIT == 0 && !ticket.event.fd.is_some_and(sys::is_nonblocking);
    let waits = nanos > 0 && !identity::is_sandboxed() && blocks();
    waits.then(|| timespec(nanos))
}

/// How long to wait on after a signal, if this call does.
#[inline(never)]
fn rest(interrupted: bool, ticket: &Ticket, since: u64) -> Option<libc::timespec> {
    if interrupted { resolve::rest_of_wait(ticket, since).map(timespec) } else { None }
}

fn timespec(nanos: u64) -> libc::timespec {
    libc::timespec { tv_sec: (nanos / 1_000_000_000) as i64, tv_nsec: (nanos % 1_000_000_000) as i64 }
}

/// The words for libc; `None` when libc is not called. If a signal interrupted the wait, the call has failed.
#[inline(never)]
fn answer<'a>(
    ticket: &mut Ticket,
    interrupted: bool,
    replacement: &'a mut MaybeUninit<Replacement>,
) -> Option<&'a [i64; MAX_ARGS]> {
    if interrupted {
        ticket.event.action = Action::Fail(Errno(libc::EINTR));
    }
    if let Action::Fail(_) = ticket.event.action {
        // The kernel has not seen the call, so it has changed nothing, not even what a failure changes.
        ticket.changes_nothing();
    }
    match ticket.event.action {
        Action::Host | Action::HostInstead => {
            let errno = sys::SavedErrno::now();
            // SAFETY: all zeros are a replacement: integers and raw pointers.
            let replacement = replacement.write(unsafe { core::mem::zeroed() });
            // Where it panics, the replacement has the program's own arguments.
            if attempt(|| arguments::prepare(ticket, replacement)).is_ok_and(|other| other) {
                ticket.event.action = Action::HostInstead;
            }
            errno.restore();
            Some(replacement.words())
        }
        Action::Done(_) | Action::Fail(_) => None,
    }
}

/// The answer without libc, with errno set.
#[inline(never)]
fn without_libc(ticket: &Ticket, failure: i64) -> i64 {
    if ticket.event.hook.does.resolves() {
        return resolve::without_libc(ticket);
    }
    match ticket.event.action {
        Action::Fail(Errno(errno)) => {
            if errno == libc::EPIPE {
                broken_pipe(ticket);
            }
            sys::set_errno(errno);
            failure
        }
        Action::Done(value) => value,
        Action::Host | Action::HostInstead => failure,
    }
}

/// A send on a stream that fails with EPIPE is a signal too, unless the call says otherwise.
#[cold]
fn broken_pipe(ticket: &Ticket) {
    let hook = ticket.event.hook;
    let flags = hook.index_of(Meaning::MsgFlags).map_or(0, |index| ticket.int(index));
    let is_stream = ticket.event.before.is_some_and(|socket| socket.sort().ty == libc::SOCK_STREAM);
    let sends = hook.does.direction() == Some(Direction::Send) && flags & libc::MSG_NOSIGNAL == 0;
    if sends && is_stream && !identity::is_sandboxed() {
        sys::signal::raise(libc::SIGPIPE);
    }
}
