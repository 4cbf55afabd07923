//! A fact that a walk has looked at is in its path with its source, in both formats of the log.

use libc::c_int;
use serde_json::{Value, json};
use sockshim_core::hook;
use sockshim_core::hook::Hook;
use sockshim_core::net::namespace::{Fact, Facts, INIT_NET, Known, Net, Unasked};
use sockshim_core::net::ops::Cx;
use sockshim_core::net::socket::sys_socket;
use sockshim_core::trace::event::Event;
use sockshim_core::trace::line::{LONGEST, Line};
use sockshim_core::trace::pieces::Process;
use sockshim_core::trace::{json as json_format, text};
use sockshim_core::verdict::Instead;

static HOOK: Hook = hook!(Decision, Plain, [], socket(domain: c_int, type_: c_int, protocol: c_int) -> c_int);

/// A caller without CAP_NET_RAW, in a namespace without MPTCP.
struct Asked;

impl Facts for Asked {
    fn ipproto_max(&self) -> Fact<c_int> {
        Some(Known::probed(263))
    }
    fn net_raw(&self) -> Fact<bool> {
        Some(Known::probed(false))
    }
    fn mptcp_enabled(&self) -> Fact<bool> {
        Some(Known::sysctl(false))
    }
}

/// The event of a socket(2), as JSON and as text.
fn written(facts: &dyn Facts, ty: c_int, protocol: c_int) -> (Vec<Value>, String) {
    sockshim_core::net::init();
    let mut event = Event::new(&HOOK);
    (event.args[0], event.args[1], event.args[2]) = (libc::AF_INET.into(), ty.into(), protocol.into());
    let mut instead = Instead::new();
    let cx = &mut Cx::new(&mut event.path, Net { facts, ..INIT_NET }, &mut instead);
    let _ = sys_socket(cx, libc::AF_INET, ty, protocol);
    let mut process = Process::new(1, b"test");
    let (mut room, mut lines) = ([0; LONGEST], [0; LONGEST]);
    let (mut line, mut lines) = (Line::new(&mut room), Line::new(&mut lines));
    json_format::write(&event, &mut process, &mut line);
    text::write(&event, &mut process, &mut lines);
    let line: Value = serde_json::from_slice(line.written()).expect("JSON");
    let path = line["path"].as_array().expect("a path").clone();
    (path, String::from_utf8(lines.written().to_vec()).expect("text"))
}

#[test]
fn an_answer_is_written_with_its_origin() {
    let (path, text) = written(&Asked, libc::SOCK_RAW, 89);
    let capability = json!({"fn": "ns_capable", "fact": "CAP_NET_RAW", "value": 0, "source": "probe"});
    assert!(path.contains(&capability), "{path:?}");
    assert!(text.contains("CAP_NET_RAW = 0 (probe)"), "{text}");

    let (path, text) = written(&Asked, libc::SOCK_STREAM, libc::IPPROTO_MPTCP);
    let range = json!({"fn": "inet_create", "fact": "IPPROTO_MAX", "value": 263, "source": "probe"});
    let sysctl =
        json!({"fn": "mptcp_init_sock", "fact": "net.mptcp.enabled", "value": 0, "source": "sysctl"});
    assert!(path.contains(&range) && path.contains(&sysctl), "{path:?}");
    assert!(text.contains("net.mptcp.enabled = 0 (sysctl)"), "{text}");
}

#[test]
fn a_question_that_nobody_has_asked_is_the_hosts() {
    let (path, text) = written(&Unasked, libc::SOCK_RAW, 89);
    assert!(path.contains(&json!({"fn": "ns_capable", "host": "CAP_NET_RAW"})), "{path:?}");
    assert!(text.contains("CAP_NET_RAW: the host decides"), "{text}");
}

/// A fact is looked at only where the answer depends on it.
#[test]
fn a_plain_socket_needs_no_fact() {
    let (path, _) = written(&Asked, libc::SOCK_STREAM, 0);
    assert!(path.iter().all(|step| step.get("fact").is_none() && step.get("host").is_none()), "{path:?}");
}
