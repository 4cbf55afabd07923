//! `scope = "tree"`: one count for all processes.

use crate::counters::Counters;
use crate::under::{Setting, under};
use sockshim_core::rules::shared::Shared;
use sockshim_itest::{Output, Scratch, cc, run};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);
const CALLS: [&str; 10] =
    ["connect", "bind", "listen", "accept", "socket", "send", "recv", "setsockopt", "getsockopt", "shutdown"];

/// A rule about each call.
fn rules(more: &str) -> String {
    let rule =
        |call: &&str| format!("[[rule]]\ncall = \"{call}\"\nfail = \"EMFILE\"\nscope = \"tree\"\n{more}\n");
    CALLS.iter().map(rule).collect()
}

fn make(scratch: &Scratch, rules: &str, shared: &str, arguments: &[&str], logs: bool) -> Output {
    let program = cc("rules/sequence.c", &[]);
    scratch.dir("run");
    let variables = [("SOCKSHIM_SHARED", shared)];
    let setting = Setting { rules: Some(rules), logs, variables: &variables, ..Setting::default() };
    let mut command = under(scratch, &setting, &program);
    run(command.arg("prepare").arg(&program).args(arguments), b"", DEADLINE)
}

/// The results of one call, whoever has made it, in the order of the lines.
fn results<'a>(printed: &'a str, call: &str) -> Vec<&'a str> {
    let of_call = |line: &'a str| {
        let (head, results) = line.split_once(": ")?;
        let name = head.split(' ').nth(1)?;
        let is_this = name.trim_end_matches('4').trim_end_matches("to").trim_end_matches("from") == call;
        is_this.then(|| results.split(' '))
    };
    printed.lines().filter_map(of_call).flatten().collect()
}

#[test]
fn a_count_goes_on_over_fork_exec_and_a_killed_process() {
    for logs in [false, true] {
        let scratch = Scratch::new();
        let counters = Counters::of(CALLS.len());
        let who = ["10", "self", "child", "killed", "exec", "self", "thread", "child", "exec", "killed"];
        let output = make(&scratch, &rules("when = \"4..60+3\""), &counters.number(), &who, logs);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        // self, child, half, executed, self, thread, child, executed, half.
        let total = 10 + 10 + 5 + 10 + 10 + 10 + 10 + 10 + 5;
        let expected: Vec<_> = (1..=total)
            .map(|number| if (4..=60).contains(&number) && (number - 4) % 3 == 0 { "EMFILE" } else { "ok" })
            .collect();
        let printed = output.stdout();
        for call in CALLS {
            assert_eq!(results(&printed, call), expected, "{call}, with a log: {logs}\n{printed}");
        }
        let shared = counters.shared();
        for (rule, call) in CALLS.iter().enumerate() {
            assert_eq!(shared.hits(rule), 19, "{call}");
            let first = shared.first(rule).expect("a first call");
            assert!(first.program.starts_with(b"sequence") && first.pid > 0, "{first:?}");
            assert!(!first.call.is_empty() && first.time > 1_600_000_000_000_000_000, "{first:?}");
        }
    }
}

#[test]
fn processes_at_once_share_each_number_once() {
    let scratch = Scratch::new();
    let counters = Counters::of(CALLS.len());
    let output =
        make(&scratch, &rules("when = \"2+7\""), &counters.number(), &["100", "four", "four"], false);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let printed = output.stdout();
    let expected = (1..=800).filter(|number| number % 7 == 2).count();
    for call in CALLS {
        let results = results(&printed, call);
        let failed = results.iter().filter(|result| **result == "EMFILE").count();
        assert_eq!((results.len(), failed), (800, expected), "{call}");
    }
}

#[test]
fn a_seed_repeats_in_a_tree() {
    let one = || {
        let scratch = Scratch::new();
        let counters = Counters::of(CALLS.len());
        make(
            &scratch,
            &rules("chance = 0.5\nseed = 99"),
            &counters.number(),
            &["20", "self", "child", "exec", "self"],
            false,
        )
        .stdout()
    };
    let first = one();
    assert_eq!(one(), first);
    // One sequence, that goes on.
    let connects = results(&first, "connect");
    assert_eq!(connects.len(), 80);
    assert_ne!(connects[..20], connects[20..40]);
}

#[test]
fn bad_counters_leave_each_process_its_own_count() {
    let whole = Shared::words(CALLS.len());
    let (garbage, other_rules) = (Counters::of(CALLS.len()), Counters::of(CALLS.len()));
    garbage.overwrite(0..whole, 0x5555_5555_5555_5555);
    other_rules.overwrite(2..3, 99);
    let (zeros, short, long) = (Counters::bad(whole), Counters::bad(1), Counters::bad(whole + 1));
    let gone = Counters::of(CALLS.len()).number();
    // Its parent has ended too, so nobody waits for a count.
    let over = format!("{}.{}", gone.split('.').next().expect("a number"), i32::MAX);
    let numbers = [&garbage, &other_rules, &zeros, &short, &long].map(Counters::number);
    let texts = ["", "x", "-1", "7", "99999999999999.1", "/proc"].map(String::from);
    for shared in numbers.iter().chain(&texts).chain([&gone, &over]) {
        let scratch = Scratch::new();
        let output =
            make(&scratch, &rules("when = 2"), shared, &["3", "self", "child", "exec", "self"], false);
        // Once: what the process starts does not look for them.
        let said = if shared.is_empty() || *shared == over { 0 } else { 1 };
        let stderr = output.stderr();
        assert_eq!(
            stderr.matches("sockshim: the counters of 'sockshim run' cannot be reached").count(),
            said
        );
        assert_eq!(stderr.lines().count(), said, "{shared}: {output:?}");
        for call in CALLS {
            assert_eq!(
                results(&output.stdout(), call)[..6],
                ["ok", "EMFILE", "ok", "ok", "EMFILE", "ok"],
                "{shared} {call}"
            );
        }
    }
}
