//! Gives a forked child an identity and a log of its own before its calls are observed.

use crate::{log, mode, process, sys};
use sockshim_core::hook::Level;

/// Whether calls can be observed here. Prepares a freshly forked child first.
#[inline(always)]
pub fn is_ready() -> bool {
    process::is_known() || made_ready()
}

#[cold]
#[inline(never)]
fn made_ready() -> bool {
    // A signal handler that interrupts the preparation gets no claim and observes nothing.
    let Some(claim) = process::claim() else { return false };
    // A signal handler may have prepared everything between the test in `is_ready` and the claim. A second writer
    // would share the first one's stack.
    if !process::is_known() {
        let errno = sys::errno();
        let pid = sys::getpid();
        if process::is_sandboxed() {
            // A forbidden system call may kill the process, and starting a writer needs more calls than most
            // sandboxes allow.
            mode::set(Level::Off);
        } else if mode::control() {
            log::start_in_child(pid);
        }
        claim.settle(pid);
        sys::set_errno(errno);
    }
    claim.release();
    mode::control()
}
