//! `struct socket`, `struct proto_ops` and `struct net_proto_family` (`include/linux/net.h`).
//!
//! [`ProtoOps`] is the kernel's struct of function pointers, each beside its name. The log and `sockshim tables`
//! print that name, so it cannot drift from the function that runs. A member that is NULL in the kernel is `None`; a
//! member that the kernel fills with `sock_no_*` is that function.

use crate::errno::Errno;
use crate::instead::{Argument, Instead};
use crate::net::address::SockAddr;
use crate::net::differences::Difference;
use crate::net::module::{Module, Owner};
use crate::net::namespace::{Fact, Net, NetId};
use crate::net::path::{Finding, Func, Path};
pub use crate::net::sock::SocketState;
use crate::net::sock::{Bound, Proto, Sock, TcpState};
use crate::net::uaccess::Copied;
use crate::verdict::{Reason, Verdict};
use libc::c_int;

/// A socket as a value, `struct socket` with its `struct sock`: a copy of what the [`crate::fdtable`] holds.
#[derive(Clone, Copy)]
pub struct Socket {
    /// `state`.
    pub state: SocketState,
    /// `sk->sk_shutdown`: 1 when receiving is shut, 2 when sending is. It is here, not in `sk`, because padding is
    /// free here.
    pub shutdown: u8,
    /// The owner, which made the socket and performs its calls.
    pub owner: Owner,
    /// `sock_net(sk)`: the namespace that it was made in; it never changes.
    pub net: NetId,
    /// `type`, without flag bits.
    pub ty: c_int,
    /// `ops`; `None` until a create function has set it.
    pub ops: Option<&'static ProtoOps>,
    /// `sk`.
    pub sk: Sock,
}

impl Socket {
    /// `sock_alloc`: a socket of the host's, of this family and type in this namespace, without operations.
    pub const fn alloc(net: NetId, family: c_int, ty: c_int) -> Socket {
        Socket {
            state: SocketState::Unconnected,
            shutdown: 0,
            owner: Owner::Host,
            net,
            ty,
            ops: None,
            sk: Sock::alloc(family),
        }
    }

    /// Whether neither data nor an error can have arrived so far, because nobody knew where to send it.
    pub fn sees_no_traffic(&self) -> bool {
        self.state == SocketState::Unconnected
            && self.sk.state == TcpState::Close
            && self.sk.bound == Bound::No
    }
}

/// The context of a walk: where its functions note their findings, the namespace it works in, and where a decision
/// writes what libc is to do differently.
pub struct Cx<'a> {
    /// The path so far.
    pub path: &'a mut Path,
    /// The namespace that the call is about: `current->nsproxy->net_ns` for a new socket, else `sock_net(sk)`.
    pub net: Net<'a>,
    /// How libc's call differs from the program's, if a decision says so.
    pub instead: &'a mut Instead,
    /// Who decides at the security hooks, if anybody does.
    pub judge: Option<&'a dyn Judge>,
}

impl<'a> Cx<'a> {
    /// A context in which nobody decides.
    #[inline(always)]
    pub fn new(path: &'a mut Path, net: Net<'a>, instead: &'a mut Instead) -> Cx<'a> {
        Cx { path, net, instead, judge: None }
    }
}

impl Cx<'_> {
    /// A fact that `func` looks at, noted with its source. Without an answer the path says that the host decides.
    pub fn fact<T: Copy + Into<c_int>>(
        &mut self,
        func: Func,
        name: &'static &'static str,
        fact: Fact<T>,
    ) -> Option<T> {
        let finding = match fact {
            Some(known) => Finding::Fact { name, value: known.value.into(), source: known.source },
            None => Finding::Host(name),
        };
        self.path.step(func, finding);
        fact.map(|known| known.value)
    }

    /// Whether the kernel has a change that a version of Linux has brought, noted as a fact that `func` looks at.
    #[cold]
    pub fn since(&mut self, func: Func, difference: Difference) -> Option<bool> {
        let fact = self.net.facts.since(difference);
        self.fact(func, difference.fact(), fact)
    }

    /// Ends a walk where only the host knows how it continues. `what` names what decides there.
    pub fn ask(&mut self, func: Func, what: &'static &'static str) -> Verdict {
        self.path.step(func, Finding::Host(what));
        Verdict::ask()
    }
}

/// `struct msghdr` as a handler gets it.
#[derive(Clone, Copy)]
pub struct Msg {
    /// The address to send to.
    pub name: Option<SockAddr>,
    /// How many bytes to send, or the size of the receive buffer.
    pub len: u64,
    /// MSG_* bits. MSG_DONTWAIT is also set for a descriptor with O_NONBLOCK.
    pub flags: c_int,
    /// Whether there are control messages.
    pub control: bool,
}

impl Msg {
    /// Whether a flag is set.
    pub fn has(&self, flag: c_int) -> bool {
        self.flags & flag != 0
    }
}

/// What a hook of the security modules lets a rule see, under the kernel's names.
#[expect(missing_docs, reason = "the kernel's own names")]
#[derive(Clone, Copy)]
pub enum Arguments<'a> {
    /// `update_socket_protocol`: the arguments of socket(2), the type with its flags.
    Protocol { family: c_int, ty: c_int, protocol: c_int },
    /// Before a socket is allocated. `kern` is true for the kernel's own sockets.
    Create { family: c_int, ty: c_int, protocol: c_int, kern: bool },
    /// The socket exists; a refusal releases it.
    PostCreate { sock: &'a Socket, family: c_int, ty: c_int, protocol: c_int, kern: bool },
    /// The two ends.
    Socketpair { socka: &'a Socket, sockb: &'a Socket },
    /// bind(2) and connect(2).
    Address { sock: &'a Socket, address: &'a SockAddr },
    /// listen(2).
    Listen { sock: &'a Socket, backlog: c_int },
    /// accept(2). The new socket has its type and its ops, and no connection yet.
    Accept { sock: &'a Socket, newsock: &'a Socket },
    /// Everything that sends or receives.
    Message { sock: &'a Socket, msg: &'a Msg, size: u64, flags: c_int },
    /// getsockname(2) and getpeername(2).
    Name { sock: &'a Socket },
    /// setsockopt(2) and getsockopt(2).
    Option { sock: &'a Socket, level: c_int, optname: c_int },
    /// shutdown(2).
    Shutdown { sock: &'a Socket, how: c_int },
}

/// What a rule makes of a call.
pub enum Effect {
    /// The call goes on as it is.
    Allow,
    /// The call goes on after so many nanoseconds.
    Delay(u64),
    /// The call goes on with another argument.
    Instead(Argument),
    /// The kernel is not asked.
    Refuse(Errno),
    /// The kernel is not asked, and this is the answer.
    Answer(i64),
}

/// A rule has decided.
pub struct Decision {
    /// The rule's number, from 1; 0 where it is known only when the answer is there.
    pub rule: u16,
    /// What it makes of the call.
    pub effect: Effect,
}

/// Who decides at the hooks: the rules, or, where a call is walked once more, what they have decided.
pub trait Judge {
    /// The decision on a call that has come to this hook; `None` if no rule concerns it there.
    fn judge(&self, hook: Func, arguments: &Arguments) -> Option<Decision>;
}

/// A socket option as setsockopt(2) and getsockopt(2) name it.
#[derive(Clone, Copy)]
pub struct Opt {
    /// The level.
    pub level: c_int,
    /// The option.
    pub name: c_int,
    /// setsockopt's `optlen`, or the int that getsockopt's `optlen` points to.
    pub len: Copied<c_int>,
    /// The int at `optval`.
    pub value: Copied<c_int>,
}

impl Opt {
    /// getsockopt's first check at most levels: the length must be readable and not negative.
    pub fn get_len(&self) -> Result<(), Verdict> {
        match self.len {
            Some(Ok(0..)) => Ok(()),
            Some(Ok(_)) => Err(Verdict::errno(Errno::EINVAL, Reason::BadArgument)),
            Some(Err(errno)) => Err(Verdict::errno(errno, Reason::BadArgument)),
            None => Err(Verdict::ask()),
        }
    }

    /// The verdict of getsockopt for an option that has a value in every state: success if the value can be written.
    pub fn got(&self) -> Verdict {
        match (self.get_len(), self.value) {
            (Err(verdict), _) => verdict,
            (Ok(()), Some(Err(errno))) if self.len != Some(Ok(0)) => {
                Verdict::errno(errno, Reason::BadArgument)
            }
            _ => Verdict::ok(),
        }
    }

    /// [`Opt::got`] at a level that treats the length as unsigned: a negative one is a large one.
    pub fn got_unsigned(&self) -> Verdict {
        let len = self.len.map(|len| len.map(|len| if len < 0 { c_int::MAX } else { len }));
        Opt { len, ..*self }.got()
    }

    /// setsockopt's first steps for an int option: check the length, then copy the value.
    pub fn set_int(&self) -> Result<c_int, Verdict> {
        match (self.len, self.value) {
            (Some(Ok(..4)), _) => Err(Verdict::errno(Errno::EINVAL, Reason::BadArgument)),
            (_, Some(Ok(value))) => Ok(value),
            (_, Some(Err(errno))) => Err(Verdict::errno(errno, Reason::BadArgument)),
            (_, None) => Err(Verdict::ask()),
        }
    }
}

/// A handler's answer to a request that it does not know: an error internal to the kernel, which no program sees.
pub const ENOIOCTLCMD: Errno = Errno(515);
/// The same as the verdict of an ioctl handler.
pub const NO_IOCTL: Verdict = Verdict::errno(ENOIOCTLCMD, Reason::NoOperation);

/// A member of an ops table: the kernel's function name and what it decides.
#[derive(Clone, Copy)]
pub struct Op<F: Copy> {
    /// The name.
    pub func: Func,
    /// The decision.
    pub call: F,
}

/// `bind` and `connect`: the address as the program gave it.
pub type AddressFn = fn(&mut Cx, &Socket, &SockAddr) -> Verdict;
/// `accept`, `release`.
pub type SocketFn = fn(&mut Cx, &Socket) -> Verdict;
/// `socketpair`, on the first socket's ops.
pub type PairFn = fn(&mut Cx, &Socket, &Socket) -> Verdict;
/// `listen` (backlog), `shutdown` (how), `getname` (0 own, 1 peer, 2 peer of a new connection), `ioctl` (request).
pub type NumberFn = fn(&mut Cx, &Socket, c_int) -> Verdict;
/// `sendmsg` and `recvmsg`.
pub type MessageFn = fn(&mut Cx, &Socket, &Msg) -> Verdict;
/// `setsockopt` and `getsockopt`.
pub type OptionFn = fn(&mut Cx, &Socket, &Opt) -> Verdict;

macro_rules! proto_ops {
    ($($(#[$doc:meta])* $member:ident: $ty:ty,)*) => {
        /// `struct proto_ops`: how one kind of socket does each call.
        pub struct ProtoOps {
            /// The table's own name, such as `inet_stream_ops`.
            pub name: &'static str,
            /// `family`.
            pub family: c_int,
            /// `owner`: held for the life of each socket.
            pub owner: Option<&'static Module>,
            /// `SOCK_CUSTOM_SOCKOPT`, which the kernel's create functions set on the socket: the own `setsockopt`
            /// gets SOL_SOCKET first.
            pub custom_sol_socket: bool,
            $($(#[$doc])* pub $member: $ty,)*
        }
        impl ProtoOps {
            /// The names of all members in the kernel's order, with the function of each; `None` is NULL.
            pub fn members(&self) -> Vec<(&'static str, Option<&'static str>)> {
                vec![$((stringify!($member), Member::function(&self.$member)),)*]
            }
        }
    };
}

/// A function that only the host can run, or NULL.
pub type HostFn = Option<Func>;

proto_ops! {
    /// The last reference to the open file is gone.
    release: Op<SocketFn>,
    /// bind(2).
    bind: Op<AddressFn>,
    /// connect(2).
    connect: Op<AddressFn>,
    /// socketpair(2).
    socketpair: Op<PairFn>,
    /// accept(2).
    accept: Op<SocketFn>,
    /// getsockname(2), getpeername(2).
    getname: Op<NumberFn>,
    /// poll(2) and its relatives; with NULL nothing is ever ready.
    poll: HostFn,
    /// ioctl(2).
    ioctl: Op<NumberFn>,
    /// ioctl(2) of a 32-bit program.
    compat_ioctl: HostFn,
    /// SIOCGSTAMP and its relatives; NULL gives ENOTTY.
    gettstamp: HostFn,
    /// listen(2).
    listen: Op<NumberFn>,
    /// shutdown(2).
    shutdown: Op<NumberFn>,
    /// setsockopt(2) beyond SOL_SOCKET; NULL gives EOPNOTSUPP.
    setsockopt: Option<Op<OptionFn>>,
    /// getsockopt(2) beyond SOL_SOCKET; NULL gives EOPNOTSUPP.
    getsockopt: Option<Op<OptionFn>>,
    /// /proc/PID/fdinfo.
    show_fdinfo: HostFn,
    /// Everything that sends.
    sendmsg: Op<MessageFn>,
    /// Everything that receives.
    recvmsg: Op<MessageFn>,
    /// mmap(2).
    mmap: HostFn,
    /// splice(2) from the socket.
    splice_read: HostFn,
    /// The end of a splice into the socket.
    splice_eof: HostFn,
    /// SO_PEEK_OFF; NULL gives EOPNOTSUPP.
    set_peek_off: HostFn,
    /// Users in the kernel.
    peek_len: HostFn,
    /// Users in the kernel.
    read_sock: HostFn,
    /// Users in the kernel.
    read_skb: HostFn,
    /// Users in the kernel.
    sendmsg_locked: HostFn,
    /// SO_RCVLOWAT; NULL stores the value.
    set_rcvlowat: HostFn,
}

/// How a member of either shape tells its function's name.
trait Member {
    fn function(&self) -> Option<&'static str>;
}

impl<F: Copy> Member for Op<F> {
    fn function(&self) -> Option<&'static str> {
        Some(self.func.name())
    }
}

impl<F: Copy> Member for Option<Op<F>> {
    fn function(&self) -> Option<&'static str> {
        self.map(|op| op.func.name())
    }
}

impl Member for HostFn {
    fn function(&self) -> Option<&'static str> {
        self.map(Func::name)
    }
}

/// `create`: gives the socket its ops and its sock, or says why not.
pub type CreateFn = fn(&mut Cx, &mut Socket, c_int) -> Verdict;

/// `struct net_proto_family`: one family's entry in `net_families[]`.
pub struct NetProtoFamily {
    /// Its name in the kernel, such as `inet_family_ops`.
    pub name: &'static str,
    /// Its number.
    pub family: c_int,
    /// Its create function.
    pub create: Op<CreateFn>,
    /// The module that it lives in.
    pub owner: Option<&'static Module>,
    /// Every ops table that its sockets can have.
    pub ops: &'static [&'static ProtoOps],
    /// Every `struct proto` that its sockets can have, likewise.
    pub prots: &'static [&'static Proto],
}
