//! The command `sockshim` from outside: what it prints, where, and with which exit code.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use sockshim_itest::{Output, RunLevel, command, run};

#[path = "cli/binary.rs"]
mod binary;
#[path = "cli/terminal.rs"]
mod terminal;

use binary::sockshim;
use terminal::lines_on_terminal;

const DEADLINE: Duration = Duration::from_secs(60);

/// One command line for each kind of output.
const CALLS: [&[&str]; 8] = [
    &["tables"],
    &["tables", "--json"],
    &["hooks"],
    &["hooks", "--names"],
    &["hooks", "--json"],
    &["hooks", "--not-hooked"],
    &["--help"],
    &["--version"],
];

fn call(args: &[&str]) -> Output {
    run(command(RunLevel::Native, None, sockshim()).args(args), b"", DEADLINE)
}

/// The output of a command line, which must succeed.
fn printed(args: &[&str]) -> String {
    let output = call(args);
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""), "{args:?}: {output:?}");
    assert!(output.stdout().ends_with('\n'), "{args:?} ends within a line");
    output.stdout()
}

fn parsed(args: &[&str]) -> Value {
    serde_json::from_str(&printed(args)).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}

fn elements<'a>(value: &'a Value, what: &str) -> &'a [Value] {
    value.as_array().unwrap_or_else(|| panic!("{what} is no array: {value}"))
}

/// The rows of a text table, split into words: the lines below the header's rule, up to an empty line.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows =
        text.lines().skip_while(|line| !line.starts_with("---")).skip(1).take_while(|line| !line.is_empty());
    rows.map(|line| line.split_whitespace().collect()).collect()
}

fn column<'a>(rows: &[Vec<&'a str>], index: usize) -> Vec<&'a str> {
    rows.iter().map(|row| row[index]).collect()
}

#[test]
fn names_are_sorted_as_by_nm() {
    let text = printed(&["hooks", "--names"]);
    let names: Vec<&str> = text.lines().collect();
    assert!(names.is_sorted(), "{names:?}");
    for name in ["_Exit", "__recv_chk", "accept4", "socket", "syscall", "vfork"] {
        assert_eq!(names.iter().filter(|other| **other == name).count(), 1, "{name} in {names:?}");
    }
    assert!(names.iter().all(|name| !name.contains(char::is_whitespace)), "{names:?}");
}

#[test]
fn hooks_are_the_same_in_every_form() {
    let json = parsed(&["hooks", "--json"]);
    let hooks = elements(&json, "hooks");
    let in_order: Vec<&str> = hooks.iter().map(|hook| hook["name"].as_str().expect("a name")).collect();
    let text = printed(&["hooks"]);
    assert_eq!(column(&rows(&text), 0), in_order);
    let names = printed(&["hooks", "--names"]);
    assert_eq!(names.lines().collect::<BTreeSet<_>>(), in_order.iter().copied().collect());
    assert_eq!(names.lines().count(), in_order.len());
}

#[test]
fn a_hook_in_json() {
    let hooks = parsed(&["hooks", "--json"]);
    let find = |name: &str| {
        elements(&hooks, "hooks")
            .iter()
            .find(|hook| hook["name"] == name)
            .expect("a hook of that name")
            .clone()
    };
    assert_eq!(
        find("socket"),
        json!({
            "name": "socket", "level": "decision", "syscall": libc::SYS_socket,
            "prototype": "int socket(int family, int type, int protocol)", "ret": "int",
            "params": [
                { "name": "family", "type": "int" },
                { "name": "type", "type": "int" },
                { "name": "protocol", "type": "int" },
            ],
            "doc": "socket(2)",
        })
    );
    assert_eq!(find("recv")["level"], "io");
    assert_eq!(find("recv")["params"][1], json!({ "name": "buf", "type": "void *" }));
    // x86-64 has no such system call: libc uses recvfrom(2).
    assert_eq!(find("recv")["syscall"], Value::Null);
}

#[test]
fn symbols_that_are_left_out_have_a_reason() {
    let json = parsed(&["hooks", "--not-hooked", "--json"]);
    let json = elements(&json, "symbols");
    assert!(
        !json.is_empty()
            && json.iter().all(|symbol| symbol["why"].as_str().is_some_and(|why| !why.is_empty()))
    );

    let text = printed(&["hooks", "--not-hooked"]);
    let in_order: Vec<&str> = json.iter().map(|symbol| symbol["name"].as_str().expect("a name")).collect();
    assert_eq!(column(&rows(&text), 0), in_order);

    let names = printed(&["hooks", "--not-hooked", "--names"]);
    let left_out: BTreeSet<&str> = names.lines().collect();
    assert_eq!(left_out, in_order.iter().copied().collect());
    let hooked = printed(&["hooks", "--names"]);
    assert!(hooked.lines().all(|name| !left_out.contains(name)));
}

#[test]
fn families_by_number() {
    let text = printed(&["tables", "families"]);
    let rows = rows(&text);
    assert_eq!(column(&rows, 0), (0..46).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(rows[0], ["0", "AF_UNSPEC", "-", "none", "NULL"]);
    assert_eq!(rows[1], ["1", "AF_UNIX", "unix_create", "modelled", "unix_family_ops"]);
    assert_eq!(rows[2], ["2", "AF_INET", "inet_create", "modelled", "inet_family_ops"]);
    assert_eq!(rows[29], ["29", "AF_CAN", "can_create", "kernel", "module", "NULL"]);

    let json = parsed(&["tables", "families", "--json"]);
    assert_eq!(elements(&json["families"], "families").len(), rows.len());
    let inet6 = json!({
        "number": 10, "name": "AF_INET6", "create": "inet6_create", "code": "modelled", "slot": "inet6_family_ops",
    });
    assert_eq!(json["families"][10], inet6);
    assert_eq!(json["families"][29]["code"], "kernel-module");
    assert_eq!(json["families"][0]["slot"], Value::Null);
}

/// The order decides what protocol 0 means, and permanent entries come first, whenever they were registered.
#[test]
fn inetsw_in_the_order_of_the_walk() {
    let text = printed(&["tables", "inetsw"]);
    let expected = [
        "SOCK_STREAM 0 TCP 6 IPPROTO_TCP tcp_prot inet_stream_ops PERMANENT|ICSK",
        "SOCK_STREAM 1 MPTCP 262 IPPROTO_MPTCP mptcp_prot mptcp_stream_ops ICSK",
        "SOCK_DGRAM 0 UDP 17 IPPROTO_UDP udp_prot inet_dgram_ops PERMANENT",
        "SOCK_DGRAM 1 UDPLITE 136 IPPROTO_UDPLITE udplite_prot inet_dgram_ops PERMANENT",
        "SOCK_DGRAM 2 PING 1 IPPROTO_ICMP ping_prot inet_sockraw_ops REUSE",
        "SOCK_RAW 0 RAW 0 (any) raw_prot inet_sockraw_ops REUSE",
    ];
    assert_eq!(rows(&text).iter().map(|row| row.join(" ")).collect::<Vec<_>>(), expected);

    let text = printed(&["tables", "inetsw6"]);
    let rows = rows(&text);
    assert_eq!(column(&rows, 2), ["TCP", "MPTCP", "UDP", "UDPLITE", "PING", "RAW"]);
    assert_eq!(rows[4].join(" "), "SOCK_DGRAM 2 PING 58 IPPROTO_ICMPV6 pingv6_prot inet6_sockraw_ops REUSE");

    let json = parsed(&["tables", "inetsw", "--json"]);
    let tcp = json!({
        "type": "SOCK_STREAM", "index": 0, "name": "TCP", "protocol": 6, "protocol_name": "IPPROTO_TCP",
        "prot": "tcp_prot", "ops": "inet_stream_ops", "flags": ["PERMANENT", "ICSK"],
    });
    assert_eq!(json["inetsw"][0], tcp);
    assert_eq!(json["inetsw"][5]["protocol_name"], Value::Null);
}

#[test]
fn ops_are_a_matrix_with_null_where_nothing_is() {
    let text = printed(&["tables", "ops"]);
    let inet = &text[text.find("\nAF_INET ").expect("the part of AF_INET") + 1..];
    let header: Vec<&str> = inet.lines().next().expect("a header").split_whitespace().collect();
    assert_eq!(
        header[..5],
        ["AF_INET", "inet_stream_ops", "inet_dgram_ops", "inet_sockraw_ops", "mptcp_stream_ops"]
    );
    let rows = rows(inet);
    // The tables of kernel modules follow.
    let row =
        |member: &str| rows.iter().find(|row| row[0] == member).expect("a row of that member")[..5].to_vec();
    assert_eq!(row("bind"), ["bind", "inet_bind", "inet_bind", "inet_bind", "mptcp_bind"]);
    assert_eq!(
        row("accept"),
        ["accept", "inet_accept", "sock_no_accept", "sock_no_accept", "mptcp_stream_accept"]
    );
    assert_eq!(row("peek_len"), ["peek_len", "tcp_peek_len", "NULL", "NULL", "NULL"]);
    // The kernel's order.
    assert_eq!(column(&rows, 0)[..6], ["release", "bind", "connect", "socketpair", "accept", "getname"]);

    let json = parsed(&["tables", "ops", "--json"]);
    let ops = elements(&json["ops"], "ops");
    let find = |name: &str| ops.iter().find(|ops| ops["name"] == name).expect("ops of that name");
    assert_eq!(find("unix_dgram_ops")["family"], "AF_UNIX");
    assert_eq!(find("unix_dgram_ops")["members"]["setsockopt"], Value::Null);
    assert_eq!(find("unix_stream_ops")["members"]["setsockopt"], "unix_setsockopt");
    assert_eq!(find("inet_stream_ops")["members"].as_object().map(|members| members.len()), Some(rows.len()));
}

#[test]
fn prots_name_their_functions() {
    let json = parsed(&["tables", "prots", "--json"]);
    let prots = elements(&json["prots"], "prots");
    let tcp = prots.iter().find(|prot| prot["symbol"] == "tcp_prot").expect("tcp_prot");
    assert_eq!((&tcp["name"], &tcp["family"]), (&json!("TCP"), &json!("AF_INET")));
    assert_eq!(tcp["members"]["sendmsg"], "tcp_sendmsg");
    assert_eq!(tcp["members"]["bind"], Value::Null);

    let text = printed(&["tables", "prots"]);
    assert!(text.contains("\nAF_INET     tcp_prot "), "{text}");
}

#[test]
fn tables_are_all_tables_or_those_that_were_asked_for() {
    let keys = |args: &[&str]| -> Vec<String> {
        let json = parsed(&[&["tables", "--json"], args].concat());
        json.as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(keys(&[]), ["families", "inetsw", "inetsw6", "ops", "prots"]);
    assert_eq!(keys(&["ops"]), ["ops"]);
    assert_eq!(keys(&["ops", "families", "ops"]), ["families", "ops"]);

    let titles: Vec<&str> =
        ["net_families[]: ", "inetsw[]: ", "inetsw6[]: ", "struct proto_ops: ", "struct proto: "].into();
    let all = printed(&["tables"]);
    let places: Vec<usize> = titles.iter().map(|title| all.find(title).expect("a title")).collect();
    assert!(places.is_sorted(), "{places:?}");
    let one = printed(&["tables", "inetsw6"]);
    assert_eq!(titles.iter().filter(|title| one.starts_with(**title)).count(), 1, "{one}");
    assert!(all.contains(&one));
}

#[test]
fn a_wrong_command_line_is_explained() {
    let wrong: [(&[&str], &str); 5] = [
        (&["tabels"], "'tabels'"),
        (&["tables", "inetsv"], "[possible values: families, inetsw, inetsw6, ops, prots]"),
        (&["hooks", "--names", "--json"], "'--names' cannot be used with '--json'"),
        (&["hooks", "extra"], "'extra'"),
        (&[], "Commands:"),
    ];
    for (args, explanation) in wrong {
        let output = call(args);
        assert_eq!((output.status.code(), output.stdout().as_str()), (Some(2), ""), "{args:?}: {output:?}");
        let stderr = output.stderr();
        assert!(stderr.contains(explanation), "{args:?}: {stderr}");
        assert!(stderr.contains("Usage: sockshim") || stderr.contains("--help"), "{args:?}: {stderr}");
    }
}

#[test]
fn help_has_examples_that_work() {
    for command in [&[][..], &["hooks"], &["tables"]] {
        let help = printed(&[command, &["--help"]].concat());
        let examples =
            help.split("Examples:\n").nth(1).expect("examples").split("\n\n").next().unwrap_or_default();
        let own: Vec<&str> =
            examples.lines().filter_map(|line| line.trim_start().strip_prefix("sockshim ")).collect();
        assert!(own.len() >= 2, "{help}");
        for example in own {
            // Up to a pipe, or the blanks before an explanation.
            let args =
                example.split(" | ").next().and_then(|args| args.split("  ").next()).unwrap_or_default();
            printed(&args.split_whitespace().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for args in CALLS {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command(RunLevel::Native, None, sockshim());
        command.args(args).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let child = command.spawn().expect("starting sockshim");
        let output = child.wait_with_output().expect("waiting for sockshim");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{args:?}");
    }
}

/// In a shell, with the exit codes of both commands of the pipe.
#[test]
fn head_reads_one_line() {
    let script = r#""$0" tables | head -n 1; echo "${PIPESTATUS[@]}""#;
    let mut bash = command(RunLevel::Native, None, "bash");
    let output = run(bash.args(["-c", script]).arg(sockshim()), b"", DEADLINE);
    assert_eq!(output.stdout(), "net_families[]: the create function of each family\n0 0\n");
    assert_eq!(output.stderr(), "");
}

#[test]
fn a_full_disk_is_a_failure() {
    for args in CALLS {
        let mut sh = command(RunLevel::Native, None, "sh");
        sh.args(["-c", r#"exec "$0" "$@" >/dev/full"#]).arg(sockshim()).args(args);
        let output = run(&mut sh, b"", DEADLINE);
        let stderr = output.stderr();
        assert_eq!(output.status.code(), Some(125), "{args:?}: {stderr}");
        assert_eq!(
            stderr, "sockshim: cannot write the output: No space left on device (os error 28)\n",
            "{args:?}"
        );
    }
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let calls: [&[&str]; 3] = [&["hooks"], &["hooks", "--not-hooked"], &["tables", "ops", "prots"]];
    for args in calls {
        let mut sockshim: Command = command(RunLevel::Native, None, sockshim());
        let (status, lines) = lines_on_terminal(sockshim.args(args).stdin(Stdio::null()), 80);
        assert!(status.success(), "{args:?}: {status}");
        assert!(lines.len() > printed(args).lines().count(), "{args:?}: nothing had to be made narrower");
        for line in &lines {
            assert!(line.chars().count() <= 80, "{args:?}: {line}");
        }
    }
}
