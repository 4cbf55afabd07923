//! Why a call ends as it does, in one sentence.

use super::question::Answer;
use libc::c_int;
use sockshim_core::errno::Errno;
use sockshim_core::net::families;
use sockshim_core::net::path::Finding;
use sockshim_core::uapi::{
    Bits, FAMILIES, MAX_LINKS, Named, SOCK_FLAGS, SOCK_TYPE_MASK, TYPE_FLAGS, TYPES, protocols_of,
};
use sockshim_core::verdict::{Predicted, Reason};

/// The sentence, without a full stop.
pub fn sentence(answer: &Answer) -> String {
    match (answer.verdict.predicted, answer.verdict.reason) {
        (Predicted::Ok, _) => made(answer),
        (Predicted::Unknown, _) => open(answer),
        (_, Reason::NoFamily) => no_family(answer),
        (_, Reason::BadType) => bad_type(answer.question.ty),
        (_, Reason::NoType) => no_type(answer),
        (Predicted::Errno(errno), Reason::NoProtocol) => no_protocol(answer, errno),
        (_, Reason::BadProtocol) => match fact(answer, "IPPROTO_MAX") {
            Some(max) => format!("protocols of {} are 0 to {} in this kernel", family(answer), max - 1),
            None => {
                format!("{} is out of range for a protocol of {}", answer.question.protocol, family(answer))
            }
        },
        (Predicted::Errno(Errno::EPERM), Reason::Privilege) => {
            "it takes CAP_NET_RAW in the user namespace that owns the network namespace".to_string()
        }
        (Predicted::Errno(Errno::EACCES), Reason::Privilege) => {
            "none of the caller's groups is in net.ipv4.ping_group_range, which holds for root too"
                .to_string()
        }
        (_, reason) => reason.code().to_string(),
    }
}

/// The family, after `__sock_create` may have replaced it.
fn family_number(answer: &Answer) -> c_int {
    let becomes = answer.path.steps().iter().find_map(|step| match step.finding {
        Finding::FamilyBecomes(family) => Some(family.into()),
        _ => None,
    });
    becomes.unwrap_or(answer.question.family)
}

fn family(answer: &Answer) -> String {
    Named(FAMILIES, family_number(answer)).to_string()
}

/// The value of a fact that the walk has looked at.
fn fact(answer: &Answer, wanted: &str) -> Option<c_int> {
    answer.path.steps().iter().find_map(|step| match step.finding {
        Finding::Fact { name, value, .. } if *name == wanted => Some(value),
        _ => None,
    })
}

fn made(answer: &Answer) -> String {
    let (Some(ops), Some(prot)) = (answer.ops(), answer.prot()) else { return "a socket".to_string() };
    format!("a socket with {} and {}", ops.name, prot.symbol)
}

fn open(answer: &Answer) -> String {
    let unknown = answer.path.steps().iter().rev().find_map(|step| match step.finding {
        Finding::Host(what) => Some(*what),
        _ => None,
    });
    let create = families::of_number(family_number(answer)).create;
    match (unknown, create) {
        (Some(what), _) => format!("it depends on {what}, about which the kernel gave no answer"),
        (None, Some(create)) => {
            format!(
                "{} is a module of the kernel, and {} is not modelled here",
                family(answer),
                create.name()
            )
        }
        (None, None) => format!("family {} is younger than the tables here", family(answer)),
    }
}

fn no_family(answer: &Answer) -> String {
    let number = family_number(answer);
    let is_empty = answer.path.steps().iter().any(|step| matches!(step.finding, Finding::NoFamily(_)));
    match (is_empty, families::of_number(number).create) {
        (false, _) => match fact(answer, "NPROTO") {
            Some(nproto) => format!("net_families[] of this kernel ends at {}", nproto - 1),
            None => format!("{number} is out of range for net_families[]"),
        },
        (true, Some(create)) => {
            format!(
                "net_families[{number}] is empty: this kernel has no {}, and no module brings it",
                create.name()
            )
        }
        (true, None) => format!("net_families[{number}] is empty: Linux has no code for {}", family(answer)),
    }
}

/// The type without its flags.
fn type_name(ty: c_int) -> Named {
    Named(TYPES, ty & SOCK_TYPE_MASK)
}

fn bad_type(ty: c_int) -> String {
    match ty & !(SOCK_TYPE_MASK | SOCK_FLAGS) {
        0 => format!(
            "no socket type has the number {}: they are below SOCK_MAX, which is 11",
            ty & SOCK_TYPE_MASK
        ),
        unknown => format!(
            "{} is no flag of socket(2), which takes {}",
            Bits(TYPE_FLAGS, unknown),
            Bits(TYPE_FLAGS, SOCK_FLAGS)
        ),
    }
}

fn no_type(answer: &Answer) -> String {
    let ty = type_name(answer.question.ty);
    match (family_number(answer), answer.verdict.predicted) {
        (libc::AF_INET, _) => format!("inetsw[{ty}] is empty"),
        (libc::AF_INET6, _) => format!("inetsw6[{ty}] is empty"),
        (libc::AF_VSOCK, Predicted::Errno(Errno::ENODEV)) => {
            "no transport of this machine carries datagrams of AF_VSOCK".to_string()
        }
        _ => format!("{} has no sockets of type {ty}", family(answer)),
    }
}

fn no_protocol(answer: &Answer, errno: Errno) -> String {
    let (number, ty, protocol) = (family_number(answer), answer.question.ty, answer.question.protocol);
    let name = match Named(protocols_of(number), protocol).to_string() {
        name if name.starts_with(|first: char| first.is_ascii_alphabetic()) => name,
        number => format!("protocol {number}"),
    };
    match number {
        _ if errno == Errno::ENOPROTOOPT => "net.mptcp.enabled is 0".to_string(),
        libc::AF_INET | libc::AF_INET6 => {
            let table = if number == libc::AF_INET { "inetsw" } else { "inetsw6" };
            let has_entry =
                answer.path.steps().iter().any(|step| matches!(step.finding, Finding::Entry { .. }));
            match (has_entry, ty & SOCK_TYPE_MASK, protocol) {
                (true, ..) => format!("this kernel is built without {name}"),
                (_, libc::SOCK_RAW, 0) => {
                    "the only entry is for any protocol, and has none of its own to give for protocol 0"
                        .to_string()
                }
                _ => format!("no entry of {table}[{}] takes {name}", type_name(ty)),
            }
        }
        libc::AF_NETLINK if !(0..MAX_LINKS).contains(&protocol) => {
            format!("nl_table[] ends at {}", MAX_LINKS - 1)
        }
        libc::AF_NETLINK => format!("nothing in this kernel has registered {name} in nl_table[]"),
        libc::AF_UNIX | libc::AF_VSOCK => {
            format!("{} takes protocol 0 or its own number, {number}", family(answer))
        }
        _ => format!("{} takes protocol 0 only", family(answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Assume, Machine};
    use super::super::question::Question;
    use super::*;
    use sockshim_core::net;
    use sockshim_core::net::namespace::{Facts, Unasked};
    use sockshim_host::LiveKernel;

    fn why(facts: &dyn Facts, family: c_int, ty: c_int, protocol: c_int) -> String {
        net::init();
        sentence(&Question { family, ty, protocol }.walk(facts))
    }

    #[test]
    fn each_refusal_has_its_own_sentence() {
        let cases = [
            ((2, 2, 6), "no entry of inetsw[SOCK_DGRAM] takes IPPROTO_TCP"),
            ((2, 1, 250), "no entry of inetsw[SOCK_STREAM] takes protocol 250"),
            ((2, 3, 0), "the only entry is for any protocol, and has none of its own to give for protocol 0"),
            ((2, 4, 0), "inetsw[SOCK_RDM] is empty"),
            ((2, 1, -1), "-1 is out of range for a protocol of AF_INET"),
            ((1, 1, 6), "AF_UNIX takes protocol 0 or its own number, 1"),
            ((1, 4, 0), "AF_UNIX has no sockets of type SOCK_RDM"),
            ((16, 3, 32), "nl_table[] ends at 31"),
            ((0, 1, 0), "net_families[0] is empty: Linux has no code for AF_UNSPEC"),
            ((-1, 1, 0), "-1 is out of range for net_families[]"),
            ((2, 11, 0), "no socket type has the number 11: they are below SOCK_MAX, which is 11"),
            ((2, 0x11, 0), "0x10 is no flag of socket(2), which takes SOCK_NONBLOCK|SOCK_CLOEXEC"),
            ((29, 3, 1), "it depends on net_families, about which the kernel gave no answer"),
            ((2, 3, 1), "it depends on CAP_NET_RAW, about which the kernel gave no answer"),
            ((2, 1, 6), "a socket with inet_stream_ops and tcp_prot"),
        ];
        for ((family, ty, protocol), expected) in cases {
            assert_eq!(why(&Unasked, family, ty, protocol), expected);
        }
    }

    #[test]
    fn facts_of_the_kernel_are_in_the_sentence() {
        let mut facts = Assume::nothing(&Unasked);
        (facts.net_raw, facts.ping_group) = (Some(false), Some(false));
        // The kernel has the module, and nothing else is known of it.
        let machine = Machine { privileged: true };
        assert_eq!(why(&machine, 29, 3, 1), "it depends on proto_tab, about which the kernel gave no answer");
        let caif = "AF_CAIF is a module of the kernel, and caif_create is not modelled here";
        assert_eq!(why(&machine, 37, 1, 0), caif);
        assert!(why(&facts, 2, 3, 1).starts_with("it takes CAP_NET_RAW"));
        assert!(why(&facts, 2, 2, 1).contains("net.ipv4.ping_group_range"));
        let kernel = LiveKernel::new();
        let mut live = Assume::nothing(&kernel);
        live.mptcp = Some(false);
        assert_eq!(why(&live, 2, 1, 262), "net.mptcp.enabled is 0");
        let max = kernel.ipproto_max().expect("an answer").value;
        assert_eq!(
            why(&live, 2, 1, max),
            format!("protocols of AF_INET are 0 to {} in this kernel", max - 1)
        );
        let nproto = kernel.nproto().expect("an answer").value;
        assert_eq!(why(&live, nproto, 1, 0), format!("net_families[] of this kernel ends at {}", nproto - 1));
    }
}
