//! Job control: a shell on a terminal, and what a person types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;
use std::{io, thread};

use sockshim_itest::{RunLevel, Scratch, command, shim};

use super::{DEADLINE, Mode, report_path, sockshim};

const MODES: [Mode; 3] = [Mode::Native, Mode::Exec, Mode::Parent];

/// A shell with job control on a terminal of its own.
struct Terminal {
    shell: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    /// What was on the screen since the last wait.
    text: String,
    scratch: Scratch,
}

impl Terminal {
    fn open() -> Terminal {
        let mut options = File::options();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY);
        let keyboard = options.open("/dev/ptmx").expect("a pseudoterminal");
        let line = options.open(line_of(&keyboard)).expect("the other end of the pseudoterminal");

        let mut shell = command(RunLevel::Native, None, "bash");
        shell.args(["--norc", "--noprofile", "--noediting", "-i"]).env("PS1", "prompt> ").env("LC_ALL", "C");
        let copy = || Stdio::from(line.try_clone().expect("a copy of a descriptor"));
        shell.stdin(copy()).stdout(copy()).stderr(copy()).env("SOCKSHIM_LIB", shim());
        let shell = spawn_in_session(&mut shell);

        let (sender, screen) = channel();
        let mut reader = keyboard.try_clone().expect("a copy of a descriptor");
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                if sender.send(chunk[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Terminal { shell, keyboard, screen, text: String::new(), scratch: Scratch::new() };
        terminal.wait("prompt> ");
        terminal
    }

    fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal is there");
    }

    /// Types a command line that runs a program.
    fn start(&mut self, mode: Mode, program: &str, behind: &str) {
        let report = report_path(&self.scratch);
        let prefix = match mode {
            Mode::Native => String::new(),
            Mode::Exec => format!("{} run -- ", sockshim().display()),
            Mode::Parent => format!("{} run --report {} -- ", sockshim().display(), report.display()),
            Mode::Trace => format!("{} trace -o {} -- ", sockshim().display(), report.display()),
        };
        self.type_in(&format!("{prefix}{program}{behind}\n"));
    }

    /// Waits for the text, and gives what was on the screen before it. What is typed is on the screen too, so texts to wait
    /// for are made by the program.
    fn wait(&mut self, text: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.text.find(text) {
                let before = self.text[..at].to_string();
                self.text.drain(..at + text.len());
                return before;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(chunk) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
                Err(_) => panic!("{text:?} is not on the screen: {:?}", self.text),
            }
        }
    }

    /// Brings the stopped job to the foreground, and waits until all of it sleeps there: who types before that types to
    /// nobody, because what continues a process forgets what should have stopped it.
    fn bring_forward(&mut self, command: &str) {
        self.type_in("fg\n");
        self.wait(command);
        let until = Instant::now() + DEADLINE;
        let shell = self.shell.id() as i32;
        loop {
            // SAFETY: the descriptor is open. Of this end, the call tells of the other end's session.
            let group = unsafe { libc::tcgetpgrp(self.keyboard.as_raw_fd()) };
            let states = states_of(group);
            if group != shell && !states.is_empty() && states.iter().all(|state| state == "S") {
                return;
            }
            assert!(Instant::now() < until, "the job is not in the foreground: {states:?}");
            thread::yield_now();
        }
    }

    /// The exit code of the last command.
    fn code(&mut self) -> String {
        self.type_in("echo co''de=$?=\n");
        self.wait("code=");
        self.wait("=")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Whoever is still there gets SIGHUP, and its group ends with the session.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "no hook is linked into this test, so this is libc's")]
fn spawn_in_session(shell: &mut Command) -> Child {
    let step = || -> io::Result<()> {
        // SAFETY: the calls take numbers; descriptor 0 is the terminal.
        let ready = unsafe { libc::setsid() >= 0 && libc::ioctl(0, libc::TIOCSCTTY, 0) == 0 };
        if ready { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the step makes system calls and nothing else.
    unsafe { shell.pre_exec(step) }.spawn().expect("bash")
}

/// The states of the processes of a group.
fn states_of(group: i32) -> Vec<String> {
    let group = group.to_string();
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let stats = processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let of_group = stats.filter_map(|stat| {
        let mut fields = stat.rsplit(") ").next()?.split(' ');
        let state = fields.next()?.to_string();
        (fields.nth(1) == Some(&group)).then_some(state)
    });
    of_group.collect()
}

/// The path of the other end.
fn line_of(keyboard: &File) -> String {
    let mut name = [0; 64];
    // SAFETY: the descriptor is open; ptsname_r() writes within the array.
    let ready = unsafe {
        libc::unlockpt(keyboard.as_raw_fd()) == 0
            && libc::ptsname_r(keyboard.as_raw_fd(), name.as_mut_ptr(), name.len()) == 0
    };
    assert!(ready, "/dev/ptmx: {}", io::Error::last_os_error());
    // SAFETY: ptsname_r() has succeeded, so the array holds a terminated string.
    unsafe { std::ffi::CStr::from_ptr(name.as_ptr()) }.to_str().expect("a path in UTF-8").to_string()
}

const ONE_LINE: &str = "sh -c 'echo ready$((1+1)); read line; echo \"line:$line\"; exit 7'";

#[test]
fn a_program_is_stopped_and_goes_on() {
    for mode in MODES {
        let mut terminal = Terminal::open();
        terminal.start(mode, ONE_LINE, "");
        terminal.wait("ready2");
        for _ in 0..3 {
            terminal.type_in("\x1a");
            terminal.wait("Stopped");
            terminal.wait("prompt> ");
            assert_eq!(terminal.code(), "148", "{mode:?}");
            terminal.bring_forward("sh -c");
        }
        terminal.type_in("hello\n");
        terminal.wait("line:hello");
        assert_eq!(terminal.code(), "7", "{mode:?}");
    }
}

#[test]
fn a_program_goes_on_in_the_background() {
    for mode in MODES {
        let mut terminal = Terminal::open();
        terminal.start(mode, ONE_LINE, " &");
        // It wants to read, and only the foreground may.
        terminal.wait("ready2");
        terminal.type_in("until jobs | grep -q Stopped; do sleep 0.05; done; echo sto''pped\n");
        terminal.wait("stopped");
        terminal.bring_forward("sh -c");
        terminal.type_in("hello\n");
        terminal.wait("line:hello");
        assert_eq!(terminal.code(), "7", "{mode:?}");
    }
}

#[test]
fn the_interrupt_key_interrupts_once() {
    let program = "sh -c 'trap \"echo got$((1+1))int\" INT; echo ready$((1+1)); until read line; do :; done; echo end$((1+1))'";
    for mode in MODES {
        let mut terminal = Terminal::open();
        terminal.start(mode, program, "");
        terminal.wait("ready2");
        terminal.type_in("\x03");
        terminal.wait("got2int");
        terminal.type_in("x\n");
        let before = terminal.wait("end2");
        assert!(!before.contains("got2int"), "{mode:?}: {before:?}");
        assert_eq!(terminal.code(), "0", "{mode:?}");
        terminal.start(mode, "sh -c 'echo ready$((1+1)); exec sleep 1000'", "");
        terminal.wait("ready2");
        terminal.type_in("\x03");
        terminal.wait("prompt> ");
        assert_eq!(terminal.code(), "130", "{mode:?}");
    }
}

#[test]
fn a_program_that_does_not_stop_keeps_its_terminal() {
    let program = "sh -c 'trap \"\" TSTP; echo ready$((1+1)); read line; echo \"line:$line\"'";
    for mode in MODES {
        let mut terminal = Terminal::open();
        terminal.start(mode, program, "");
        terminal.wait("ready2");
        terminal.type_in("\x1a");
        terminal.type_in("hello\n");
        let before = terminal.wait("line:hello");
        assert!(!before.contains("Stopped"), "{mode:?}: {before:?}");
        assert_eq!(terminal.code(), "0", "{mode:?}");
    }
}

#[test]
fn a_shell_suspends_itself() {
    for mode in MODES {
        let mut terminal = Terminal::open();
        terminal.start(mode, "env PS1='in''ner> ' bash --norc --noprofile --noediting -i", "");
        terminal.wait("inner> ");
        terminal.type_in("suspend\n");
        terminal.wait("Stopped");
        terminal.wait("prompt> ");
        terminal.type_in("fg\n");
        terminal.wait("inner> ");
        terminal.type_in("exit 9\n");
        terminal.wait("exit\r\n");
        terminal.wait("prompt> ");
        assert_eq!(terminal.code(), "9", "{mode:?}");
    }
}
