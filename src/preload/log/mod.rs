//! The log: from an observed call to a line in a file.
//!
//! What observes calls uses the functions here, [`clock`], the [`queue`] of its thread, and what [`writer`] lets be asked of
//! the writer. Nothing here knows how a call is observed: an event and a data call's record say it all.
//!
//! | file | what |
//! |---|---|
//! | [`settings`], [`message`], [`notice`] | what was asked for; what is said to a person; records that no call makes |
//! | [`clock`] | when a call began and ended |
//! | [`queue`], [`send`](mod@send) | a thread's queue: the fast path's records, and all other events |
//! | [`writer`] | the process that formats and writes, and how it is begun and told what to do |
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
pub use output::settled as settled_path;
pub use send::{flush, last_flush, send, set_synchronous};
pub use writer::life::is_open;

use crate::{identity, mode, sys, threads};
use message::Text;
use sockshim_core::config::Config;
use sockshim_core::hook::Level;
use writer::{apart, control, life};

/// Turns logging on, as the configuration says. The writer begins with the first event, or before a call after which the
/// log could no longer be opened ([`is_open`]).
pub fn start(config: &Config) {
    mode::set(settings::fix(config).level);
    output::share_with_children();
    if let Some(complaint) = &config.complaint
        && is_open()
    {
        let mut text = Text::new();
        message::describe(complaint, &mut text);
        send(&notice::message(text.bytes()));
    }
}

/// Writes what there is and ends the writer, which begins again with the next event.
pub fn end() {
    flush();
    if !identity::is_guest() {
        life::stop();
    }
}

/// The same at the end of the process, whose last record says what the log held.
pub fn end_of_process() {
    close();
    last_flush();
    life::stop();
}

/// The same where nothing of the process's comes any more.
pub fn end_at_once() {
    close();
    last_flush();
    life::stop_for_ever();
}

/// Before an exec, which would leave the writer to another program: everything is written, and the writer ends.
pub fn end_before_exec() {
    if identity::is_guest() {
        return flush();
    }
    close();
    flush();
    life::stop_for_exec();
}

/// What other threads have to log from now on waits, so that no call returns that is not in the log.
fn close() {
    if !identity::is_sandboxed() {
        let has_others = threads::has_others();
        // What is there needs a writer, and none begins any more in a moment.
        if has_others && queue::all().next().is_some() {
            life::accepts();
        }
        control::close(identity::tid(), has_others);
        queue::hold_back();
    }
}

/// Before a wait that would find the writer: everything is written, the writer ends, and none begins while the calling thread
/// waits. A thread is no child.
pub fn end_before_wait() {
    if identity::is_guest() || life::is_thread() {
        return;
    }
    control::wait(identity::pid(), identity::tid());
    flush();
    life::stop();
}

/// The opposite of [`end_before_wait`].
pub fn go_on_after_wait() {
    control::end_wait(identity::tid());
}

/// Before a seccomp filter on all threads. A writer that is one of them may be killed for what it does, so it leaves and the
/// log ends. Whether that was so.
pub fn end_before_filter() -> bool {
    if !is_open() || !life::is_thread() {
        return false;
    }
    send(&notice::message(b"a seccomp filter is put on all threads; the log ends here"));
    // Calls that other threads make from now on are neither logged nor counted.
    mode::set(Level::Off);
    control::end();
    life::stop()
}

/// A forked child's log is its own, and its writer begins with its first event.
pub fn start_in_child() {
    send::leave_to_parent();
    control::forget();
    apart::end();
}

/// Puts a text into the log.
pub fn note(text: &[u8]) {
    send(&notice::message(text));
}

/// Logging goes on after [`end_before_filter`].
pub fn restart() {
    if let Some(settings) = settings::get() {
        mode::set(settings.level);
    }
}

/// Call this before the program closes or replaces its stderr: if that is the log, the writer must have opened it.
pub fn needs_stderr() {
    if settings::get().is_some_and(|settings| settings.file.is_none()) {
        is_open();
    }
}

/// The program has another name from here on.
pub fn renamed(name: &[u8]) {
    // A writer that has yet to begin asks for the name.
    if control::status() != control::Status::None {
        send(&notice::renamed(name));
    }
}

/// Before the program changes its credentials: opens the log, and ends a writer that is stuck, as in a full pipe. It could not
/// follow, and later the program may have no right to end it.
pub fn before_credentials() {
    if is_open() && !identity::is_sandboxed() && !identity::is_guest() && !control::flush(false) {
        life::stop();
    }
}

/// The program has changed its credentials; when this returns, the writer has changed its own too.
pub fn follow_credentials() {
    if !identity::is_sandboxed() && !identity::is_guest() && life::has_begun() {
        credentials::publish();
        if !control::flush(false) && !life::is_thread() {
            // Rather no log than one that is written with more rights.
            sys::kill(control::tid());
        }
    }
}

/// The calling thread has changed its credentials without libc, which would have changed those of all threads.
pub fn follow_own_credentials() {
    if threads::has_others() {
        refine::lose();
    }
    follow_credentials();
}

/// The program is in other namespaces now, and so is the writer when this returns, as far as it may.
pub fn follow_namespaces() {
    if life::has_begun() {
        writer::program::moved();
        control::flush(identity::is_sandboxed());
    }
}
