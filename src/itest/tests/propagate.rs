//! `SOCKSHIM_PROPAGATE`: which of the library's variables a new program gets, through every call that starts one,
//! from fork and vfork children, with every kind of environment.
//!
//! With `env` a child sees what it sees natively. With `always` it also sees the library's variables and nothing
//! else, and it is logged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sockshim_itest::{Output, RunLevel, Scratch, by_call, cc, command, events, run, shim};

const DEADLINE: Duration = Duration::from_secs(120);

/// Eleven forms of exec from two kinds of children, and two forms of posix_spawn. fexecve(3) accepts no null
/// environment.
fn children(kind: &str) -> usize {
    if kind == "cleared" { 22 } else { 24 }
}

/// Another library, which has no effect on a program.
const OTHER: &str = "/lib/x86_64-linux-gnu/libm.so.6";

/// Runs the program natively, or under the shim with only these variables of the shim.
fn started(kind: &str, preload: &str, level: RunLevel, variables: &[(&str, &str)]) -> Output {
    let mut command = command(level, None, cc("stress/environment.c", &[]));
    command
        .arg(kind)
        .env("PRELOAD", preload)
        .env_remove("SOCKSHIM_LOG_FORMAT")
        .envs(variables.iter().copied());
    let output = run(&mut command, b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{kind}: {output:?}");
    assert_eq!(output.stderr(), "", "{kind}");
    output
}

/// The output of a native run, with the variables that each child would get added to it.
fn with_additions(native: &str, preload: &str, variables: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut seen: Vec<&str> = Vec::new();
    for line in native.lines() {
        if let Some(list) = line.strip_prefix("  LD_PRELOAD=") {
            let separator = if list.is_empty() { "" } else { ":" };
            let kept = if preload.is_empty() { String::new() } else { format!("{preload}{separator}") };
            text += &format!("  LD_PRELOAD={kept}{list}\n");
            seen.push("LD_PRELOAD");
            continue;
        }
        if line.starts_with("  fd ") {
            if !seen.contains(&"LD_PRELOAD") {
                text += &format!("  LD_PRELOAD={preload}\n");
            }
            for (name, value) in variables.iter().filter(|(name, _)| !seen.contains(name)) {
                text += &format!("  {name}={value}\n");
            }
            seen.clear();
        }
        seen.extend(line.strip_prefix("  ").and_then(|line| line.split_once('=')).map(|(name, _)| name));
        text += &format!("{line}\n");
    }
    text
}

/// Compares line by line, and shows the first difference with the lines before it.
fn assert_same(what: &str, seen: &str, expected: &str) {
    let (seen, expected): (Vec<_>, Vec<_>) = (seen.lines().collect(), expected.lines().collect());
    let index = seen.iter().zip(&expected).take_while(|(one, other)| one == other).count();
    let before = &expected[index.saturating_sub(6)..index];
    assert_eq!(
        (seen.get(index), seen.len()),
        (expected.get(index), expected.len()),
        "{what}, after {before:#?}"
    );
}

fn own() -> &'static str {
    shim().to_str().expect("a path in UTF-8")
}

const ENVIRONMENTS: [&str; 7] = ["cleared", "empty", "plain", "level", "small", "medium", "large"];

#[test]
fn by_default_children_get_what_the_program_passes_on() {
    for kind in ENVIRONMENTS.into_iter().chain(["preload"]) {
        let native = started(kind, OTHER, RunLevel::Native, &[]).stdout();
        assert_eq!(native.matches("  fd 3\n").count(), children(kind), "{native}");
        for level in [RunLevel::Off, RunLevel::Call] {
            let scratch = Scratch::new();
            let file = scratch.path().join("%p.jsonl");
            let mut variables = vec![("SOCKSHIM_LOG_FORMAT", "json"), ("SOCKSHIM_PROPAGATE", "env")];
            variables.push(("SOCKSHIM_LOG_FILE", file.to_str().expect("a path in UTF-8")));
            let output = started(kind, OTHER, level, &variables);
            assert_same(&format!("{kind} at {level:?}"), &output.stdout(), &native);
            assert_eq!(by_call(&events(scratch.path()), "socket").len(), 0, "{kind} at {level:?}");
        }
    }
}

#[test]
fn always_adds_what_is_missing_without_a_log() {
    let variables = [("SOCKSHIM_PROPAGATE", "always")];
    for kind in ENVIRONMENTS {
        let native = started(kind, "", RunLevel::Native, &[]).stdout();
        let output = started(kind, "", RunLevel::Off, &variables);
        assert_same(kind, &output.stdout(), &with_additions(&native, own(), &variables));
    }
}

#[test]
fn always_logs_every_child() {
    for kind in ENVIRONMENTS.into_iter().filter(|kind| *kind != "large") {
        let scratch = Scratch::new();
        let file = scratch.path().join("%p.jsonl");
        let variables = [
            ("SOCKSHIM_LOG", "call"),
            ("SOCKSHIM_PROPAGATE", "always"),
            ("SOCKSHIM_LOG_FORMAT", "json"),
            ("SOCKSHIM_LOG_FILE", file.to_str().expect("a path in UTF-8")),
        ];
        let native = started(kind, "", RunLevel::Native, &[]).stdout();
        let output = started(kind, "", RunLevel::Call, &variables);
        let sorted = |text: &str| {
            // The variables are added in the order of the program's environment, which is not specified.
            let mut lines: Vec<String> = text.lines().map(String::from).collect();
            lines.sort();
            lines.join("\n")
        };
        assert_same(kind, &sorted(&output.stdout()), &sorted(&with_additions(&native, own(), &variables)));
        let events = events(scratch.path());
        // A child that has a level of its own keeps it.
        let logged = if kind == "level" { 0 } else { children(kind) };
        assert_eq!(by_call(&events, "socket").len(), logged, "{kind}");
        assert!(!events.iter().any(|event| event["reason"] == "exec-env"), "{kind}");
    }
}

/// The library comes first, existing entries stay, and the same file is not named twice.
#[test]
fn other_preloads_are_kept() {
    let variables = [("SOCKSHIM_PROPAGATE", "always")];
    let scratch = Scratch::new();
    let link: PathBuf = scratch.path().join("another-name.so");
    std::os::unix::fs::symlink(shim(), &link).expect("our own directory");
    let link = link.to_str().expect("a path in UTF-8");
    let two = format!("{OTHER} {}", own());
    for (preload, added) in [(OTHER, own()), ("", own()), (own(), ""), (two.as_str(), ""), (link, "")] {
        // Natively the other library would be loaded too.
        let native = started("preload", OTHER, RunLevel::Native, &[]).stdout();
        let native = native.replace(&format!("LD_PRELOAD={OTHER}"), &format!("LD_PRELOAD={preload}"));
        let output = started("preload", preload, RunLevel::Off, &variables);
        assert_same(preload, &output.stdout(), &with_additions(&native, added, &variables));
    }
}

/// A library that was named by a relative path, or by a name to search, is passed on by a path that works everywhere.
#[test]
fn what_is_passed_on_works_everywhere() {
    let directory = shim().parent().expect("a directory");
    let name = shim().file_name().expect("a name").to_str().expect("UTF-8");
    let run_with = |preload: &str, search: Option<&Path>| {
        let mut sh = command(RunLevel::Native, None, "sh");
        sh.args(["-c", "cd / && exec env -i /usr/bin/env"]).current_dir(directory);
        sh.env("LD_PRELOAD", preload).env("SOCKSHIM_PROPAGATE", "always");
        if let Some(search) = search {
            sh.env("LD_LIBRARY_PATH", search);
        }
        let output = run(&mut sh, b"", DEADLINE);
        assert_eq!(output.stderr().lines().filter(|line| !line.contains("ld.so")).count(), 0, "{output:?}");
        output.stdout()
    };
    let expected = format!("LD_PRELOAD={}\nSOCKSHIM_PROPAGATE=always\n", own());
    assert_eq!(run_with(name, Some(directory)), expected);
    // From the shell on, the relative path is wrong, and only the library knows what it meant; env runs without it.
    let mut env = command(RunLevel::Native, None, "env");
    env.args(["-i", "/usr/bin/env"]).current_dir(directory).env("SOCKSHIM_PROPAGATE", "always");
    let output = run(env.env("LD_PRELOAD", format!("./{name}")), b"", DEADLINE);
    assert_eq!((output.stdout(), output.stderr()), (expected, String::new()));
}

#[test]
fn disabled_is_disabled() {
    let variables = [("SOCKSHIM_PROPAGATE", "always"), ("SOCKSHIM_DISABLE", "1")];
    let native = started("plain", "", RunLevel::Native, &[]).stdout();
    assert_same("disabled", &started("plain", "", RunLevel::Off, &variables).stdout(), &native);
}

#[test]
fn a_value_that_is_not_understood_is_said_once() {
    let mut program = command(RunLevel::Off, None, "true");
    let output = run(program.env("SOCKSHIM_PROPAGATE", "sometimes"), b"", DEADLINE);
    assert_eq!(
        output.stderr(),
        "sockshim: SOCKSHIM_PROPAGATE=sometimes is not understood; it takes env or always\n"
    );
}

/// Real programs that clear the environment for the programs they start.
#[test]
fn real_programs() {
    let calls: [(&str, &[&str]); 3] = [
        ("env", &["-i", "python3", "-c", "import socket; socket.socket()"]),
        (
            "python3",
            &[
                "-c",
                "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'], env={}, check=True)",
            ],
        ),
        ("sh", &["-c", "exec env - setsid --wait python3 -c 'import socket; socket.socket()'"]),
    ];
    for (program, args) in calls {
        for (propagate, logged) in [("env", 0), ("always", 1)] {
            let scratch = Scratch::new();
            let mut command = command(RunLevel::Call, Some(scratch.path()), program);
            let output = run(command.args(args).env("SOCKSHIM_PROPAGATE", propagate), b"", DEADLINE);
            assert!(output.status.success(), "{program}: {output:?}");
            assert_eq!(by_call(&events(scratch.path()), "socket").len(), logged, "{program}, {propagate}");
        }
    }
}
