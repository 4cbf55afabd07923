//! Each view, as a whole. What differs from run to run is a word.

use super::{DEADLINE, seen, sockshim_trace, stable, traced};
use sockshim_itest::run;

fn view(options: &[&str]) -> String {
    let program = seen();
    let (output, trace) = traced(&[options, &["--", &program]].concat());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    stable(&trace)
}

const LINES: &str = r#"seen[TID] socket(AF_INET, SOCK_STREAM, 0) = 3
seen[TID] setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
seen[TID] bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
seen[TID] listen(3, 5) = 0
seen[TID] getsockname(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("127.0.0.1")}, POINTER) = 0
seen[TID] fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
seen[TID] accept(3, POINTER, POINTER) = -1 EAGAIN (Resource temporarily unavailable)
seen[TID] socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0) = 4
seen[TID] connect(4, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
seen[TID] accept(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("127.0.0.1")}, POINTER) = 5
seen[TID] send(4, "hello", 5, MSG_NOSIGNAL) = 5
seen[TID] recv(5, "hello", 8, 0) = 5
seen[TID] shutdown(4, SHUT_WR) = 0
seen[TID] close(4) = 0
seen[TID] socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP) = -1 EPROTONOSUPPORT (Protocol not supported)
seen[TID] socket(AF_UNIX, SOCK_STREAM, 0) = 4
seen[TID] connect(4, {sa_family=AF_UNIX, sun_path="/no/where"}, 110) = -1 ENOENT (No such file or directory)
seen[TID] close(4) = 0
seen[TID] getaddrinfo("127.0.0.1", "80", {ai_flags=AI_NUMERICHOST, ai_family=AF_UNSPEC, ai_socktype=SOCK_STREAM, ai_protocol=0}, POINTER) = 0 (127.0.0.1)
seen[TID] getaddrinfo("no-number", NULL, {ai_flags=AI_NUMERICHOST, ai_family=AF_UNSPEC, ai_socktype=SOCK_STREAM, ai_protocol=0}, POINTER) = -2 EAI_NONAME (Name or service not known)
"#;

#[test]
fn quiet_is_a_line_for_each_call() {
    assert_eq!(view(&["-q"]), LINES);
}

#[test]
fn data_is_shown_whatever_moves_it() {
    let trace = |bytes: &str| {
        let (output, trace) = traced(&["-q", "-e", "!socketpair", "-s", bytes, "--", &seen(), "data"]);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        stable(&trace)
    };
    let expected = r#"seen[TID] send(3, "one\ttwo\n\"three\"", 15, 0) = 15
seen[TID] recv(4, "one\ttwo\n\"three\"", 100, 0) = 15
seen[TID] write(3, "\0001\377", 3) = 3
seen[TID] read(4, "\0001\377", 100) = 3
seen[TID] writev(3, ["firstsecond"], 2) = 11
seen[TID] readv(4, ["firstsecond"], 2) = 11
seen[TID] sendmsg(3, {msg_iov=["firstsecond"]}, 0) = 11
seen[TID] recvmsg(4, {msg_iov=["firstsecond"]}, 0) = 11
seen[TID] sendmmsg(5, {msg_iov=["firstsecond"]}, 1, 0) = 1
seen[TID] recvmmsg(6, {msg_iov=["firstsecond"]}, 1, 0, NULL) = 1
seen[TID] send(3, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"..., 100, 0) = 100
seen[TID] recv(4, "xx", 2, MSG_PEEK) = 2
seen[TID] sendto(5, POINTER, 9, 0, {sa_family=AF_UNIX, sun_path=@"seen"}, 7) = -1 ECONNREFUSED (Connection refused)
seen[TID] setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0
seen[TID] setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, {tv_sec=1, tv_usec=500000}, 16) = 0
seen[TID] getsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, POINTER) = 0
seen[TID] getsockopt(3, SOL_SOCKET, SO_TYPE, [1], POINTER) = 0
"#
    .replace("\\\\", "\\");
    assert_eq!(trace("32"), expected);
    let none = trace("0");
    assert!(
        none.starts_with("seen[TID] send(3, POINTER, 15, 0) = 15\n")
            && none.contains("SO_LINGER, POINTER, 8"),
        "{none}"
    );
    assert!(trace("1").starts_with("seen[TID] send(3, \"o\"..., 15, 0) = 15\n"));
}

#[test]
fn failures_show_what_has_decided() {
    let trace = view(&["-e", "status=failed"]);
    let expected = r#"seen[TID] accept(3, POINTER, POINTER) = -1 EAGAIN (Resource temporarily unavailable)
seen[TID] socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP) = -1 EPROTONOSUPPORT (Protocol not supported)
    update_socket_protocol       unchanged
    security_socket_create
    net_families[2]              inet_create
    inet_create                  none of 3 entries takes the protocol
    request_module               net-pf-2-proto-6-type-2
    inet_create                  none of 3 entries takes the protocol
    request_module               net-pf-2-proto-6
    inet_create                  none of 3 entries takes the protocol
    inet_create                  EPROTONOSUPPORT
seen[TID] connect(4, {sa_family=AF_UNIX, sun_path="/no/where"}, 110) = -1 ENOENT (No such file or directory)
    move_addr_to_kernel          110
    sockfd_lookup_light          SS_UNCONNECTED, TCP_CLOSE
    security_socket_connect → unix_stream_connect
    unix_find_other              the peer: the kernel decides
seen[TID] getaddrinfo("no-number", NULL, {ai_flags=AI_NUMERICHOST, ai_family=AF_UNSPEC, ai_socktype=SOCK_STREAM, ai_protocol=0}, POINTER) = -2 EAI_NONAME (Name or service not known)
--- 4 calls shown, by 1 process
sockets     3 TCP (1 listening, 2 connected), 1 UNIX-STREAM
errors      1 × connect ENOENT  unix_find_other: the peer: the kernel decides
            1 × getaddrinfo EAI_NONAME
            1 × socket EPROTONOSUPPORT  inet_create: EPROTONOSUPPORT
not yet     1 × accept EAGAIN  reqsk_queue_remove: the queue of connections: the kernel decides
"#;
    assert_eq!(trace, expected);
}

#[test]
fn verbose_shows_every_path() {
    let trace = view(&["-v", "-e", "listen,shutdown"]);
    let expected = "seen[TID] listen(3, 5) = 0
    sockfd_lookup_light          SS_UNCONNECTED, TCP_CLOSE
    security_socket_listen → inet_listen → inet_csk_listen_start
seen[TID] shutdown(4, SHUT_WR) = 0
    sockfd_lookup_light          SS_CONNECTED, TCP_ESTABLISHED
    security_socket_shutdown → inet_shutdown
    inet_shutdown                whether the connection still is: the kernel decides
";
    assert!(trace.starts_with(expected), "{trace}");
}

#[test]
fn names_stay_with_descriptors() {
    let trace = view(&["-q", "-y", "-e", "listen,accept,send,recv,close"]);
    let expected = r#"seen[TID] listen(3<TCP:[127.0.0.1:PORT]>, 5) = 0
seen[TID] accept(3<TCP:[127.0.0.1:PORT]>, POINTER, POINTER) = -1 EAGAIN (Resource temporarily unavailable)
seen[TID] accept(3<TCP:[127.0.0.1:PORT]>, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("127.0.0.1")}, POINTER) = 5<TCP:[127.0.0.1:PORT->127.0.0.1:PORT]>
seen[TID] send(4<TCP:[127.0.0.1:PORT->127.0.0.1:PORT]>, "hello", 5, MSG_NOSIGNAL) = 5
seen[TID] recv(5<TCP:[127.0.0.1:PORT->127.0.0.1:PORT]>, "hello", 8, 0) = 5
seen[TID] close(4<TCP:[127.0.0.1:PORT->127.0.0.1:PORT]>) = 0
seen[TID] close(4<UNIX-STREAM>) = 0
"#;
    assert_eq!(trace, expected);
}

#[test]
fn times_are_before_and_durations_behind() {
    let trace = view(&["-q", "-T", "-e", "listen"]);
    assert_eq!(trace, "seen[TID] listen(3, 5) = 0 <TIME>\n");
    let head = |option: &str| {
        let trace = view(&["-q", option, "-e", "listen"]);
        trace.split(" seen[").next().expect("a head").replace(|char: char| char.is_ascii_digit(), "9")
    };
    assert_eq!((head("-t"), head("-tt")), ("99:99:99".into(), "99:99:99.999999".into()));
    assert_eq!(view(&["-q", "-r", "-e", "listen"]), "     0.000000 seen[TID] listen(3, 5) = 0\n");
}

#[test]
fn counts_are_a_table() {
    let trace = view(&["-c", "-e", "connect,socket,getaddrinfo"]);
    let lines: Vec<Vec<&str>> = trace.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["%", "time", "seconds", "min", "p50", "p99", "calls", "errors", "call"]);
    let mut rows: Vec<_> =
        lines[2..5].iter().map(|row| (row[row.len() - 1], &row[5..row.len() - 1])).collect();
    rows.sort_unstable();
    assert_eq!(rows, [("connect", &["2", "1"][..]), ("getaddrinfo", &["2", "1"]), ("socket", &["4", "1"])]);
    assert!(trace.trim_end().ends_with(" s in 8 calls, 3 errors"), "{trace}");
    let each = view(&["-C", "-e", "connect"]);
    let process = each.lines().next().and_then(|line| line.strip_prefix("seen[")?.strip_suffix(']'));
    assert!(process.is_some_and(|pid| pid.parse::<u32>().is_ok()), "{each}");
}

#[test]
fn targets_and_classes() {
    let calls = |options: &[&str]| view(&[&["-q"], options].concat()).lines().count();
    assert_eq!(calls(&["-P", "127.0.0.0/8", "-e", "connect"]), 1);
    assert_eq!(calls(&["-P", "unix:/no/*"]), 1);
    assert_eq!(calls(&["-P", "no-*"]), 1);
    assert_eq!(calls(&["-e", "%unix"]), 3);
    assert_eq!(calls(&["-e", "%resolve"]), 2);
    assert_eq!(calls(&["-e", "!%all"]), 0);
    assert_eq!(calls(&["-e", "%net", "-e", "!%ipv4"]), 3);
}

#[test]
fn a_rule_is_in_the_trace() {
    let trace = view(&["-q", "--fail", "connect:127.0.0.1=EHOSTUNREACH", "-e", "connect"]);
    let first = trace.lines().next().expect("a line");
    let end = "= -1 EHOSTUNREACH (No route to host) (rule --fail connect:127.0.0.1=EHOSTUNREACH)";
    assert!(first.ends_with(end), "{first}");
}

#[test]
fn colours_are_for_terminals() {
    let trace = view(&[]);
    assert!(!trace.contains('\x1b'), "{trace}");
    let coloured = |variables: &[(&str, &str)]| on_terminal("", &["-e", "socket"], variables);
    assert!(coloured(&[]).contains("\x1b[36msocket\x1b[0m("));
    for variables in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = coloured(&[variables]);
        assert!(plain.contains("socket(AF_INET") && !plain.contains("\x1b["), "{plain}");
    }
}

/// What a terminal gets, after this command of the shell.
fn on_terminal(before: &str, options: &[&str], variables: &[(&str, &str)]) -> String {
    let trace = format!("{} trace {} -- {}", super::binary::sockshim().display(), options.join(" "), seen());
    let mut script = std::process::Command::new("script");
    script
        .args(["-qec", &format!("{before}{trace}"), "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm");
    script.env("SOCKSHIM_LIB", sockshim_itest::shim()).envs(variables.iter().copied());
    run(&mut script, b"", DEADLINE).stdout()
}

#[test]
fn what_is_below_a_line_fits_the_terminal() {
    let options = ["-e", "status=failed"];
    let of_width = |width: &str| {
        let trace = on_terminal(&format!("stty cols {width}; "), &options, &[("NO_COLOR", "1")]);
        let trace = stable(&trace.replace('\r', ""));
        // A line itself is the terminal's to break.
        trace
            .lines()
            .filter(|line| !line.starts_with("seen["))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let expected = "    update_socket_protocol       unchanged
    security_socket_create
    net_families[2]              inet_create
    inet_create                  none of 3 entries takes
                                 the protocol
    request_module               net-pf-2-proto-6-type-2
    inet_create                  none of 3 entries takes
                                 the protocol
    request_module               net-pf-2-proto-6
    inet_create                  none of 3 entries takes
                                 the protocol
    inet_create                  EPROTONOSUPPORT
    move_addr_to_kernel          110
    sockfd_lookup_light          SS_UNCONNECTED,
                                 TCP_CLOSE
    security_socket_connect → unix_stream_connect
    unix_find_other              the peer: the kernel
                                 decides
--- 4 calls shown, by 1 process
sockets     3 TCP (1 listening, 2 connected), 1
            UNIX-STREAM
errors      1 × connect ENOENT  unix_find_other: the
              peer: the kernel decides
            1 × getaddrinfo EAI_NONAME
            1 × socket EPROTONOSUPPORT  inet_create:
              EPROTONOSUPPORT
not yet     1 × accept EAGAIN  reqsk_queue_remove: the
              queue of connections: the kernel decides
";
    assert_eq!(of_width("56"), expected);
    // Where it is narrower, what was found begins further left.
    let narrow = of_width("40");
    assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
    let found = "    inet_create                  none of\n        3 entries takes the protocol\n";
    assert!(narrow.contains(found), "{narrow}");
    let wide = of_width("500");
    assert!(wide.contains("reqsk_queue_remove: the queue of connections: the kernel decides\n"), "{wide}");
}

#[test]
fn what_is_wrong_is_said_before_the_program_starts() {
    for (arguments, message) in [
        (&["-e", "conect", "--", "true"][..], "sockshim: -e conect: no such call: did you mean connect?\n"),
        (&["-P", "1.2.3.4:x", "--", "true"], "sockshim: -P: no such port"),
        (&["-p", "1"], "sockshim: a process that runs already cannot be traced"),
        (&["--fail", "conect=EPERM", "--", "true"], "sockshim: --fail: no such call"),
        (
            &["-e", "status=x", "--", "true"],
            "sockshim: -e status=x: expected failed, successful or unfinished\n",
        ),
        (&["-o", "/no/such/file", "--", "true"], "sockshim: /no/such/file: No such file"),
        (&["--nonsense", "true"], "error: unexpected argument '--nonsense'"),
    ] {
        let output = run(sockshim_trace().args(arguments), b"", DEADLINE);
        assert!(output.stderr().starts_with(message), "{arguments:?}: {output:?}");
        assert_eq!(output.status.code(), Some(125), "{arguments:?}");
    }
    let output = run(sockshim_trace().args(["-o", "/dev/full", "--", &seen()]), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(output.stderr().starts_with("sockshim: cannot write the trace: No space left"), "{output:?}");
}

#[test]
fn an_error_that_comes_later_is_told() {
    // A connect that does not wait, and is refused.
    let script = "import socket; s = socket.socket(); s.setblocking(False); s.connect_ex((\"127.0.0.1\", 1)); import select; \
                  select.select([], [s], []); s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)";
    let (output, trace) = traced(&["-e", "status=failed", "--", "/usr/bin/python3", "-c", script]);
    assert!(output.status.success(), "{output:?}");
    assert!(trace.contains("SOL_SOCKET, SO_ERROR, [ECONNREFUSED]"), "{trace}");
    assert!(trace.contains("1 × connect ECONNREFUSED  told later, by SO_ERROR\n"), "{trace}");
    assert!(trace.contains("sockets     1 TCP\n"), "it was never connected: {trace}");
}

#[test]
fn nothing_of_a_programs_reaches_the_terminal() {
    let script = "import socket\ns = socket.socket(socket.AF_UNIX); s.bind(\"\\0x\\x1b[31m\\nfake[1] close(3) = 0\"); s.listen()\n\
                  s.close()\nopen(\"/proc/self/comm\", \"w\").write(\"a\\x1b[2J\\nb\"); socket.socket()";
    for options in [&["-y"][..], &["-q"], &["-c"], &["-v"]] {
        let (_, trace) = traced(&[options, &["--", "/usr/bin/python3", "-c", script]].concat());
        let is_plain = |char: char| !char.is_control() || char == '\n';
        assert!(trace.chars().all(is_plain) && !trace.contains("\nfake"), "{options:?}: {trace}");
    }
}

/// The program prints what libc says of each error.
#[test]
fn errors_of_the_resolver_are_in_libcs_words() {
    let (output, trace) = traced(&["-q", "-e", "%resolve", "--", &seen(), "resolve"]);
    assert!(output.status.success(), "{output:?}");
    let said: Vec<&str> =
        trace.lines().filter_map(|line| line.rsplit_once(" (")?.1.strip_suffix(')')).collect();
    assert_eq!(said, output.stdout().lines().collect::<Vec<_>>(), "{trace}");
    assert_eq!(said.len(), 5, "{trace}");
}

#[test]
fn calls_of_one_system_call_are_one() {
    let names = |expression: &str| {
        let trace = view(&["-q", "-e", expression]);
        let name = |line: &str| line.split_once("] ")?.1.split_once('(').map(|(name, _)| name.to_owned());
        trace.lines().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!((names("sendto"), names("recvfrom")), (vec!["send".into()], vec!["recv".into()]));
}

/// The examples of README.md and docs/trace.md print what stands there, but for the pid.
#[test]
fn the_examples_of_the_documentation_are_true() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (page, program) in [("README.md", "nc["), ("docs/trace.md", "python3[")] {
        let text = std::fs::read_to_string(root.join(page)).expect(page);
        let (_, example) = text.split_once("\n$ sockshim trace ").expect("an example");
        let example = example.split("\n```").next().expect("its end");
        let lines: Vec<&str> = example.lines().collect();
        let begin = lines.iter().position(|line| line.starts_with(program)).expect("its output");
        let of_command = |line: &&&str| **line != "…";
        let words = lines[..begin]
            .iter()
            .filter(of_command)
            .map(|line| line.trim_start_matches("> "))
            .collect::<Vec<_>>();
        let words = words.join("\n").replace("python3", "/usr/bin/python3");
        let mut shell = std::process::Command::new("sh");
        let sockshim = super::binary::sockshim();
        shell.args(["-c", &format!("{} trace {words}", sockshim.display())]);
        shell.env("SOCKSHIM_LIB", sockshim_itest::shim());
        let printed = run(&mut shell, b"", DEADLINE);
        let printed = format!("{}{}", printed.stdout(), printed.stderr());
        let without_pid =
            |line: &str| line.split_once("] ").map_or(line.to_owned(), |(_, rest)| rest.to_owned());
        let printed: Vec<String> = printed.lines().map(without_pid).collect();
        for line in lines[begin..].iter().filter(|line| line.trim() != "…") {
            assert!(printed.contains(&without_pid(line)), "{page}: {line} is not in {printed:#?}");
        }
    }
}

#[test]
fn what_is_waited_for_is_shown() {
    let script = "import select, socket
a, b = socket.socketpair()
p = select.poll(); p.register(a, select.POLLIN | select.POLLOUT); p.register(b, select.POLLIN); p.poll(0)
e = select.epoll(); e.register(b, select.EPOLLIN); a.send(b'x'); e.poll()";
    let (_, trace) = traced(&["-q", "-y", "-e", "poll,epoll_wait", "--", "python3", "-c", script]);
    let calls: Vec<&str> =
        trace.lines().filter_map(|line| line.split_once("] ")).map(|(_, call)| call).collect();
    let [poll, epoll] = &calls[..] else { panic!("{trace}") };
    let fds =
        "[{fd=3<UNIX-STREAM>, events=POLLIN|POLLOUT, revents=POLLOUT}, {fd=4<UNIX-STREAM>, events=POLLIN}]";
    assert_eq!(*poll, format!("poll({fds}, 2, 0) = 1"));
    assert!(epoll.starts_with("epoll_wait(5, [{events=EPOLLIN, data=4}], "), "{epoll}");
}

#[test]
fn a_peer_that_nobody_asked_for_is_known() {
    let program = sockshim_itest::cc("trace/moves.c", &[]).display().to_string();
    let (_, trace) = traced(&["-q", "-y", "-e", "accept,connect", "--", &program, "1000"]);
    let trace = stable(&trace);
    let v4 =
        "moves[TID] accept(3<TCP:[127.0.0.1:PORT]>, NULL, NULL) = 5<TCP:[127.0.0.1:PORT->127.0.0.1:PORT]>\n";
    let v6 = "<TCPv6:[[::1]:PORT->[::1]:PORT]>\n";
    assert!(trace.contains(v4) && trace.contains(v6), "{trace}");
}
