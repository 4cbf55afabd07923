//! Whether the tables agree with the running kernel: what socket(2) answers, asked of both.

use crate::commands::explain::question::Question;
use sockshim_core::net::namespace::Facts;
use sockshim_core::net::path::Finding;

/// How many questions are asked.
pub const MOST: usize = 1000;

/// What came of them.
#[derive(Default)]
pub struct Agreement {
    /// How many were asked.
    pub asked: usize,
    /// How many the tables leave to the kernel.
    pub open: usize,
    /// Those that were answered otherwise than the tables said.
    pub wrong: Vec<String>,
}

/// Asks both. A question for which the kernel would load a module is left out: it would change the machine, and take long.
pub fn compare(facts: &dyn Facts) -> Agreement {
    const FAMILIES: [i32; 9] = [
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_UNIX,
        libc::AF_NETLINK,
        libc::AF_PACKET,
        libc::AF_UNSPEC,
        -1,
        46,
        i32::MAX,
    ];
    const TYPES: [i32; 12] = [1, 2, 3, 4, 5, 6, 10, 11, 0, 7, 9, -1];
    const FLAGS: [i32; 4] = [0, libc::SOCK_CLOEXEC, libc::SOCK_NONBLOCK, 1 << 30];
    const PROTOCOLS: [i32; 12] = [0, 1, 6, 17, 58, 136, 255, 256, -1, 2, 16, i32::MAX];
    let mut agreement = Agreement::default();
    let all = PROTOCOLS.iter().flat_map(|protocol| {
        TYPES.iter().flat_map(move |ty| {
            FLAGS
                .iter()
                .flat_map(move |flags| FAMILIES.iter().map(move |family| (*family, ty | flags, *protocol)))
        })
    });
    for (family, ty, protocol) in all {
        if agreement.asked == MOST {
            break;
        }
        let question = Question { family, ty, protocol };
        let answer = question.walk(facts);
        if answer.path.steps().iter().any(|step| matches!(step.finding, Finding::Module { .. })) {
            continue;
        }
        agreement.asked += 1;
        match answer.outcome() {
            None => agreement.open += 1,
            Some(expected) => {
                let found = question.ask_kernel();
                if found != expected {
                    agreement
                        .wrong
                        .push(format!("{question}: {expected} was expected, the kernel says {found}"));
                }
            }
        }
    }
    agreement
}

#[cfg(test)]
mod tests {
    use super::*;
    use sockshim_host::LiveKernel;

    #[test]
    fn the_tables_agree_with_the_kernel() {
        let agreement = compare(&LiveKernel::new());
        assert_eq!((agreement.asked, agreement.wrong), (MOST, vec![]));
        assert!(agreement.open < MOST / 2, "{}", agreement.open);
    }
}
