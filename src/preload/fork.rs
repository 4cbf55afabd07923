//! Gives a forked child an identity and a log of its own before its calls are observed.

use crate::capture::tap;
use crate::{identity, log, mode, sys};
use sockshim_core::hook::Level;

/// Whether calls can be observed here. Prepares a freshly forked child first.
#[inline(always)]
pub fn is_ready() -> bool {
    identity::is_known() || made_ready()
}

#[cold]
#[inline(never)]
fn made_ready() -> bool {
    // A signal handler that interrupts the preparation gets no claim and observes nothing.
    let Some(claim) = identity::claim() else { return false };
    // A handler that came between the look in `is_ready` and the claim has prepared everything, and may have
    // logged events since.
    if !identity::is_known() {
        let errno = sys::errno();
        let pid = sys::getpid();
        if identity::is_sandboxed() {
            // What the sandbox forbids is deadly, and a writer needs more than most sandboxes allow.
            mode::set(Level::Off);
        } else if mode::has_log() {
            log::start_in_child();
            tap::start_in_child();
        }
        claim.settle(pid);
        sys::set_errno(errno);
    }
    claim.release();
    mode::observes()
}
