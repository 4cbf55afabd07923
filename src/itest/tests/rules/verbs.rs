//! What each verb promises beyond its one call: bytes, control data, waits, errors that come later, addresses.

use crate::under::{Setting, under};
use sockshim_itest::{Output, Scratch, cc, run};
use std::fmt::Write;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);

/// Runs a program of `c-tests/rules`, without the library if there are no rules. It must succeed.
fn make(program: &str, arguments: &[&str], rules: Option<&str>, logs: bool) -> Output {
    let scratch = Scratch::new();
    let directory = scratch.dir("run");
    let setting = Setting { rules, logs, ..Setting::default() };
    let mut command = under(&scratch, &setting, &cc(&format!("rules/{program}.c"), &[]));
    let output = run(command.args(arguments).current_dir(directory), b"", DEADLINE);
    let says = || {
        let (stdout, stderr) = (output.stdout(), output.stderr());
        format!(
            "{program} {arguments:?} under\n{}\n{}\n{stdout}{stderr}",
            rules.unwrap_or_default(),
            output.status
        )
    };
    assert!(!output.timed_out && output.status.success() && output.stderr.is_empty(), "{}", says());
    output
}

/// What it prints under the rules, with and without a log.
fn printed(program: &str, arguments: &[&str], rules: &str) -> String {
    let without = make(program, arguments, Some(rules), false).stdout();
    assert_eq!(make(program, arguments, Some(rules), true).stdout(), without, "{program} with a log");
    without
}

#[test]
fn every_errno_is_given_and_changes_nothing_else() {
    let list = make("errors", &["list"], None, false).stdout();
    let errors: Vec<_> = list.lines().map(|line| line.split_once(' ').expect("number and name")).collect();
    assert!(errors.len() > 120, "{}", errors.len());
    let mut rules = String::new();
    for (number, name) in &errors {
        let port = 20_000 + number.parse::<u32>().expect("a number");
        let force = if *name == "EAGAIN" { "force = true\n" } else { "" };
        write!(rules, "[[rule]]\ncall = \"connect\"\nremote = \"*:{port}\"\nfail = \"{name}\"\n{force}\n")
            .expect("text");
    }
    assert_eq!(printed("errors", &[], &rules), "");
    // On a socket that waits EAGAIN would be a lie, unless it is forced.
    let lies = printed("errors", &[], &rules.replace("force = true", ""));
    assert_eq!(lies, "EAGAIN blocking: -1 ECONNREFUSED, SO_ERROR 0, ready 0x14 after 0x14\n");
}

#[test]
fn an_error_that_comes_later_comes_like_the_kernels() {
    let rule = |port: u32, error: &str| {
        format!("[[rule]]\ncall = \"connect\"\nremote = \"*:{port}\"\nfail = \"{error}\"\nasync = true\n")
    };
    let errors = [(81, "ECONNREFUSED"), (82, "ETIMEDOUT"), (83, "EHOSTUNREACH")];
    let rules: String = errors.map(|(port, error)| rule(port, error)).concat();
    // Natively all are refused by the kernel itself.
    let native = make("asynchronous", &[], None, false).stdout();
    let expected_of = |line: &str| {
        let is_of = |port: &u32| line.split(' ').next().is_some_and(|to| to.ends_with(&format!(":{port}")));
        let error = errors.iter().find(|(port, _)| is_of(port)).expect("a port").1;
        line.replace("ECONNREFUSED", error) + "\n"
    };
    let expected: String = native.lines().map(expected_of).collect();
    assert_eq!(expected.lines().count(), 300);
    assert_eq!(printed("asynchronous", &[], &rules), expected);
}

#[test]
fn asyncio_and_curl_take_the_late_error_for_their_own() {
    let rules = "[[rule]]\ncall = \"connect\"\nremote = \"192.0.2.1\"\nfail = \"ETIMEDOUT\"\nasync = true\n";
    let script = "import asyncio\nasync def main():\n    try: await asyncio.open_connection('192.0.2.1', 80)\n    except OSError as e: print(type(e).__name__, e.errno)\nasyncio.run(main())";
    for (program, arguments, stdout, code) in [
        ("/usr/bin/python3", vec!["-c", script], "TimeoutError 110\n", 0),
        // "Operation timed out", and "couldn't connect" for the other errors.
        ("/usr/bin/curl", vec!["-sS", "--max-time", "60", "http://192.0.2.1/"], "", 28),
        (
            "/usr/bin/curl",
            vec!["-sS", "-Z", "--max-time", "60", "http://192.0.2.1/", "http://192.0.2.1/"],
            "",
            28,
        ),
    ] {
        for logs in [false, true] {
            let scratch = Scratch::new();
            let setting = Setting { rules: Some(rules), logs, ..Setting::default() };
            let mut command = under(&scratch, &setting, program.as_ref());
            let output = run(command.args(&arguments), b"", DEADLINE);
            assert_eq!((output.status.code(), output.stdout().as_str()), (Some(code), stdout), "{output:?}");
        }
    }
}

/// Rules that shorten most calls, to lengths from 1 to a few thousand.
const SHORT: &str = r#"
[[rule]]
call = ["send", "recv"]
limit = 1
chance = 0.1
seed = 1
[[rule]]
call = "send"
limit = 700
chance = 0.5
seed = 2
[[rule]]
call = "recv"
limit = 333
chance = 0.5
seed = 3
[[rule]]
call = ["send", "recv"]
limit = 4001
chance = 0.5
seed = 4
"#;

#[test]
fn no_byte_is_lost_and_none_comes_out_of_order() {
    for kind in ["unix", "tcp"] {
        for how in ["wait", "poll"] {
            assert_eq!(printed("flood", &[kind, how], SHORT), "10485760 bytes, the same\n", "{kind} {how}");
        }
    }
    let interrupted =
        format!("[[rule]]\ncall = [\"send\", \"recv\"]\nfail = \"EAGAIN\"\nchance = 0.3\nseed = 5\n{SHORT}");
    // What waits is passed over by EAGAIN, and what does not try again goes on.
    for (kind, how) in [("unix", "wait"), ("tcp", "poll")] {
        assert_eq!(
            printed("flood", &[kind, how], &interrupted),
            "10485760 bytes, the same\n",
            "{kind} {how}"
        );
    }
}

#[test]
fn control_data_stays_with_its_bytes() {
    let short = make("ancillary", &["1"], None, false).stdout();
    let whole = make("ancillary", &["8"], None, false).stdout();
    assert_ne!(short, whole);
    assert!(short.contains("socket other") && short.contains("type 29"), "{short}");
    let rules = "[[rule]]\ncall = [\"send\", \"recv\"]\nlimit = 1\n";
    assert_eq!(printed("ancillary", &["8"], rules), short);
    assert_eq!(printed("ancillary", &["8"], &rules.replace("limit = 1", "limit = 8")), whole);
    assert_eq!(printed("ancillary", &["8"], &rules.replace("limit = 1", "allow = true")), whole);
}

#[test]
fn a_wait_ends_with_the_thread_or_a_signal_and_spares_what_does_not_wait() {
    let calls = "call = [\"connect\", \"accept\", \"send\", \"recv\", \"socket\", \"socketpair\", \"bind\", \"listen\", \"setsockopt\", \"getsockopt\", \"shutdown\"]";
    let mut expected = String::new();
    for call in 0..24 {
        writeln!(expected, "{call}: cancelled, interrupted -1 EINTR").expect("text");
    }
    expected += "descriptors +0\nrecv -1 EAGAIN\nsend 1\nrecv 1 y, again -1 EAGAIN\nwrite 1\naccept -1 EAGAIN\nconnect -1 EINPROGRESS\nshutdown 0\n";
    assert_eq!(printed("waits", &[], &format!("[[rule]]\n{calls}\ndelay = \"60s\"\n")), expected);
}

#[test]
fn another_socket_or_the_programs_own_where_the_kernel_has_none() {
    let rule = |keys: &str, becomes: &str, fallback: bool| {
        let fallback = if fallback { "" } else { "fallback = false\n" };
        format!("[[rule]]\ncall = \"socket\"\n{keys}\nbecome = \"{becomes}\"\n{fallback}")
    };
    let tcp = "type = \"stream\"\nprotocol = \"tcp\"\nfamily = ";
    let rules = [
        rule(&format!("{tcp}\"inet\""), "inet/stream/mptcp", true),
        rule(&format!("{tcp}\"inet6\""), "inet6/stream/mptcp", false),
        rule("family = \"inet\"\ntype = \"dgram\"", "inet6/dgram/udp", true),
        // The kernel has no such socket.
        rule("family = \"unix\"\ntype = \"dgram\"", "inet/stream/udp", true),
        rule("family = \"unix\"\ntype = \"seqpacket\"", "inet/stream/udp", false),
    ];
    let expected = |tcp: i32, tcp6: &str| {
        format!(
            "socket(AF_INET, SOCK_STREAM, 0): 2 1 {tcp} number 3, flags 0 0\n\
             socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP): 2 1 {tcp} number 3, flags 2048 1\n\
             syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0): {tcp6}\n\
             socket(AF_INET, SOCK_DGRAM, 0): 10 2 17 number 3, flags 0 0\n\
             socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP): EPROTONOSUPPORT\n\
             socket(AF_UNIX, SOCK_STREAM, 0): 1 1 0 number 3, flags 0 0\n\
             socket(AF_UNIX, SOCK_DGRAM, 0): 1 2 0 number 3, flags 0 0\n\
             socket(AF_UNIX, SOCK_SEQPACKET, 0): EPROTONOSUPPORT\n"
        )
    };
    assert_eq!(printed("become", &["1"], &rules.concat()), expected(262, "10 1 262 number 3, flags 0 0"));
    assert_eq!(printed("become", &["0"], &rules.concat()), expected(6, "ENOPROTOOPT"));
}

#[test]
fn a_program_believes_in_the_addresses_that_it_has_asked_for() {
    let rules = r#"
[[rule]]
call = "bind"
local = "*:80"
to = "127.0.0.1:7080"
hide = true
[[rule]]
call = "bind"
local = "*:81"
to = "127.0.0.1:7081"
[[rule]]
call = "bind"
local = "127.0.0.9"
to = "127.0.0.3:0"
hide = true
[[rule]]
call = "connect"
remote = "10.1.0.0/16:5432"
to = "127.0.0.1:7444"
hide = true
[[rule]]
call = "connect"
remote = "127.0.0.1:80"
to = "127.0.0.1:7080"
hide = true
"#;
    let hundred = "of 900: 900\n".repeat(8);
    let expected = format!(
        "bind 127.0.0.1:80: ok
connect 127.0.0.1:7080: ok
  listener: own 127.0.0.1:80, peer ENOTCONN, its length 16
  client: own 127.0.0.1:port, peer 127.0.0.1:7080, its length 16
  accepted: own 127.0.0.1:80, peer 127.0.0.1:port, its length 16
  accepted from 127.0.0.1:port
connect 127.0.0.1:80: ok
  listener: own 127.0.0.1:80, peer ENOTCONN, its length 16
  client: own 127.0.0.1:port, peer 127.0.0.1:80, its length 16
  accepted: own 127.0.0.1:80, peer 127.0.0.1:port, its length 16
  accepted from 127.0.0.1:port
bind 0.0.0.0:80: ok
connect 127.0.0.1:7080: ok
  listener: own 0.0.0.0:80, peer ENOTCONN, its length 16
  client: own 127.0.0.1:port, peer 127.0.0.1:7080, its length 16
  accepted: own 127.0.0.1:80, peer 127.0.0.1:port, its length 16
  accepted from 127.0.0.1:port
bind [::]:80: ok
connect [::ffff:127.0.0.1]:7080: ok
  listener: own :::80, peer ENOTCONN, its length 28
  client: own ::ffff:127.0.0.1:port, peer ::ffff:127.0.0.1:7080, its length 28
  accepted: own ::ffff:127.0.0.1:80, peer ::ffff:127.0.0.1:port, its length 28
  accepted from ::ffff:127.0.0.1:port
bind 127.0.0.1:81: ok
  not hidden: own 127.0.0.1:7081, peer ENOTCONN, its length 16
bind 127.0.0.1:82: EACCES
  another rule: own 0.0.0.0:0, peer ENOTCONN, its length 16
bind 127.0.0.9:0: ok
  any port: own 127.0.0.9:port, peer ENOTCONN, its length 16
  dup: own 127.0.0.9:port, peer ENOTCONN, its length 16
  in a child: own 127.0.0.9:port, peer ENOTCONN, its length 16
bind 127.0.0.1:7333: ok
  the same number: own 127.0.0.1:7333, peer ENOTCONN, its length 16
connect 10.1.2.3:5432: ok
  elsewhere: own 127.0.0.1:port, peer 10.1.2.3:5432, its length 16
  another peer: own 127.0.0.1:port, peer 127.0.0.1:7444, its length 16
  no peer: own 0.0.0.0:0, peer ENOTCONN, its length 16
  elsewhere again: own 127.0.0.1:port, peer 10.1.2.3:5432, its length 16
  after exec: own 127.0.0.1:port, peer 127.0.0.1:7444, its length 16
{hundred}of 8000: 8000, of both
"
    );
    assert_eq!(printed("hide", &[], rules), expected);
}

/// Runs a script of Python under the rules, with and without a log.
fn python(script: &str, rules: &str, expected: &str) {
    for logs in [false, true] {
        let scratch = Scratch::new();
        let setting = Setting { rules: Some(rules), logs, ..Setting::default() };
        let mut command = under(&scratch, &setting, "/usr/bin/python3".as_ref());
        let output = run(command.args(["-c", script]), b"", DEADLINE);
        assert_eq!(
            (output.stdout().as_str(), output.stderr().as_str()),
            (expected, ""),
            "with a log: {logs}"
        );
    }
}

#[test]
fn a_socket_that_gets_another_peer_is_looked_at_again() {
    let rules = "[[rule]]\ncall = [\"send\", \"recv\"]\nremote = \"*:7002\"\nfail = \"EPIPE\"\n";
    let script = "
import socket, ctypes
servers = []
for port in (7001, 7002):
    servers.append(socket.socket()); servers[-1].bind(('127.0.0.1', port)); servers[-1].listen()
def made(f, *args):
    try: f(*args); return 'ok'
    except OSError as e: return str(e.errno)
for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::ffff:127.0.0.1')):
    s = socket.socket(family)
    for port in (7001, 7002, 7001, 7002):
        s.connect((host, port))
        peer = servers[port - 7001].accept()[0]
        peer.send(b'abc')
        print(port, *[made(s.send, b'x') for _ in range(3)], *[made(s.recv, 1) for _ in range(3)])
        # It is connected to nobody.
        assert ctypes.CDLL(None).connect(s.fileno(), bytes(16), 16) == 0
";
    let (free, refused) = ("7001 ok ok ok ok ok ok\n", "7002 32 32 32 32 32 32\n");
    python(script, rules, &[free, refused].concat().repeat(4));
}

#[test]
fn of_many_messages_those_that_a_rule_is_about_go_alone() {
    let rules = "
[[rule]]
call = \"send\"
remote = \"*:7102\"
to = \"127.0.0.1:7109\"
[[rule]]
call = \"send\"
remote = \"*:7103\"
fail = \"EHOSTUNREACH\"
";
    assert_eq!(
        printed("many", &[], rules),
        "7101 7101 7102 7101 7103 7101: 2 1 1 -1 EHOSTUNREACH 1, arrived 7101 4 7109 1\n\
         7103 7101: -1 EHOSTUNREACH 1, arrived 7101 1\n\
         7102 7102 7101: 1 1 1, arrived 7101 1 7109 2\n\
         7101 7101 7101: 3, arrived 7101 3\n"
    );
}

#[test]
fn eagain_is_for_who_does_not_wait() {
    let rules = "[[rule]]\ncall = [\"recv\", \"send\"]\nfail = \"EAGAIN\"\nwhen = \"2+2\"\n";
    let script = "
import socket
a, b = socket.socketpair()
def made(f, *args):
    try: f(*args); return 'ok'
    except BlockingIOError: return 'again'
print([made(a.send, b'x') for _ in range(4)], [made(b.recv, 1) for _ in range(3)])
print([made(a.send, b'x', socket.MSG_DONTWAIT) for _ in range(4)], [made(b.recv, 1, socket.MSG_DONTWAIT) for _ in range(3)])
a.setblocking(False); b.setblocking(False)
print([made(a.send, b'x') for _ in range(4)], [made(b.recv, 1) for _ in range(3)])
";
    // One rule counts the calls of both names.
    let expected = "['ok', 'ok', 'ok', 'ok'] ['ok', 'ok', 'ok']\n\
                    ['ok', 'again', 'ok', 'again'] ['ok', 'again', 'ok']\n\
                    ['again', 'ok', 'again', 'ok'] ['again', 'ok', 'again']\n";
    python(script, rules, expected);
}
