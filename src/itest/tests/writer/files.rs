//! Where the log is: a file that is named, a pipe that many share, a disk that is full.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use sockshim_itest::{RunLevel, Scratch, command};

use crate::steps::Steps;
use crate::{count, ended, logged, parsed, program, succeeds};

fn steps(log: &str) -> Command {
    logged(RunLevel::Call, program("stress/steps"), log)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// One file for the whole tree, in the directory where it was started.
#[test]
fn relative_name_is_one_file() {
    let (here, there) = (Scratch::new(), Scratch::new());
    let mut program = Steps::start(steps("log").current_dir(here.path()));
    program.step("-");
    let elsewhere = format!("chdir {}", text(there.path()));
    for word in [elsewhere.as_str(), "fork", "exec", "-", "fork", "-"] {
        program.step(word);
    }
    let made = program.count;
    assert_eq!(program.end(), "");
    assert_eq!(fs::read_dir(there.path()).expect("the directory").count(), 0, "a log is elsewhere");
    assert_eq!(fs::read_dir(here.path()).expect("the directory").count(), 1);
    let events = parsed(&fs::read(here.path().join("log")).expect("the log"));
    assert_eq!(count(&events, "getsockname"), made, "{events:#?}");
}

/// Whatever mask the program has, before its log is made and after.
#[test]
fn mode_is_not_the_programs() {
    for mask in ["umask 0", "umask 077", "umask 777"] {
        let scratch = Scratch::new();
        let mut program = Steps::start(&mut steps(text(&scratch.path().join("%p"))));
        program.step(mask);
        // A file of its own.
        program.step("fork");
        program.step("-");
        assert_eq!(program.end(), "");
        let modes: Vec<u32> = fs::read_dir(scratch.path())
            .expect("the directory")
            .map(|entry| {
                entry.expect("an entry").metadata().expect("its metadata").permissions().mode() & 0o7777
            })
            .collect();
        assert_eq!(modes, [0o644, 0o644], "{mask}");
    }
}

#[test]
fn renamed_file_is_made_again() {
    let scratch = Scratch::new();
    let (log, old) = (scratch.path().join("log"), scratch.path().join("old"));
    let mut program = Steps::start(&mut steps(text(&log)));
    program.step_until("a log", || log.exists());
    fs::rename(&log, &old).expect("it is there");
    program.step_until("a new log", || log.exists());
    program.step("-");
    let made = program.count;
    assert_eq!(program.end(), "");
    let (before, after) = (parsed(&fs::read(&old).expect("it")), parsed(&fs::read(&log).expect("it")));
    assert!(count(&before, "getsockname") > 0 && count(&after, "getsockname") > 0, "{before:?}\n{after:?}");
    assert_eq!(count(&before, "getsockname") + count(&after, "getsockname"), made);
}

#[test]
fn removed_file_is_made_again() {
    let scratch = Scratch::new();
    let log = scratch.path().join("log");
    let mut program = Steps::start(&mut steps(text(&log)));
    program.step_until("a log", || log.exists());
    fs::remove_file(&log).expect("it is there");
    program.step_until("a new log", || log.exists());
    program.step("-");
    assert_eq!(program.end(), "");
    let events = parsed(&fs::read(&log).expect("the log"));
    assert!(count(&events, "getsockname") > 0 && count(&events, "summary") == 1, "{events:#?}");
}

#[test]
fn directory_may_come_later() {
    let scratch = Scratch::new();
    let log = scratch.path().join("later/log");
    let mut program = Steps::start(&mut steps(text(&log)));
    (0..3).for_each(|_| program.step("-"));
    fs::create_dir(scratch.path().join("later")).expect("a directory");
    program.step_until("a log", || log.exists());
    program.step("-");
    let made = program.count as u64;
    assert!(program.end().lines().count() <= 1);
    let events = parsed(&fs::read(&log).expect("the log"));
    // Written or counted.
    let dropped = events.iter().filter(|event| event["call"] == "dropped");
    let dropped: u64 = dropped.map(|event| event["args"]["count"].as_u64().expect("a count")).sum();
    let written = count(&events, "getsockname") as u64;
    assert!(written > 0 && written + dropped >= made, "{made} were made: {events:#?}");
}

#[test]
fn placeholders_are_the_process_and_its_namespace() {
    let scratch = Scratch::new();
    let mut program = Steps::start(&mut steps(text(&scratch.path().join("%p-%n-%x%%"))));
    program.step("-");
    let link = fs::read_link("/proc/self/ns/pid").expect("a namespace");
    let number: String = link.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    let name = format!("{}-{number}-%x%%", program.pid());
    assert_eq!(program.end(), "");
    let names: Vec<_> = fs::read_dir(scratch.path())
        .expect("the directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    assert_eq!(names, [name]);
}

/// The program runs on, and a person learns of it once.
#[test]
fn full_disk_is_said_once() {
    for level in [RunLevel::Call, RunLevel::Io] {
        let mut command = logged(level, program("stress/lines"), "/dev/full");
        let output = ended(command.args(["8", "200"]));
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
        let said = output.stderr();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("cannot write the log /dev/full: ENOSPC"), "{said}");
    }
}

/// A program that was started without a stderr gives its number to something else, where nothing of the log's goes.
#[test]
fn closed_stderr_gets_nothing() {
    for redirection in ["2>&-", "2>&- 0<&-", "2>/dev/full"] {
        let script = format!("exec \"$0\" 3 itself {redirection}");
        let run = |command: &mut Command| ended(command.args(["-c", &script]).arg(program("writer/moved")));
        let native = run(&mut command(RunLevel::Native, None, "/bin/sh"));
        assert!(native.status.success() && native.stdout().contains("umask"), "{native:?}");
        for file in [None, Some("no/such/log")] {
            let mut command = command(RunLevel::Io, None, "/bin/sh");
            command.envs(file.map(|file| ("SOCKSHIM_LOG_FILE", file)));
            let output = run(&mut command);
            assert_eq!((output.stdout(), output.status), (native.stdout(), native.status), "{redirection}");
            // The shell had one.
            let is_the_shells =
                |line: &str| line.contains("\"comm\":\"sh\"") || line.starts_with("sockshim: cannot open");
            assert!(output.stderr().lines().all(is_the_shells), "{redirection}: {output:?}");
        }
    }
}

/// More than PIPE_BUF bytes in one write to a pipe can be torn by what others write to it.
#[test]
fn pipe_of_many_has_whole_lines() {
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pipe");
    succeeds(Command::new("mkfifo").arg(&pipe));
    // Opened for both, so that neither side waits for the other; a writer of its own would keep it from ending.
    let mut reader = File::options().read(true).write(true).open(&pipe).expect("the pipe");
    let collected = thread::spawn(move || {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 65_536]);
        while !bytes.ends_with(b"\nend\n") {
            let length = reader.read(&mut buffer).expect("the pipe");
            bytes.extend_from_slice(&buffer[..length]);
        }
        bytes.truncate(bytes.len() - b"end\n".len());
        bytes
    });
    let mut command = logged(RunLevel::Io, program("stress/lines"), text(&pipe));
    succeeds(command.args(["8", "2000"]));
    fs::write(&pipe, "end\n").expect("the pipe");
    let events = parsed(&collected.join().expect("the reader"));
    assert_eq!(count(&events, "getsockname"), 16_000);
    assert_eq!(count(&events, "dropped"), 0);
}
