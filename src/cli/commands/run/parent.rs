//! The program as a child: started, watched, and ended like.
//!
//! Whoever has started sockshim sees one process that behaves as the program does. Signals are blocked here from the start and
//! read one by one, so nothing ends the parent before the program has ended and what it has left is put away. A SIGKILL of
//! the parent leaves the program alone.
//!
//! The parent waits for the program and for nothing that the program leaves behind. A shell would not either: a daemon that
//! goes to the background must not hold the command, and for a parent to wait for it, the daemon would have to become its
//! child, which getppid(2) shows.

use super::proc;
use super::program::Program;
use super::refusal::Refusal;
use super::signals::{Facts, Received, is_for_program, is_job_control};
use crate::inherited::inherited;
use libc::c_int;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{
    DumpableBehavior, Pid, WaitOptions, WaitStatus, getpgid, getpgrp, getpid, set_dumpable_behavior, wait,
};
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use sockshim_sys::signal;
use std::ffi::CString;
use std::fs::File;

/// How a program has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// With this exit code.
    Exit(u8),
    /// By this signal.
    Signal(c_int),
}

/// The parent's side: all signals wait here.
pub struct Parent {
    mask: SigSet,
    signals: SignalFd,
}

/// The program while it runs.
struct Child(i32);

impl Facts for Child {
    fn is_stopped(&self) -> bool {
        proc::is_stopped(self.0)
    }

    fn has_descendant(&self, pid: i32) -> bool {
        proc::descends(pid, self.0)
    }
}

impl Parent {
    /// Makes all signals wait.
    ///
    /// # Errors
    /// There is no descriptor left, or no memory.
    pub fn new() -> Result<Parent, Refusal> {
        let failed = |error: nix::errno::Errno| Refusal::own(format!("cannot wait for signals: {error}"));
        // Who ignores SIGCHLD is not told how a child has ended. Like timeout(1), the program gets the default too.
        let _ = signal::set_default(libc::SIGCHLD);
        let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).map_err(failed)?;
        let signals = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC).map_err(failed)?;
        Ok(Parent { mask, signals })
    }

    /// Runs the program to its end. `started` gets its number.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(
        &self,
        program: &Program,
        environment: &[CString],
        started: impl FnOnce(i32),
    ) -> Result<Ended, Refusal> {
        let child = Child(self.spawn(program, environment)?);
        started(child.0);
        loop {
            // Only an interruption could fail it, and nothing can interrupt.
            let Ok(Some(info)) = self.signals.read_signal() else { continue };
            let received = Received {
                signal: info.ssi_signo as c_int,
                code: info.ssi_code,
                sender: i32::try_from(info.ssi_pid).unwrap_or(0),
            };
            if received.signal == libc::SIGCHLD {
                if let Some(ended) = self.children_changed(&child) {
                    return Ok(ended);
                }
            } else if is_for_program(received, &child) {
                // It is not reaped yet, so the number is its own. An error would be that it has ended.
                let _ = signal::send(child.0, received.signal);
            } else if is_job_control(received.signal) && child.is_stopped() {
                // It had stopped by itself before, so there will be no news of it.
                self.stop(received.signal);
            }
        }
    }

    /// Whether a signal has come that ends a command, after the program has ended.
    pub fn is_told_to_end(&self) -> bool {
        const ENDING: [c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];
        let _ = fcntl_setfl(&self.signals, OFlags::NONBLOCK);
        while let Ok(Some(info)) = self.signals.read_signal() {
            if ENDING.contains(&(info.ssi_signo as c_int)) {
                return true;
            }
        }
        false
    }

    fn spawn(&self, program: &Program, environment: &[CString]) -> Result<i32, Refusal> {
        let inherited = inherited();
        // SAFETY: a set of signals that there are.
        let mut reset = unsafe { SigSet::from_sigset_t_unchecked(signal::of_libc()) };
        if !inherited.ignores_sigpipe {
            reset.add(Signal::SIGPIPE);
        }
        let prepared = || {
            let mut attributes = PosixSpawnAttr::init()?;
            let flags = PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF;
            attributes.set_flags(flags)?;
            attributes.set_sigmask(&self.mask)?;
            attributes.set_sigdefault(&reset)?;
            let mut actions = PosixSpawnFileActions::init()?;
            for (fd, closed) in (0..).zip(inherited.closed) {
                if closed {
                    actions.add_close(fd)?;
                }
            }
            Ok((attributes, actions))
        };
        let (attributes, actions) = prepared()
            .map_err(|error: nix::errno::Errno| Refusal::own(format!("cannot start a program: {error}")))?;
        let spawned = |path: &std::ffi::CStr, arguments: &[CString]| {
            posix_spawn(path, &actions, &attributes, arguments, environment)
        };
        program.start(spawned).map(nix::unistd::Pid::as_raw)
    }

    /// Looks at all children that have ended or stopped, and gives how the program has ended. There may be others: those of
    /// whoever became sockshim by exec, and if it is the first process of a pid namespace, every orphan.
    fn children_changed(&self, child: &Child) -> Option<Ended> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            if pid.as_raw_pid() != child.0 {
                continue;
            }
            if let Some(signal) = status.stopping_signal() {
                self.program_stopped(child, signal);
            } else if let Some(ended) = Ended::of(status) {
                return Some(ended);
            }
        }
        None
    }

    /// Stops like the program, so that the shell gets its terminal back. Not for a SIGSTOP, which a test may have sent to the
    /// program alone and will take back from the program alone; unless the program is a shell, which has a group of its own
    /// and is suspended that way.
    fn program_stopped(&self, child: &Child, signal: c_int) {
        let own = getpgrp();
        if getpgid(Pid::from_raw(child.0)) == Ok(own) {
            if is_job_control(signal) {
                self.stop(signal);
            }
            return;
        }
        let terminal = File::open("/dev/tty").ok();
        let foreground = || terminal.as_ref().and_then(|terminal| tcgetpgrp(terminal).ok());
        let before = foreground();
        self.stop(signal);
        // Who brings a job to the foreground gives the terminal to the group that it knows.
        if let (Some(terminal), Some(before)) = (&terminal, before)
            && foreground() == Some(own)
        {
            let _ = tcsetpgrp(terminal, before);
        }
    }

    /// Stops this process by the signal, until somebody continues it.
    fn stop(&self, signal: c_int) {
        let own = getpid().as_raw_pid();
        let named = Signal::try_from(signal).ok().filter(|_| is_job_control(signal));
        let Some(named) = named.filter(|_| !signal::is_ignored(signal)) else {
            let _ = signal::send(own, libc::SIGSTOP);
            return;
        };
        let _ = signal::send(own, signal);
        let only = SigSet::from_iter([named]);
        // The signal waits, and stops the process here.
        let _ = only.thread_unblock();
        let _ = only.thread_block();
    }

    /// Lets signals through again, after those that had come are forgotten: what is left to do may take time.
    pub fn release(self) {
        let _ = fcntl_setfl(&self.signals, OFlags::NONBLOCK);
        while let Ok(Some(_)) = self.signals.read_signal() {}
        let _ = self.mask.thread_set_mask();
    }
}

impl Ended {
    fn of(status: WaitStatus) -> Option<Ended> {
        let exit = status.exit_status().map(|code| Ended::Exit(code as u8));
        exit.or_else(|| status.terminating_signal().map(Ended::Signal))
    }

    /// Ends this process in the same way, or gives the exit code for it.
    pub fn repeat(self) -> u8 {
        let signal = match self {
            Ended::Exit(code) => return code,
            Ended::Signal(signal) => signal,
        };
        // The program has left a core, if anybody wants one.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        let _ = signal::set_default(signal);
        let _ = signal::send(getpid().as_raw_pid(), signal);
        let _ = SigSet::empty().thread_set_mask();
        // The first process of a pid namespace cannot be ended by a signal of its own.
        128_u8.wrapping_add(signal as u8)
    }
}
