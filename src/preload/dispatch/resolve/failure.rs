//! A call that fails as it would fail in glibc, which is not asked.
//!
//! # Safety
//! `__h_errno_location` answers with a variable of the calling thread.

use crate::call::{Note, Ticket};
use crate::{eight, memory, sys};
use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::hook::Does;
use sockshim_core::resolve::Failure;
use sockshim_core::verdict::Action;

unsafe extern "C" {
    /// Where the calling thread's `h_errno` is.
    safe fn __h_errno_location() -> *mut c_int;
}

/// The calling thread's `h_errno`.
pub fn host_error() -> c_int {
    // SAFETY: as the module says.
    unsafe { *__h_errno_location() }
}

fn set_host_error(error: c_int) {
    // SAFETY: as the module says.
    unsafe { *__h_errno_location() = error }
}

/// The error that a reentrant form of libc's has stored, if it has found no host.
pub fn stored(t: &Ticket) -> Option<c_int> {
    // SAFETY: libc has just written both.
    unsafe {
        let [result, host_error] = eight::last_two(t.event.hook, &t.event.args);
        (*(result as *const usize) == 0).then(|| *(host_error as *const c_int))
    }
}

/// How the verdict has the call fail, if it does.
pub fn of(t: &Ticket) -> Option<Failure> {
    match (t.event.action, t.note) {
        (Action::Fail(Errno(errno)), _) => Some(Failure::of(t.event.hook, libc::EAI_SYSTEM, errno)),
        (Action::Done(_), Note::Unresolved(eai)) => Some(Failure::of(t.event.hook, eai, libc::EIO)),
        _ => None,
    }
}

/// Leaves behind what the failed call leaves behind, and returns what it returns.
pub fn apply(t: &Ticket, failure: &Failure) -> i64 {
    match (t.event.hook.does, failure.host_error) {
        (Does::ResolvesHostInto, Some(error)) => {
            // SAFETY: the frame that makes the call is still there.
            let [result, host_error] = unsafe { eight::last_two(t.event.hook, &t.event.args) };
            memory::store(result, &0_usize.to_ne_bytes());
            memory::store(host_error, &error.to_ne_bytes());
            // glibc's resolver sets the thread's own as well, and perl reads that.
            set_host_error(error);
        }
        (_, Some(error)) => set_host_error(error),
        (_, None) => {}
    }
    if let Some(errno) = failure.errno {
        sys::set_errno(errno);
    }
    failure.ret.into()
}
