//! One event of the log: a call, or a record about sockshim itself.

use crate::errno::Errno;
use crate::fdtable::Packed;
use crate::func;
use crate::hook::{Does, Hook, MAX_ARGS};
use crate::net::address::SockAddr;
use crate::net::namespace::INIT_NET;
use crate::net::ops::{Arguments, Decision, Effect, Judge};
use crate::net::ops::{Cx, ProtoOps, Socket};
use crate::net::path::{Finding, Func, Path};
use crate::net::sock::Proto;
use crate::net::socket::{Copied, Found, Lookup};
use crate::resolve::Resolved;
use crate::rules;
use crate::verdict::{Action, Instead, Predicted, Reason, Verdict};
use libc::c_int;

/// What an event carries beside the argument words. It is copied while the memory is known to be readable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extra {
    /// Nothing.
    None,
    /// `addr` holds the socket address that the call was given or has returned.
    Address,
    /// `addr` holds text: a path of exec, or a message of sockshim itself.
    Text,
    /// What came of a call that asks for names or addresses. `addr` holds [`parts`](crate::trace::parts).
    Resolved(Resolved),
    /// Bytes of what the call has moved or set. `addr` holds [`parts`](crate::trace::parts).
    Bytes,
    /// The two descriptors of socketpair.
    Pair([c_int; 2]),
    /// An option's value, when it is an int.
    Value(c_int),
    /// How many descriptors came with SCM_RIGHTS.
    Rights(c_int),
    /// A count, of lost events.
    Count(u64),
    /// The counts of a process's log, when the process ends; they are in the argument words ([`Event::summary`]).
    Summary,
}

/// The counts of a process's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Calls on sockets.
    pub events: u64,
    /// Calls whose answer was predicted.
    pub predicted: u64,
    /// Predictions that were wrong.
    pub divergences: u64,
    /// Events that were lost.
    pub dropped: u64,
}

/// How a call on a descriptor is decided, from what the event holds of it.
pub type Walk = fn(&Event, &mut Cx, Lookup) -> Verdict;

/// What an event needs to be completed by whoever writes it, so that the program's thread need not.
pub struct Course {
    /// The walk that decides the call.
    pub walk: Walk,
    /// The member of the ops that handles it.
    pub handler: fn(&Event, &'static ProtoOps) -> Option<Func>,
}

/// What a rule has decided, for the walk that finds the path: the rules are not asked twice.
pub struct Decided {
    rule: u16,
    action: Action,
    does: Does,
}

impl Decided {
    /// What a rule has decided about the call, if one has.
    pub fn of(event: &Event) -> Option<Decided> {
        let rule = event.reason.rule()?;
        Some(Decided { rule, action: event.action, does: event.hook.does })
    }
}

impl Judge for Decided {
    fn judge(&self, hook: Func, arguments: &Arguments) -> Option<Decision> {
        // socket(2) passes three hooks: its rule has replaced the protocol at the first, or decided at the second.
        let replaced = self.does == Does::Creates && self.action == Action::HostInstead;
        let here = match arguments {
            Arguments::Protocol { .. } => replaced,
            Arguments::Create { .. } => !replaced,
            Arguments::PostCreate { .. } | Arguments::Socketpair { .. } | Arguments::Name { .. } => false,
            // What Fast Open connects was decided where the message is sent.
            _ => hook != func!(security_socket_connect) || self.does == Does::Connects,
        };
        let effect = match self.action {
            Action::HostInstead if replaced => rules::replaced_protocol(self.rule, arguments)?,
            Action::Host | Action::HostInstead => Effect::Allow,
            Action::Done(value) => Effect::Answer(value),
            Action::Fail(errno) => Effect::Refuse(errno),
        };
        here.then_some(Decision { rule: self.rule, effect })
    }
}

/// One event. It owns no heap memory, so it can be copied as bytes, up to the last step of its path.
#[derive(Clone)]
#[repr(C)]
pub struct Event {
    /// The argument words.
    pub args: [i64; MAX_ARGS],
    /// The call.
    pub hook: &'static Hook,
    /// CLOCK_MONOTONIC at the start, in nanoseconds.
    pub start: u64,
    /// Nanoseconds in libc's call.
    pub ns: u64,
    /// The call's result.
    pub ret: i64,
    /// The error, if the result is one.
    pub errno: Option<c_int>,
    /// The descriptor that the call is about.
    pub fd: Option<c_int>,
    /// The answer that the tables predict.
    pub predicted: Predicted,
    /// Who answered the call.
    pub action: Action,
    /// What else is known. It also says what `addr` holds.
    pub extra: Extra,
    /// The socket as it was before the call, until the writer makes `socket`, `ops` and `prot` of it.
    pub before: Option<Packed>,
    /// The walk that has decided the call, and its handler. The writer walks it again for the path, which the program's thread
    /// does not keep.
    pub course: Option<&'static Course>,
    /// Whether nobody has walked the call in the program: then the prediction and the reason are the writer's, too.
    pub undecided: bool,
    /// What the lookup of the descriptor has found.
    pub found: Found,
    /// Whether `start` and `ns` are readings of the time stamp counter, which the writer converts to nanoseconds.
    pub in_ticks: bool,
    /// Whether it came through syscall(2).
    pub via_syscall: bool,
    /// What else the walk needs: a number that the program's memory held before the call.
    pub input: Option<c_int>,
    /// The thread; 0 for the one in whose queue the event is.
    pub tid: i32,
    /// The member of the ops that handles the call.
    pub handler: Option<Func>,
    /// Why the call ended as it did.
    pub reason: Reason,
    /// The socket as it was before the call; for a call that makes one, the socket that the tables predict.
    pub socket: Option<Socket>,
    /// The socket's ops.
    pub ops: Option<&'static ProtoOps>,
    /// The socket's protocol.
    pub prot: Option<&'static Proto>,
    /// An address, or a text of at most that many bytes.
    pub addr: SockAddr,
    /// The functions that the call went through. The last field, so that its unused part need not be copied.
    pub path: Path,
}

impl Event {
    /// An event of `hook` with no other content.
    pub const fn new(hook: &'static Hook) -> Event {
        Event {
            start: 0,
            ns: 0,
            in_ticks: false,
            hook,
            via_syscall: false,
            tid: 0,
            fd: None,
            args: [0; MAX_ARGS],
            ret: 0,
            errno: None,
            predicted: Predicted::Unknown,
            action: Action::Host,
            reason: Reason::HostOwned,
            before: None,
            course: None,
            undecided: false,
            input: None,
            found: Found::Unknown,
            socket: None,
            ops: None,
            prot: None,
            handler: None,
            path: Path::new(),
            extra: Extra::None,
            addr: SockAddr::EMPTY,
        }
    }

    /// A record about sockshim itself, with a text.
    pub fn message(hook: &'static Hook, text: &[u8]) -> Event {
        Event { extra: Extra::Text, addr: SockAddr::new(text), reason: Reason::Shim, ..Event::new(hook) }
    }

    /// A record of the counts of a process's log.
    pub fn of_summary(hook: &'static Hook, counts: Summary) -> Event {
        let Summary { events, predicted, divergences, dropped } = counts;
        let mut event = Event { extra: Extra::Summary, reason: Reason::End, ..Event::new(hook) };
        event.args[..4].copy_from_slice(&[events, predicted, divergences, dropped].map(|count| count as i64));
        event
    }

    /// The counts of a process's log, if the event has them.
    pub fn summary(&self) -> Option<Summary> {
        let [events, predicted, divergences, dropped, ..] = self.args.map(|word| word as u64);
        (self.extra == Extra::Summary).then_some(Summary { events, predicted, divergences, dropped })
    }

    /// The argument words that are ints.
    #[inline(always)]
    pub fn ints(&self) -> [c_int; MAX_ARGS] {
        self.args.map(|word| word as c_int)
    }

    /// The address that was copied before the call, or the error from copying it.
    pub fn copied(&self) -> Copied<&SockAddr> {
        match (self.extra, self.input) {
            (Extra::Address, _) => Some(Ok(&self.addr)),
            (_, Some(errno)) => Some(Err(Errno(errno))),
            _ => None,
        }
    }

    /// Notes what a lookup has found, and returns it.
    #[inline(always)]
    pub fn set_found(&mut self, found: Found) -> Found {
        self.found = found;
        found
    }

    /// Walks the call again, from the same socket and arguments, for its path and its handler, and for the verdict if there is
    /// none. A call that has made a socket ends with its installation.
    pub fn find_path(&mut self) {
        let Some(course) = self.course.take() else { return };
        let mut path = Path::new();
        let mut instead = Instead::new();
        let socket = self.before.map(Packed::unpack);
        let decided = Decided::of(self);
        let mut cx = Cx::new(&mut path, INIT_NET, &mut instead);
        cx.judge = decided.as_ref().map(|decided| decided as &dyn Judge);
        let verdict = (course.walk)(self, &mut cx, self.found.with(socket.as_ref()));
        if self.undecided {
            (self.predicted, self.reason) = (verdict.predicted, verdict.reason);
        }
        if let Some(ops) = socket.and_then(|socket| socket.ops) {
            self.handler = (course.handler)(self, ops);
        }
        let fd = self.ret as c_int;
        if matches!(self.hook.does, Does::Creates | Does::Accepts) && fd >= 0 {
            path.step(func!(fd_install), Finding::Fd(fd));
        }
        self.path.clone_from(&path);
    }

    /// Makes of the words of the socket what the log names.
    pub fn unpack(&mut self) {
        if let Some(before) = self.before {
            self.socket = Some(before.unpack());
        }
        if let Some(socket) = &self.socket {
            (self.ops, self.prot) = (socket.ops, socket.sk.prot);
        }
    }

    /// The kernel has said that the number is no socket, whatever was remembered of it.
    pub fn is_no_sockets(&mut self) {
        self.before = None;
        (self.socket, self.ops, self.prot, self.handler) = (None, None, None, None);
        if self.reason != Reason::Mispredicted {
            self.reason = Reason::NotSocket;
        }
    }

    /// What came of a call that asks for names or addresses.
    pub fn resolved(&self) -> Option<Resolved> {
        match self.extra {
            Extra::Resolved(resolved) => Some(resolved),
            _ => None,
        }
    }

    /// Who answered, as the log names it.
    pub fn outcome(&self) -> &'static str {
        match self.action {
            Action::Host | Action::HostInstead => "host",
            // The error of a name is a value of the call's own.
            Action::Done(_) if self.resolved().is_some_and(|resolved| resolved.error != 0) => "fail",
            Action::Done(_) => "done",
            Action::Fail(_) => "fail",
        }
    }

    /// Keeps getaddrinfo(3)'s hints, in words that hold none of its arguments.
    pub fn set_hints(&mut self, hints: [c_int; 4]) {
        let pair = |high: c_int, low: c_int| i64::from(high) << 32 | i64::from(low as u32);
        self.args[4..].copy_from_slice(&[pair(hints[1], hints[0]), pair(hints[3], hints[2]), 1]);
    }

    /// getaddrinfo(3)'s hints, if they were readable: flags, family, type, protocol.
    pub fn hints(&self) -> Option<[c_int; 4]> {
        let [_, _, _, _, one, two, there] = self.args;
        (there == 1).then_some([one as c_int, (one >> 32) as c_int, two as c_int, (two >> 32) as c_int])
    }

    /// Whether the prediction was wrong. Three kinds of errors never contradict a prediction: errors of circumstance;
    /// refusals, which a security module may have made; and EFAULT, predicted or returned, because only the kernel
    /// can judge the program's pointers (for the program's call it lets a stack grow, but not for the library's look
    /// at the memory).
    #[inline]
    pub fn is_divergence(&self) -> bool {
        let excused = |errno: Errno| errno.is_circumstance() || errno.is_refusal() || errno == Errno::EFAULT;
        if self.action != Action::Host || self.errno.is_some_and(|errno| excused(Errno(errno))) {
            return false;
        }
        match (self.predicted, self.errno) {
            (Predicted::Unknown | Predicted::Errno(Errno::EFAULT), _) | (Predicted::Ok, None) => false,
            (Predicted::Errno(expected), Some(actual)) => expected.0 != actual,
            (Predicted::Ok, Some(_)) | (Predicted::Errno(_), None) => true,
        }
    }

    /// Whether the prediction was wrong, or the kernel refused what was predicted otherwise.
    pub fn is_unexpected(&self) -> bool {
        let refused = self.errno.map(Errno).filter(|errno| errno.is_refusal()).map(Predicted::Errno);
        let other = refused.is_some_and(|answer| ![answer, Predicted::Unknown].contains(&self.predicted));
        self.is_divergence() || (self.action == Action::Host && other)
    }
}
