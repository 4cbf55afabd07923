//! fork, exec, spawn, exit; syscall(2); and the calls that change what the library itself may do.

use crate::call::{Note, Ticket};
use crate::log::{self, clock, writer};
use crate::program::{self, ProgramName};
use crate::table::HOOKS;
use crate::track::learn;
use crate::{confined, environment, memory, mode, process, sys};
use sockshim_core::fdtable::FDS;
use sockshim_core::hook::{Does, Level};
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::Reason;

/// A call about the process that needs no other work. It may change the process's credentials, directory or rights,
/// so the log must be open before it.
pub fn plain(t: &mut Ticket) {
    log::is_open();
    t.event.reason = Reason::Process;
}

/// A call that is hooked only because the log must be open before it.
pub fn unlogged(t: &mut Ticket) {
    log::is_open();
    t.wanted = false;
}

/// After fork(2), in both processes. The child has its own log by now.
pub fn forked(t: &mut Ticket) {
    if t.event.ret == 0 {
        t.event.tid = process::tid();
    }
    t.finish();
}

/// daemon(3): the parent exits inside libc.
pub fn daemon(t: &mut Ticket) {
    plain(t);
    log::flush();
}

/// After daemon(3): the descriptors 0 to 2 may have been replaced.
pub fn daemonized(t: &mut Ticket) {
    FDS.forget_range(0, 2);
    forked(t);
}

/// After forkpty(3): in the child, the terminal has become stdin, stdout and stderr.
pub fn forked_pty(t: &mut Ticket) {
    if t.event.ret == 0 {
        FDS.forget_range(0, 2);
    }
    forked(t);
}

/// clone(3), which never returns in the child.
pub fn clone(t: &mut Ticket) {
    cloning(t, t.int(2));
}

/// exec of a path with an environment: execve(2) and execle(3).
pub fn execve(t: &mut Ticket) {
    let named = ProgramName::At(libc::AT_FDCWD, t.word(0), 0);
    about_to_exec(t, memory::text(t.word(0)), &named, t.word(2));
}

/// exec of a path with the program's environment: execv(3) and execl(3).
pub fn execv(t: &mut Ticket) {
    let named = ProgramName::At(libc::AT_FDCWD, t.word(0), 0);
    about_to_exec(t, memory::text(t.word(0)), &named, environment::of_program() as i64);
}

/// exec of a name with the program's environment: execvp(3) and execlp(3).
pub fn execvp(t: &mut Ticket) {
    let named = ProgramName::Searched(t.word(0));
    about_to_exec(t, memory::text(t.word(0)), &named, environment::of_program() as i64);
}

/// exec of a name with an environment: execvpe(3).
pub fn execvpe(t: &mut Ticket) {
    let named = ProgramName::Searched(t.word(0));
    about_to_exec(t, memory::text(t.word(0)), &named, t.word(2));
}

/// execveat(2).
pub fn execveat(t: &mut Ticket) {
    let named = ProgramName::At(t.int(0), t.word(1), t.int(4));
    about_to_exec(t, memory::text(t.word(1)), &named, t.word(3));
}

/// fexecve(3).
pub fn fexecve(t: &mut Ticket) {
    t.event.fd = Some(t.int(0));
    about_to_exec(t, SockAddr::EMPTY, &ProgramName::Open(t.int(0)), t.word(2));
}

/// Determines whether the new program will be seen.
fn new_program(t: &mut Ticket, named: &ProgramName, environment: i64) {
    // The check takes a few system calls, and its result is only for the log.
    if !mode::logs(t.event.hook.level) {
        return;
    }
    let stands = |reason: &Reason| *reason != Reason::ExecAsan || program::comes_before_asan(environment);
    if let Some(reason) = program::reason(named).filter(stands) {
        t.event.reason = reason;
    } else if !program::gets_environment(environment) {
        t.event.reason = Reason::ExecEnv;
    }
}

/// After exec: it returns only when it has failed, so no program was started.
pub fn exec_failed(t: &mut Ticket) {
    writer::resume();
    t.event.reason = Reason::Process;
    t.finish();
}

/// A successful exec does not return, so the event is written before the call; [`exec_failed`] writes a second one.
fn about_to_exec(t: &mut Ticket, path: SockAddr, named: &ProgramName, environment: i64) {
    plain(t);
    new_program(t, named, environment);
    if path.is_readable() {
        t.event.addr = path;
        t.event.extra = Extra::Text;
    }
    clock::start(&mut t.event);
    t.send();
    writer::pause();
    log::flush();
}

/// Runs after the event of a call that does not return: what must not be lost is written now.
pub fn leaving(does: Does) {
    if process::is_vfork_child() {
        return;
    }
    match does {
        // The program's handlers still run, but no destructor runs after them.
        Does::ExitsQuickly => {
            log::last_flush();
            log::set_synchronous();
        }
        Does::Exits => end_of_process(),
        _ => {}
    }
}

fn end_of_process() {
    writer::pause_for_ever();
    log::last_flush();
}

/// posix_spawn(3).
pub fn spawn(t: &mut Ticket) {
    plain(t);
    t.event.addr = memory::text(t.word(1));
    t.event.extra = Extra::Text;
    // File actions may change the directory first, and their format is internal to libc.
    let named = match (t.word(2), t.event.hook.does) {
        (0, Does::SpawnsSearched) => ProgramName::Searched(t.word(1)),
        (0, _) => ProgramName::At(libc::AT_FDCWD, t.word(1), 0),
        _ => ProgramName::Elsewhere(t.word(1)),
    };
    new_program(t, &named, t.word(5));
}

/// After posix_spawn(3), whose result is the error.
pub fn spawned(t: &mut Ticket) {
    if t.event.ret != 0 {
        t.event.reason = Reason::Process;
    }
    t.finish();
}

/// prctl(2): only the installation of a filter and a new thread name matter.
pub fn prctl(t: &mut Ticket) {
    plain(t);
    t.wanted = t.int(0) == libc::PR_SET_SECCOMP;
    if t.wanted {
        entering_sandbox(t, 0);
    }
}

/// Marks the process as sandboxed before the filter is installed: the filter may apply to other threads too, which
/// run meanwhile.
fn entering_sandbox(t: &mut Ticket, flags: u64) {
    log::flush();
    let already = process::is_sandboxed();
    log::queue::provide();
    process::set_sandboxed(true);
    let for_all = flags & libc::SECCOMP_FILTER_FLAG_TSYNC != 0;
    t.note = Note::Filter { first: !already, without_writer: for_all && log::end_before_filter(already) };
}

/// After prctl(2): the thread may have a new name.
pub fn prctl_done(t: &mut Ticket) {
    if t.int(0) == libc::PR_SET_NAME {
        writer::renamed();
    }
    sandbox_done(t);
}

/// After the call: undoes the preparations if the kernel has refused the filter.
pub fn sandbox_done(t: &mut Ticket) {
    if t.event.ret < 0 {
        refused(t);
    }
    t.finish();
}

fn refused(t: &Ticket) {
    let Note::Filter { first, without_writer } = t.note else { return };
    if first {
        process::set_sandboxed(false);
    }
    // Under an earlier filter a writer cannot be started: its system calls could kill the process.
    if without_writer && !process::is_sandboxed() {
        log::restart();
    }
}

/// After seccomp(2). It also fails with a positive result, the id of a thread that could not be synchronized; and
/// with NEW_LISTENER a positive result is success, a new descriptor.
fn seccomp_done(t: &mut Ticket) {
    let listens = t.word(2) as u64 & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER != 0;
    match t.event.ret {
        0 => {}
        1.. if listens => {
            learn(t.event.ret as i32, Some(&t.event));
        }
        _ => refused(t),
    }
    t.finish();
}

/// After setuid(2) and its relatives: if they succeeded, the writer changes its credentials too.
pub fn credentials_done(t: &mut Ticket) {
    if t.event.ret == 0 {
        log::follow_credentials();
    }
    t.finish();
}

/// unshare(2), setns(2): for some namespaces the kernel requires a process with one thread, so the writer ends before
/// the call.
pub fn alone(t: &mut Ticket) {
    plain(t);
    log::flush();
    if !process::is_sandboxed() && writer::stop(false) {
        t.note = Note::WithoutWriter;
    }
}

/// After the call: starts the writer again.
pub fn alone_done(t: &mut Ticket) {
    if t.note == Note::WithoutWriter {
        log::restart();
    }
    if t.event.ret == 0 && t.int(0) & libc::CLONE_FILES != 0 && sys::has_threads() {
        FDS.divide();
    }
    t.finish();
}

/// syscall(2): a number that belongs to a hook is handled as that hook's call. Everything else passes unchanged.
pub fn syscall(t: &mut Ticket) {
    let number = t.word(0);
    plain(t);
    if let Some(place) = HOOKS.iter().position(|hook| hook.nr() == Some(number)) {
        if HOOKS[place].level > Level::Call && !mode::data() && !matters(number) {
            t.wanted = false;
            return;
        }
        t.become_hook(place, 1);
        return;
    }
    match number {
        libc::SYS_clone => cloning(t, t.int(1)),
        libc::SYS_clone3 => cloning(t, memory::value::<i32>(t.page(), t.word(1)).unwrap_or(0)),
        libc::SYS_seccomp if is_filter(t.int(1)) => entering_sandbox(t, t.word(2) as u64),
        libc::SYS_io_uring_setup => t.event.reason = Reason::IoUring,
        libc::SYS_exit_group => end_of_process(),
        libc::SYS_exit => log::flush(),
        _ => t.wanted = false,
    }
}

/// clone(2) with the program's own flags. A child that shares memory but not descriptors, or descriptors but not
/// memory, makes the fd table wrong: it changes one without the other.
fn cloning(t: &mut Ticket, flags: i32) {
    t.wanted = false;
    if (flags & libc::CLONE_VM != 0) != (flags & libc::CLONE_FILES != 0) {
        FDS.divide();
    }
}

/// Whether the operation of seccomp(2) installs a filter; the others only query.
fn is_filter(operation: i32) -> bool {
    operation as u32 == libc::SECCOMP_SET_MODE_STRICT || operation as u32 == libc::SECCOMP_SET_MODE_FILTER
}

/// Whether it is a data call that may receive descriptors.
fn matters(number: i64) -> bool {
    number == libc::SYS_recvmsg || number == libc::SYS_recvmmsg
}

/// After syscall(2). A call without a hook may have made a descriptor, whose number no longer means what it did.
pub fn syscall_done(t: &mut Ticket) {
    let makes_fd = [libc::SYS_pidfd_open, libc::SYS_io_uring_setup];
    if makes_fd.contains(&t.word(0)) && t.event.ret >= 0 {
        learn(t.event.ret as i32, Some(&t.event));
    }
    if t.event.ret < 0 {
        t.event.reason = Reason::Process;
    }
    if t.word(0) == libc::SYS_landlock_restrict_self && t.event.ret == 0 {
        confined::enter_landlock();
    }
    if t.word(0) == libc::SYS_seccomp { seccomp_done(t) } else { t.finish() }
}
