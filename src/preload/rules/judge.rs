//! A call's decision: which rule holds for it at the hook that it has come to, and what that makes of the call.

use super::counters;
use super::outcome::LOOPBACK;
use super::remembered;
use super::subject::CallSubject;
use crate::identity;
use core::cell::Cell;
use libc::c_int;
use sockshim_core::fdtable::FDS;
use sockshim_core::func;
use sockshim_core::hook::Does;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::ops::{Arguments, Decision, Effect, Judge};
use sockshim_core::net::path::Func;
use sockshim_core::net::socket::protocol_of;
use sockshim_core::rules::{self, Call, Rule, Rules, Sort, Subject, Verb};
use sockshim_core::trace::event::Event;
use sockshim_core::uapi::{NPROTO, SOCK_FLAGS, SOCK_MAX, SOCK_TYPE_MASK};
use sockshim_core::verdict::Argument;

/// Who asks the rules for one call.
pub struct CallJudge {
    rules: &'static Rules,
    name: &'static str,
    fd: Option<c_int>,
    /// Whether the call makes a pair.
    pairs: bool,
    /// The rule that has decided, from 1.
    rule: Cell<u16>,
    /// socket(2) was decided at its first hook; what the second one is to do.
    waits: Cell<Option<u16>>,
    /// Whether the keys of any rule held.
    held: Cell<bool>,
    /// Whether the call goes to an address that refuses connections.
    refusing: Cell<bool>,
}

impl CallJudge {
    /// For a call of the hook with this name, on this descriptor.
    pub fn new(rules: &'static Rules, name: &'static str, fd: Option<c_int>, pairs: bool) -> CallJudge {
        let (rule, waits, held, refusing) = Default::default();
        CallJudge { rules, name, fd, pairs, rule, waits, held, refusing }
    }

    /// For the call of an event.
    pub fn of(rules: &'static Rules, event: &Event) -> CallJudge {
        CallJudge::new(rules, event.hook.name(), event.fd, event.hook.does == Does::Pairs)
    }

    /// The number of the rule that has decided, from 1; 0 if none has.
    pub fn rule(&self) -> u16 {
        self.rule.get()
    }

    /// Whether the keys of any rule held, though it may not have fired.
    pub fn held(&self) -> bool {
        self.held.get()
    }

    /// Whether the call goes to an address that refuses connections.
    pub fn refusing(&self) -> bool {
        self.refusing.get()
    }

    /// The first rule that holds and fires, as a decision.
    pub fn decide(&self, call: Call, subject: &CallSubject) -> Option<&'static Rule> {
        let number = self.rules.decide(call, subject, |number, rule| {
            self.held.set(true);
            can_be_done(rule) && counters::fires(number, rule)
        })?;
        let rule = self.rules.rule(number)?;
        self.rule.set(number as u16 + 1);
        counters::hit(number, self.name, subject);
        Some(rule)
    }

    fn decision(&self, effect: Effect) -> Option<Decision> {
        Some(Decision { rule: self.rule(), effect })
    }

    fn at(&self, call: Call, subject: &CallSubject) -> Option<Decision> {
        let rule = self.decide(call, subject)?;
        self.decision(self.effect(rule, subject))
    }

    /// What a rule makes of a call.
    fn effect(&self, rule: &Rule, subject: &CallSubject) -> Effect {
        match &rule.verb {
            Verb::Allow | Verb::Option(_) | Verb::Files | Verb::FailName { .. } | Verb::Become { .. } => {
                Effect::Allow
            }
            Verb::Fail { errno, asynchronous, .. } => match self.refusal(*asynchronous, subject) {
                Some(address) => Effect::Instead(Argument::Address(address)),
                None => Effect::Refuse(*errno),
            },
            Verb::Limit(most) => Effect::Instead(Argument::Length(*most)),
            Verb::Delay { nanoseconds } => Effect::Delay(*nanoseconds),
            Verb::To { .. } => {
                let family = subject.sort.map_or(libc::AF_UNSPEC, |sort| sort.family);
                match rule.verb.address_for(family) {
                    Some(address) => Effect::Instead(Argument::Address(address)),
                    None => Effect::Allow,
                }
            }
        }
    }

    /// For a connect(2) that is to fail later: an address that the kernel refuses. Nobody can listen on port 0: bind(2) takes
    /// it for any port. Only a stream socket of inet or inet6 that does not wait can fail so.
    fn refusal(&self, asynchronous: bool, subject: &CallSubject) -> Option<SockAddr> {
        let sort = subject.sort.filter(|sort| asynchronous && sort.ty == libc::SOCK_STREAM)?;
        let is_mapped = || subject.remote.is_some_and(SockAddr::is_v4_mapped);
        let address = match sort.family {
            libc::AF_INET => SockAddr::of_v4(LOOPBACK),
            // A socket that is bound to an IPv4 address has no way to ::1.
            libc::AF_INET6 if is_mapped() => SockAddr::of_v4_mapped(LOOPBACK),
            libc::AF_INET6 => SockAddr::of_v6_loopback(),
            _ => return None,
        };
        self.refusing.set(subject.is_nonblocking());
        self.refusing.get().then_some(address)
    }

    /// A connect(2) that no rule is about may tell of the error of an earlier one, which is to be a rule's.
    fn tells_error(&self) -> Option<Decision> {
        let look = FDS.look(self.fd?)?;
        let effect = Effect::Instead(Argument::OwnThenLook);
        remembered::error(look.handle()).is_some().then_some(Decision { rule: 0, effect })
    }

    /// `update_socket_protocol`: all rules about socket(2) are asked here, where they have not been refused by the kernel yet.
    fn protocol(&self, family: c_int, ty: c_int, protocol: c_int) -> Option<Decision> {
        let is_refused_before = !(0..NPROTO).contains(&family) || ty & SOCK_TYPE_MASK >= SOCK_MAX;
        if is_refused_before || ty & !(SOCK_TYPE_MASK | SOCK_FLAGS) != 0 {
            return None;
        }
        let rule = self.decide(Call::Socket, &made(family, ty & SOCK_TYPE_MASK, protocol))?;
        match rules::replaced(&rule.verb, [family, ty, protocol]) {
            Some(argument) => self.decision(Effect::Instead(argument)),
            None => {
                self.waits.set(Some(self.rule()));
                None
            }
        }
    }

    /// `security_socket_create`: what was decided before, for socket(2).
    fn create(&self, family: c_int, ty: c_int, protocol: c_int) -> Option<Decision> {
        let subject = made(family, ty, protocol);
        if self.pairs {
            return self.at(Call::Socketpair, &subject);
        }
        let rule = self.rules.rule(usize::from(self.waits.take()?) - 1)?;
        self.decision(self.effect(rule, &subject))
    }
}

/// Whether what the rule asks for may be done: in a sandbox no system call of the library's is.
fn can_be_done(rule: &Rule) -> bool {
    let needs_calls = matches!(rule.verb, Verb::Delay { .. } | Verb::Option(_));
    if needs_calls && identity::is_sandboxed() {
        counters::is_blind();
        return false;
    }
    true
}

/// A socket that is to be made.
fn made<'a>(family: c_int, ty: c_int, protocol: c_int) -> CallSubject<'a> {
    let mut subject = CallSubject::new(None);
    subject.sort = Some(Sort { family, ty, protocol: protocol_of(family, ty, protocol) });
    subject
}

/// Whether a rule about accept(2) has to know the peer, so that it can be asked only when there is one.
pub fn looks_at_peers(rules: &Rules) -> bool {
    rules.iter().any(|rule| rule.calls.has(Call::Accept) && !rule.keys.remote.is_empty())
}

impl Judge for CallJudge {
    fn judge(&self, hook: Func, arguments: &Arguments) -> Option<Decision> {
        let either = |is_first, first, second| if is_first { first } else { second };
        let (call, sock) = match *arguments {
            Arguments::Protocol { family, ty, protocol } => return self.protocol(family, ty, protocol),
            Arguments::Create { family, ty, protocol, .. } => return self.create(family, ty, protocol),
            Arguments::PostCreate { .. } | Arguments::Socketpair { .. } | Arguments::Name { .. } => {
                return None;
            }
            Arguments::Address { sock, .. } => {
                (either(hook == func!(security_socket_bind), Call::Bind, Call::Connect), sock)
            }
            Arguments::Listen { sock, .. } => (Call::Listen, sock),
            Arguments::Accept { .. } if looks_at_peers(self.rules) => {
                return Some(Decision { rule: 0, effect: Effect::Instead(Argument::OwnThenLook) });
            }
            Arguments::Accept { sock, .. } => (Call::Accept, sock),
            Arguments::Message { sock, .. } => {
                (either(hook == func!(security_socket_sendmsg), Call::Send, Call::Recv), sock)
            }
            Arguments::Option { sock, .. } => {
                (either(hook == func!(security_socket_setsockopt), Call::Setsockopt, Call::Getsockopt), sock)
            }
            Arguments::Shutdown { sock, .. } => (Call::Shutdown, sock),
        };
        let address = match *arguments {
            // What cannot be looked at in a sandbox comes as an empty address.
            Arguments::Address { address, .. } if address.is_empty() && identity::is_sandboxed() => None,
            // bind(2) of inet takes AF_UNSPEC for AF_INET, as its messages do.
            Arguments::Address { address, .. } if call == Call::Bind => {
                CallSubject::destination(sock, Some(*address))
            }
            Arguments::Address { address, .. } => Some(*address),
            Arguments::Message { msg, .. } => CallSubject::destination(sock, msg.name),
            _ => None,
        };
        let mut subject = CallSubject::on(self.fd, sock);
        match *arguments {
            Arguments::Address { .. } if call == Call::Bind => subject.local = address.as_ref(),
            Arguments::Address { .. } => subject.remote = address.as_ref(),
            Arguments::Accept { .. } => subject.has_peer = false,
            Arguments::Message { flags, .. } => {
                subject.dont_wait = flags & libc::MSG_DONTWAIT != 0;
                subject.remote = address.as_ref();
            }
            Arguments::Option { level, optname, .. } => subject.optname = Some((level, optname)),
            _ => {}
        }
        let Some(mut decision) = self.at(call, &subject) else {
            return if call == Call::Connect { self.tells_error() } else { None };
        };
        if let Arguments::Message { msg, flags, .. } = arguments
            && let Effect::Instead(argument) = &decision.effect
        {
            let is_left = match argument {
                // A message without an address goes to the socket's peer.
                Argument::Address(_) => msg.name.is_none(),
                // The error queue holds packets, of which the rest would be lost.
                Argument::Length(_) => flags & libc::MSG_ERRQUEUE != 0,
                _ => false,
            };
            if is_left {
                decision.effect = Effect::Allow;
            }
        }
        Some(decision)
    }
}
