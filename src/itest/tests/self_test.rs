//! `sockshim self-test`: it says whether sockshim works here, and does not say so where it does not.

use std::path::Path;
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, command, run, shim};

#[path = "cli/binary.rs"]
mod binary;

const DEADLINE: Duration = Duration::from_secs(60);

fn self_test(library: &Path, variables: &[(&str, &str)]) -> Output {
    let mut sockshim = command(RunLevel::Native, None, binary::sockshim());
    sockshim.env("SOCKSHIM_LIB", library).envs(variables.iter().copied()).arg("self-test");
    run(&mut sockshim, b"", DEADLINE)
}

/// The line of a report that begins with this.
fn line<'a>(report: &'a str, head: &str) -> &'a str {
    report.lines().find(|line| line.starts_with(head)).unwrap_or_else(|| panic!("no {head} in\n{report}"))
}

#[test]
fn all_is_well_here() {
    let output = self_test(shim(), &[]);
    let report = output.stdout();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    for head in ["rule files", "interception", "tables"] {
        assert!(line(&report, head).contains(" ok: "), "{report}");
    }
    assert!(
        line(&report, "tables").contains(" 1000 questions about socket(2), 0 answered otherwise"),
        "{report}"
    );
    for head in
        ["sockshim", "kernel        Linux ", "libc          glibc ", "library       /", "user", "fact"]
    {
        line(&report, head);
    }
}

#[test]
fn the_environment_of_the_caller_changes_nothing() {
    let variables =
        [("SOCKSHIM_LOG", "off"), ("SOCKSHIM_DISABLE", "1"), ("SOCKSHIM_CONFIG", "/no/such/file")];
    let output = self_test(shim(), &variables);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_library_that_does_not_work_is_found_out() {
    let output = self_test(Path::new("/no/such/libsockshim.so"), &[]);
    assert!(
        line(&output.stdout(), "library").contains("FAILED: SOCKSHIM_LIB: /no/such/libsockshim.so"),
        "{output:?}"
    );
    assert_eq!(output.status.code(), Some(125));
    // A shared library that is loaded, and hooks nothing.
    let scratch = Scratch::new();
    let other = scratch.path().join("libsockshim.so");
    std::fs::copy(shim().with_file_name("libsockshim_rulefile.so"), &other).expect("a copy");
    let output = self_test(&other, &[]);
    let report = output.stdout();
    assert!(line(&report, "interception").contains("FAILED: 0 calls of a child"), "{report}");
    assert!(report.contains("missing: socket, setsockopt, bind"), "{report}");
    assert!(line(&report, "rule files").contains("FAILED: "), "{report}");
    assert_eq!(output.status.code(), Some(125));
}
