//! Captures that cannot be made, or not to their end.

use super::{DEADLINE, binary, capturing, moves, tshark};
use sockshim_itest::{RunLevel, Scratch, command, run, shim};
use std::path::Path;

#[test]
fn what_cannot_be_written_is_said_before_the_program_starts() {
    let output = run(capturing(Path::new("/no/where"), &[]).args(["echo", "started"]), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr().contains("/no/where: No such file"), "{output:?}");
}

#[test]
fn a_full_disk_is_said_and_the_program_runs_to_its_end() {
    let output = run(capturing(Path::new("/dev/full"), &[]).arg(moves()), b"", DEADLINE);
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(output.stderr().contains("cannot write the capture: No space left"), "{output:?}");
}

#[test]
fn limits_have_limits() {
    for limit in ["0", "1048577", "many"] {
        let scratch = Scratch::new();
        let file = scratch.path().join("capture");
        let output = run(capturing(&file, &["--pcap-limit", limit]).args(["echo", "started"]), b"", DEADLINE);
        assert!(output.stdout.is_empty() && output.stderr().contains("from 1 to 1048576"), "{output:?}");
        assert!(!file.exists());
    }
}

/// The number of memory that is not there any more, or that is no tap.
#[test]
fn a_process_that_cannot_reach_the_capture_says_so_and_runs_on() {
    let scratch = Scratch::new();
    for number in ["-1", "999999999", "x"] {
        let mut program = command(RunLevel::Io, Some(scratch.path()), moves());
        let output = run(program.env("SOCKSHIM_TAP", number), b"", DEADLINE);
        assert_eq!((output.status.success(), output.stdout().lines().count()), (true, 9), "{output:?}");
    }
    let said = sockshim_itest::events(scratch.path());
    assert!(
        said.iter().any(|event| event["args"]["message"]
            .as_str()
            .is_some_and(|said| said.contains("capture cannot be reached"))),
        "{}",
        said.len()
    );
}

/// Whoever has too little to do with sockets leaves a capture that is one.
#[test]
fn an_empty_capture_is_a_capture() {
    let (_scratch, file, _) = super::captured(&[], &["true"]);
    assert_eq!(tshark(&file, &[]), "");
    let mut info = command(RunLevel::Native, None, "capinfos");
    let output = run(info.arg("-E").arg(&file), b"", DEADLINE);
    assert!(output.stdout().contains("Raw IP"), "{output:?}");
    let _ = (binary::sockshim(), shim());
}

/// What its sandbox forbids is deadly, so nothing is looked at there.
#[test]
fn a_sandboxed_program_lives_and_what_is_missing_is_counted() {
    let program = sockshim_itest::cc("moments/sandbox.c", &[]);
    for action in ["kill", "trap", "errno"] {
        let arguments = ["seccomp", action];
        let native = run(command(RunLevel::Native, None, &program).args(arguments), b"", DEADLINE);
        let scratch = Scratch::new();
        let mut capturing = capturing(&scratch.path().join("capture"), &[]);
        let output = run(capturing.arg(&program).args(arguments), b"", DEADLINE);
        assert!(output.status.success() && output.stdout == native.stdout, "{native:?}\n{output:?}");
        assert!(output.stderr().contains("calls in a sandbox of the program's"), "{output:?}");
    }
}
