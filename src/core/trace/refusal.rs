//! Answers that do not come from the socket layer: a seccomp filter gives them before the call begins, a security module
//! from one of the hooks on its way. No table knows either, so they do not contradict a prediction. But what the walk has
//! noted behind that point may never have run, and an event must not claim it.

use crate::errno::Errno;
use crate::func;
use crate::net::path::{Finding, Func};
use crate::trace::event::Event;
use crate::verdict::{Action, Predicted, Reason};
use libc::c_int;

/// What is known to be there beside the socket layer.
#[derive(Clone, Copy, Default, Debug)]
pub struct Outside {
    /// A seccomp filter.
    pub filter: bool,
    /// A Landlock domain.
    pub landlock: bool,
}

/// Takes back what may not be true of an event that libc has answered.
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
        refused_by_module(event, expected);
    }
}

/// Whether filters answer with it as a rule: for a family that is not allowed, for a call that is to be missing.
fn is_filters_own(errno: c_int) -> bool {
    matches!(Errno(errno), Errno::EAFNOSUPPORT | Errno::ENOSYS)
}

/// The filter runs where a system call begins, so nothing of the way is certain.
fn answered_by_filter(event: &mut Event) {
    event.path.clear();
    if event.errno.is_some() {
        event.path.step(func!(__secure_computing), Finding::MayHaveRefused);
    }
    event.reason = Reason::Filter;
}

fn refused_by_module(event: &mut Event, expected: bool) {
    let hook = event.path.steps().iter().enumerate().find(|(_, step)| matches!(step.finding, Finding::Allow));
    let Some((place, hook)) = hook.map(|(place, step)| (place, step.func)) else { return };
    event.path.find_instead(place, Finding::MayHaveRefused);
    if expected {
        // The walk says which later check refuses as well.
        return;
    }
    if event.predicted != Predicted::Unknown || !is_refused_later(event, hook) {
        event.path.truncate(place + 1);
    }
    event.predicted = Predicted::Unknown;
    if event.reason != Reason::Privilege {
        event.reason = Reason::Refused;
    }
}

/// Whether the walk has come to a check of its own that refuses in this way and that only the host can make: then it may
/// as well be that one. Capabilities, the permissions of a socket's file, and options, many of which need a capability.
fn is_refused_later(event: &Event, hook: Func) -> bool {
    let has_file = event.socket.is_some_and(|socket| socket.sk.family == libc::AF_UNIX);
    event.reason == Reason::Privilege || has_file || hook == func!(security_socket_setsockopt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook;
    use crate::hook::Hook;

    static CONNECT: Hook = hook!(Call, Plain, [SYS_connect], connect(fd: c_int) -> c_int);

    /// A connect that was predicted and answered so, with its way.
    fn event(predicted: Predicted, errno: Option<Errno>) -> Event {
        let mut event = Event::new(&CONNECT);
        event.predicted = predicted;
        event.errno = errno.map(|errno| errno.0);
        event.path.step(func!(move_addr_to_kernel), Finding::Passed);
        event.path.step(func!(security_socket_connect), Finding::Allow);
        event.path.step(func!(inet_stream_connect), Finding::Passed);
        event
    }

    fn way(event: &Event) -> Vec<(&'static str, bool)> {
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
                assert_eq!(way(&event), [WHOLE[0], ("security_socket_connect", true)]);
                assert_eq!((event.predicted, event.reason), (Predicted::Unknown, Reason::Refused));
            }
        }
    }

    #[test]
    fn an_expected_refusal_is_doubtful_in_a_landlock_domain_only() {
        let expected = Predicted::Errno(Errno::EACCES);
        let mut event = event(expected, Some(Errno::EACCES));
        take_back(&mut event, NOTHING);
        assert_eq!(way(&event), WHOLE);
        take_back(&mut event, LANDLOCK);
        assert_eq!(way(&event), [WHOLE[0], ("security_socket_connect", true), WHOLE[2]]);
        assert_eq!(event.predicted, expected);
    }

    #[test]
    fn what_the_walk_left_to_the_host_may_have_refused_as_well() {
        let mut event = event(Predicted::Unknown, Some(Errno::EPERM));
        event.reason = Reason::Privilege;
        take_back(&mut event, NOTHING);
        assert_eq!(way(&event), [WHOLE[0], ("security_socket_connect", true), WHOLE[2]]);
        assert_eq!(event.reason, Reason::Privilege);
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
            assert_eq!(way(&event), expected, "{predicted:?} {errno:?}");
            assert_eq!(event.predicted, Predicted::Unknown);
        }
    }
}
