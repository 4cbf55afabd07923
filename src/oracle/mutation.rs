//! Deliberate faults, to prove that the other commands find them. The tables stay unchanged: the fault is in what the
//! oracle reads from them.

use sockshim_core::func;
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::differences::Version;
use sockshim_core::net::ops::{Cx, Op, ProtoOps, Socket};
use sockshim_core::net::path::Finding;
use sockshim_core::net::protosw::InetProtosw;
use sockshim_core::net::socket::{Copied, Lookup, sys_bind, sys_connect};
use sockshim_core::verdict::Verdict;
use std::sync::OnceLock;

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// `inetsw[SOCK_RAW]` has an additional entry, for protocol 89.
    InetswEntry,
    /// `unix_dgram_ops.listen` is the function of `unix_stream_ops`.
    OpsEntry,
    /// connect(2) checks the descriptor before the address, as bind(2) does.
    CheckOrder,
    /// A listening TCP socket can be connected.
    StateCheck,
    /// The version of a difference is off by one, where that makes a difference for the running kernel.
    VersionBound,
}

/// All mutations, each with the command that must find it.
pub const ALL: [(Mutation, &str, &str); 5] = [
    (Mutation::InetswEntry, "one more entry in inetsw[SOCK_RAW]", "socket"),
    (Mutation::OpsEntry, "unix_dgram_ops.listen is that of unix_stream_ops", "matrix"),
    (Mutation::CheckOrder, "connect(2) looks at the descriptor before the address", "faults"),
    (Mutation::StateCheck, "a listening TCP socket may be connected", "walks"),
    (Mutation::VersionBound, "a version of Linux is off by one", "differences"),
];

static ACTIVE: OnceLock<Mutation> = OnceLock::new();

/// Activates a mutation in this process.
pub fn activate(mutation: Mutation) {
    ACTIVE.set(mutation).expect("one mutation at a time");
    if mutation == Mutation::InetswEntry {
        let raw = &sockshim_core::net::ipv4::raw::RAW_PROTOSW;
        static ENTRY: OnceLock<InetProtosw> = OnceLock::new();
        let entry = ENTRY.get_or_init(|| InetProtosw {
            name: &"MUTANT",
            ty: libc::SOCK_RAW,
            protocol: 89,
            prot: raw.prot,
            ops: raw.ops,
            flags: 0,
        });
        sockshim_core::net::ipv4::af_inet::INETSW.register(entry).expect("a free place");
    }
}

/// The ops, or the broken ones in their place.
pub fn ops(ops: &'static ProtoOps) -> &'static ProtoOps {
    use sockshim_core::net::ipv4::af_inet::INET_STREAM_OPS;
    use sockshim_core::net::unix::af_unix::{UNIX_DGRAM_OPS, UNIX_STREAM_OPS};
    static DGRAM: OnceLock<ProtoOps> = OnceLock::new();
    static STREAM: OnceLock<ProtoOps> = OnceLock::new();
    match (ACTIVE.get(), ops.name) {
        (Some(Mutation::OpsEntry), "unix_dgram_ops") => {
            DGRAM.get_or_init(|| ProtoOps { listen: UNIX_STREAM_OPS.listen, ..UNIX_DGRAM_OPS })
        }
        (Some(Mutation::StateCheck), "inet_stream_ops") => STREAM.get_or_init(|| ProtoOps {
            connect: Op { func: func!(inet_stream_connect), call: connect_even_if_listening },
            ..INET_STREAM_OPS
        }),
        _ => ops,
    }
}

fn connect_even_if_listening(cx: &mut Cx, sock: &Socket, addr: &SockAddr) -> Verdict {
    let mut sock = *sock;
    if sock.sk.state == sockshim_core::net::sock::TcpState::Listen {
        cx.path.step(func!(inet_stream_connect), Finding::Passed);
        sock.sk.state = sockshim_core::net::sock::TcpState::Close;
        let verdict = (sockshim_core::net::ipv4::af_inet::INET_STREAM_OPS.connect.call)(cx, &sock, addr);
        return verdict;
    }
    (sockshim_core::net::ipv4::af_inet::INET_STREAM_OPS.connect.call)(cx, &sock, addr)
}

/// connect(2), or the version with the broken order.
pub fn connect(cx: &mut Cx, lookup: Lookup, addr: Copied<&SockAddr>) -> Verdict {
    match (ACTIVE.get(), lookup) {
        (Some(Mutation::CheckOrder), Lookup::NotSocket) => sys_bind(cx, lookup, addr),
        _ => sys_connect(cx, lookup, addr),
    }
}

/// A version that has brought something, or the one beside it, if the running kernel is on one side with the first and on
/// the other with the second.
pub fn bound(since: Version, running: Version) -> Version {
    if ACTIVE.get() == Some(&Mutation::VersionBound) {
        beside(since, running).unwrap_or(since)
    } else {
        since
    }
}

/// The version beside this one, if the running kernel is between the two.
pub fn beside(since: Version, running: Version) -> Option<Version> {
    let is_next = since.major == running.major && since.minor == running.minor + 1;
    (since == running || is_next)
        .then_some(Version { minor: if is_next { since.minor - 1 } else { since.minor + 1 }, ..since })
}

/// The mutation at this index of [`ALL`].
pub fn by_index(index: usize) -> Option<(Mutation, &'static str, &'static str)> {
    ALL.get(index).copied()
}
