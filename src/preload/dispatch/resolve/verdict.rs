//! What may be decided about a call that asks for names or addresses.

use super::question::Host;
use super::{failure, files};
use crate::call::{Note, Ticket};
use crate::sys;
use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::resolve::Failure;
use sockshim_core::verdict::Action;

/// What a rule does to a call that asks for names or addresses. A wait goes into
/// [`Instead::delay`](sockshim_core::verdict::Instead::delay), as for every call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResolveVerb {
    /// The call fails as if libc's resolver had this error, an `EAI_*` code, whichever way the call reports errors.
    Fail(c_int),
    /// The call fails as if a system call in the resolver had failed: `EAI_SYSTEM` with this errno.
    FailSystem(Errno),
    /// The call is answered from files and numbers, or else fails with `EAI_AGAIN`. See [`files::set`] for what this does to
    /// the rest of the process.
    Files,
}

/// Makes the call go as `verb` says. To be called in the first half of a call, by what decides about `host`; the reason is
/// the caller's to set, and so is a delay.
///
/// The answer is given in [`act`](crate::act): by [`without_libc`], or by [`from_files`](super::from_files) after libc.
pub fn decided(t: &mut Ticket, host: &Host, verb: ResolveVerb) {
    match verb {
        ResolveVerb::Fail(eai) => fail(t, eai),
        ResolveVerb::FailSystem(errno) => t.event.action = Action::Fail(errno),
        ResolveVerb::Files => match (files::set(), files::asks(t, host)) {
            // Nobody would be asked, so whatever libc says is the answer.
            (_, false) => {}
            (true, true) => (t.event.action, t.note) = (Action::HostInstead, Note::FilesOnly),
            // A libc that cannot be told: then not even the files are looked into, because nobody may be asked.
            (false, true) => fail(t, libc::EAI_AGAIN),
        },
    }
}

fn fail(t: &mut Ticket, eai: c_int) {
    let failure = Failure::of(t.event.hook, eai, 0);
    (t.event.action, t.note) = (Action::Done(failure.ret.into()), Note::Unresolved(eai));
}

/// Answers a call of which libc is not asked: its result, with errno, `h_errno` and the program's variables as glibc would
/// leave them.
pub fn without_libc(t: &Ticket) -> i64 {
    match (failure::of(t), t.event.action) {
        (Some(failure), _) => failure::apply(t, &failure),
        (None, Action::Done(value)) => value,
        (None, _) => 0,
    }
}

/// What is left of a wait that a signal has interrupted, in nanoseconds. libc's resolver waits on after a signal, so these
/// calls never fail with EINTR. `None` for other calls, which do.
pub fn rest_of_wait(t: &Ticket, waited_since: u64) -> Option<u64> {
    let waited = sys::monotonic().saturating_sub(waited_since);
    t.event.hook.does.resolves().then(|| t.instead.delay.saturating_sub(waited))
}

#[cfg(feature = "test-support")]
impl ResolveVerb {
    /// The verb that a test asks for: `files`, `fail:NAME` with an `EAI_*` code or an errno.
    pub fn from_text(text: &str) -> Option<ResolveVerb> {
        use sockshim_core::resolve::EAI;
        use sockshim_core::uapi::number_of;
        match text.split_once(':') {
            Some(("fail", name)) => number_of(EAI, name)
                .map(ResolveVerb::Fail)
                .or_else(|| Errno::from_name(name).map(ResolveVerb::FailSystem)),
            _ => (text == "files").then_some(ResolveVerb::Files),
        }
    }
}
