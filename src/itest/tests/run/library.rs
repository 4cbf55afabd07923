//! Where the library is found, and what the program's environment says of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use sockshim_itest::{RunLevel, Scratch, command, run, shim};

use super::{BOTH, DEADLINE, Mode, call, sockshim, sockshim_run};

/// The command in a place of its own.
fn installed(scratch: &Scratch) -> Command {
    let path = scratch.dir("bin").join("sockshim");
    if !path.exists() {
        fs::copy(sockshim(), &path).expect("a copy of the command");
    }
    let mut copy = command(RunLevel::Native, None, path);
    copy.args(["run", "--", "sh", "-c", "echo $LD_PRELOAD"]);
    copy
}

fn install(scratch: &Scratch, place: &str) -> String {
    let path = scratch.dir(place).join("libsockshim.so");
    fs::copy(shim(), &path).expect("a copy of the library");
    let path = fs::canonicalize(path).expect("it is there");
    path.to_str().expect("a path in UTF-8").to_string()
}

#[test]
fn it_is_beside_the_command_or_in_its_prefix() {
    let scratch = Scratch::new();
    let output = run(&mut installed(&scratch), b"", DEADLINE);
    assert_eq!((output.status.code(), output.stdout().as_str()), (Some(125), ""));
    let why = output.stderr();
    // What is wrong, and what helps.
    for part in
        ["cannot find libsockshim.so", "SOCKSHIM_LIB", "'make install'", "'cargo install --path src/cli'"]
    {
        assert!(why.contains(part), "no {part}: {why}");
    }
    // Each goes before those that are there already.
    for place in ["lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu/sockshim", "lib", "lib/sockshim", "bin"] {
        let path = install(&scratch, place);
        let output = run(&mut installed(&scratch), b"", DEADLINE);
        assert_eq!((output.stdout().trim_end(), output.stderr().as_str()), (path.as_str(), ""), "{place}");
    }
}

#[test]
fn the_variable_goes_first() {
    let scratch = Scratch::new();
    install(&scratch, "bin");
    let elsewhere = install(&scratch, "elsewhere");
    let with = |path: &Path| run(installed(&scratch).env("SOCKSHIM_LIB", path), b"", DEADLINE);
    assert_eq!(with(elsewhere.as_ref()).stdout().trim_end(), elsewhere);
    for (path, why) in [
        ("/no/such/library", "No such file"),
        ("/etc/passwd", "no shared library"),
        (install(&scratch, "a b").as_str(), "blank or a colon"),
    ] {
        let output = with(path.as_ref());
        assert_eq!((output.status.code(), output.stdout().as_str()), (Some(125), ""), "{path}");
        assert!(
            output.stderr().starts_with("sockshim: SOCKSHIM_LIB: ") && output.stderr().contains(why),
            "{output:?}"
        );
    }
}

#[test]
fn a_preloaded_library_stays() {
    let scratch = Scratch::new();
    let other = scratch.path().join("libother.so");
    fs::copy("/lib/x86_64-linux-gnu/libm.so.6", &other).expect("any library");
    let other = other.to_str().expect("a path in UTF-8");
    for mode in BOTH {
        let mut command = mode.command(&scratch, &["sh", "-c", "echo $LD_PRELOAD"]);
        command.env("LD_PRELOAD", format!("/elsewhere/libsockshim.so:{other}"));
        let output = run(&mut command, b"", DEADLINE);
        // ld.so says that the outer one is not there.
        assert_eq!(output.stdout().trim_end(), format!("{}:{other}", shim().display()));
    }
}

#[test]
fn nothing_of_an_outer_run_stays() {
    let scratch = Scratch::new();
    for mode in BOTH {
        let mut command = mode.command(&scratch, &["sh", "-c", "env | grep ^SOCKSHIM_ | sort | cut -c1-24"]);
        command.env("SOCKSHIM_RULES", "stale").env("SOCKSHIM_SHARED", "stale");
        command.env("SOCKSHIM_CONFIG", "").env("SOCKSHIM_LOG_FORMAT", "json");
        let stdout = run(&mut command, b"", DEADLINE).stdout();
        let lines: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("SOCKSHIM_LIB")).collect();
        let kept = ["SOCKSHIM_LOG_FORMAT=json", "SOCKSHIM_PROPAGATE=alway"];
        if mode == Mode::Parent {
            assert_eq!(lines[..2], kept);
            let number = lines[2].strip_prefix("SOCKSHIM_SHARED=").map(str::parse::<f64>);
            assert!(lines.len() == 3 && number.is_some_and(|number| number.is_ok()), "{lines:?}");
        } else {
            assert_eq!(lines, kept);
        }
    }
}

#[test]
fn a_run_within_a_run_has_its_own_rules() {
    let outer = ["--fail=connect:10.1.2.3=EPERM", "--"];
    let show = ["sh", "-c", "env | grep -E '^SOCKSHIM_(RULES|CONFIG|SHARED)=' | sort; echo $LD_PRELOAD"];
    let alone = call(&[&outer[..], &show].concat()).stdout();
    assert!(alone.starts_with("SOCKSHIM_RULES=") && alone.lines().count() == 2, "{alone}");
    let inner = [sockshim().to_str().expect("a path in UTF-8"), "run", "--"];
    let within = call(&[&outer[..], &inner, &show].concat()).stdout();
    // The outer library is in the inner command, and must not put anything back.
    let expected = format!("SOCKSHIM_CONFIG=\nSOCKSHIM_RULES=\nSOCKSHIM_SHARED=\n{}\n", shim().display());
    assert_eq!(within, expected);
}

#[test]
fn the_log_is_as_asked_for() {
    let scratch = Scratch::new();
    let log = scratch.path().join("log");
    let log = log.to_str().expect("a path in UTF-8");
    let program = ["sh", "-c", "echo $SOCKSHIM_LOG $SOCKSHIM_LOG_FILE $SOCKSHIM_LOG_FORMAT"];
    let args = [&["--log=call", "--log-file", log, "--log-format", "json"][..], &program].concat();
    let output = call(&args);
    assert_eq!((output.stdout(), output.stderr()), (format!("call {log} json\n"), "".into()));
    assert!(fs::read_to_string(log).expect("the log").starts_with('{'));
    let unset = run(sockshim_run().args(program), b"", DEADLINE);
    assert_eq!(unset.stdout(), "\n");
}
