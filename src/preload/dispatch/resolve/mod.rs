//! getaddrinfo(3), getnameinfo(3), gethostbyname(3) and its relatives: calls that ask libc's resolver for names or
//! addresses. It sends its queries from inside libc, where no hook of a socket call sees them, so they are calls of their
//! own. Nothing is predicted of them.
//!
//! | file | job |
//! |---|---|
//! | [`question`] | what a call asks for, read before it |
//! | [`answer`] | what it has found, read after it |
//! | [`failure`] | a call that fails without libc, as glibc would have it fail |
//! | [`files`] | a call that libc answers from files and numbers only |
//! | [`verdict`] | which of these it is |
//!
//! During such a call, plugins of libc's (`libnss_*.so`) may make calls that are hooked too, these among them. Each has a
//! ticket of its own, so that is nothing special.
mod answer;
mod failure;
mod files;
mod question;
mod verdict;

pub use answer::{got_addresses, got_host, got_host_into, got_names};
pub use files::from_files;
pub use question::Host;
pub use verdict::{ResolveVerb, decided, rest_of_wait, without_libc};

use crate::call::Ticket;
use crate::rules::{self, judge::CallJudge, subject::CallSubject};
use sockshim_core::resolve::Resolved;
use sockshim_core::rules::{Call, Rules, Verb};
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::Reason;

/// getaddrinfo(3).
pub fn getaddrinfo(t: &mut Ticket) {
    begin(t);
    question::service(t, 1);
    question::hints(t, 2);
    let host = question::name(t, 0);
    judge(t, &host);
}

/// gethostbyname(3), gethostbyname2(3), and their reentrant forms.
pub fn gethostbyname(t: &mut Ticket) {
    begin(t);
    let host = question::name(t, 0);
    judge(t, &host);
}

/// gethostbyaddr(3) and its reentrant form.
pub fn gethostbyaddr(t: &mut Ticket) {
    begin(t);
    let host = question::address(t, 0, 1);
    judge(t, &host);
}

/// getnameinfo(3).
pub fn getnameinfo(t: &mut Ticket) {
    begin(t);
    let host = question::socket_address(t, 0, 1);
    judge(t, &host);
}

fn begin(t: &mut Ticket) {
    t.event.reason = Reason::Resolver;
    t.event.extra = Extra::Resolved(Resolved::default());
}

/// What is decided about the call. Where libc would ask nobody, for numbers or for a server's own addresses, no rule is asked
/// either.
fn judge(t: &mut Ticket, host: &Host) {
    if let Some(rules) = rules::active().filter(|rules| rules.calls().has(Call::Resolve))
        && t.libc_is_to_answer
        && files::asks(t, host)
    {
        judge_by(rules, t, host);
    }
    #[cfg(feature = "test-support")]
    if let Some(verb) = crate::test_support::resolve().and_then(ResolveVerb::from_text) {
        decided(t, host, verb);
    }
}

#[cold]
#[inline(never)]
fn judge_by(rules: &'static Rules, t: &mut Ticket, host: &Host) {
    let judge = CallJudge::of(rules, &t.event);
    let mut subject = CallSubject::new(None);
    subject.host = host.name();
    let Some(rule) = judge.decide(Call::Resolve, &subject) else { return };
    match rule.verb {
        Verb::FailName { eai } => decided(t, host, ResolveVerb::Fail(eai)),
        Verb::Fail { errno, .. } => decided(t, host, ResolveVerb::FailSystem(errno)),
        Verb::Files => decided(t, host, ResolveVerb::Files),
        Verb::Delay { nanoseconds } => t.instead.delay = nanoseconds,
        _ => {}
    }
    t.event.reason = Reason::Rule(judge.rule());
}
