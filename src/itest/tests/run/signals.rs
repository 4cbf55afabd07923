//! Signals that somebody sends to the process that they have started.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use sockshim_itest::{Scratch, Server};
use sockshim_sys::segment::Segment;

use super::{ALL, DEADLINE, Mode, sh};

/// Names each signal that it gets, and ends at SIGUSR2.
const LISTENER: &str = "
    trap 'echo TERM' TERM; trap 'echo HUP' HUP; trap 'echo INT' INT; trap 'echo USR1' USR1
    trap 'kill $!; exit 5' USR2
    echo ready $$ $SOCKSHIM_SHARED
    while :; do sleep 1000 & wait $!; kill $!; done 2>/dev/null";

struct Listener {
    server: Server,
    /// The program's own number.
    pid: i32,
    /// The number of the memory that the processes share, of a run with a parent.
    shared: Option<i32>,
    _scratch: Scratch,
}

impl Listener {
    fn start(mode: Mode, program: &str) -> Listener {
        let scratch = Scratch::new();
        let mut server = Server::start(&mut mode.command(&scratch, &sh(program)));
        let line = server.wait_line("ready", DEADLINE);
        let mut words = line.split(' ').skip(1);
        let pid = words.next().and_then(|word| word.parse().ok()).expect("a pid");
        let shared = words
            .next()
            .filter(|word| !word.is_empty())
            .map(|word| word.split('.').next().and_then(|id| id.parse().ok()).expect("a number"));
        assert_eq!(shared.is_some(), mode == Mode::Parent);
        Listener { server, pid, shared, _scratch: scratch }
    }

    fn send(&self, pid: i32, signal: i32) {
        // SAFETY: kill() reads no memory, and the process has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    fn parent(&self) -> i32 {
        self.server.pid() as i32
    }
}

fn state(pid: i32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).expect("a state")
}

/// Waits until it is so, because a signal takes its time.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn each_reaches_the_program_once() {
    for mode in ALL {
        let mut listener = Listener::start(mode, LISTENER);
        let sent =
            [(libc::SIGTERM, "TERM"), (libc::SIGHUP, "HUP"), (libc::SIGINT, "INT"), (libc::SIGUSR1, "USR1")];
        for (signal, name) in sent {
            listener.server.signal(signal);
            listener.server.wait_line(name, DEADLINE);
        }
        listener.server.signal(libc::SIGUSR2);
        let output = listener.server.join(DEADLINE);
        assert_eq!(output.status.code(), Some(5), "{mode:?}: {output:?}");
        let lines: Vec<_> = output.stdout().lines().skip(1).map(String::from).collect();
        assert_eq!(lines, ["TERM", "HUP", "INT", "USR1"], "{mode:?}");
        if let Some(shared) = listener.shared {
            assert!(Segment::attach(shared).is_err(), "{shared}");
        }
    }
}

#[test]
fn what_the_program_sends_to_its_group_is_not_repeated() {
    let program = format!("trap 'echo TERM' TERM; kill -TERM 0; {LISTENER}");
    let mut listener = Listener::start(Mode::Parent, &program);
    // Whatever the parent has got before this, it has dealt with before this.
    listener.server.signal(libc::SIGUSR1);
    listener.server.wait_line("USR1", DEADLINE);
    listener.server.signal(libc::SIGUSR2);
    let output = listener.server.join(DEADLINE);
    assert_eq!(output.stdout().matches("TERM").count(), 1, "{output:?}");
}

#[test]
fn what_ends_the_program_ends_the_parent() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR2, libc::SIGRTMIN() + 3] {
        let program = "ulimit -c 0; echo ready $$ $SOCKSHIM_SHARED; exec sleep 1000";
        let listener = Listener::start(Mode::Parent, program);
        listener.server.signal(signal);
        let output = listener.server.join(DEADLINE);
        assert_eq!((output.status.signal(), output.timed_out), (Some(signal), false), "{output:?}");
        assert!(Segment::attach(listener.shared.expect("a number")).is_err());
    }
}

#[test]
fn a_parent_that_is_killed_leaves_the_program_alone() {
    let mut listener = Listener::start(Mode::Parent, LISTENER);
    listener.server.signal(libc::SIGKILL);
    wait_until("the parent ends", || state(listener.parent()) == 'Z');
    listener.send(listener.pid, libc::SIGUSR1);
    listener.server.wait_line("USR1", DEADLINE);
    // Nobody was left to put anything away.
    listener.send(listener.pid, libc::SIGUSR2);
    wait_until("the kernel takes the counters away", || {
        Segment::attach(listener.shared.expect("a number")).is_err()
    });
}

#[test]
fn both_stop_and_both_go_on() {
    for mode in ALL {
        let mut listener = Listener::start(mode, LISTENER);
        let (parent, program) = (listener.parent(), listener.pid);
        listener.server.signal(libc::SIGTSTP);
        wait_until("both stop", || state(parent) == 'T' && state(program) == 'T');
        listener.server.signal(libc::SIGCONT);
        wait_until("both go on", || state(parent) != 'T' && state(program) != 'T');
        listener.server.signal(libc::SIGUSR1);
        listener.server.wait_line("USR1", DEADLINE);
        listener.server.signal(libc::SIGUSR2);
        assert_eq!(listener.server.join(DEADLINE).status.code(), Some(5), "{mode:?}");
    }
}

/// A test that pauses a server does it by SIGSTOP, to the server alone.
#[test]
fn a_program_that_is_paused_does_not_stop_the_parent() {
    let mut listener = Listener::start(Mode::Parent, LISTENER);
    listener.send(listener.pid, libc::SIGSTOP);
    wait_until("the program stops", || state(listener.pid) == 'T');
    listener.send(listener.pid, libc::SIGCONT);
    listener.send(listener.pid, libc::SIGUSR1);
    listener.server.wait_line("USR1", DEADLINE);
    listener.server.signal(libc::SIGUSR2);
    assert_eq!(listener.server.join(DEADLINE).status.code(), Some(5));
}

#[test]
fn a_daemon_does_not_hold_the_command() {
    let scratch = Scratch::new();
    let mut command =
        Mode::Parent.command(&scratch, &sh("sleep 1000 >/dev/null 2>&1 & echo started; exit 4"));
    let output = sockshim_itest::run(&mut command, b"", DEADLINE);
    assert_eq!((output.status.code(), output.stdout().as_str()), (Some(4), "started\n"));
    assert!(!output.timed_out);
}
