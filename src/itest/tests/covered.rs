//! A call that starts a program which will not be seen has the reason in its event; so does a call that makes an
//! io_uring.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{RunLevel, Scratch, cc, command, events, run, shim, workspace};

#[path = "check/programs.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod programs;

use programs::{SMALL, build, capabilities, set_capabilities};

const DEADLINE: Duration = Duration::from_secs(120);
const NOBODY: u32 = 65534;

fn open_scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o777)).expect("our own directory");
    scratch
}

/// Has `start` start a program from a forked child. Returns the event of the call that started it.
fn event_of(form: &str, program: &str, prepare: impl Fn(&mut Command)) -> Value {
    let log = open_scratch();
    let mut command = command(RunLevel::Call, Some(log.path()), cc("stress/start.c", &[]));
    prepare(command.args([form, program]));
    let output = run(&mut command, b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{form} {program}: {output:?}");
    assert_eq!(output.stdout(), "", "{form} {program}");
    let events = events(log.path());
    let schema =
        fs::read_to_string(workspace().join("src/core/trace/event.schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema compiles");
    assert!(events.iter().all(|event| validator.is_valid(event)));
    let call = form.split('-').next().unwrap_or(form);
    let found = events.iter().filter(|event| event["call"] == call && event["args"]["covered"] == false);
    let found: Vec<&Value> = found.collect();
    match found.as_slice() {
        [] => Value::Null,
        [one] => (*one).clone(),
        more => panic!("{form} {program}: {more:#?}"),
    }
}

fn reason(form: &str, program: &Path, prepare: impl Fn(&mut Command)) -> String {
    let program = program.to_str().expect("a path in UTF-8");
    event_of(form, program, prepare)["reason"].as_str().unwrap_or("none").to_string()
}

const FORMS: [&str; 13] = [
    "execl",
    "execle",
    "execlp",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "execveat",
    "execveat-empty",
    "fexecve",
    "posix_spawn",
    "posix_spawnp",
    "execve-syscall",
];

#[test]
fn every_call_says_that_a_static_program_will_not_be_seen() {
    let scratch = open_scratch();
    let fixed = build(&scratch, "static", "cc", SMALL, &["-static"]);
    let dynamic = build(&scratch, "dynamic", "cc", SMALL, &[]);
    for form in FORMS {
        assert_eq!(reason(form, &fixed, |_| ()), "exec-static", "{form}");
        assert_eq!(reason(form, &dynamic, |_| ()), "none", "{form}");
    }
    // Relative to the current directory, relative to a directory's descriptor, and searched in PATH.
    for form in ["execve", "execveat-dir", "posix_spawn"] {
        let inside = |command: &mut Command| {
            command.current_dir(scratch.path());
        };
        assert_eq!(event_of(form, "./static", inside)["reason"], "exec-static", "{form}");
    }
    for form in ["execvp", "execlp", "execvpe", "posix_spawnp"] {
        let path = format!("/nowhere:{}", scratch.path().display());
        let searched = |command: &mut Command| {
            command.env("PATH", &path);
        };
        assert_eq!(event_of(form, "static", searched)["reason"], "exec-static", "{form}");
        assert_eq!(event_of(form, "dynamic", searched), Value::Null, "{form}");
    }
}

#[test]
fn each_reason() {
    let scratch = open_scratch();
    let set_id = build(&scratch, "set-id", "cc", SMALL, &[]);
    fs::set_permissions(&set_id, Permissions::from_mode(0o4755)).expect("our own file");
    let capable = build(&scratch, "capable", "cc", SMALL, &[]);
    set_capabilities(&capable, &capabilities(true, 1 << 13, 0));
    let as_nobody = |command: &mut Command| {
        command.uid(NOBODY).gid(NOBODY);
    };
    for (program, expected) in [(&set_id, "exec-setuid"), (&capable, "exec-caps")] {
        assert_eq!(reason("execve", program, as_nobody), expected);
        assert_eq!(reason("execve", program, |_| ()), "none", "{expected} as root");
    }
    let musl = build(&scratch, "musl", "musl-gcc", SMALL, &[]);
    // It does not start with the library, as the reason says.
    assert_eq!(reason("execve-any", &musl, |_| ()), "exec-other-libc");
    for go in ["gosu", "fzf"] {
        assert_eq!(event_of("execvp-version", go, |_| ())["reason"], "exec-go", "{go}");
    }
    // It is for another architecture, so the kernel refuses it after the event was written.
    let mut foreign = fs::read("/bin/true").expect("a program");
    foreign[18] = 183; // EM_AARCH64
    let foreign = scratch.write("aarch64", foreign);
    fs::set_permissions(&foreign, Permissions::from_mode(0o755)).expect("our own file");
    assert_eq!(reason("execve-fails", &foreign, |_| ()), "exec-other-arch");

    let fixed = build(&scratch, "static", "cc", SMALL, &["-static"]);
    let script = scratch.write("script", format!("#!{}\n", fixed.display()));
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("our own file");
    assert_eq!(reason("execve", &script, |_| ()), "exec-static");
    let nested = scratch.write("nested", format!("#! {} -x\n", script.display()));
    fs::set_permissions(&nested, Permissions::from_mode(0o755)).expect("our own file");
    assert_eq!(reason("execv", &nested, |_| ()), "exec-static");
}

/// AddressSanitizer's shared runtime ends a program if the library comes before it, and only then.
#[test]
fn sanitizers_are_reasons() {
    let scratch = open_scratch();
    let asan = build(&scratch, "asan", "cc", SMALL, &["-fsanitize=address"]);
    let tsan = build(&scratch, "tsan", "cc", SMALL, &["-fsanitize=thread"]);
    assert_eq!(reason("execve-any", &asan, |_| ()), "exec-asan");
    assert_eq!(reason("execv-any", &tsan, |_| ()), "exec-tsan");
    assert_eq!(reason("execve-bare", &asan, |_| ()), "exec-env");

    let runtime = run(Command::new("cc").arg("-print-file-name=libasan.so"), b"", DEADLINE).stdout();
    let log = open_scratch();
    // The starter has the runtime too: in a program without it, the runtime would be just another preloaded library.
    let starter = cc("stress/start.c", &["-fsanitize=address"]);
    let mut command = command(RunLevel::Call, Some(log.path()), starter);
    command.env("LD_PRELOAD", format!("{} {}", runtime.trim(), shim().display()));
    command.env("ASAN_OPTIONS", "detect_leaks=0").arg("execve").arg(&asan);
    let output = run(&mut command, b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{output:?}");
    let events = events(log.path());
    assert!(events.iter().all(|event| event["args"]["covered"] != false), "{events:#?}");
    assert!(events.iter().any(|event| event["call"] == "socket"), "{events:#?}");
}

#[test]
fn an_environment_without_the_library_is_a_reason() {
    let scratch = open_scratch();
    let dynamic = build(&scratch, "dynamic", "cc", SMALL, &[]);
    for form in
        ["execle-bare", "execve-bare", "execvpe-bare", "fexecve-bare", "posix_spawn-bare", "execv-bare"]
    {
        assert_eq!(reason(form, &dynamic, |_| ()), "exec-env", "{form}");
        let always = |command: &mut Command| {
            command.env("SOCKSHIM_PROPAGATE", "always");
        };
        assert_eq!(reason(form, &dynamic, always), "none", "{form}");
    }
}

/// A call that fails starts nothing, so it has no reason; and examining the file neither waits nor leaves anything
/// open.
#[test]
fn failures_have_no_reason_and_leave_nothing() {
    let scratch = open_scratch();
    let fixed = build(&scratch, "static", "cc", SMALL, &["-static"]);
    fs::set_permissions(&fixed, Permissions::from_mode(0o644)).expect("our own file");
    let fifo = scratch.path().join("fifo");
    assert!(Command::new("mkfifo").args(["-m", "777"]).arg(&fifo).status().expect("coreutils").success());
    let missing = scratch.path().join("missing");
    for program in [&fixed, &fifo, &missing, &scratch.path().to_path_buf()] {
        for form in ["execve-fails", "execvp-fails", "execl-fails", "execveat-fails", "posix_spawn-fails"] {
            assert_eq!(reason(form, program, |_| ()), "none", "{form} {}", program.display());
        }
    }
    // The reason from before a call is taken back when the call fails.
    fs::set_permissions(&fixed, Permissions::from_mode(0o755)).expect("our own file");
    let log = open_scratch();
    let mut command = command(RunLevel::Call, Some(log.path()), cc("stress/start.c", &[]));
    let output = run(command.arg("execve-fails-huge").arg(&fixed), b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
    let events = events(log.path());
    let reasons: Vec<_> = events.iter().filter(|event| event["call"] == "execve").collect();
    assert_eq!(reasons.len(), 2, "{reasons:#?}");
    assert_eq!((&reasons[0]["reason"], &reasons[0]["errno"]), (&"exec-static".into(), &Value::Null));
    assert_eq!((&reasons[1]["reason"], &reasons[1]["errno"]), (&"process".into(), &"E2BIG".into()));
    assert_eq!(reasons[1]["args"]["covered"], Value::Null);
}

#[test]
fn the_text_says_it_in_words() {
    let scratch = open_scratch();
    let fixed = build(&scratch, "static", "cc", SMALL, &["-static"]);
    let mut command = command(RunLevel::Call, None, cc("stress/start.c", &[]));
    let output = run(command.arg("execv").arg(fixed).env("SOCKSHIM_LOG_FORMAT", "text"), b"", DEADLINE);
    let stderr = output.stderr();
    let said = "(exec-static: the new program is statically linked and will not be seen)";
    assert_eq!(stderr.matches(said).count(), 1, "{stderr}");
}

/// Making a ring is reported; a refused one is not. Programs without liburing make it like this.
#[test]
fn an_io_uring_is_noticed() {
    const RINGS: &str = "\
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
	struct io_uring_params parameters = {0};
	int bad = syscall(SYS_io_uring_setup, 0, &parameters);
	int ring = syscall(SYS_io_uring_setup, 1, &parameters);
	return bad != -1 ? 1 : ring >= 0 ? 0 : errno == ENOSYS || errno == EPERM ? 77 : 2;
}
";
    let scratch = open_scratch();
    let program = build(&scratch, "rings", "cc", RINGS, &[]);
    let output = run(&mut command(RunLevel::Call, Some(scratch.path()), &program), b"", DEADLINE);
    let status = output.status.code();
    assert!(matches!(status, Some(0 | 77)), "{output:?}");
    let events = events(scratch.path());
    let rings: Vec<&Value> = events.iter().filter(|event| event["args"]["number"] == 425).collect();
    assert_eq!(rings.len(), 2, "{events:#?}");
    let expected = if status == Some(0) { "io-uring" } else { "process" };
    assert_eq!((&rings[0]["reason"], &rings[1]["reason"]), (&"process".into(), &expected.into()));
    let text = run(command(RunLevel::Call, None, &program).env("SOCKSHIM_LOG_FORMAT", "text"), b"", DEADLINE)
        .stderr();
    let said = text.matches("(io-uring: what is submitted through the ring will not be seen)").count();
    assert_eq!(said, usize::from(status == Some(0)), "{text}");
}
