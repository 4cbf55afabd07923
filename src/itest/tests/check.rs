//! `sockshim check` agrees with a run of the program under the shim: "fine" if its calls appear in the log, and a
//! reason if they do not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sockshim_itest::{Output, RunLevel, Scratch, by_call, command, events, run};

#[path = "cli/binary.rs"]
mod binary;
#[path = "check/damaged.rs"]
mod damaged;
#[path = "check/loader.rs"]
mod loader;
#[path = "check/programs.rs"]
mod programs;
#[path = "check/sanitizers.rs"]
mod sanitizers;

use binary::sockshim;
use programs::{SMALL, build, capabilities, set_capabilities};

const DEADLINE: Duration = Duration::from_secs(120);
const NOBODY: u32 = 65534;

/// The user who checks and runs: root, as in other tests, or somebody else.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Root,
    Nobody,
    /// A user who can gain no privilege.
    Confined,
}

impl Who {
    /// Prepares a program for this user.
    fn command(self, level: RunLevel, log: Option<&Path>, program: &Path) -> Command {
        let mut command = match self {
            Who::Root => return command(level, log, program),
            Who::Nobody => command(level, log, program),
            Who::Confined => command(level, log, "setpriv"),
        };
        if self == Who::Confined {
            command.arg("--no-new-privs").arg(program);
        }
        command.uid(NOBODY).gid(NOBODY);
        command
    }
}

/// A directory that all users may enter and write to.
fn open_scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o777)).expect("our own directory");
    scratch
}

fn check(who: Who, args: &[&Path]) -> Output {
    let output = run(who.command(RunLevel::Native, None, sockshim()).arg("check").args(args), b"", DEADLINE);
    assert_eq!((output.timed_out, output.stderr().as_str()), (false, ""), "{args:?}: {output:?}");
    output
}

/// The verdict's word. Asserts that the exit code agrees.
fn verdict(who: Who, program: &Path) -> String {
    let output = check(who, &[program]);
    let stdout = output.stdout();
    let line = stdout.lines().next().unwrap_or_default();
    let rest = line.strip_prefix(&format!("{}: ", program.display())).unwrap_or_else(|| panic!("{output:?}"));
    let word = rest.split(':').next().unwrap_or_default().to_string();
    let code = CODES.iter().find(|(known, _)| *known == word).map(|(_, code)| *code);
    assert_eq!(output.status.code(), code, "{output:?}");
    word
}

const CODES: [(&str, i32); 13] = [
    ("fine", 0),
    ("static", 10),
    ("go", 11),
    ("setuid", 12),
    ("caps", 13),
    ("other-libc", 14),
    ("other-arch", 15),
    ("not-a-program", 16),
    ("asan", 17),
    ("tsan", 18),
    ("unreadable", 125),
    ("not-executable", 126),
    ("not-found", 127),
];

/// Whether the socket that the program makes appears in the log.
fn is_seen(who: Who, program: &Path) -> bool {
    let log = open_scratch();
    let output = run(&mut who.command(RunLevel::Call, Some(log.path()), program), b"", DEADLINE);
    assert!(!output.timed_out, "{program:?}: {output:?}");
    !by_call(&events(log.path()), "socket").is_empty()
}

/// The verdict, after asserting that it is "fine" exactly if the program's socket is seen.
fn confirmed(who: Who, program: &Path) -> String {
    let word = verdict(who, program);
    assert_eq!(word == "fine", is_seen(who, program), "{}: {word}", program.display());
    word
}

#[test]
fn linking_decides() {
    let scratch = open_scratch();
    let cases: [(&str, &str, &[&str], &str); 7] = [
        ("dynamic", "cc", &[], "fine"),
        ("no-pie", "cc", &["-no-pie"], "fine"),
        ("bsymbolic", "cc", &["-Wl,-Bsymbolic", "-rdynamic"], "fine"),
        ("stripped", "cc", &["-s", "-Wl,-z,noseparate-code"], "fine"),
        ("static", "cc", &["-static"], "static"),
        ("static-pie", "cc", &["-static-pie"], "static"),
        ("musl", "musl-gcc", &[], "other-libc"),
    ];
    for (name, compiler, flags, expected) in cases {
        let program = build(&scratch, name, compiler, SMALL, flags);
        assert_eq!(confirmed(Who::Root, &program), expected, "{name}");
    }
    let musl = build(&scratch, "musl-static", "musl-gcc", SMALL, &["-static"]);
    assert_eq!(confirmed(Who::Root, &musl), "static");
    let linker =
        build(&scratch, "musl-linker", "cc", SMALL, &["-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1"]);
    assert_eq!(confirmed(Who::Root, &linker), "other-libc");
    let gone = build(&scratch, "gone", "cc", SMALL, &["-Wl,--dynamic-linker=/missing/ld-linux-x86-64.so.2"]);
    assert_eq!(verdict(Who::Root, &gone), "not-executable");
    assert!(Command::new(gone).status().is_err(), "the kernel starts it");
}

/// A dynamic linker that is executed itself is not a static program: it reads LD_PRELOAD.
#[test]
fn the_dynamic_linker_is_fine() {
    let scratch = open_scratch();
    let program = build(&scratch, "dynamic", "cc", SMALL, &[]);
    let linker = Path::new("/lib64/ld-linux-x86-64.so.2");
    assert_eq!(verdict(Who::Root, linker), "fine");
    let output = run(command(RunLevel::Call, Some(scratch.path()), linker).arg(program), b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(by_call(&events(scratch.path()), "socket").len(), 1);
}

#[test]
fn go_programs_are_named() {
    for (program, how) in [("gosu", "statically linked"), ("fzf", "linked with libc")] {
        let output = check(Who::Root, &[Path::new(program)]);
        assert_eq!(output.status.code(), Some(11), "{output:?}");
        assert!(output.stdout().contains(how), "{output:?}");
    }
    // Without the note, as `go build -ldflags=-buildid=` leaves it out, the sections show that it is Go.
    let scratch = open_scratch();
    let which = run(Command::new("sh").args(["-c", "command -v gosu fzf"]), b"", DEADLINE).stdout();
    for (index, program) in which.lines().enumerate() {
        let path = scratch.path().join(format!("go-{index}"));
        let mut objcopy = Command::new("objcopy");
        let output =
            run(objcopy.args(["--remove-section", ".note.go.buildid", program]).arg(&path), b"", DEADLINE);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(verdict(Who::Root, &path), "go", "{program}");
    }
    // No call of a static one is seen.
    let log = open_scratch();
    let output = run(command(RunLevel::Io, Some(log.path()), "gosu").args(["nobody", "true"]), b"", DEADLINE);
    assert!(output.status.success(), "{output:?}");
    let comms: Vec<Value> = events(log.path()).iter().map(|event| event["comm"].clone()).collect();
    assert!(!comms.iter().any(|comm| comm == "gosu"), "{comms:?}");
}

#[test]
fn set_id_counts_for_whom_it_changes_something() {
    let scratch = open_scratch();
    let of = |name: &str, owner: u32, group: u32, mode: u32| {
        let program = build(&scratch, name, "cc", SMALL, &[]);
        chown(&program, Some(owner), Some(group)).expect("the tests run as root");
        fs::set_permissions(&program, Permissions::from_mode(mode)).expect("our own file");
        program
    };
    let user = of("user", 0, 0, 0o4755);
    let other = of("other", NOBODY, 0, 0o4755);
    let group = of("group", 0, 42, 0o2755);
    let locking = of("locking", 0, 42, 0o2745);
    let judged = |who, program: &PathBuf| confirmed(who, program);
    assert_eq!(judged(Who::Root, &user), "fine");
    assert_eq!(judged(Who::Nobody, &user), "setuid");
    assert_eq!(judged(Who::Confined, &user), "fine");
    assert_eq!(judged(Who::Root, &other), "setuid");
    assert_eq!(judged(Who::Nobody, &other), "fine");
    assert_eq!(judged(Who::Root, &group), "setuid");
    assert_eq!(judged(Who::Nobody, &group), "setuid");
    assert_eq!(judged(Who::Confined, &group), "fine");
    assert_eq!(judged(Who::Root, &locking), "fine");
}

#[test]
fn capabilities_count_unless_root_runs_it() {
    let scratch = open_scratch();
    let with = |name: &str, attribute: [u32; 5]| {
        let program = build(&scratch, name, "cc", SMALL, &[]);
        set_capabilities(&program, &attribute);
        program
    };
    // CAP_NET_RAW.
    let effective = with("effective", capabilities(true, 1 << 13, 0));
    let permitted = with("permitted", capabilities(false, 1 << 13, 0));
    let inheritable = with("inheritable", capabilities(false, 0, 1 << 13));
    for program in [&effective, &permitted] {
        assert_eq!(confirmed(Who::Root, program), "fine");
        assert_eq!(confirmed(Who::Nobody, program), "caps");
    }
    // The flag puts the dynamic linker into secure mode even if the capability is not granted.
    assert_eq!(confirmed(Who::Confined, &effective), "caps");
    for who in [Who::Root, Who::Nobody] {
        assert_eq!(confirmed(who, &inheritable), "fine");
    }
}

#[test]
fn scripts_are_judged_by_their_interpreter() {
    let scratch = open_scratch();
    let dynamic = build(&scratch, "dynamic", "cc", SMALL, &[]);
    let fixed = build(&scratch, "static", "cc", SMALL, &["-static"]);
    let script = |name: &str, text: String| {
        let path = scratch.write(name, text);
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("our own file");
        path
    };
    let (dynamic, fixed) = (dynamic.display(), fixed.display());
    let one = script("one", format!("#!{dynamic}\n"));
    let two = script("two", format!("#! {} -x \n", one.display()));
    let cases = [
        (one.clone(), "fine"),
        (two.clone(), "fine"),
        (script("unended", format!("#!{dynamic}")), "fine"),
        (script("of-static", format!("#!{fixed}\n")), "static"),
        (script("env", format!("#!/usr/bin/env {dynamic}\n")), "fine"),
        (script("env-static", format!("#!/usr/bin/env -S A=1 {fixed} -x\n")), "static"),
    ];
    for (path, expected) in &cases {
        assert_eq!(confirmed(Who::Root, path), *expected, "{}", path.display());
    }

    let mut nested = two;
    for depth in 0..6 {
        nested = script(&format!("nested-{depth}"), format!("#!{}\n", nested.display()));
        let judged = verdict(Who::Root, &nested);
        let starts = Command::new(&nested).status().is_ok();
        assert_eq!(judged == "fine", starts, "depth {depth}: {judged}");
    }
    for (name, text, expected) in [
        ("loop", "#!/SELF\n", "not-executable"),
        ("missing", "#!/no/such/interpreter\n", "not-found"),
        ("no-name", "#!  \n", "not-a-program"),
        ("directory", "#!/tmp\n", "not-executable"),
    ] {
        let own = scratch.path().join(name);
        let path = script(name, text.replace("/SELF", &own.display().to_string()));
        assert_eq!(verdict(Who::Root, &path), expected, "{name}");
        assert!(Command::new(&path).status().is_err(), "the kernel starts {name}");
    }
}

#[test]
fn names_are_looked_for_in_path() {
    let scratch = open_scratch();
    let bin = scratch.dir("bin");
    fs::rename(build(&scratch, "only-here", "cc", SMALL, &["-static"]), bin.join("only-here"))
        .expect("one directory");
    let with_path = |path: &str, name: &str| {
        let mut command = command(RunLevel::Native, None, sockshim());
        let output = run(command.args(["check", name]).env("PATH", path).current_dir(&bin), b"", DEADLINE);
        output.status.code()
    };
    let path = format!("/nowhere:{}:/bin", bin.display());
    assert_eq!(with_path(&path, "only-here"), Some(10));
    assert_eq!(with_path("/nowhere:/bin", "only-here"), Some(127));
    assert_eq!(with_path("/bin:", "only-here"), Some(10), "an empty element is the current directory");
    assert_eq!(with_path("/bin", "./only-here"), Some(10));
    fs::set_permissions(bin.join("only-here"), Permissions::from_mode(0o644)).expect("our own file");
    assert_eq!(with_path(&path, "only-here"), Some(126));
}

#[test]
fn several_programs_json_and_quiet() {
    let scratch = open_scratch();
    let fixed = build(&scratch, "static", "cc", SMALL, &["-static"]);
    let sh = Path::new("/bin/sh");
    let output = check(Who::Root, &[sh, &fixed, Path::new("/missing")]);
    assert_eq!((output.status.code(), output.stdout().lines().count()), (Some(10), 3), "{output:?}");
    let output = check(Who::Root, &[Path::new("-q"), sh, &fixed]);
    assert_eq!((output.status.code(), output.stdout().as_str()), (Some(10), ""));

    let script = scratch.write("script", "#!/bin/sh\n");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("our own file");
    let output = check(Who::Root, &[Path::new("--json"), &script, &fixed, Path::new("/missing")]);
    assert_eq!(output.status.code(), Some(10));
    let json: Value = serde_json::from_str(&output.stdout()).expect("JSON");
    assert_eq!((&json[0]["verdict"], &json[0]["exit"]), (&"fine".into(), &0.into()));
    assert_eq!(json[0]["interpreters"], serde_json::json!(["/bin/sh"]));
    assert_eq!((&json[1]["verdict"], &json[1]["exit"]), (&"static".into(), &10.into()));
    assert_eq!(json[1]["path"], json[1]["program"]);
    assert!(json[1]["why"].as_str().is_some_and(|why| why.starts_with("statically linked")), "{json}");
    assert_eq!((&json[2]["verdict"], &json[2]["path"]), (&"not-found".into(), &Value::Null));
    assert_eq!(
        run(command(RunLevel::Native, None, sockshim()).arg("check"), b"", DEADLINE).status.code(),
        Some(2)
    );
}

/// The library is loaded, but some operations bypass it: that is a warning.
#[test]
fn what_is_not_seen_in_a_fine_program() {
    let scratch = open_scratch();
    let warned = |program: &Path, what: &str| {
        let output = check(Who::Root, &[program]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        output.stdout().contains(": warning: ") && output.stdout().contains(what)
    };
    let plain = build(&scratch, "plain", "cc", SMALL, &[]);
    assert!(!warned(&plain, ""));
    for (name, flags) in [("uring", ["-luring"]), ("uring-inside", ["-l:liburing.a"])] {
        assert!(warned(&build(&scratch, name, "cc", programs::URING, &flags), "liburing"), "{name}");
    }
    let own = build(&scratch, "own", "cc", programs::OWN_CONNECT, &["-rdynamic"]);
    assert!(warned(&own, ": connect\n"));
    let log = open_scratch();
    let output = run(&mut command(RunLevel::Call, Some(log.path()), &own), b"", DEADLINE);
    let events = events(log.path());
    assert!(output.status.success(), "{output:?}");
    assert_eq!((by_call(&events, "socket").len(), by_call(&events, "connect").len()), (1, 0));
}
