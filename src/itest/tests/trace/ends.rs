//! How processes end.

use super::{seen, stable, traced};

/// The lines that tell of an end, in the trace of a shell's script.
fn ends(options: &[&str], script: &str) -> Vec<String> {
    let (output, trace) = traced(&[options, &["--", "sh", "-c", script]].concat());
    assert!(output.stderr.is_empty(), "{output:?}");
    let trace = stable(&trace);
    let mut ends: Vec<String> = trace.lines().filter(|line| line.contains("+++")).map(String::from).collect();
    ends.sort();
    ends
}

#[test]
fn the_programs_own_end_is_known() {
    assert_eq!(ends(&[], "exit 7"), ["sh[TID] +++ exited with 7 +++"]);
    assert_eq!(ends(&[], "kill -SEGV $$"), ["sh[TID] +++ killed by SIGSEGV +++"]);
    // The program makes no call that is shown, but for its end.
    assert_eq!(ends(&["-s", "0"], "exec true"), ["sh[TID] +++ exited with 0 +++"]);
}

#[test]
fn an_exec_is_no_end() {
    assert_eq!(ends(&[], &format!("exec {} many 1", seen())), ["seen[TID] +++ exited with 0 +++"]);
}

#[test]
fn of_others_it_is_known_what_they_have_said() {
    let program = seen();
    // The shell would say what has been killed.
    let script = format!("exec 2>/dev/null; {program} killed 1; {program} tree 1; exit 3");
    let expected = [
        // Who exits as programs do and who is killed say nothing; the child calls _exit.
        "seen[TID] +++ ended +++",
        "seen[TID] +++ ended +++",
        "seen[TID] +++ exited with 0 +++",
        "sh[TID] +++ exited with 3 +++",
    ];
    assert_eq!(ends(&[], &script), expected);
}

#[test]
fn ends_are_selected() {
    let script = format!("{} tree 1; exit 3", seen());
    for (options, count) in [
        (&["-q"][..], 0),
        (&["--json"], 0),
        (&["-c"], 0),
        (&["-e", "socket"], 0),
        (&["-e", "!%process"], 0),
        (&["-P", "127.0.0.1"], 0),
        (&["-e", "%process"], 3),
        (&["-e", "status=failed"], 1),
        (&["-e", "status=successful"], 1),
    ] {
        let ends = ends(options, &script);
        assert_eq!(ends.len(), count, "{options:?}: {ends:?}");
    }
}
