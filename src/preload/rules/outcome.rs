//! What is done when libc has answered a call that rules have to do with.

use super::judge::CallJudge;
use super::remembered::{self, Side};
use super::subject::CallSubject;
use crate::{identity, sys};
use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::fdtable::{FDS, Handle, Packed};
use sockshim_core::net::address::SockAddr;
use sockshim_core::rules::{self, Call, Rule, Sort, Verb};

/// 127.0.0.1.
pub(super) const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

/// The rule with this number of an event, from 1.
pub fn rule(number: u16) -> Option<&'static Rule> {
    rules::active()?.rule(usize::from(number).checked_sub(1)?)
}

/// What a rule makes of a connection that was accepted.
pub enum Accepted {
    /// No rule concerns it.
    Free,
    /// The rule with this number lets the program have it, after so many nanoseconds.
    Kept(u16, u64),
    /// The rule with this number ends it, and accept(2) fails.
    Ended(u16, Errno),
}

/// Asks the rules about a connection that a listener has accepted. `at` is the listener's descriptor.
pub fn accepted(listener: Packed, at: Option<c_int>, fd: c_int, name: &'static str) -> Accepted {
    let Some(rules) = rules::active() else { return Accepted::Free };
    let judge = CallJudge::new(rules, name, Some(fd), false);
    let mut subject = CallSubject::new(Some(fd));
    let sort = listener.sort();
    subject.sort = Some(Sort { family: sort.family, ty: sort.ty, protocol: sort.protocol.into() });
    subject.has_peer = true;
    subject.waits_at = at;
    match judge.decide(Call::Accept, &subject).map(|rule| &rule.verb) {
        None => Accepted::Free,
        Some(Verb::Fail { errno, .. }) => Accepted::Ended(judge.rule(), *errno),
        Some(Verb::Delay { nanoseconds }) => Accepted::Kept(judge.rule(), *nanoseconds),
        Some(_) => Accepted::Kept(judge.rule(), 0),
    }
}

/// Sets the options that a rule wants a new socket to have.
pub fn set_options(number: u16, fd: c_int) {
    let Some(Verb::Option(options)) = rule(number).map(|rule| &rule.verb) else { return };
    if identity::is_sandboxed() {
        return;
    }
    for option in options {
        // What the kernel refuses is not set; the program cannot be told.
        let _ = sys::setsockopt(fd, option.level, option.name, &option.value);
    }
}

/// Whether a transfer of so many bytes was as long as the rule allows.
pub fn cuts(number: u16, bytes: i64) -> bool {
    matches!(rule(number).map(|rule| &rule.verb), Some(Verb::Limit(most)) if *most == bytes as u64)
}

/// Whether the program's own arguments are to be tried after the rule's were refused.
pub fn falls_back(number: u16) -> bool {
    matches!(rule(number).map(|rule| &rule.verb), Some(Verb::Become { fallback: true, .. }))
}

/// A socket has an address, or a peer: notes the one that the program believes in, if a rule has put another in its place.
pub fn addressed(number: u16, handle: Handle, fd: Option<c_int>, side: Side, program: Option<&SockAddr>) {
    let hides = matches!(rule(number).map(|rule| &rule.verb), Some(Verb::To { hide: true, .. }));
    match program {
        Some(address) if hides => {
            let address = match side {
                Side::Own => with_its_port(*address, fd),
                _ => where_it_leads(*address),
            };
            remembered::note_address(handle, side, &address);
        }
        _ => remembered::forget(handle, side),
    }
}

/// Whether a rule has made connect(2)'s address another, and hides it.
pub fn hides_peer(number: u16) -> bool {
    rule(number)
        .is_some_and(|rule| rule.calls.has(Call::Connect) && matches!(rule.verb, Verb::To { hide: true, .. }))
}

/// The peer of a socket that connects to this address: the unspecified one leads to loopback.
fn where_it_leads(program: SockAddr) -> SockAddr {
    let loopback = match program.family() {
        _ if !program.is_unspecified() => return program,
        Some(libc::AF_INET) => SockAddr::of_v4(LOOPBACK),
        _ if program.is_v4_mapped() => SockAddr::of_v4_mapped(LOOPBACK),
        _ => SockAddr::of_v6_loopback(),
    };
    loopback.with_port(program.port())
}

/// The program's address, with the port that the kernel has chosen where the program has left that to it.
fn with_its_port(program: SockAddr, fd: Option<c_int>) -> SockAddr {
    if !program.is_inet() || program.port() != 0 {
        return program;
    }
    match fd.and_then(kernels_address) {
        Some(kernels) if kernels.is_inet() => program.with_port(kernels.port()),
        _ => program,
    }
}

/// The socket's own address, as the kernel knows it.
fn kernels_address(fd: c_int) -> Option<SockAddr> {
    if identity::is_sandboxed() {
        return None;
    }
    let mut bytes = [0; 128];
    let len = sys::address(fd, false, &mut bytes).ok()?;
    Some(SockAddr::new(&bytes[..len]))
}

/// A connection that a listener has accepted has the listener's own address; that of the host if the listener has any.
pub fn inherits_address(listener: Handle, fd: c_int) {
    let Some(believed) = remembered::own_address(listener, Side::Own) else { return };
    let address = match kernels_address(fd) {
        Some(kernels) if believed.is_unspecified() && kernels.is_inet() => kernels.with_port(believed.port()),
        _ => believed,
    };
    if let Some(look) = FDS.look(fd) {
        remembered::note_address(look.handle(), Side::Own, &address);
    }
}

/// The kernel has begun to refuse a connect(2): the socket's next error is the rule's.
pub fn will_fail(number: u16, handle: Option<Handle>) {
    let Some(Verb::Fail { errno, .. }) = rule(number).map(|rule| &rule.verb) else { return };
    if let Some(handle) = handle.filter(|_| errno.0 != libc::ECONNREFUSED) {
        remembered::note_error(handle, errno.0);
    }
}

/// The kernel has refused a connect(2) at once: the rule's error.
pub fn fails_with(number: u16, handle: Option<Handle>) -> Option<c_int> {
    handle.into_iter().for_each(|handle| remembered::forget(handle, Side::Error));
    match rule(number)?.verb {
        Verb::Fail { errno, .. } => Some(errno.0),
        _ => None,
    }
}

/// Whether the socket's next error is a rule's.
pub fn is_to_fail(handle: Handle) -> bool {
    remembered::error(handle).is_some()
}

/// The rule's error in the place of the kernel's, which has been given now.
pub fn error_given(handle: Handle, errno: c_int) -> Option<c_int> {
    if errno != libc::ECONNREFUSED {
        return None;
    }
    let error = remembered::error(handle)?;
    remembered::forget(handle, Side::Error);
    Some(error)
}
