//! `--report` and `--strict`, of runs in which no rule fires.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sockshim_itest::{Output, Scratch, cc, run};

use super::{DEADLINE, report_path, sh, sockshim_run};

fn parsed(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Runs a program with these options and a report.
fn reported(options: &[&str], words: &[&str]) -> (Output, Value) {
    let scratch = Scratch::new();
    let path = report_path(&scratch);
    let mut command = sockshim_run();
    let output = run(command.arg("--report").arg(&path).args(options).arg("--").args(words), b"", DEADLINE);
    (output, parsed(&path))
}

#[test]
fn a_report_without_rules() {
    let (output, report) = reported(&[], &sh("exit 3"));
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(3), ""));
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["program"], json!(["sh", "-c", "exit 3"]));
    assert_eq!(report["ended"], json!({ "exit": 3 }));
    for (key, value) in [("rules", json!([])), ("uncovered", json!([])), ("io_urings", json!(0))] {
        assert_eq!(report[key], value, "{key}");
    }
    let (_, report) = reported(&[], &sh("kill -TERM $$"));
    assert_eq!(report["ended"], json!({ "signal": libc::SIGTERM }));
}

#[test]
fn an_old_report_is_replaced() {
    let scratch = Scratch::new();
    let path = scratch.write("report.json", "x".repeat(100_000));
    run(sockshim_run().arg("--report").arg(&path).arg("true"), b"", DEADLINE);
    assert_eq!(parsed(&path)["ended"], json!({ "exit": 0 }));
}

#[test]
fn rules_that_never_fired() {
    let options = ["--fail", "connect:10.1.2.3=EPERM", "--limit=recv=1"];
    let (output, report) = reported(&options, &["true"]);
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(0), ""));
    let rules = report["rules"].as_array().expect("a list of rules");
    let names: Vec<&Value> = rules.iter().map(|rule| &rule["name"]).collect();
    assert_eq!(names, ["--fail connect:10.1.2.3=EPERM", "--limit recv=1"]);
    for rule in rules {
        assert_eq!((&rule["hits"], &rule["first"]), (&json!(0), &Value::Null));
        assert!(rule["text"].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
    }

    let strict = [&["--strict"][..], &options].concat();
    let (output, _) = reported(&strict, &sh("exit 3"));
    let expected = "sockshim: the rule --fail connect:10.1.2.3=EPERM never fired\n\
                    sockshim: the rule --limit recv=1 never fired\n";
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(124), expected));
    // A fence that nobody ran into is as it should be.
    let (output, report) = reported(&["--strict", "--offline"], &sh("exit 3"));
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(3), ""));
    assert!(report["rules"].as_array().is_some_and(|rules| !rules.is_empty()));
}

#[test]
fn a_program_that_is_not_covered() {
    let program = cc("socket/inet.c", &["-static"]);
    let program = program.to_str().expect("a path in UTF-8");
    let line = |output: &Output| {
        let stderr = output.stderr();
        assert!(stderr.starts_with(&format!("sockshim: {program} is not covered: static: ")), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    };
    let output = run(sockshim_run().arg(program), b"", DEADLINE);
    line(&output);
    assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
    let (output, report) = reported(&[], &[program]);
    line(&output);
    assert_eq!(report["uncovered"], json!([{ "program": program, "reason": "static", "starts": 1 }]));
    let output = run(sockshim_run().args(["--strict", program]), b"", DEADLINE);
    line(&output);
    assert_eq!((output.status.code(), output.stdout().as_str()), (Some(124), ""), "it was not started");
}

#[test]
fn a_library_that_is_switched_off() {
    let line =
        "sockshim: no program is covered: SOCKSHIM_DISABLE=1 is set, so there are no rules and no log\n";
    let run_disabled = |options: &[&str]| {
        let mut command = sockshim_run();
        command.env("SOCKSHIM_DISABLE", "1").args(options).args(["--offline", "echo", "started"]);
        run(&mut command, b"", DEADLINE)
    };
    let output = run_disabled(&[]);
    assert_eq!((output.stderr().as_str(), output.stdout().as_str()), (line, "started\n"));
    let output = run_disabled(&["--strict"]);
    assert_eq!(
        (output.stderr().as_str(), output.stdout().as_str(), output.status.code()),
        (line, "", Some(124))
    );
}
