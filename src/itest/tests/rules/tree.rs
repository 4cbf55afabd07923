//! `scope = "tree"`: one count for all processes, in a file that `sockshim run` makes, and here the test.

use crate::under::{Setting, under};
use sockshim_core::rules::shared::Shared;
use sockshim_itest::{Output, Scratch, cc, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
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

/// The file for a tree with these rules.
fn shared_file(scratch: &Scratch) -> PathBuf {
    let words: Vec<AtomicU64> = (0..Shared::words(CALLS.len())).map(|_| AtomicU64::new(0)).collect();
    Shared::init(&words, CALLS.len());
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
    scratch.write("shared", bytes)
}

fn words_of(file: &Path) -> Vec<AtomicU64> {
    let bytes = fs::read(file).expect("the shared file");
    let word = |bytes: &[u8]| AtomicU64::new(u64::from_ne_bytes(bytes.try_into().expect("eight bytes")));
    bytes.chunks_exact(8).map(word).collect()
}

fn make(scratch: &Scratch, rules: &str, shared: &Path, arguments: &[&str], logs: bool) -> Output {
    let program = cc("rules/sequence.c", &[]);
    scratch.dir("run");
    let shared = shared.display().to_string();
    let variables = [("SOCKSHIM_SHARED", shared.as_str())];
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
        let file = shared_file(&scratch);
        let who = ["10", "self", "child", "killed", "exec", "self", "thread", "child", "exec", "killed"];
        let output = make(&scratch, &rules("when = \"4..60+3\""), &file, &who, logs);
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
        let words = words_of(&file);
        let shared = Shared::open(&words, CALLS.len()).expect("the file is whole");
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
    let file = shared_file(&scratch);
    let output = make(&scratch, &rules("when = \"2+7\""), &file, &["100", "four", "four"], false);
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
        let file = shared_file(&scratch);
        make(
            &scratch,
            &rules("chance = 0.5\nseed = 99"),
            &file,
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
fn a_bad_file_leaves_each_process_its_own_count() {
    let scratch = Scratch::new();
    let good = fs::read(shared_file(&scratch)).expect("the file");
    let mut other_rules = good.clone();
    other_rules[16] = 99;
    let files: [(&str, Option<Vec<u8>>); 5] = [
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("short", Some(good[..good.len() - 8].to_vec())),
        ("garbage", Some(vec![0x55; good.len()])),
        ("of other rules", Some(other_rules)),
    ];
    for (name, content) in files {
        let scratch = Scratch::new();
        let file = scratch.path().join("shared");
        content.into_iter().for_each(|content| fs::write(&file, content).expect("a file"));
        let output = make(&scratch, &rules("when = 2"), &file, &["3", "self", "child"], false);
        assert!(output.status.success(), "{name}: {output:?}");
        for call in CALLS {
            assert_eq!(
                results(&output.stdout(), call),
                ["ok", "EMFILE", "ok", "ok", "EMFILE", "ok"],
                "{name} {call}"
            );
        }
    }
    let scratch = Scratch::new();
    let output = make(&scratch, &rules("when = 2"), Path::new("/proc"), &["3"], false);
    assert!(output.status.success(), "a directory: {output:?}");
}
