//! What would change the answer: a privilege, a setting, another protocol or another type. Each alternative is a
//! walk.

use super::facts::{Assume, CONDITIONS, Condition};
use super::question::{Answer, Outcome, Question};
use libc::c_int;
use sockshim_core::net::ipv4::af_inet::INETSW;
use sockshim_core::net::ipv6::af_inet6::INETSW6;
use sockshim_core::net::namespace::Facts;
use sockshim_core::uapi::{SOCK_FLAGS, SOCK_PACKET, SOCK_TYPE_MASK, TYPES};
use std::io::{self, Write};

/// A changed condition or argument, and the result under it.
#[derive(PartialEq, Eq, Debug)]
pub struct Alternative {
    pub change: String,
    pub result: String,
}

/// Prints the alternatives one below the other, if there are any.
///
/// # Errors
/// What `out` reports.
pub fn print(out: &mut dyn Write, answer: &Answer, kernel: &dyn Facts) -> io::Result<()> {
    let alternatives = alternatives(answer, kernel);
    if alternatives.is_empty() {
        return Ok(());
    }
    let title = match answer.outcome() {
        Some(Outcome::Success) => "This would change it",
        _ => "These would succeed",
    };
    writeln!(out, "\n{title}:")?;
    let width = alternatives.iter().map(|other| other.change.len()).max().unwrap_or(0);
    alternatives.iter().try_for_each(|other| writeln!(out, "  {:width$}  {}", other.change, other.result))
}

/// All alternatives that are worth printing.
pub fn alternatives(answer: &Answer, kernel: &dyn Facts) -> Vec<Alternative> {
    match answer.outcome() {
        Some(Outcome::Success) => {
            refusals(answer, kernel).into_iter().chain(others(answer, kernel)).collect()
        }
        Some(Outcome::Errno(_)) => {
            granted(answer.question, kernel).into_iter().chain(remedies(answer.question, kernel)).collect()
        }
        None => Vec::new(),
    }
}

/// A walk with one condition assumed.
fn assuming(question: Question, kernel: &dyn Facts, condition: &Condition, yes: bool) -> Answer {
    let mut facts = Assume::nothing(kernel);
    (condition.assume)(&mut facts, yes);
    question.walk(&facts)
}

/// A description of the socket that a successful call makes.
fn socket(answer: &Answer) -> Option<String> {
    let (ops, prot) = (answer.ops()?, answer.prot()?);
    (answer.outcome() == Some(Outcome::Success)).then(|| format!("{}, {}", ops.name, prot.symbol))
}

/// The conditions whose absence would make a successful call fail.
fn refusals(answer: &Answer, kernel: &dyn Facts) -> Vec<Alternative> {
    let refusal = |condition: &Condition| match assuming(answer.question, kernel, condition, false).outcome()
    {
        Some(failure @ Outcome::Errno(_)) if condition.is(true, kernel) => {
            Some(Alternative { change: condition.without.to_string(), result: failure.to_string() })
        }
        _ => None,
    };
    CONDITIONS.iter().filter_map(refusal).collect()
}

/// The conditions that would make a failing call succeed.
fn granted(question: Question, kernel: &dyn Facts) -> Vec<Alternative> {
    let grant = |condition: &Condition| {
        let result = socket(&assuming(question, kernel, condition, true))?;
        condition.is(false, kernel).then(|| Alternative { change: condition.with.to_string(), result })
    };
    CONDITIONS.iter().filter_map(grant).collect()
}

/// A call that succeeds, or that would succeed under a condition.
fn success(question: Question, kernel: &dyn Facts) -> Option<Alternative> {
    if let Some(result) = socket(&question.walk(&Assume::nothing(kernel))) {
        return Some(Alternative { change: question.to_string(), result });
    }
    let Alternative { change, result } = granted(question, kernel).into_iter().next()?;
    Some(Alternative { change: format!("{question} {change}"), result })
}

/// For a successful call, the other protocols of the same type that make another kind of socket.
fn others(answer: &Answer, kernel: &dyn Facts) -> Vec<Alternative> {
    let mut seen = Vec::from_iter(socket(answer));
    let mut found = Vec::new();
    for other in with_protocols(answer.question).filter_map(|question| success(question, kernel)) {
        if !seen.contains(&other.result) {
            seen.push(other.result.clone());
            found.push(other);
        }
    }
    found
}

/// For a failing call, successful calls that differ in one argument, or in two if one is not enough.
fn remedies(question: Question, kernel: &dyn Facts) -> Vec<Alternative> {
    let working = |questions: &mut dyn Iterator<Item = Question>| -> Vec<Alternative> {
        questions
            .filter(|other| *other != question)
            .filter_map(|question| success(question, kernel))
            .collect()
    };
    let known_flags = Question { ty: question.ty & (SOCK_TYPE_MASK | SOCK_FLAGS), ..question };
    let mut one = std::iter::once(known_flags)
        .filter(|_| known_flags.ty != question.ty)
        .chain(with_protocols(question))
        .chain(with_types(question));
    match working(&mut one) {
        found if found.is_empty() => working(&mut with_types(Question { protocol: 0, ..question })),
        found => found,
    }
}

/// The types that a program may want. SOCK_PACKET exists only for old programs.
fn with_types(question: Question) -> impl Iterator<Item = Question> {
    let flags = question.ty & SOCK_FLAGS;
    let other = move |ty: &c_int| *ty != question.ty & SOCK_TYPE_MASK && *ty != SOCK_PACKET;
    let types = TYPES.iter().map(|(ty, _)| ty).filter(other);
    types.map(move |ty| Question { ty: ty | flags, ..question })
}

/// Protocol 0 and the protocols that the tables have for this type, without those that need a module.
fn with_protocols(question: Question) -> impl Iterator<Item = Question> {
    let ty = question.ty & SOCK_TYPE_MASK;
    let (sw, icmp) = match question.family {
        libc::AF_INET => (Some(&INETSW), libc::IPPROTO_ICMP),
        libc::AF_INET6 => (Some(&INETSW6), libc::IPPROTO_ICMPV6),
        _ => (None, 0),
    };
    let mut protocols = vec![0];
    for entry in sw.map_or(&[][..], |sw| sw.list(ty)) {
        match entry.protocol {
            // The entry accepts any protocol: show two that are in use.
            0 => protocols.extend([icmp, libc::IPPROTO_RAW]),
            protocol => protocols.push(protocol),
        }
    }
    if question.family == libc::AF_NETLINK {
        protocols.extend([libc::NETLINK_USERSOCK, libc::NETLINK_KOBJECT_UEVENT, libc::NETLINK_GENERIC]);
    }
    protocols.into_iter().map(move |protocol| Question { protocol, ..question })
}

#[cfg(test)]
mod tests {
    use super::super::facts::Machine;
    use super::*;
    use sockshim_core::net;

    fn found(privileged: bool, family: c_int, ty: c_int, protocol: c_int) -> Vec<String> {
        net::init();
        let kernel = Machine { privileged };
        let answer = Question { family, ty, protocol }.walk(&kernel);
        let line = |other: Alternative| format!("{}: {}", other.change, other.result);
        alternatives(&answer, &kernel).into_iter().map(line).collect()
    }

    #[test]
    fn a_wrong_protocol() {
        let expected = [
            "socket(AF_INET, SOCK_DGRAM, 0): inet_dgram_ops, udp_prot",
            "socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP): inet_dgram_ops, udp_prot",
            "socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE): inet_dgram_ops, udplite_prot",
            "socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) with a group in net.ipv4.ping_group_range: inet_sockraw_ops, ping_prot",
            "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP): inet_stream_ops, tcp_prot",
            "socket(AF_INET, SOCK_RAW, IPPROTO_TCP): inet_sockraw_ops, raw_prot",
        ];
        assert_eq!(found(true, 2, 2, 6), expected);
    }

    #[test]
    fn privileges_both_ways() {
        assert_eq!(found(false, 2, 3, 1)[0], "with CAP_NET_RAW: inet_sockraw_ops, raw_prot");
        assert_eq!(found(true, 2, 3, 1), ["without CAP_NET_RAW: EPERM"]);
        assert_eq!(
            found(false, 2, 2, 1)[0],
            "with a group in net.ipv4.ping_group_range: inet_sockraw_ops, ping_prot"
        );
        assert!(found(true, 2, 1, 262).contains(&"with net.mptcp.enabled=0: ENOPROTOOPT".to_string()));
    }

    #[test]
    fn other_sockets_beside_one_that_is_made() {
        let mptcp = "socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP): mptcp_stream_ops, mptcp_prot";
        assert_eq!(found(false, 2, 1, 0), [mptcp]);
        assert_eq!(found(false, 1, 1, 0), [""; 0]);
    }

    #[test]
    fn types_flags_and_both() {
        assert_eq!(
            found(false, 2, 0x11, 6)[0],
            "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP): inet_stream_ops, tcp_prot"
        );
        let seqpacket = found(false, 2, 5 | libc::SOCK_CLOEXEC, 17);
        assert_eq!(
            seqpacket[0],
            "socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP): inet_dgram_ops, udp_prot"
        );
        // No single other type or protocol helps.
        assert_eq!(
            found(false, 1, 4, 6)[0],
            "socket(AF_UNIX, SOCK_STREAM, 0): unix_stream_ops, unix_stream_proto"
        );
        assert_eq!(found(false, -1, 1, 0), [""; 0]);
    }
}
