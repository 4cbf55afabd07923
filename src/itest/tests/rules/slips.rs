//! A refused call never reaches the kernel: strace sees none.

use crate::under::Setting;
use crate::ways::{Run, call, make};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The system calls of a rule's call.
const CALLS: &[(&str, &[&str])] = &[
    ("connect", &["connect", "sendto", "sendmsg", "sendmmsg"]),
    ("bind", &["bind"]),
    ("listen", &["listen"]),
    ("accept", &["accept", "accept4"]),
    ("send", &["sendto", "sendmsg", "sendmmsg", "write", "writev", "pwritev2", "sendfile", "splice"]),
    ("recv", &["recvfrom", "recvmsg", "recvmmsg", "read", "readv", "preadv2", "splice"]),
    ("setsockopt", &["setsockopt"]),
    ("getsockopt", &["getsockopt"]),
    ("shutdown", &["shutdown"]),
    ("socket", &["socket"]),
    ("socketpair", &["socketpair"]),
    ("io_uring_setup", &["io_uring_setup"]),
];
/// What strace looks at. The program marks a call by access(2) on a path that does not exist.
const TRACED: &str =
    "trace=%network,read,write,readv,writev,preadv2,pwritev2,sendfile,splice,io_uring_setup,access";
/// The options of which the library itself asks a socket what it is.
const ASKED: [&str; 6] = ["SO_COOKIE", "SO_DOMAIN", "SO_TYPE", "SO_PROTOCOL", "SO_ACCEPTCONN", "SO_PROTOCOL"];

/// The ways that have reached the kernel, with the system call, and how many ways there are.
fn reached(program: &str, rules: &str, logs: bool) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let strace: &[&str] = &["-f", "-qq", "-s", "200", "-e", TRACED];
    let setting = Setting { rules: Some(rules), logs, strace: Some(strace), ..Setting::default() };
    let Run { scratch, outcomes } = make(program, &["plain"], &setting);
    let list = fs::read(scratch.path().join("strace")).expect("strace's list");
    let list = String::from_utf8_lossy(&list);
    let mut open: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let (mut reached, mut marked) = (BTreeMap::new(), BTreeSet::new());
    for line in list.lines() {
        let Some((thread, line)) = line.split_once(' ').map(|(thread, line)| (thread, line.trim_start()))
        else {
            continue;
        };
        if let Some(mark) = line.strip_prefix("access(\"/begin/") {
            let (fd, way) = mark.split('"').next().and_then(|mark| mark.split_once('/')).expect("a mark");
            open.insert(thread, (fd, way));
            marked.insert(way.to_string());
        } else if line.starts_with("access(\"/end/") {
            open.remove(thread);
        } else if let Some((fd, way)) = open.get(thread)
            && is_the_call(line, fd, call(program, way))
        {
            reached.insert(way.to_string(), line.to_string());
        }
    }
    assert_eq!(marked.len(), outcomes.len(), "strace has not seen every way of {program}");
    (reached, marked)
}

/// Whether a line is the call, on the descriptor if it is on one.
fn is_the_call(line: &str, fd: &str, call: &str) -> bool {
    let Some((name, arguments)) = line.split_once('(') else { return false };
    let names = CALLS.iter().find(|(other, _)| *other == call).expect("a call").1;
    let argument = |index: usize| arguments.split([',', ')', ' ']).filter(|word| !word.is_empty()).nth(index);
    let is_on_fd = match (name, call) {
        ("splice", "send") => argument(2) == Some(fd),
        _ => fd == "-1" || argument(0) == Some(fd),
    };
    let is_ours = name == "getsockopt" && ASKED.iter().any(|asked| line.contains(asked));
    names.contains(&name) && is_on_fd && !is_ours
}

/// The rules of the programs, which fail every call.
fn rules(program: &str) -> String {
    let calls: &[&str] = match program {
        "option" => &["setsockopt", "getsockopt", "shutdown"],
        "create" => &["socket", "socketpair", "io_uring_setup"],
        one => &[one],
    };
    // By such sockets descriptors are passed on.
    let passes = "[[rule]]\ncall = \"recv\"\nfamily = \"unix\"\ntype = \"dgram\"\nallow = true\n";
    format!("{passes}[[rule]]\ncall = {calls:?}\nfail = \"EL2HLT\"\n")
}

/// The kernel refuses a family that it cannot know before it asks a security module.
fn is_refused_by_kernel(way: &str) -> bool {
    way.ends_with("/bad-family")
}

fn check(program: &str) {
    let (reached_without, ways) = reached(program, "", false);
    let missed: Vec<_> = ways.iter().filter(|way| !reached_without.contains_key(*way)).collect();
    assert!(missed.is_empty(), "strace has not seen {} calls without rules: {missed:?}", missed.len());
    for logs in [false, true] {
        let (mut slips, _) = reached(program, &rules(program), logs);
        slips.retain(|way, _| !is_refused_by_kernel(way));
        let shown: Vec<_> = slips.iter().take(10).collect();
        assert!(slips.is_empty(), "{} of {} calls have slipped: {shown:#?}", slips.len(), ways.len());
    }
}

#[test]
fn of_connect() {
    check("connect");
}

#[test]
fn of_bind_listen_and_accept() {
    for program in ["bind", "listen", "accept"] {
        check(program);
    }
}

#[test]
fn of_send() {
    check("send");
}

#[test]
fn of_recv() {
    check("recv");
}

#[test]
fn of_options_and_new_sockets() {
    for program in ["option", "create"] {
        check(program);
    }
}
