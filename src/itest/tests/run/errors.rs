//! What goes wrong before the program starts.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sockshim_itest::{Output, Scratch, run};

use super::{BOTH, DEADLINE, call, sockshim_run};

/// A program that says that it was started.
const STARTED: [&str; 2] = ["echo", "started"];

fn refused(output: &Output, code: i32) -> String {
    assert_eq!((output.status.code(), output.stdout().as_str()), (Some(code), ""), "{output:?}");
    let stderr = output.stderr();
    assert!(!stderr.is_empty() && stderr.ends_with('\n'), "{output:?}");
    stderr
}

#[test]
fn what_cannot_be_executed() {
    let scratch = Scratch::new();
    let script = scratch.write("script", "#!/no/such/interpreter\n");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("our own file");
    let plain = scratch.write("plain", "");
    let text = |path: &std::path::Path| path.to_str().expect("a path in UTF-8").to_string();
    for mode in BOTH {
        let code = |program: &str, code: i32| refused(&mode.run(&[program]), code);
        assert_eq!(code("no-such-program", 127), "sockshim: no-such-program: there is no such program\n");
        assert_eq!(code("/", 126), "sockshim: /: it is a directory\n");
        assert_eq!(code("", 127), "sockshim: : there is no such program\n");
        assert!(code(&text(&plain), 126).contains("no execute permission"));
        assert!(code(&text(&script), 127).contains("No such file"));
    }
}

#[test]
fn a_wrong_command_line_is_sockshims_own_failure() {
    for args in [&["--nonsense"][..], &[], &["--log=loud", "true"], &["--log-file=x", "true"], &["--allow"]] {
        refused(&call(args), 125);
    }
    assert_eq!(call(&["--help"]).status.code(), Some(0));
}

#[test]
fn options_that_are_no_rules() {
    for option in ["--allow=10.0.0.0/33", "--fail=connect=EWHAT", "--limit=recv=no", "--without=nonsense"] {
        let mut command = sockshim_run();
        let why = refused(&run(command.arg(option).args(STARTED), b"", DEADLINE), 125);
        assert!(why.starts_with("sockshim: "), "{why}");
    }
}

#[test]
fn a_bad_file_of_rules() {
    let scratch = Scratch::new();
    let bad = scratch.write("bad.toml", "[[rule]]\ncall = \"conect\"\nfail = \"EPERM\"\n");
    let started = |command: &mut Command| run(command.args(STARTED), b"", DEADLINE);
    let why = refused(&started(sockshim_run().arg("--config").arg(&bad)), 125);
    assert!(why.contains("bad.toml:2:8"), "{why}");
    assert!(why.contains("call = \"conect\"") && why.contains("^^^"), "the line and what is wrong: {why}");
    assert!(why.contains("did you mean connect?"), "{why}");
    // The variable names a file too.
    assert_eq!(refused(&started(sockshim_run().env("SOCKSHIM_CONFIG", &bad)), 125), why);

    let nowhere = scratch.path().join("no/such.toml");
    assert!(refused(&started(sockshim_run().arg("--config").arg(nowhere)), 125).contains("No such file"));
    let directory = scratch.path();
    assert!(refused(&started(sockshim_run().arg("--config").arg(directory)), 125).contains("directory"));
    // A file that never ends is not read for ever.
    refused(&started(sockshim_run().args(["--config", "/dev/zero"])), 125);
}

/// They cannot be handed on. Without them nothing may run.
#[test]
fn too_many_rules() {
    let scratch = Scratch::new();
    let rule = |number: usize| {
        format!(
            "[[rule]]\nname = \"rule number {number}\"\ncall = \"connect\"\nremote = \"10.0.0.0/8:{number}\"\nallow = true\n"
        )
    };
    let many = scratch.write("many.toml", (1..3000).map(rule).collect::<String>());
    let why = refused(&run(sockshim_run().arg("--config").arg(&many).args(STARTED), b"", DEADLINE), 125);
    assert!(why.starts_with("sockshim: these are too many rules"), "{why}");
}

#[test]
fn a_report_that_cannot_be_written() {
    let scratch = Scratch::new();
    let nowhere = scratch.path().join("no/such/report");
    let report =
        |path: &std::path::Path| run(sockshim_run().arg("--report").arg(path).args(STARTED), b"", DEADLINE);
    assert!(refused(&report(&nowhere), 125).contains("no/such/report"));
    assert!(refused(&report(scratch.path()), 125).contains("directory"));
    assert!(refused(&report("-".as_ref()), 125).contains("stdout is the program's"));

    // A full disk shows at the end: only then does the program's success count for nothing.
    let full = |commands: &str| {
        run(sockshim_run().args(["--report", "/dev/full", "sh", "-c", commands]), b"", DEADLINE)
    };
    let output = full("echo started");
    let expected = "sockshim: /dev/full: No space left on device (os error 28)\n";
    assert_eq!((output.status.code(), output.stdout().as_str()), (Some(125), "started\n"));
    assert_eq!(output.stderr(), expected);
    let output = full("exit 7");
    assert_eq!((output.status.code(), output.stderr().as_str()), (Some(7), expected));
}
