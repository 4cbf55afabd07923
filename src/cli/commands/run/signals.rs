//! Which signals the parent passes on to the program.
//!
//! The program is in the parent's process group, as it would be without a parent: so the terminal's signals reach it, and
//! a shell can stop it and continue it. What is sent to the parent alone is meant for the program and must be passed on; what
//! is sent to the whole group has reached it already. The kernel does not say which of the two it was, so the sender decides:
//!
//! - the terminal always signals the group;
//! - the program and its children know nothing of the parent. If they reach it, it is with the group;
//! - anybody else has most probably signalled the process that they have started, and so has a sender that has ended since.
//!   `kill -- -GROUP` is the exception, and then the program gets the signal twice, as under timeout(1).

use libc::c_int;

/// The `si_code` of what the kernel sends by itself.
const SI_KERNEL: c_int = 0x80;

/// A signal that the parent has got.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Its number.
    pub signal: c_int,
    /// `si_code`: who sends.
    pub code: c_int,
    /// The sender's number, if it is a process; 0 for one outside this pid namespace.
    pub sender: i32,
}

/// What is known of the program.
pub trait Facts {
    /// Whether it is stopped.
    fn is_stopped(&self) -> bool;
    /// Whether a process is the program or descends from it.
    fn has_descendant(&self, pid: i32) -> bool;
}

/// Whether the program should get a signal that its parent has got.
pub fn is_for_program(received: Received, program: &impl Facts) -> bool {
    match received.signal {
        // About the parent's own children.
        libc::SIGCHLD => false,
        // Continues a program that the parent alone was continued for, and tells one that runs nothing twice.
        libc::SIGCONT => program.is_stopped(),
        // alarm(2) outlives exec: whoever has set it before starting sockshim means the program.
        libc::SIGALRM if received.code == SI_KERNEL => true,
        _ if received.code == SI_KERNEL => false,
        _ => received.sender <= 0 || !program.has_descendant(received.sender),
    }
}

/// Whether the signal stops a program on a terminal.
pub fn is_job_control(signal: c_int) -> bool {
    matches!(signal, libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Program {
        stopped: bool,
    }

    impl Facts for Program {
        fn is_stopped(&self) -> bool {
            self.stopped
        }

        fn has_descendant(&self, pid: i32) -> bool {
            pid == 5
        }
    }

    fn passed(signal: c_int, code: c_int, sender: i32) -> bool {
        is_for_program(Received { signal, code, sender }, &Program { stopped: false })
    }

    #[test]
    fn what_others_send_is_passed_on() {
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, libc::SIGTSTP, 40] {
            for code in [libc::SI_USER, libc::SI_QUEUE, libc::SI_TKILL] {
                assert!(passed(signal, code, 4) && passed(signal, code, 0), "{signal} {code}");
                assert!(!passed(signal, code, 5), "{signal} {code}: from the program");
            }
        }
    }

    #[test]
    fn the_terminal_signals_the_group() {
        for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGTSTP, libc::SIGWINCH] {
            assert!(!passed(signal, SI_KERNEL, 0), "{signal}");
        }
        assert!(passed(libc::SIGALRM, SI_KERNEL, 0));
    }

    #[test]
    fn only_a_stopped_program_is_continued() {
        let sent = Received { signal: libc::SIGCONT, code: libc::SI_USER, sender: 4 };
        assert!(!is_for_program(sent, &Program { stopped: false }));
        assert!(is_for_program(sent, &Program { stopped: true }));
        assert!(!passed(libc::SIGCHLD, libc::SI_USER, 4));
    }
}
