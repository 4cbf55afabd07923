//! The result of a walk through the socket layer.
//!
//! libc is the authority for every socket that the host owns: a verdict predicts the kernel's answer and does not
//! replace it. Only with [`Action::Done`] and [`Action::Fail`] is libc not called.
//!
//! A decision can also change how libc performs the call: later, or with another argument. That is rare, and a
//! [`Verdict`] is copied on every call, so the change is in a separate [`Instead`], which the caller of the walk
//! provides and reads afterwards.
//!
//! | what was decided | [`Verdict::action`] | [`Instead`] | who answers |
//! |---|---|---|---|
//! | nothing | `Host` | untouched | libc |
//! | another argument | `Host` | [`argument`](Instead::argument) | libc, given that argument |
//! | an answer | `Done` | | nobody is asked |
//! | a refusal | `Fail` | | nobody is asked |
//! | any of these, later | as above | [`delay`](Instead::delay) | as above, after the delay |
//!
//! The caller waits first, then performs the call. [`Verdict::predicted`] is about the call that libc gets, with the
//! other argument if there is one; it means nothing when libc is not called. [`Verdict::change`] applies to the
//! answer, whoever gave it.

use crate::errno::Errno;
pub use crate::instead::{Argument, Instead};

/// Who answers the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// libc performs it, with the argument of [`Instead`] if there is one.
    Host,
    /// libc has performed it with another argument than the program's. A prediction about the program's own call says
    /// nothing about this one.
    HostInstead,
    /// Answered in userspace with this value.
    Done(i64),
    /// Refused in userspace with this error.
    Fail(Errno),
}

/// The answer that the tables predict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Predicted {
    /// The answer depends on something that no table knows (a peer, a route, a port in use).
    Unknown,
    /// Success.
    Ok,
    /// This error.
    Errno(Errno),
}

/// What the call changes in the socket's state, as a rule when it succeeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// bind: an address is set.
    Bind,
    /// bind with port 0: the kernel chooses the port, and releases it with the connection.
    BindAny,
    /// A call that gives an unbound socket a port before anything else is checked, and so also when it fails.
    Autobind,
    /// listen: `sk_state` becomes `TCP_LISTEN`.
    Listen,
    /// connect: connected, or connecting when the answer is EINPROGRESS.
    Connect,
    /// A TCP send that connects, or tries to.
    FastOpen,
    /// connect with AF_UNSPEC: back to unconnected.
    Disconnect,
    /// shutdown with this `how`.
    Shutdown(i32),
    /// An option after which the kernel binds the socket in other calls than usual.
    Unsettle,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $(($of:ty))? = $code:literal,)*) => {
        /// Why a call went the way it went. The codes are part of the log's contract: only ever added to.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Reason { $($(#[$doc])* $name $(($of))?,)* }
        impl Reason {
            /// The stable code, such as `"host-owned"`.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name { .. } => $code,)* }
            }
            /// The number of the rule that has decided, from 1.
            #[inline(always)]
            pub fn rule(self) -> Option<u16> {
                if let Reason::Rule(number) = self { Some(number) } else { None }
            }
            /// All codes, for the documentation and its tests.
            pub const CODES: &'static [&'static str] = &[$($code,)*];
        }
    };
}

reasons! {
    /// The socket is the host's, and libc performed the call.
    HostOwned = "host-owned",
    /// The rule with this number, from 1, has decided the call; the log has its name behind the code, as `rule:NAME`.
    Rule(u16) = "rule",
    /// `net_families[]` has nothing at this number.
    NoFamily = "no-family",
    /// The family is one of the kernel's modules, which only the host can tell about.
    HostFamily = "host-family",
    /// The type argument has unknown flag bits or is out of range.
    BadType = "bad-type",
    /// The family refuses this type.
    NoType = "no-type",
    /// No entry of the type's list takes this protocol.
    NoProtocol = "no-protocol",
    /// The protocol number is out of range.
    BadProtocol = "bad-protocol",
    /// The call needs a capability or a group that only the host can judge.
    Privilege = "privilege",
    /// The address argument was refused before any handler saw it.
    BadAddress = "bad-address",
    /// The address belongs to another family.
    WrongFamily = "wrong-family",
    /// An argument other than the address was refused.
    BadArgument = "bad-argument",
    /// EACCES or EPERM where no table expects it: a security module, a firewall or a file's permissions may have refused.
    Refused = "refused",
    /// A seccomp filter is in force, and may have answered before the socket layer was reached.
    Filter = "filter",
    /// The socket's state does not allow the call.
    BadState = "bad-state",
    /// Nothing is there yet, and the call was not to wait.
    WouldBlock = "would-block",
    /// The ops table has no such operation: a `sock_no_*` default or an empty member.
    NoOperation = "no-operation",
    /// The descriptor is open, but it is not a socket.
    NotSocket = "not-a-socket",
    /// The descriptor is not open.
    BadFd = "bad-fd",
    /// The descriptor is the kernel's or another kind of object; the call concerns its life only.
    FdLife = "fd-life",
    /// The call concerns the process, not one socket.
    Process = "process",
    /// The call concerns the process. The event was written before it, and what it returned is not known.
    ResultUnknown = "result-unknown",
    /// The new program is statically linked, so nothing loads the library into it.
    ExecStatic = "exec-static",
    /// The new program is made by Go, whose runtime makes system calls without libc.
    ExecGo = "exec-go",
    /// The new program starts in secure mode because of its set-id bits, or because real and effective ids differ.
    ExecSetuid = "exec-setuid",
    /// The new program starts in secure mode because of its file capabilities.
    ExecCaps = "exec-caps",
    /// The new program is linked with another libc.
    ExecOtherLibc = "exec-other-libc",
    /// The new program is for another architecture.
    ExecOtherArch = "exec-other-arch",
    /// The new program has AddressSanitizer's shared runtime, which ends it because the library comes first.
    ExecAsan = "exec-asan",
    /// The new program has ThreadSanitizer's runtime, beside which the library cannot log.
    ExecTsan = "exec-tsan",
    /// The new program's environment lacks `LD_PRELOAD` with the library, or `SOCKSHIM_LOG`.
    ExecEnv = "exec-env",
    /// An io_uring was made, whose operations no hook sees.
    IoUring = "io-uring",
    /// Dispatch panicked; libc's answer stands.
    ShimPanic = "shim-panic",
    /// The kernel's answer was not the predicted one.
    Mispredicted = "mispredicted",
    /// Another call had changed the socket when this one was answered, or it had changed in a way that no hook saw: what
    /// was predicted was about another state.
    Overtaken = "overtaken",
    /// The descriptor was closed in a way that no hook saw, and what was logged of it since then may be about something
    /// else.
    UnseenClose = "unseen-close",
    /// The call asks libc's resolver, which has sockets of its own that no hook sees.
    Resolver = "resolver",
    /// A record about sockshim itself.
    Shim = "shim",
    /// The process ends.
    End = "end",
    /// The log was full and lost events.
    LogFull = "log-full",
}

impl Reason {
    /// Whether the call concerns the process or a name, not one socket.
    pub fn is_about_process(self) -> bool {
        use Reason::*;
        matches!(self, Process | ResultUnknown | IoUring | Resolver) || self.is_uncovered_exec()
    }

    /// Whether the call starts a program whose calls will not be seen.
    pub fn is_uncovered_exec(self) -> bool {
        use Reason::*;
        matches!(
            self,
            ExecStatic
                | ExecGo
                | ExecSetuid
                | ExecCaps
                | ExecOtherLibc
                | ExecOtherArch
                | ExecAsan
                | ExecTsan
                | ExecEnv
        )
    }

    /// What is not seen, in words for the text format.
    pub fn unseen(self) -> Option<&'static str> {
        Some(match self {
            Reason::ExecStatic => "the new program is statically linked and will not be seen",
            Reason::ExecGo => {
                "the new program is made by Go and makes its system calls itself, so they will not be seen"
            }
            Reason::ExecSetuid => "the new program starts in secure mode (set-id) and will not be seen",
            Reason::ExecCaps => {
                "the new program starts in secure mode (file capabilities) and will not be seen"
            }
            Reason::ExecOtherLibc => "the new program has another libc and will not be seen",
            Reason::ExecOtherArch => "the new program is for another architecture and will not be seen",
            Reason::ExecAsan => {
                "the new program has AddressSanitizer, which ends it unless LD_PRELOAD names its runtime first"
            }
            Reason::ExecTsan => "the new program has ThreadSanitizer and will not be seen",
            Reason::ExecEnv => {
                "the new program's environment lacks LD_PRELOAD or SOCKSHIM_LOG, and it will not be seen"
            }
            Reason::UnseenClose => {
                "it was closed unseen: what was logged of it since its last control call may be about something else"
            }
            Reason::IoUring => "what is submitted through the ring will not be seen",
            _ => return None,
        })
    }
}

/// The result of a walk.
#[derive(Clone, Copy, Debug)]
#[must_use = "a verdict says who performs the call"]
pub struct Verdict {
    /// Who answers.
    pub action: Action,
    /// The answer that the tables predict.
    pub predicted: Predicted,
    /// What the call changes.
    pub change: Change,
    /// Why the walk ended here.
    pub reason: Reason,
}

impl Verdict {
    const HOST: Verdict = Verdict {
        action: Action::Host,
        predicted: Predicted::Unknown,
        change: Change::None,
        reason: Reason::HostOwned,
    };

    /// The host performs it, and the tables cannot predict the answer.
    pub const fn ask() -> Verdict {
        Self::HOST
    }

    /// The host performs it, and will succeed.
    pub const fn ok() -> Verdict {
        Verdict { predicted: Predicted::Ok, ..Self::HOST }
    }

    /// The host performs it, and will fail with `errno` because of `reason`.
    pub const fn errno(errno: Errno, reason: Reason) -> Verdict {
        Verdict { predicted: Predicted::Errno(errno), reason, ..Self::HOST }
    }

    /// Whether libc is called, and no failure is predicted.
    #[inline(always)]
    pub fn may_succeed(&self) -> bool {
        matches!(self.action, Action::Host) && !matches!(self.predicted, Predicted::Errno(_))
    }

    /// Answered in userspace with `value`, because of `reason`. [`Verdict::then`] adds what it changes.
    pub const fn done(value: i64, reason: Reason) -> Verdict {
        Verdict { action: Action::Done(value), reason, ..Self::HOST }
    }

    /// Refused in userspace with `errno`, because of `reason`.
    pub const fn refuse(errno: Errno, reason: Reason) -> Verdict {
        Verdict { action: Action::Fail(errno), reason, ..Self::HOST }
    }

    /// The same verdict with what success changes.
    pub const fn then(self, change: Change) -> Verdict {
        Verdict { change, ..self }
    }

    /// The same verdict without its prediction, for when something that it depends on is not known.
    pub const fn open(self) -> Verdict {
        Verdict { predicted: Predicted::Unknown, ..self }
    }

    /// The same verdict with another reason.
    pub const fn because(self, reason: Reason) -> Verdict {
        Verdict { reason, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is copied on every call.
    #[test]
    fn a_verdict_has_five_words() {
        assert_eq!(size_of::<Verdict>(), 40);
    }

    #[test]
    fn only_an_answer_or_a_refusal_keeps_a_call_from_libc() {
        let refused = Verdict::refuse(Errno::ECONNREFUSED, Reason::Privilege);
        assert_eq!(
            (refused.action, refused.predicted),
            (Action::Fail(Errno::ECONNREFUSED), Predicted::Unknown)
        );
        let answered = Verdict::done(0, Reason::Privilege).then(Change::Bind);
        assert_eq!((answered.action, answered.change), (Action::Done(0), Change::Bind));
        for host in [Verdict::ask(), Verdict::ok(), Verdict::errno(Errno::EINVAL, Reason::BadState)] {
            assert_eq!(host.action, Action::Host);
        }
    }

    #[test]
    fn a_delay_or_an_argument_is_something_else_than_nothing() {
        assert!(Instead::new().is_nothing());
        assert!(!Instead { delay: 1, ..Instead::new() }.is_nothing());
        let short = Instead { argument: Argument::Length(3), ..Instead::new() };
        assert!(!short.is_nothing() && short.address().is_none());
        assert_eq!((short.length(10), short.length(2), Instead::new().length(10)), (3, 2, 10));
    }
}
