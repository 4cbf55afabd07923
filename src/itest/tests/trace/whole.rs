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
fn a_late_reader_gets_everything_and_holds_nobody_up() {
    // The program ends at once; the trace when somebody takes it.
    let script = format!(
        "{{ {} trace -- sh -c '{} many 20000; echo ended >&3'; }} 3>&1 2>&1 >&3 | {{ sleep 1; cat; }}",
        super::binary::sockshim().display(),
        seen()
    );
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &script]).env("SOCKSHIM_LIB", sockshim_itest::shim());
    let output = run(&mut command, b"", DEADLINE);
    let trace = output.stdout();
    assert_eq!(calls(&trace, "getsockname"), 20000, "{}", trace.len());
    assert!(trace.contains("ended\n") && !trace.contains("lost"), "{}", trace.len());
}

#[test]
fn a_signal_ends_the_wait_for_what_runs_on() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        let scratch = Scratch::new();
        let file = scratch.path().join("trace");
        let mut command = sockshim_trace();
        command.arg("-o").arg(&file).args([
            "--",
            "sh",
            "-c",
            "sleep 60 >/dev/null 2>&1 & echo started; exit 4",
        ]);
        let mut server = sockshim_itest::Server::start(&mut command);
        server.wait_line("started", DEADLINE);
        // Until the program has ended the signal is its own.
        let children = format!("/proc/{0}/task/{0}/children", server.pid());
        let until = std::time::Instant::now() + DEADLINE;
        while !std::fs::read_to_string(&children).is_ok_and(|children| children.is_empty()) {
            assert!(std::time::Instant::now() < until, "the program does not end");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        server.signal(signal);
        let output = server.join(DEADLINE);
        assert_eq!((output.status.code(), output.timed_out), (Some(4), false), "{signal}: {output:?}");
        let trace = std::fs::read_to_string(&file).expect("a trace");
        assert!(trace.contains("_exit(4)") && trace.contains("--- "), "{trace}");
    }
}

#[test]
fn any_directory_for_temporary_files_will_do() {
    let scratch = Scratch::new();
    let long = scratch.dir(&"x".repeat(100));
    let percent = scratch.dir("a%pb");
    for directory in [long, percent] {
        let mut command = sockshim_trace();
        command.env("TMPDIR", &directory).args(["-q", "--", &seen()]);
        let output = run(&mut command, b"", DEADLINE);
        assert_eq!(calls(&output.stderr(), "socket"), 4, "{directory:?}: {output:?}");
    }
}

#[test]
fn what_stays_in_the_background_is_shown_until_its_end() {
    let program = seen();
    let script = format!("(sleep 0.3; exec {program} many 3) >/dev/null 2>&1 & {program} many 1; exit 0");
    let (output, trace) = traced(&["-q", "--", "sh", "-c", &script]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(calls(&trace, "getsockname"), 4, "{trace}");
}
