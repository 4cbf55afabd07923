//! What the command was started with and its own runtime has changed: a program that it starts should get it as it was.
//!
//! Before `main`, Rust's runtime ignores SIGPIPE, and opens `/dev/null` for those of the standard streams that are closed. A
//! service manager starts programs with SIGPIPE ignored, and a program that then got it back would die of a reader that
//! goes away.

use rustix::fd::BorrowedFd;
use rustix::io::fcntl_getfd;
use rustix::stdio::{stderr, stdin, stdout};
use sockshim_sys::signal;
use std::sync::OnceLock;

/// What the runtime has changed.
#[derive(Clone, Copy, Default)]
pub struct Inherited {
    /// Whether SIGPIPE was ignored.
    pub ignores_sigpipe: bool,
    /// Which of the standard streams were closed.
    pub closed: [bool; 3],
}

static INHERITED: OnceLock<Inherited> = OnceLock::new();

ctor::declarative::ctor! {
    // It asks the kernel and nothing else, so it may run before everything.
    #[ctor(unsafe)]
    fn look() {
        let ignores_sigpipe = signal::is_ignored(libc::SIGPIPE);
        let closed = streams().map(|stream| fcntl_getfd(stream).is_err());
        let _ = INHERITED.set(Inherited { ignores_sigpipe, closed });
    }
}

/// What the command was started with.
pub fn inherited() -> Inherited {
    INHERITED.get().copied().unwrap_or_default()
}

/// The standard streams.
pub fn streams() -> [BorrowedFd<'static>; 3] {
    [stdin(), stdout(), stderr()]
}
