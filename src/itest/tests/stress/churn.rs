//! Ten threads that block in calls, and four that create and close sockets meanwhile.

use std::collections::BTreeMap;

use sockshim_itest::{Output, RunLevel, Scratch};

use crate::{call, dropped, each_event, log_files, stress};

const SOCKETS: &str = "100000";

fn churn(level: RunLevel) -> (Output, Scratch) {
    let log_dir = Scratch::new();
    let output = stress(level, log_dir.path(), "churn", &[SOCKETS]);
    assert!(output.status.success(), "{level:?}: {output:?}");
    (output, log_dir)
}

/// The lines that begin with `word`, split into words, without the first word.
fn lines<'a>(output: &'a str, word: &str) -> impl Iterator<Item = Vec<&'a str>> {
    let words = output.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(move |words| words[0] == word).map(|words| words[1..].to_vec())
}

/// Asserts that every call of the program is logged or counted as dropped, and that every event describes the actual
/// socket. `unlogged` are the calls that this level leaves out.
fn check(level: RunLevel, unlogged: &[&str]) {
    let (output, log_dir) = churn(level);
    let stdout = output.stdout();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let mut made: BTreeMap<&str, u64> =
        lines(&stdout, "calls").map(|words| (words[0], number(words[1]))).collect();
    assert!(made["socket"] > 100_000 && made["close"] > 100_000, "{stdout}");
    unlogged.iter().for_each(|call| assert!(made.remove(call).is_some(), "{call}"));
    let threads: BTreeMap<u64, [&str; 2]> =
        lines(&stdout, "thread").map(|words| (number(words[0]), [words[1], words[2]])).collect();
    assert_eq!(threads.len(), 4, "{stdout}");

    let (mut logged, mut lost, mut ended) = (BTreeMap::new(), 0, false);
    let files = log_files(log_dir.path());
    assert_eq!(files.len(), 1, "{files:?}");
    each_event(&files[0].1, |event| {
        lost += dropped(event);
        match call(event) {
            "dropped" | "summary" => return,
            "exit" | "_exit" => ended = true,
            name => {
                assert!(made.contains_key(name), "the program did not call this: {event}");
                *logged.entry(name.to_string()).or_insert(0) += 1;
            }
        }
        if let Some([ops, prot]) = event["tid"].as_u64().and_then(|tid| threads.get(&tid)) {
            // Each of these threads makes sockets of one kind, and none of its calls fails.
            assert!(event["ops"] == *ops && event["prot"] == *prot, "not {ops}, {prot}: {event}");
            assert!(event["errno"].is_null() && event["fd"].as_i64() >= Some(3), "{event}");
        }
    });

    for (name, count) in &logged {
        assert!(*count <= made[name.as_str()], "{name}: {count} logged, {} made", made[name.as_str()]);
    }
    let missing = made.values().sum::<u64>() - logged.values().sum::<u64>();
    // The dropped events may include the event of the program's end.
    let ends = u64::from(!ended && lost > missing);
    assert_eq!(missing + ends, lost, "made: {made:?}\nlogged: {logged:?}");
}

#[test]
fn ends_natively() {
    churn(RunLevel::Native);
}

#[test]
fn ends_without_a_log() {
    churn(RunLevel::Off);
}

#[test]
fn log_of_calls_is_right() {
    check(RunLevel::Call, &["send", "recv", "poll"]);
}

#[test]
fn log_of_data_calls_is_right() {
    check(RunLevel::Io, &[]);
}
