//! What a process hands on to what it executes: the program gets it as if sockshim were not there.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use sockshim_itest::{Scratch, run};

use super::{ALL, DEADLINE, Mode};

/// Has something done in the child, before exec.
fn before(command: &mut Command, step: fn()) -> &mut Command {
    let step = move || -> io::Result<()> {
        step();
        Ok(())
    };
    // SAFETY: the steps here make system calls and nothing else.
    unsafe { command.pre_exec(step) }
}

/// What a program prints after a step, natively and in both modes.
fn in_every_mode(words: &[&str], step: fn()) -> Vec<String> {
    let scratch = Scratch::new();
    let modes = [Mode::Native].into_iter().chain(ALL);
    let outputs = modes.map(|mode| {
        let output = run(before(&mut mode.command(&scratch, words), step), b"", DEADLINE);
        assert!(output.status.success() && output.stderr.is_empty(), "{mode:?}: {output:?}");
        output.stdout()
    });
    outputs.collect()
}

fn same(words: &[&str], step: fn()) -> String {
    let outputs = in_every_mode(words, step);
    let native = outputs.first().cloned().unwrap_or_default();
    assert!(outputs.len() == 4 && outputs.iter().all(|output| *output == native), "{outputs:?}");
    native
}

fn ignore(signal: i32) {
    // SAFETY: ignoring a signal runs no handler.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

fn block(signal: i32) {
    // SAFETY: the set is initialised before it is read.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}

const SIGNALS: [&str; 4] = ["grep", "-E", "^(Shd|Sig)(Pnd|Blk|Ign|Cgt)", "/proc/self/status"];

#[test]
fn signals_are_as_they_were() {
    let has = |status: &str, field: &str, signal: i32| {
        let mask = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        u64::from_str_radix(mask.trim(), 16).expect("a mask") & 1 << (signal - 1) != 0
    };
    let status = same(&SIGNALS, || ());
    assert!(!has(&status, "SigIgn:", libc::SIGPIPE) && !has(&status, "SigBlk:", libc::SIGPIPE));
    assert!(has(&same(&SIGNALS, || ignore(libc::SIGPIPE)), "SigIgn:", libc::SIGPIPE));
    assert!(has(&same(&SIGNALS, || ignore(libc::SIGHUP)), "SigIgn:", libc::SIGHUP));
    assert!(has(&same(&SIGNALS, || block(libc::SIGUSR2)), "SigBlk:", libc::SIGUSR2));
    assert!(has(&same(&SIGNALS, || block(libc::SIGPIPE)), "SigBlk:", libc::SIGPIPE));
}

#[test]
fn closed_streams_stay_closed() {
    let words = ["sh", "-c", "for fd in 0 1 2; do readlink /proc/$$/fd/$fd >&9 || echo none >&9; done"];
    for closed in [|| close(0), || close(2), || [0, 1, 2].into_iter().for_each(close)] {
        let scratch = Scratch::new();
        let modes = [Mode::Native].into_iter().chain(ALL);
        let found = modes.map(|mode| {
            let file = scratch.path().join("found");
            let words = words.map(|word| word.replace(">&9", &format!(">>{}", file.display())));
            let _ = std::fs::remove_file(&file);
            let output = run(before(&mut mode.command(&scratch, &words), closed), b"", DEADLINE);
            assert!(output.status.success(), "{output:?}");
            let found = std::fs::read_to_string(file).expect("what was found");
            // Pipes have numbers.
            found.lines().map(|line| line.split('[').next() == Some("none")).collect::<Vec<_>>()
        });
        let found: Vec<_> = found.collect();
        assert!(found[0].contains(&true) && found[1] == found[0] && found[2] == found[0], "{found:?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "no hook is linked into this test, so this is libc's")]
fn close(fd: i32) {
    // SAFETY: in a child that is about to exec, nobody uses the number.
    unsafe { libc::close(fd) };
}

#[test]
fn no_descriptor_is_added() {
    same(&["ls", "/proc/self/fd"], || ());
}

#[test]
fn a_parent_that_was_told_to_ignore_its_children() {
    let scratch = Scratch::new();
    for mode in ALL {
        let mut command = mode.command(&scratch, &["sh", "-c", "sh -c 'exit 3'; exit $?"]);
        let command = before(&mut command, || ignore(libc::SIGCHLD));
        let status = run(command, b"", DEADLINE).status;
        assert_eq!(status.code(), Some(3), "{mode:?}");
    }
}

/// `alarm 10; exec …` is how programs without a time limit get one.
#[test]
fn an_alarm_rings_in_the_program() {
    let scratch = Scratch::new();
    for mode in ALL {
        let mut command = mode.command(&scratch, &["sleep", "1000"]);
        let step = || {
            let soon = libc::timeval { tv_sec: 0, tv_usec: 200_000 };
            let never = libc::timeval { tv_sec: 0, tv_usec: 0 };
            let timer = libc::itimerval { it_interval: never, it_value: soon };
            // SAFETY: the timer is read, and nothing is written.
            unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
        };
        let output = run(before(&mut command, step), b"", DEADLINE);
        assert_eq!((output.status.signal(), output.timed_out), (Some(libc::SIGALRM), false), "{mode:?}");
    }
}

#[test]
fn the_process_group_is_the_callers() {
    let [native, exec, parent, trace] =
        in_every_mode(&["sh", "-c", "echo $$ $(cut -d' ' -f4,5 /proc/$$/stat)"], || ())
            .try_into()
            .expect("four modes");
    let numbers = |text: &str| -> Vec<u32> {
        text.split_whitespace().map(|word| word.parse().expect("a pid")).collect()
    };
    let own = std::process::id();
    for text in [&native, &exec] {
        let numbers = numbers(text);
        assert_eq!((numbers[1], numbers[2]), (own, numbers[0]), "pid, parent, group");
    }
    for text in [&parent, &trace] {
        let numbers = numbers(text);
        assert_eq!(numbers[1], numbers[2], "the parent leads the group: {numbers:?}");
    }
}
