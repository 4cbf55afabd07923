//! Nothing is missing, whatever ends the program, and all processes are in one order.

use super::{DEADLINE, events, seen, sockshim_trace, traced};
use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, command, run};
use std::os::unix::process::ExitStatusExt;

fn calls(trace: &str, call: &str) -> usize {
    trace.lines().filter(|line| line.contains(&format!("] {call}("))).count()
}

#[test]
fn a_killed_program_has_all_its_calls() {
    let program = seen();
    for count in [0, 1, 1000] {
        let number = count.to_string();
        let (output, trace) = traced(&["-q", "--", &program, "killed", &number]);
        assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{output:?}");
        assert_eq!((calls(&trace, "socket"), calls(&trace, "getsockname")), (1, count));
    }
}

#[test]
fn exit_codes_and_streams_are_the_programs_own() {
    let scratch = Scratch::new();
    let file = scratch.path().join("trace");
    let script = "read word; echo $word; echo error >&2; exit 7";
    let mut command = sockshim_trace();
    command.arg("-o").arg(&file).args(["--", "sh", "-c", script]);
    let output = run(&mut command, b"line\n", DEADLINE);
    let found = (output.status.code(), output.stdout(), output.stderr());
    assert_eq!(found, (Some(7), "line\n".into(), "error\n".into()));
}

#[test]
fn a_tree_is_in_one_order() {
    let program = seen();
    let (output, trace) = traced(&["--json", "--", &program, "tree", "50"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let events = events(&trace);
    let families: Vec<&str> = events
        .iter()
        .filter(|event| event["call"] == "socket")
        .filter_map(|event| event["args"]["family"].as_str())
        .collect();
    assert_eq!(families, ["AF_UNIX", "AF_INET"].repeat(50));
    let times: Vec<f64> = events.iter().filter_map(|event| event["ts"].as_f64()).collect();
    assert!(times.is_sorted(), "{trace}");
    let mut processes: Vec<&Value> = events.iter().map(|event| &event["pid"]).collect();
    processes.sort_by_key(|pid| pid.as_i64());
    processes.dedup();
    assert_eq!(processes.len(), 51);
}

/// The same events as in a log of the same program.
#[test]
fn no_event_is_missing() {
    let program = seen();
    for arguments in [&["many", "2000"][..], &["tree", "20"], &[]] {
        let (_, trace) = traced(&[&["--json", "--", &program], arguments].concat());
        let log = Scratch::new();
        run(command(RunLevel::Io, Some(log.path()), &program).args(arguments), b"", DEADLINE);
        let names = |events: &[Value]| {
            let of_call = |event: &Value| event["call"].as_str().map(String::from);
            let mut names: Vec<String> =
                events.iter().filter_map(of_call).filter(|call| call != "summary").collect();
            names.sort();
            names
        };
        assert_eq!(names(&events(&trace)), names(&sockshim_itest::events(log.path())), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_is_stopped_holds_nobody_up() {
    // The program ends although nobody takes what it sends, and what is missing is counted.
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pipe");
    let script = format!(
        "mkfifo {0}; (sleep 2; cat >/dev/null) <{0} & exec 9>{0}; {1} trace -c -o /proc/self/fd/9 -- {2} many 300000",
        pipe.display(),
        super::binary::sockshim().display(),
        seen()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).env("SOCKSHIM_LIB", sockshim_itest::shim());
    let output = run(&mut command, b"", DEADLINE);
    assert!(output.status.success() && !output.timed_out, "{output:?}");
}

#[test]
fn what_stays_in_the_background_is_shown_until_its_end() {
    let program = seen();
    let script = format!("(sleep 0.3; exec {program} many 3) >/dev/null 2>&1 & {program} many 1; exit 0");
    let (output, trace) = traced(&["-q", "--", "sh", "-c", &script]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(calls(&trace, "getsockname"), 4, "{trace}");
}
