//! What a walk through the socket layer ends in.
//!
//! libc is the authority for every socket that the host owns: a verdict predicts the kernel's answer, it does
//! not replace it. Only [`Action::Done`] and [`Action::Fail`] keep a call from libc.

use crate::errno::Errno;

/// Who answers the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// libc performs it.
    Host,
    /// Answered in userspace with this value.
    Done(i64),
    /// Refused in userspace with this error.
    Fail(Errno),
}

/// What the tables say the kernel will answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Predicted {
    /// The answer depends on something no table knows (a peer, a route, a port in use).
    Unknown,
    /// Success.
    Ok,
    /// This error.
    Errno(Errno),
}

/// What happens to the socket's state when the call succeeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Nothing.
    None,
    /// bind: an address is set.
    Bind,
    /// bind with port 0: the kernel chooses the port, and takes it back with the connection.
    BindAny,
    /// A call that gives an unbound socket a port before it looks at anything else, so also when it fails.
    Autobind,
    /// listen: `sk_state` becomes `TCP_LISTEN`.
    Listen,
    /// connect: connected, or connecting when the call says EINPROGRESS.
    Connect,
    /// A TCP send that connects, or tries to.
    FastOpen,
    /// connect with AF_UNSPEC: back to unconnected.
    Disconnect,
    /// shutdown with this `how`.
    Shutdown(i32),
    /// An option after which the kernel binds the socket at other times than usual.
    Unsettle,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Why a call went the way it went. The codes are part of the log's contract: only ever added to.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Reason { $($(#[$doc])* $name,)* }
        impl Reason {
            /// The stable code, such as `"host-owned"`.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)* }
            }
            /// All codes, for the documentation and its tests.
            pub const CODES: &'static [&'static str] = &[$($code,)*];
        }
    };
}

reasons! {
    /// The socket is the host's, and libc performed the call.
    HostOwned = "host-owned",
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
    /// A record about sockshim itself.
    Shim = "shim",
    /// The process ends.
    End = "end",
    /// The log was full and lost events.
    LogFull = "log-full",
}

impl Reason {
    /// Whether the call concerns the process, not one socket.
    pub fn is_about_process(self) -> bool {
        matches!(self, Reason::Process | Reason::IoUring) || self.is_uncovered_exec()
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

    /// What will not be seen from here on, in words for the text format.
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
            Reason::IoUring => "what is submitted through the ring will not be seen",
            _ => return None,
        })
    }
}

/// The end of a walk.
#[derive(Clone, Copy, Debug)]
#[must_use = "a verdict says who performs the call"]
pub struct Verdict {
    /// Who answers.
    pub action: Action,
    /// What the tables expect of the host.
    pub predicted: Predicted,
    /// What success changes.
    pub change: Change,
    /// Why.
    pub reason: Reason,
}

impl Verdict {
    const HOST: Verdict = Verdict {
        action: Action::Host,
        predicted: Predicted::Unknown,
        change: Change::None,
        reason: Reason::HostOwned,
    };

    /// The host performs it, and what it will say cannot be known from here.
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

    /// The same verdict with a state change for the case of success.
    pub const fn then(self, change: Change) -> Verdict {
        Verdict { change, ..self }
    }

    /// The same verdict, as far as it goes when something that it depends on is not known.
    pub const fn open(self) -> Verdict {
        Verdict { predicted: Predicted::Unknown, ..self }
    }

    /// The same verdict for another reason.
    pub const fn because(self, reason: Reason) -> Verdict {
        Verdict { reason, ..self }
    }
}
