//! One event of the log: a call, or a record about sockshim itself.

use crate::errno::Errno;
use crate::hook::{Hook, MAX_ARGS};
use crate::net::address::SockAddr;
use crate::net::ops::{ProtoOps, Socket};
use crate::net::path::{Func, Path};
use crate::net::sock::Proto;
use crate::verdict::{Action, Predicted, Reason};
use libc::c_int;

/// What an event carries beside the argument words, copied while the memory was known to be readable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extra {
    /// Nothing.
    None,
    /// `addr` holds the socket address that the call was given or gave back.
    Address,
    /// `addr` holds text: a path of exec, a message of sockshim itself.
    Text,
    /// The two descriptors of socketpair.
    Pair([c_int; 2]),
    /// An option's value, when it is an int.
    Value(c_int),
    /// How many descriptors came with SCM_RIGHTS.
    Rights(c_int),
    /// A count, of lost events.
    Count(u64),
    /// What a process's log held, when it ends.
    Summary(Summary),
}

/// What a process's log held.
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

/// The event. It owns no heap memory, so it is copied as bytes, up to the last step of its path.
#[derive(Clone)]
#[repr(C)]
pub struct Event {
    /// CLOCK_MONOTONIC at the start, in nanoseconds.
    pub start: u64,
    /// Nanoseconds in libc's call.
    pub ns: u64,
    /// Whether `start` and `ns` are readings of the time stamp counter, which the writer converts to nanoseconds.
    pub in_ticks: bool,
    /// The call.
    pub hook: &'static Hook,
    /// Whether it came through syscall(2).
    pub via_syscall: bool,
    /// The thread.
    pub tid: i32,
    /// The descriptor that the call is about.
    pub fd: Option<c_int>,
    /// The argument words.
    pub args: [i64; MAX_ARGS],
    /// The result.
    pub ret: i64,
    /// The error, when the result is one.
    pub errno: Option<c_int>,
    /// What the tables expected.
    pub predicted: Predicted,
    /// Who answered.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The socket as it was before the call; for a creation, as it is to be.
    pub socket: Option<Socket>,
    /// The socket's ops.
    pub ops: Option<&'static ProtoOps>,
    /// The socket's protocol.
    pub prot: Option<&'static Proto>,
    /// The member of the ops that is responsible.
    pub handler: Option<Func>,
    /// What else is known; also says whether `addr` is used.
    pub extra: Extra,
    /// An address, or a text of up to as many bytes.
    pub addr: SockAddr,
    /// The functions that the call went through. It is the last field, so that its empty part need not be copied.
    pub path: Path,
}

impl Event {
    /// An event of `hook` about which nothing else is known.
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

    /// Who answered, as the log names it.
    pub fn outcome(&self) -> &'static str {
        match self.action {
            Action::Host | Action::HostInstead => "host",
            Action::Done(_) => "done",
            Action::Fail(_) => "fail",
        }
    }

    /// Whether the prediction was wrong. Errors of circumstance are no contradiction, nor are refusals, which a security
    /// module may have made, nor is EFAULT, on either side: only the kernel can judge the program's pointers. For a call of
    /// the program's it makes a stack grow, but not for a look at it.
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
