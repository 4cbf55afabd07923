//! Rules: what a user has asked for, decided at the kernel's security hooks.
//!
//! The gates of the calls that rules name are open ([`crate::mode`]). Such a call is looked at here first
//! ([`may_decide`]), by its address alone, so that most calls go on as if there were no rules. What may concern a rule takes
//! the slow path: its walk asks the [`Judge`](judge::CallJudge) at the hook where a security module would be asked.
//!
//! | file | what |
//! |---|---|
//! | [`start`], [`compile`] | where the rules come from |
//! | [`judge`] | a call's decision |
//! | [`subject`] | what rules may ask of a call |
//! | [`counters`] | what `when` and `chance` count, and what the report shows |
//! | [`remembered`] | what has to be known of a socket later: the program's own address, an error that is to come |
//! | [`outcome`] | what is done when libc has answered |
//!
//! The layer stands above `track` and `memory`, and below what knows tickets.

mod compile;
mod counters;
pub mod judge;
pub mod outcome;
mod remembered;
mod start;
pub mod subject;

pub use counters::{io_uring as made_io_uring, uncovered};
pub use remembered::{Side, own_address};
pub use start::{HandedOn, Refused, start};

use self::judge::CallJudge;
use self::subject::CallSubject;
use crate::mode::{self, CONNECTS, NAMED};
use crate::stack::Page;
use crate::table::{HOOKS, HookIndex};
use crate::{identity, memory, track};
use sockshim_core::fdtable::{FDS, Handle};
use sockshim_core::hook::{Does, MAX_ARGS};
use sockshim_core::net::address::SockAddr;
use sockshim_core::net::ops::Socket;
use sockshim_core::net::sock::TcpState;
use sockshim_core::rules::{self, Call, Rules, Verb};
use sockshim_core::verdict::{Reason, Verdict};

/// The rules of this process, if it has any.
#[inline(always)]
pub fn active() -> Option<&'static Rules> {
    rules::active()
}

/// Before the program puts itself under a filter. Afterwards the kernel cannot be asked what a descriptor is, so all of them are
/// looked at now, and followed from now on.
pub fn before_sandbox() {
    const DESCRIPTORS: i32 = 1024;
    if active().is_none() || identity::is_sandboxed() {
        return;
    }
    mode::track();
    for fd in 0..DESCRIPTORS {
        let _ = track::adopt(fd);
    }
}

/// Whether a rule may decide this call: `false` is certain. The socket is not looked at.
#[inline(never)]
pub fn may_decide(index: HookIndex, words: &[i64; MAX_ARGS]) -> bool {
    let Some(rules) = active() else { return false };
    let (does, bits) = (HOOKS[index as usize].does, mode::bits(index));
    let connects =
        bits & CONNECTS != 0 && (bits & mode::OBSERVED != 0 || flags(does, words) & libc::MSG_FASTOPEN != 0);
    if bits & NAMED == 0 {
        return connects;
    }
    let call = match does {
        Does::Connects => Call::Connect,
        Does::Binds => Call::Bind,
        // Their addresses are looked at on the slow path.
        _ => return true,
    };
    // What changes the peer of a socket lets rules about data calls be asked again, and ends what was noted of the last one.
    if call == Call::Connect && (follows_peers() || remembered::has_any()) {
        return true;
    }
    let mut address = SockAddr::EMPTY;
    let copied = memory::sockaddr(Page::behind(words), words[1], words[2] as i32, &mut address);
    match copied {
        // inet takes it for AF_INET.
        Some(Ok(())) if call == Call::Bind && address.family() == Some(libc::AF_UNSPEC) => true,
        Some(Ok(())) => rules.may_concern(call, Some(address.bytes())),
        // The kernel refuses such an address before any rule is asked.
        Some(Err(_)) => false,
        None => rules.may_concern(call, None),
    }
}

/// The flags of a call that sends to an address.
fn flags(does: Does, words: &[i64; MAX_ARGS]) -> i32 {
    // sendto(2) and sendmmsg(2) have them fourth, sendmsg(2) third, where the others have a length. A bit that is taken for
    // a flag costs a look.
    if does == Does::SendsTo { (words[2] | words[3]) as i32 } else { 0 }
}

/// Whether what was found out about a connected socket is kept in its word.
fn follows_peers() -> bool {
    let Some(rules) = active() else { return false };
    rules.calls().has(Call::Send) || rules.calls().has(Call::Recv)
}

/// The socket has got another peer or address: rules about data calls are asked again.
pub fn moved(handle: Handle) {
    if follows_peers() {
        FDS.concern(handle);
    }
}

/// Whether the keys of a rule hold for a message on this socket, to this address if it has one.
pub fn concerns(
    rules: &Rules,
    call: Call,
    fd: Option<i32>,
    socket: &Socket,
    name: Option<&SockAddr>,
) -> bool {
    let name = CallSubject::destination(socket, name.copied());
    let mut subject = CallSubject::on(fd, socket);
    subject.remote = name.as_ref();
    rules.concerns(call, &subject)
}

/// No rule concerned a message on this socket. If none can as long as it has this peer, its data calls are free of rules.
pub fn free(rules: &Rules, fd: i32, handle: Handle, socket: &Socket) {
    let by_user = rules.iter().any(|rule| !rule.keys.uids.is_empty());
    let data = [Call::Send, Call::Recv];
    if !by_user
        && is_settled(socket)
        && data.iter().all(|call| !concerns(rules, *call, Some(fd), socket, None))
    {
        FDS.free(fd, handle);
    }
}

/// Asks the rules about io_uring_setup(2): the verdict, if one has decided, and a delay in nanoseconds.
pub fn io_uring() -> Option<(Verdict, u64)> {
    let rules = active().filter(|rules| rules.calls().has(Call::IoUringSetup))?;
    let judge = CallJudge::new(rules, "io_uring_setup", None, false);
    let decided = judge.decide(Call::IoUringSetup, &CallSubject::new(None))?;
    let reason = Reason::Rule(judge.rule());
    let host = Verdict { reason, ..Verdict::ask() };
    Some(match decided.verb {
        Verb::Fail { errno, .. } => (Verdict::refuse(errno, reason), 0),
        Verb::Delay { nanoseconds } => (host, nanoseconds),
        _ => (host, 0),
    })
}

/// Whether the peer of this socket can change only by calls that are [seen](moved).
fn is_settled(socket: &Socket) -> bool {
    let has_connections = matches!(socket.ty, libc::SOCK_STREAM | libc::SOCK_SEQPACKET);
    has_connections && socket.sk.state == TcpState::Established
}
