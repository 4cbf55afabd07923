//! Signals that end a subcommand: they wait in a descriptor, so that what was received is written first.

use super::Failure;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// The signals.
pub struct Interrupt(SignalFd);

/// What a wait has ended with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// One of the descriptors is ready.
    Ready,
    /// The time is over.
    Time,
    /// A signal.
    Interrupted,
}

impl Interrupt {
    /// Lets the signals wait from now on.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn new() -> Result<Interrupt, Failure> {
        let mut set = SigSet::empty();
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().for_each(|signal| set.add(signal));
        let failed = |errno: nix::errno::Errno| Failure::Said(format!("cannot wait for signals: {errno}"));
        set.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(failed)?;
        SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC).map(Interrupt).map_err(failed)
    }

    /// Waits for one of the descriptors, for a signal, or until the time is over.
    pub fn wait<'a>(&'a self, on: impl Iterator<Item = BorrowedFd<'a>>, time: Option<Duration>) -> Woken {
        let all = std::iter::once(self.0.as_fd()).chain(on);
        let mut polled: Vec<PollFd> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let time =
            time.map(|time| Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() });
        match poll(&mut polled, time.as_ref()) {
            Ok(0) => Woken::Time,
            Ok(_) if !polled[0].revents().is_empty() => Woken::Interrupted,
            _ => Woken::Ready,
        }
    }
}
