//! Rules never hurt the program: whatever is wrong with them, wherever it runs, and whenever it ends.

use crate::counters::Counters;
use crate::under::{Setting, under};
use sockshim_core::rules::Rules;
use sockshim_core::rules::file::parse;
use sockshim_itest::{Output, Scratch, cc, run, shim};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(120);

/// Rules about every call, with every verb.
const EVERY_VERB: &str = r#"
[[rule]]
call = "connect"
remote = "192.0.2.1"
fail = "ETIMEDOUT"
async = true
[[rule]]
call = "connect"
remote = "unix:/x/**"
fail = "EPERM"
[[rule]]
call = "connect"
family = "inet"
to = "127.0.0.1:7"
hide = true
[[rule]]
call = "bind"
to = "127.0.0.2:0"
hide = true
[[rule]]
call = ["send", "recv"]
limit = 1
[[rule]]
call = "accept"
remote = "127.0.0.1"
fail = "ECONNABORTED"
chance = 0.5
[[rule]]
call = "socket"
become = "inet/stream/udp"
[[rule]]
call = "socketpair"
option = { SO_KEEPALIVE = 1 }
[[rule]]
call = ["listen", "setsockopt", "getsockopt", "shutdown"]
delay = "1ns"
"#;
/// Rules that fail half of all calls, and that allow all.
const HALF: &str = r#"
[[rule]]
call = ["socket", "socketpair", "connect", "bind", "listen", "accept", "send", "recv", "setsockopt", "getsockopt", "shutdown"]
fail = "EPERM"
chance = 0.5
"#;
const ALLOW: &str = r#"
[[rule]]
call = ["socket", "socketpair", "connect", "bind", "listen", "accept", "send", "recv", "setsockopt", "getsockopt", "shutdown"]
allow = true
"#;
const LATER: &str = r#"
[[rule]]
call = "connect"
remote = "*:82"
fail = "ETIMEDOUT"
async = true
[[rule]]
call = "connect"
remote = "10.1.0.0/16"
to = "127.0.0.1:7444"
hide = true
[[rule]]
call = "bind"
local = "*:80"
to = "127.0.0.1:0"
hide = true
"#;

/// A program with these variables, without a network of its own.
fn with(program: &Path, variables: &[(&str, &OsStr)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LD_PRELOAD", shim());
    command.envs(variables.iter().copied());
    command
}

/// Runs a program that must end well whatever the rules are.
fn ends_well(command: &mut Command, says: &str) -> Output {
    let output = run(command, b"", DEADLINE);
    assert!(!output.timed_out && output.status.success(), "{says}: {output:?}");
    output
}

#[test]
fn a_file_that_cannot_be_used_is_said_once_and_changes_nothing() {
    let scratch = Scratch::new();
    let write = |name: &str, content: &[u8]| scratch.write(name, content).into_os_string();
    let unreadable = scratch.write("unreadable", "[[rule]]");
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o000)).expect("permissions");
    let pipe = scratch.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let large = [b"#".repeat(2 << 20), b"\n".to_vec()].concat();
    let files = [
        ("missing", scratch.path().join("missing").into_os_string()),
        ("not TOML", write("not", b"[[rule")),
        ("an unknown key", write("key", b"[[rule]]\ncall = \"connect\"\nfali = \"EPERM\"\n")),
        ("unreadable", unreadable.into_os_string()),
        ("a directory", scratch.dir("directory").into_os_string()),
        ("large", write("large", &large)),
        ("not UTF-8", write("bytes", b"[[rule]]\nname = \"\xff\"\n")),
        ("NUL bytes", write("nul", b"[[rule]]\0\0\0")),
        ("a pipe", pipe.into_os_string()),
        ("a device", "/dev/zero".into()),
        ("a path that is too long", "x/".repeat(3000).into()),
    ];
    let program = cc("rules/plain.c", &[]);
    for (what, path) in files {
        let mut command = with(&program, &[("SOCKSHIM_CONFIG", &path)]);
        // Nobody, for whom something can be unreadable.
        let output = ends_well(command.uid(65534).current_dir("/"), what);
        assert_eq!(output.stdout(), "well\n", "{what}");
        let stderr = output.stderr();
        assert!(
            stderr.starts_with("sockshim: ")
                && stderr.ends_with("; there are no rules\n")
                && stderr.lines().count() == 1,
            "{what}: {stderr}"
        );
    }
    // An empty one, and none.
    for path in ["", "/dev/null"] {
        let mut command = with(&program, &[("SOCKSHIM_CONFIG", path.as_ref())]);
        assert_eq!(ends_well(&mut command, path).stdout(), "well\n");
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % most
    }

    /// A text without NUL: any bytes, or a good text with a few changes.
    fn text(&mut self, good: &[&[u8]]) -> Vec<u8> {
        let byte = |random: &mut Random| 1 + random.below(255) as u8;
        if self.below(4) == 0 {
            let length = self.below(200);
            return (0..length).map(|_| byte(self)).collect();
        }
        let mut text = good[self.below(good.len())].to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(text.len().max(1));
            match self.below(4) {
                _ if text.is_empty() => break,
                0 => text[at] = byte(self),
                1 => drop(text.remove(at)),
                2 => text.insert(at, text[self.below(text.len())]),
                _ => text.truncate(at.max(1)),
            }
        }
        text
    }
}

#[test]
fn no_text_in_the_variable_harms() {
    let encoded = |file: &str| {
        let rules = Rules::new(parse(file.as_bytes(), "rules").expect("good rules").rules);
        rules.encode().expect("a short text").into_bytes()
    };
    let good = [encoded(EVERY_VERB), encoded(HALF), encoded(LATER)];
    let good: Vec<&[u8]> = good.iter().map(Vec::as_slice).collect();
    let program = cc("rules/plain.c", &[]);
    let mut random = Random(0x5eed_0013);
    for number in 0..10_000 {
        let text = random.text(&good);
        let mut command = with(&program, &[("SOCKSHIM_RULES", OsStr::from_bytes(&text))]);
        // In a directory where it makes nothing.
        let output = command.current_dir("/").output().expect("a program");
        let is_well = output.status.success() && output.stdout == b"well\n";
        assert!(is_well, "text {number}, {}: {output:?}", text.escape_ascii());
    }
}

#[test]
fn ten_thousand_calls_leave_nothing_behind() {
    for rules in [EVERY_VERB, HALF, ALLOW, LATER] {
        for logs in [false, true] {
            for arguments in [&[][..], &["starve"]] {
                let scratch = Scratch::new();
                let directory = scratch.dir("run");
                let setting = Setting { rules: Some(rules), logs, ..Setting::default() };
                let mut command = under(&scratch, &setting, &cc("rules/leaks.c", &["-fno-builtin"]));
                let output = ends_well(command.args(arguments).current_dir(directory), rules);
                let stdout = output.stdout();
                let clean = |line: &&str| line.ends_with("errno touched 0, descriptors +0, allocations 0");
                let lines: Vec<_> = stdout.lines().skip(1).collect();
                assert!(lines.len() == 15 && lines.iter().all(clean), "{rules}\n{stdout}");
            }
        }
    }
}

#[test]
fn a_program_in_a_sandbox_is_not_killed() {
    // What rules have to know may not be asked there: then they do not hold.
    let far = "[[rule]]\ncall = [\"connect\", \"send\", \"recv\", \"accept\"]\nremote = \"203.0.113.0/24\"\nlocal = \"*\"\nuid = 7\nfail = \"EPERM\"\n";
    let tree = format!("{HALF}scope = \"tree\"\nseed = 3\n");
    for rules in [EVERY_VERB, HALF, ALLOW, LATER, far, &tree] {
        for logs in [false, true] {
            let scratch = Scratch::new();
            let directory = scratch.dir("run");
            let counters = Counters::of(rules.matches("[[rule]]").count());
            let number = counters.number();
            let variables = [("SOCKSHIM_SHARED", number.as_str())];
            let setting = Setting { rules: Some(rules), logs, variables: &variables, ..Setting::default() };
            let mut command = under(&scratch, &setting, &cc("rules/sandbox.c", &[]));
            let output = ends_well(command.current_dir(directory), rules);
            assert_eq!(output.stdout().lines().count(), 15, "{rules}\n{output:?}");
        }
    }
}

#[test]
fn what_cannot_be_looked_at_in_a_sandbox_is_reported() {
    let refused = |errno: &str| format!("connect {errno}\nbind {errno}\nsendto {errno}\nsendmsg {errno}\n");
    let run_with = |rules: &str, arguments: &[&str]| {
        let counters = Counters::of(1);
        let (scratch, number) = (Scratch::new(), counters.number());
        let variables = [("SOCKSHIM_SHARED", number.as_str())];
        let setting = Setting { rules: Some(rules), variables: &variables, ..Setting::default() };
        let output = ends_well(under(&scratch, &setting, &cc("rules/unseen.c", &[])).args(arguments), rules);
        (output.stdout(), counters.shared().uncovered_programs(), counters.shared().hits(0))
    };
    let rule = |calls: &str, rest: &str| format!("[[rule]]\ncall = [{calls}]\n{rest}\n");
    let all = "\"connect\", \"bind\", \"send\"";
    // A rule that need not know the address holds.
    let (stdout, uncovered, hits) = run_with(&rule(all, "fail = \"EXDEV\""), &[]);
    assert_eq!(stdout, format!("{0}filtered\n{0}", refused("EXDEV")));
    assert_eq!((uncovered, hits), (vec![], 8));
    // Also where it has not looked at any socket before, and where nothing but the call it names is looked at.
    for (call, errno) in [("connect", "EXDEV"), ("bind", "EPERM")] {
        let text = rule(&format!("\"{call}\""), &format!("fail = \"{errno}\""));
        let (stdout, uncovered, hits) = run_with(&text, &["late"]);
        assert!(stdout.contains(&format!("{call} {errno}\n")), "{stdout}");
        assert_eq!((uncovered, hits), (vec![], 1), "the report asks nothing that would have to be asked");
    }
    // One that must know the address does not, nor one that must make a system call, and that is said once.
    for rest in ["local = \"127.0.0.2\"\nfail = \"EXDEV\"", "uid = 0\nfail = \"EXDEV\"", "delay = \"1ms\""] {
        let (stdout, uncovered, hits) = run_with(&rule("\"bind\"", rest), &[]);
        assert_eq!(stdout.lines().nth(6), Some("bind 0"), "{rest}");
        let program = uncovered.first().map(|program| (program.path.ends_with(b"unseen"), program.starts));
        assert_eq!((uncovered.len(), program), (1, Some((true, 1))), "{rest}: {uncovered:?}");
        assert_eq!((uncovered[0].reason.as_str(), hits), ("own-filter", 1), "{rest}");
    }
}

#[test]
fn little_memory_is_no_reason_to_fail() {
    let scratch = Scratch::new();
    let rules = scratch.write("rules.toml", EVERY_VERB).into_os_string();
    let program = cc("rules/plain.c", &[]);
    let limited = |kilobytes: usize, preloads: bool| {
        let mut command = Command::new("prlimit");
        command.env_clear().env("PATH", "/usr/bin:/bin").arg(format!("--as={}", kilobytes << 10)).arg("env");
        if preloads {
            let mut preload = std::ffi::OsString::from("LD_PRELOAD=");
            preload.push(shim());
            let mut config = std::ffi::OsString::from("SOCKSHIM_CONFIG=");
            config.push(&rules);
            command.args([preload, config]);
        }
        run(command.arg(&program).current_dir("/"), b"", DEADLINE)
    };
    let enough = |output: &Output| output.status.success() && output.stdout() == "well\n";
    let least = (1..100).map(|step| step * 256).find(|least| enough(&limited(*least, false)));
    let least = least.expect("some memory is enough without the library");
    for more in (0..12_000).step_by(128) {
        let output = limited(least + more, true);
        // The dynamic linker itself may find no place for the library.
        let is_loaded = !output.stderr().contains("LD_PRELOAD cannot be preloaded");
        assert!(enough(&output) || (more < 4096 && output.status.code().is_some()), "{more} kB: {output:?}");
        assert!(is_loaded || more < 8192, "{more} kB: {output:?}");
    }
}

#[test]
fn a_vfork_child_is_left_alone() {
    for rules in [EVERY_VERB, HALF, ALLOW] {
        let scratch = Scratch::new();
        let setting = Setting { rules: Some(rules), ..Setting::default() };
        let mut command = under(&scratch, &setting, &cc("rules/vfork.c", &[]));
        assert_eq!(
            ends_well(&mut command, rules).stdout(),
            "in the child 0 0 1 1\nand after it 1\n",
            "{rules}"
        );
    }
}

#[test]
fn valgrind_finds_nothing() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return;
    }
    for rules in [EVERY_VERB, HALF, LATER] {
        for logs in [false, true] {
            let scratch = Scratch::new();
            let directory = scratch.dir("run");
            let setting = Setting { rules: Some(rules), logs, ..Setting::default() };
            let mut command = under(&scratch, &setting, "/usr/bin/env".as_ref());
            command.args(["valgrind", "-q", "--error-exitcode=9"]).arg(cc("rules/plain.c", &[]));
            let output = ends_well(command.current_dir(directory), rules);
            assert_eq!(output.stdout(), "well\n", "{rules}\n{output:?}");
        }
    }
}

#[test]
fn processes_that_are_killed_at_any_moment_leave_a_good_count() {
    let rules =
        "[[rule]]\ncall = [\"send\", \"recv\", \"connect\"]\nlimit = 1\nscope = \"tree\"\nwhen = \"1+2\"\n";
    let rules = rules.replace(", \"connect\"", "");
    let scratch = Scratch::new();
    let directory = scratch.dir("run");
    let counters = Counters::of(1);
    let number = counters.number();
    let variables = [("SOCKSHIM_SHARED", number.as_str())];
    let setting = Setting { rules: Some(&rules), variables: &variables, ..Setting::default() };
    let mut command = under(&scratch, &setting, &cc("rules/killed.c", &[]));
    let output = ends_well(command.current_dir(directory), &rules);
    assert!(output.stdout().starts_with("killed 300\n"), "{output:?}");
    let shared = counters.shared();
    assert!(shared.hits(0) > 0 && shared.first(0).is_some());
}
