//! What a rule may ask about a call.

use crate::net::address::SockAddr;
use libc::c_int;

/// What a socket is: the arguments of the socket(2) that makes such a one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sort {
    /// The address family.
    pub family: c_int,
    /// The type, without flags.
    pub ty: c_int,
    /// The protocol. What protocol 0 stands for has taken its place.
    pub protocol: c_int,
}

/// What a rule may ask about a call. A question is asked only when a rule needs the answer, and once for each decision.
pub trait Subject {
    /// What the socket is, or is to be; `None` when it is not known.
    fn sort(&self) -> Option<Sort>;
    /// The address that the call goes to: its argument, else that of the peer. For accept(2), that of the new peer.
    fn remote(&self) -> Option<&SockAddr>;
    /// The socket's own address: for bind(2) the argument.
    fn local(&self) -> Option<&SockAddr>;
    /// The name that is looked up, of [`Call::Resolve`](crate::rules::Call::Resolve).
    fn host(&self) -> Option<&[u8]> {
        None
    }
    /// Level and name of a socket option.
    fn optname(&self) -> Option<(c_int, c_int)> {
        None
    }
    /// The effective user.
    fn uid(&self) -> u32;
    /// Whether the call does not wait, by its flags or the descriptor's.
    fn is_nonblocking(&self) -> bool;
    /// The directory that a relative path of AF_UNIX begins at.
    fn directory(&self) -> Option<&[u8]> {
        None
    }
}
