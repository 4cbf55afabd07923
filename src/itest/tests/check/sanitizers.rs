//! Programs with a sanitizer. Its runtime may refuse a preloaded library, or the library may refuse the runtime.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::programs::{SMALL, build};
use crate::{DEADLINE, Who, check, open_scratch, verdict};
use sockshim_itest::{RunLevel, by_call, command, events, run, shim};

/// The result of running a program under the shim: whether it succeeded, and whether its socket was seen.
fn outcome(program: &Path, preload: Option<&str>) -> (bool, bool) {
    let log = open_scratch();
    let mut command = command(RunLevel::Call, Some(log.path()), program);
    if let Some(preload) = preload {
        command.env("LD_PRELOAD", preload);
    }
    let output = run(&mut command, b"", DEADLINE);
    assert!(!output.timed_out, "{program:?}: {output:?}");
    (output.status.success(), !by_call(&events(log.path()), "socket").is_empty())
}

#[test]
fn a_runtime_is_judged_by_what_it_does() {
    let scratch = open_scratch();
    let cases: [(&str, &[&str], &str); 8] = [
        ("asan", &["-fsanitize=address"], "asan"),
        ("asan-ubsan", &["-fsanitize=address,undefined"], "asan"),
        ("asan-static", &["-fsanitize=address", "-static-libasan"], "fine"),
        ("tsan", &["-fsanitize=thread"], "tsan"),
        ("tsan-static", &["-fsanitize=thread", "-static-libtsan"], "tsan"),
        ("lsan", &["-fsanitize=leak"], "fine"),
        ("ubsan", &["-fsanitize=undefined"], "fine"),
        ("ubsan-static", &["-fsanitize=undefined", "-static-libubsan"], "fine"),
    ];
    for (name, flags, expected) in cases {
        let program = build(&scratch, name, "cc", SMALL, flags);
        assert_eq!(verdict(Who::Root, &program), expected, "{name}");
        let ended_and_seen = match expected {
            "fine" => (true, true),
            "tsan" => (true, false),
            _ => (false, false),
        };
        assert_eq!(outcome(&program, None), ended_and_seen, "{name}");
    }
}

/// The sentence names a value for `LD_PRELOAD`, and with this value the program is seen.
#[test]
fn what_check_advises_helps() {
    let scratch = open_scratch();
    let program = build(&scratch, "asan", "cc", SMALL, &["-fsanitize=address"]);
    let output = check(Who::Root, &[&program]);
    let stdout = output.stdout();
    let advice = stdout.split('"').nth(1).unwrap_or_else(|| panic!("{output:?}"));
    assert!(advice.starts_with("libasan.so."), "{advice}");
    let preload = advice.replace("/path/to/libsockshim.so", &shim().display().to_string());
    assert_eq!(outcome(&program, Some(&preload)), (true, true), "{preload}");
}

#[test]
fn a_script_is_judged_by_its_interpreter() {
    let scratch = open_scratch();
    let program = build(&scratch, "asan", "cc", SMALL, &["-fsanitize=address"]);
    let script = scratch.write("script", format!("#!{}\n", program.display()));
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("our own file");
    assert_eq!(verdict(Who::Root, &script), "asan");
    assert_eq!(outcome(&script, None), (false, false));
}
