//! The log: from an observed call to a line in a file.
//!
//! What observes calls uses the functions here, [`clock`], the [`queue`] of its thread, and what [`writer`] lets be asked of
//! the writer. Nothing here knows how a call is observed: an event and a data call's record say it all.
//!
//! | file | what |
//! |---|---|
//! | [`settings`], [`message`], [`notice`] | what was asked for; what is said to a person; records that no call makes |
//! | [`clock`] | when a call began and ended |
//! | [`queue`] | the way to the writer, one queue a thread; the fast path's records |
//! | [`send`](mod@send) | handing over events, and waiting until they are written |
//! | [`writer`] | the thread that formats and writes, and how it is started and told what to do |
//! | [`merge`] | all queues in one order |
//! | [`refine`], [`credentials`] | predictions that need the running kernel; whose eyes the writer sees it with |
//! | [`output`] | the file |

pub mod clock;
mod credentials;
mod merge;
mod message;
mod notice;
mod output;
pub mod queue;
mod refine;
mod send;
mod settings;
pub mod writer;

pub use message::{complain, say, say_none};
pub use notice::divergence;
pub use send::{flush, last_flush, send, set_synchronous};
pub use writer::control::is_running as is_open;

use crate::{alloc, mode, process, sys};
use message::Text;
use sockshim_core::config::Config;
use sockshim_core::hook::Level;
use writer::control;

/// Turns logging on, as the configuration says. The log is opened on the writer's thread while the program starts; the
/// first event waits for it, and so does every call after which it could no longer be opened ([`is_open`]). There must be
/// room for it ([`alloc::has_room`]).
pub fn start(config: &Config) {
    begin(settings::fix(config).level, process::pid());
    if let Some(complaint) = &config.complaint
        && is_open()
    {
        let mut text = Text::new();
        message::describe(complaint, &mut text);
        send(&notice::message(text.bytes()));
    }
}

/// Writes what there is and ends the writer.
pub fn end() {
    flush();
    control::stop(false);
}

/// Before a seccomp filter on all threads, the writer among them: it may kill for what the writer does, so the writer
/// leaves and the log ends. Whether there was a writer.
pub fn end_before_filter(was_sandboxed: bool) -> bool {
    if !is_open() {
        return false;
    }
    send(&notice::message(b"a seccomp filter is put on all threads; the log ends here"));
    // What other threads still do is lost, and counted by nobody.
    mode::set(Level::Off);
    control::end();
    control::stop(was_sandboxed)
}

/// A forked child's own queues and writer.
pub fn start_in_child(pid: i32) {
    send::leave_to_parent();
    launch(pid);
}

/// Starts the writer again after [`writer::stop`].
pub fn restart() {
    launch(process::pid());
}

fn launch(pid: i32) {
    let Some(settings) = settings::get() else { return };
    if alloc::has_room() {
        begin(settings.level, pid);
    } else {
        mode::set(Level::Off);
    }
}

fn begin(level: Level, pid: i32) {
    // A handler that made a call in between would wait for a writer that only what it has interrupted can start.
    let mask = sys::block_signals();
    // Before the thread runs, which may find that there will be no log.
    mode::set(level);
    if !writer::start(pid) {
        mode::set(Level::Off);
    }
    sys::restore_signals(mask);
}

/// Before the program closes or replaces its stderr: the writer needs it, if it is the log.
pub fn needs_stderr() {
    if settings::get().is_some_and(|settings| settings.file.is_none()) {
        is_open();
    }
}

/// The program has other credentials now, and so has the writer when this returns.
pub fn follow_credentials() {
    if !process::is_sandboxed() {
        credentials::publish();
        control::flush(false);
    }
}
