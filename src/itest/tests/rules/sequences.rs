//! Sequences of faults: under a rule with `when` a program's calls fail like those under `strace -e inject=`.
//!
//! strace counts every system call of a thread, from the program's first one on. What a rule counts differs in three things, of
//! which none occurs here:
//! - the calls for which the rule's keys hold, and that come as far as the security hook: not those on a bad descriptor or with a
//!   bad address, which the kernel refuses before;
//! - the calls of a process (`scope = "process"`), or of all (`"tree"`), but not those of one thread;
//! - an executed program counts from 1 again, while strace goes on counting.

use crate::under::{Setting, under};
use sockshim_itest::{Scratch, cc, run};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);

/// The system calls of the program, and the calls of rules about them.
const CALLS: [(&str, &str); 10] = [
    ("connect", "connect"),
    ("bind", "bind"),
    ("listen", "listen"),
    ("accept4", "accept"),
    ("socket", "socket"),
    ("sendto", "send"),
    ("recvfrom", "recv"),
    ("setsockopt", "setsockopt"),
    ("getsockopt", "getsockopt"),
    ("shutdown", "shutdown"),
];
const ERRORS: [&str; 8] =
    ["ECONNREFUSED", "EPERM", "EINTR", "ENOBUFS", "ETIMEDOUT", "ENETUNREACH", "EADDRINUSE", "EMFILE"];
/// How many expressions there are, how many calls each one is about, and the seed of all.
const EXPRESSIONS: usize = 40;
const COUNT: &str = "30";
const SEED: u64 = 0x5eed_0012;

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % most
    }

    /// `first[..last][+[step]]`.
    fn when(&mut self) -> String {
        let first = 1 + self.below(12);
        let last = first + self.below(18);
        let step = 1 + self.below(6);
        match self.below(7) {
            0 => format!("{first}"),
            1 => format!("{first}+"),
            2 => format!("{first}..{last}"),
            3 => format!("{first}..{last}+"),
            4 | 5 => format!("{first}..{last}+{step}"),
            _ => format!("{first}+{step}"),
        }
    }
}

/// The error and the expression of each call.
struct Faults(Vec<(&'static str, String)>);

impl Faults {
    fn rules(&self) -> String {
        let rule = |((_, call), (error, when)): (&(&str, &str), &(&str, String))| {
            format!("[[rule]]\ncall = \"{call}\"\nfail = \"{error}\"\nwhen = \"{when}\"\n")
        };
        CALLS.iter().zip(&self.0).map(rule).collect()
    }

    fn injections(&self) -> Vec<String> {
        let inject = |((call, _), (error, when)): (&(&str, &str), &(&str, String))| {
            format!("inject={call}:error={error}:when={when}")
        };
        CALLS.iter().zip(&self.0).map(inject).collect()
    }
}

/// What the program prints, with its sockets made by itself before it is executed once more.
fn printed(setting: &Setting, before: &[String]) -> String {
    printed_by(setting, before, &[COUNT, "self", "child"])
}

fn printed_by(setting: &Setting, before: &[String], arguments: &[&str]) -> String {
    let (scratch, program) = (Scratch::new(), cc("rules/sequence.c", &[]));
    scratch.dir("run");
    let mut command = under(&scratch, setting, &program);
    command.arg("prepare").args(before).arg(&program).args(arguments);
    let output = run(&mut command, b"", DEADLINE);
    // Where ptrace is not permitted, this says so.
    assert!(!output.timed_out && output.status.success(), "{before:?}: {output:?}");
    assert_eq!(output.stderr(), "", "{before:?}");
    output.stdout()
}

fn by_strace(faults: &Faults) -> String {
    let mut before: Vec<String> = ["strace", "-f", "-qq", "-o", "/dev/null"].map(String::from).into();
    before.extend(faults.injections().into_iter().flat_map(|inject| ["-e".to_string(), inject]));
    printed(&Setting::default(), &before)
}

fn by_rules(faults: &Faults, logs: bool) -> String {
    printed(&Setting { rules: Some(&faults.rules()), logs, ..Setting::default() }, &[])
}

#[test]
fn rules_count_like_strace() {
    let mut random = Random(SEED);
    let mut faults = 0;
    for number in 0..EXPRESSIONS {
        let when = random.when();
        // One expression for all calls, each with another error.
        let errors = CALLS.map(|_| (ERRORS[random.below(ERRORS.len() as u64) as usize], when.clone()));
        let these = Faults(errors.into());
        let expected = by_strace(&these);
        faults += expected.matches(" E").count();
        for logs in [false, true] {
            let made = by_rules(&these, logs);
            assert_eq!(made, expected, "expression {number}, when = {when:?}, with a log: {logs}");
        }
    }
    assert!(faults > 1000, "{faults} faults only");
}

/// Four threads at once: which of them meets a fault is chance, but each number is counted once.
#[test]
fn threads_share_a_count() {
    let errors = CALLS.map(|_| ("EMFILE", "3..70+5".to_string()));
    let rules = Faults(errors.into()).rules();
    for logs in [false, true] {
        let setting = Setting { rules: Some(&rules), logs, ..Setting::default() };
        let printed = printed_by(&setting, &[], &["20", "threads"]);
        for (call, _) in CALLS {
            let of_call = format!("thread {call}: ");
            let results = printed.lines().filter_map(|line| line.strip_prefix(&of_call));
            let results: Vec<_> = results.flat_map(|line| line.split(' ')).collect();
            let failed = results.iter().filter(|result| **result == "EMFILE").count();
            assert_eq!((results.len(), failed), (80, 14), "{call}\n{printed}");
        }
    }
}

#[test]
fn a_seed_repeats_exactly() {
    // The same seed is the same sequence, so each call has its own.
    let rules = |seed: usize| -> String {
        let rule = |(at, (_, call)): (usize, &(&str, &str))| {
            let seed = seed * CALLS.len() + at;
            format!("[[rule]]\ncall = \"{call}\"\nfail = \"EMFILE\"\nchance = 0.3\nseed = {seed}\n")
        };
        CALLS.iter().enumerate().map(rule).collect()
    };
    let printed = |seed: usize, logs: bool| {
        printed(&Setting { rules: Some(&rules(seed)), logs, ..Setting::default() }, &[])
    };
    let first = printed(7, false);
    for logs in [false, true, false] {
        assert_eq!(printed(7, logs), first);
    }
    assert_ne!(printed(8, false), first);
    let lines: Vec<_> = first.lines().map(|line| line.split_once(' ').expect("who and what")).collect();
    let (own, childs) = lines.split_at(CALLS.len());
    let of = |lines: &[(&str, &str)]| -> Vec<String> { lines.iter().map(|line| line.1.into()).collect() };
    assert_eq!(of(own), of(childs), "a child begins its own sequence");
    let failed = first.matches("EMFILE").count();
    assert!((120..240).contains(&failed), "{failed} of 600 with a chance of 0.3");
}
