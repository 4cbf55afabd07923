//! What a rule does with a call.

use crate::errno::Errno;
use crate::net::address::SockAddr;
use crate::rules::call::{Call, CallSet};
use crate::rules::sockaddr;
use libc::c_int;

/// What a rule does with a call.
#[derive(Clone, PartialEq, Debug)]
pub enum Verb {
    /// The call is made as it is, and no later rule is looked at.
    Allow,
    /// The call fails, and the kernel is not asked.
    Fail {
        /// With this error.
        errno: Errno,
        /// connect(2) on a socket that does not wait: EINPROGRESS first, and the error as the socket's.
        asynchronous: bool,
        /// EAGAIN also where the call would wait. Without it such a call passes the rule by.
        force: bool,
    },
    /// A look-up fails.
    FailName {
        /// With this error of getaddrinfo(3), an `EAI_` number.
        eai: c_int,
    },
    /// At most so many bytes are sent or received. Only of stream sockets: of others the rest would be lost.
    Limit(u64),
    /// The call waits first.
    Delay {
        /// So long.
        nanoseconds: u64,
    },
    /// bind(2), connect(2), sendto(2) and their relatives use another address.
    To {
        /// This one. [`Verb::address_for`] fits it to the socket.
        address: SockAddr,
        /// Whether getsockname(2) and getpeername(2) answer the program's own.
        hide: bool,
    },
    /// socket(2) makes another socket.
    Become {
        /// Its family; `None`: the program's.
        family: Option<c_int>,
        /// Its type without flags; `None`: the program's.
        ty: Option<c_int>,
        /// Its protocol; `None`: the program's.
        protocol: Option<c_int>,
        /// Whether the program's own is made where the kernel refuses the other one.
        fallback: bool,
    },
    /// Options that are set on the new socket.
    Option(Vec<SockOption>),
    /// A look-up is answered from `/etc/hosts` and numbers only.
    Files,
}

/// A socket option with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SockOption {
    /// The level.
    pub level: c_int,
    /// The option.
    pub name: c_int,
    /// The value's bytes.
    pub value: Box<[u8]>,
}

/// Why a verb cannot be used in a rule: what is wrong, and what would be right.
pub(super) type Misfit = (&'static str, &'static str);

impl Verb {
    /// Its key in a rule file.
    pub fn key(&self) -> &'static str {
        match self {
            Verb::Allow => "allow",
            Verb::Fail { .. } | Verb::FailName { .. } => "fail",
            Verb::Limit(_) => "limit",
            Verb::Delay { .. } => "delay",
            Verb::To { .. } => "to",
            Verb::Become { .. } => "become",
            Verb::Option(_) => "option",
            Verb::Files => "files",
        }
    }

    /// The address of [`Verb::To`] for a socket of this family: an IPv4 address is v4-mapped for AF_INET6. `None` if
    /// such a socket cannot have it, or for another verb.
    pub fn address_for(&self, family: c_int) -> Option<SockAddr> {
        match self {
            Verb::To { address, .. } => sockaddr::fitted(address, family),
            _ => None,
        }
    }

    /// Whether a rule about these calls can have this verb.
    pub(super) fn fit(&self, calls: CallSet) -> Result<(), Misfit> {
        let fits = |calls_of_verb: &[Call], misfit| {
            if calls.is_within(calls_of_verb) { Ok(()) } else { Err(misfit) }
        };
        match self {
            Verb::Allow | Verb::Delay { .. } => Ok(()),
            Verb::Fail { .. } if calls.has(Call::Resolve) => {
                Err(("resolve and other calls fail with different errors", "make it two rules"))
            }
            Verb::Fail { .. } => Ok(()),
            Verb::FailName { .. } => fits(&[Call::Resolve], ("only resolve fails with such an error", "")),
            Verb::Limit(_) => fits(&[Call::Send, Call::Recv], ("limit is for send and recv only", "")),
            Verb::To { address, .. } if sockaddr::families_for(address).is_empty() => Err(("no address", "")),
            Verb::To { .. } => {
                fits(&[Call::Bind, Call::Connect, Call::Send], ("to is for bind, connect and send only", ""))
            }
            Verb::Become { .. } => fits(&[Call::Socket], ("become is for socket only", "")),
            Verb::Option(_) => fits(
                &[Call::Socket, Call::Socketpair, Call::Accept],
                ("option is for calls that make sockets", "expected socket, socketpair or accept"),
            ),
            Verb::Files => fits(&[Call::Resolve], ("files is for resolve only", "")),
        }
    }

    /// Whether a rule about these calls can fail the asynchronous way with this error.
    pub(super) fn fit_async(&self, calls: CallSet) -> Result<(), Misfit> {
        match self {
            Verb::Fail { errno: Errno::ECONNREFUSED | Errno::ETIMEDOUT | Errno::EHOSTUNREACH, .. } => {}
            Verb::Fail { .. } => {
                return Err((
                    "no such error comes the asynchronous way",
                    "expected ECONNREFUSED, ETIMEDOUT or EHOSTUNREACH",
                ));
            }
            _ => return Err(("async belongs to fail", "")),
        }
        if calls.is_within(&[Call::Connect]) { Ok(()) } else { Err(("async is for connect only", "")) }
    }

    /// Whether the verb can be forced.
    pub(super) fn fit_force(&self) -> Result<(), Misfit> {
        match self {
            Verb::Fail { errno: Errno::EAGAIN, .. } => Ok(()),
            Verb::Fail { .. } => Err(("force is for EAGAIN only", "other errors need none")),
            _ => Err(("force belongs to fail", "")),
        }
    }

    /// Whether a rule about these calls can hide the other address.
    pub(super) fn fit_hide(&self, calls: CallSet) -> Result<(), Misfit> {
        match self {
            Verb::To { .. } if calls.is_within(&[Call::Bind, Call::Connect]) => Ok(()),
            Verb::To { .. } => {
                Err(("hide is for bind and connect only", "a socket has no address of its peer after send"))
            }
            _ => Err(("hide belongs to the verb to", "")),
        }
    }
}
