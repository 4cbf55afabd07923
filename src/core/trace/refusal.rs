//! Answers that do not come from the socket layer. A seccomp filter answers before the call begins, a security module
//! from one of the hooks inside it. No table knows either, so such an answer does not contradict a prediction. But
//! the steps that the walk has noted after that point may never have run, and an event must not claim them.

use crate::errno::Errno;
use crate::func;
use crate::net::path::{Finding, Func, Step};
use crate::trace::event::Event;
use crate::verdict::{Action, Predicted, Reason};
use libc::c_int;

/// What can answer beside the socket layer, as far as it is known.
#[derive(Clone, Copy, Default, Debug)]
pub struct Outside {
    /// A seccomp filter.
    pub filter: bool,
    /// A Landlock domain.
    pub landlock: bool,
}

/// Removes from an event that libc has answered what may not be true.
pub fn take_back(event: &mut Event, outside: Outside) {
    if event.action != Action::Host || event.reason.is_about_process() {
        return;
    }
    let refused = event.errno.is_some_and(|errno| Errno(errno).is_refusal());
    let answer = event.errno.map_or(Predicted::Ok, |errno| Predicted::Errno(Errno(errno)));
    let expected = event.predicted == answer;
    if outside.filter {
        if refused || event.is_divergence() || (!expected && event.errno.is_some_and(is_filters_own)) {
            answered_by_filter(event);
        }
        event.predicted = Predicted::Unknown;
    } else if refused && (!expected || outside.landlock) {
        refused_by_module(event, expected, outside.landlock);
    }
    ended_before_port(event);
}

/// Functions of bind(2) that look at the address.
const OF_ADDRESS: [Func; 3] =
    [func!(inet_addr_type_table), func!(ipv6_chk_addr), func!(ping_check_bind_addr)];

/// The walk of bind(2) goes on where an address may not be there, up to the table of ports, which refuses with EADDRINUSE only.
/// Any other error has come before.
fn ended_before_port(event: &mut Event) {
    let get_port = event.prot.and_then(|prot| prot.get_port);
    let mut steps = event.path.steps().iter();
    let len = match event.errno {
        None | Some(libc::EADDRINUSE) => None,
        Some(libc::EADDRNOTAVAIL) => {
            steps.rposition(|step| OF_ADDRESS.contains(&step.func)).map(|index| index + 1)
        }
        _ => steps.position(|step| Some(step.func) == get_port),
    };
    if let Some(len) = len {
        event.path.truncate(len);
    }
}

/// Whether filters typically answer with this error: for a family that is not permitted, or a call that is to look
/// missing.
fn is_filters_own(errno: c_int) -> bool {
    matches!(Errno(errno), Errno::EAFNOSUPPORT | Errno::ENOSYS)
}

/// The filter runs before the system call does anything, so no step of the path is certain.
fn answered_by_filter(event: &mut Event) {
    event.path.clear();
    if event.errno.is_some() {
        event.path.step(func!(__secure_computing), Finding::MayHaveRefused);
    }
    event.reason = Reason::Filter;
}

/// The hook that allowed the call becomes one that may have refused it. The steps after it stay only if one of them
/// may have refused as well, and if no Landlock domain is known.
fn refused_by_module(event: &mut Event, expected: bool, landlock: bool) {
    let allows = |step: &Step| matches!(step.finding, Finding::Allow);
    let Some(index) = event.path.steps().iter().position(allows) else { return };
    event.path.find_instead(index, Finding::MayHaveRefused);
    if expected {
        // The prediction was the same error, so the path shows the later check that refuses.
        return;
    }
    if landlock || !is_refused_later(event) {
        event.path.truncate(index + 1);
    }
    event.predicted = Predicted::Unknown;
    if event.reason != Reason::Privilege {
        event.reason = Reason::Refused;
    }
}

/// Functions that refuse on their own: a capability, a file permission or an option for broadcasts is missing. Also
/// functions that are followed by such a check which the walk did not reach.
const REFUSING: [Func; 20] = [
    func!(inet_addr_type_table),
    func!(ipv6_chk_addr),
    func!(ns_capable),
    func!(inet_port_requires_bind_service),
    func!(ip4_datagram_connect),
    func!(ip_route_output_flow),
    func!(unix_bind_bsd),
    func!(unix_find_other),
    func!(netlink_insert),
    func!(netlink_allowed),
    func!(dev_ioctl),
    func!(inet_ioctl),
    func!(sk_setsockopt),
    func!(sock_setbindtodevice),
    func!(ip_setsockopt),
    func!(ipv6_setsockopt),
    func!(do_tcp_setsockopt),
    func!(mptcp_setsockopt),
    func!(netlink_setsockopt),
    func!(packet_setsockopt),
];

/// Whether the walk has left the answer of such a function to the host, which may then have refused.
fn is_refused_later(event: &Event) -> bool {
    let left = |step: &Step| matches!(step.finding, Finding::Host(_)) && REFUSING.contains(&step.func);
    event.predicted == Predicted::Unknown
        && (event.reason == Reason::Privilege || event.path.steps().iter().any(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook;
    use crate::hook::Hook;

    static CONNECT: Hook = hook!(Call, Plain, [SYS_connect], connect(fd: c_int) -> c_int);

    /// A connect with this prediction and this answer, and its path.
    fn event(predicted: Predicted, errno: Option<Errno>) -> Event {
        let mut event = Event::new(&CONNECT);
        event.predicted = predicted;
        event.errno = errno.map(|errno| errno.0);
        event.path.step(func!(move_addr_to_kernel), Finding::Passed);
        event.path.step(func!(security_socket_connect), Finding::Allow);
        event.path.step(func!(inet_stream_connect), Finding::Passed);
        event
    }

    fn steps_of(event: &Event) -> Vec<(&'static str, bool)> {
        let doubtful = |finding| matches!(finding, Finding::MayHaveRefused);
        event.path.steps().iter().map(|step| (step.func.name(), doubtful(step.finding))).collect()
    }

    const WHOLE: [(&str, bool); 3] =
        [("move_addr_to_kernel", false), ("security_socket_connect", false), ("inet_stream_connect", false)];
    const NOTHING: Outside = Outside { filter: false, landlock: false };
    const FILTER: Outside = Outside { filter: true, landlock: false };
    const LANDLOCK: Outside = Outside { filter: false, landlock: true };

    #[test]
    fn a_refusal_that_no_table_knows_ends_at_the_security_hook() {
        for predicted in [Predicted::Unknown, Predicted::Ok, Predicted::Errno(Errno::EISCONN)] {
            for errno in [Errno::EACCES, Errno::EPERM] {
                let mut event = event(predicted, Some(errno));
                assert!(!event.is_divergence());
                take_back(&mut event, NOTHING);
                assert_eq!(steps_of(&event), [WHOLE[0], ("security_socket_connect", true)]);
                assert_eq!((event.predicted, event.reason), (Predicted::Unknown, Reason::Refused));
            }
        }
    }

    #[test]
    fn an_expected_refusal_is_doubtful_in_a_landlock_domain_only() {
        let expected = Predicted::Errno(Errno::EACCES);
        let mut event = event(expected, Some(Errno::EACCES));
        take_back(&mut event, NOTHING);
        assert_eq!(steps_of(&event), WHOLE);
        take_back(&mut event, LANDLOCK);
        assert_eq!(steps_of(&event), [WHOLE[0], ("security_socket_connect", true), WHOLE[2]]);
        assert_eq!(event.predicted, expected);
    }

    #[test]
    fn what_the_walk_left_to_the_host_may_have_refused_as_well() {
        let mut event = event(Predicted::Unknown, Some(Errno::EPERM));
        event.path.step(func!(ip4_datagram_connect), Finding::Host(&"the route"));
        let mut known = event.clone();
        take_back(&mut event, NOTHING);
        let later = ("ip4_datagram_connect", false);
        assert_eq!(steps_of(&event), [WHOLE[0], ("security_socket_connect", true), WHOLE[2], later]);
        take_back(&mut known, LANDLOCK);
        assert_eq!(steps_of(&known), [WHOLE[0], ("security_socket_connect", true)]);
    }

    #[test]
    fn under_a_filter_no_prediction_is_closed() {
        let filters = [("__secure_computing", true)];
        let cases = [
            (Predicted::Ok, None, &WHOLE[..]),
            (Predicted::Unknown, Some(Errno::ECONNREFUSED), &WHOLE[..]),
            (Predicted::Errno(Errno::EISCONN), Some(Errno::EISCONN), &WHOLE[..]),
            (Predicted::Ok, Some(Errno::EINTR), &WHOLE[..]),
            (Predicted::Ok, Some(Errno::EAFNOSUPPORT), &filters[..]),
            (Predicted::Unknown, Some(Errno::ENOSYS), &filters[..]),
            (Predicted::Unknown, Some(Errno::EPERM), &filters[..]),
            (Predicted::Errno(Errno::EACCES), Some(Errno::EACCES), &filters[..]),
            (Predicted::Errno(Errno::EINVAL), None, &[][..]),
        ];
        for (predicted, errno, expected) in cases {
            let mut event = event(predicted, errno);
            take_back(&mut event, FILTER);
            assert_eq!(steps_of(&event), expected, "{predicted:?} {errno:?}");
            assert_eq!(event.predicted, Predicted::Unknown);
        }
    }

    #[test]
    fn the_table_of_ports_refuses_with_one_error() {
        let all = [
            func!(__inet_bind),
            func!(inet_addr_type_table),
            func!(inet_port_requires_bind_service),
            func!(inet_csk_get_port),
        ];
        for (errno, steps) in
            [(None, 4), (Some(libc::EADDRINUSE), 4), (Some(libc::EINVAL), 3), (Some(libc::EADDRNOTAVAIL), 2)]
        {
            let mut event = Event::new(&CONNECT);
            event.prot = Some(&crate::net::ipv4::tcp::TCP_PROT);
            event.errno = errno;
            all.into_iter().for_each(|func| event.path.step(func, Finding::Passed));
            take_back(&mut event, NOTHING);
            assert_eq!(event.path.steps().len(), steps, "{errno:?}");
        }
    }
}
