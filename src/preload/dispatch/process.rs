//! fork, exec, spawn, exit; syscall(2); and the calls that change what the library itself may do.

use crate::call::{Note, Ticket};
use crate::log::{self, clock, writer};
use crate::program::{self, Named};
use crate::table::HOOKS;
use crate::track::learn;
use crate::{confined, environment, memory, mode, process, sys};
use sockshim_core::fdtable::FDS;
use sockshim_core::hook::{Does, Level};
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::Reason;

/// A call about the process that needs no other work. It may change the process's credentials, directory or rights, so
/// the log has to be open before it.
pub fn plain(t: &mut Ticket) {
    log::is_open();
    t.event.reason = Reason::Process;
}

/// A call that is hooked only because the log has to be open before it.
pub fn unlogged(t: &mut Ticket) {
    log::is_open();
    t.wanted = false;
}

/// fork(2) has returned, in both processes. The child has its own log by now.
pub fn forked(t: &mut Ticket) {
    if t.event.ret == 0 {
        t.event.tid = process::tid();
    }
    t.finish();
}

/// daemon(3): the parent leaves inside libc.
pub fn daemon(t: &mut Ticket) {
    plain(t);
    log::flush();
}

/// The descriptors 0 to 2 may be others now.
pub fn daemonized(t: &mut Ticket) {
    FDS.forget_range(0, 2);
    forked(t);
}

/// forkpty(3): in the child the terminal is stdin, stdout and stderr.
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
    let named = Named::At(libc::AT_FDCWD, t.word(0), 0);
    about_to_exec(t, memory::text(t.word(0)), &named, t.word(2));
}

/// exec of a path with the program's environment: execv(3) and execl(3).
pub fn execv(t: &mut Ticket) {
    let named = Named::At(libc::AT_FDCWD, t.word(0), 0);
    about_to_exec(t, memory::text(t.word(0)), &named, environment::of_program() as i64);
}

/// exec of a name with the program's environment: execvp(3) and execlp(3).
pub fn execvp(t: &mut Ticket) {
    let named = Named::Searched(t.word(0));
    about_to_exec(t, memory::text(t.word(0)), &named, environment::of_program() as i64);
}

/// exec of a name with an environment: execvpe(3).
pub fn execvpe(t: &mut Ticket) {
    let named = Named::Searched(t.word(0));
    about_to_exec(t, memory::text(t.word(0)), &named, t.word(2));
}

/// execveat(2).
pub fn execveat(t: &mut Ticket) {
    let named = Named::At(t.int(0), t.word(1), t.int(4));
    about_to_exec(t, memory::text(t.word(1)), &named, t.word(3));
}

/// fexecve(3).
pub fn fexecve(t: &mut Ticket) {
    t.event.fd = Some(t.int(0));
    about_to_exec(t, SockAddr::EMPTY, &Named::Open(t.int(0)), t.word(2));
}

/// Says whether the new program will be seen.
fn new_program(t: &mut Ticket, named: &Named, environment: i64) {
    // Looking takes a few system calls, and only the log's reader cares.
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

/// An exec that comes back has failed, so no program was started that could go unseen.
pub fn exec_failed(t: &mut Ticket) {
    writer::release();
    t.event.reason = Reason::Process;
    t.finish();
}

/// A successful exec does not come back, so the event is written before the call; [`exec_failed`] writes a second one.
fn about_to_exec(t: &mut Ticket, path: SockAddr, named: &Named, environment: i64) {
    plain(t);
    new_program(t, named, environment);
    if path.is_readable() {
        t.event.addr = path;
        t.event.extra = Extra::Text;
    }
    clock::start(&mut t.event);
    t.send();
    log::end_before_exec();
}

/// After the event of a call that does not come back: what must not be lost is written now.
pub fn leaving(does: Does) {
    if process::is_vfork_child() {
        return;
    }
    match does {
        // Its handlers are still to come, and there is no destructor after them.
        Does::ExitsQuickly => {
            log::end_of_process();
            log::set_synchronous();
        }
        Does::Exits => log::end_at_once(),
        _ => {}
    }
}

/// posix_spawn(3).
pub fn spawn(t: &mut Ticket) {
    plain(t);
    t.event.addr = memory::text(t.word(1));
    t.event.extra = Extra::Text;
    // File actions may change the directory first, and their list is libc's own.
    let named = match (t.word(2), t.event.hook.does) {
        (0, Does::SpawnsSearched) => Named::Searched(t.word(1)),
        (0, _) => Named::At(libc::AT_FDCWD, t.word(1), 0),
        _ => Named::Elsewhere(t.word(1)),
    };
    new_program(t, &named, t.word(5));
}

/// posix_spawn(3) is over; it gives its error as its result.
pub fn spawned(t: &mut Ticket) {
    if t.event.ret != 0 {
        t.event.reason = Reason::Process;
    }
    t.finish();
}

/// prctl(2): only the entry into a sandbox is of interest, and a new name.
pub fn prctl(t: &mut Ticket) {
    plain(t);
    let strict = t.int(1) as u32 == libc::SECCOMP_MODE_STRICT;
    t.wanted = t.int(0) == libc::PR_SET_SECCOMP;
    match t.int(0) {
        libc::PR_SET_SECCOMP => entering_sandbox(t, strict, 0),
        libc::PR_SET_TSC if t.int(1) == libc::PR_TSC_SIGSEGV => clock::leave_counter_alone(),
        _ => {}
    }
}

/// The process counts as sandboxed before the filter is there, because the filter may be for other threads as well, which
/// go on meanwhile.
fn entering_sandbox(t: &mut Ticket, strict: bool, flags: u64) {
    log::flush();
    clock::enter_sandbox(strict);
    let already = process::is_sandboxed();
    process::set_sandboxed(true);
    let for_all = flags & libc::SECCOMP_FILTER_FLAG_TSYNC != 0;
    t.note = Note::Filter { first: !already, without_writer: for_all && log::end_before_filter() };
}

/// The most bytes of a thread's name, with its end: `TASK_COMM_LEN`.
const NAME: usize = 16;

/// The program may have another name: its main thread's.
pub fn prctl_done(t: &mut Ticket) {
    if t.int(0) == libc::PR_SET_NAME && t.event.ret == 0 && process::tid() == process::pid() {
        let name = memory::text(t.word(1));
        let name = name.bytes();
        process::set_name(&name[..name.len().min(NAME - 1)]);
        log::renamed(process::name(&mut [0; NAME]));
    }
    sandbox_done(t);
}

/// Undoes what was done for a filter that the kernel has refused.
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
        clock::leave_sandbox();
    }
    // Under another filter a writer cannot be started: its system calls may be deadly.
    if without_writer && !process::is_sandboxed() {
        log::restart();
    }
}

/// seccomp(2) has another way to refuse than other calls, the id of a thread that could not follow; and a good answer
/// may be the descriptor of a listener.
fn seccomp_done(t: &mut Ticket) {
    let listens = t.word(2) as u64 & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER != 0;
    match t.event.ret {
        0 => {}
        1.. if listens => {
            FDS.forget(t.event.ret as i32);
        }
        _ => refused(t),
    }
    t.finish();
}

/// setuid(2) and its relatives have succeeded: the writer follows.
pub fn credentials_done(t: &mut Ticket) {
    if t.event.ret == 0 {
        log::follow_credentials();
    }
    t.finish();
}

/// waitpid(2), wait4(2).
pub fn waitpid(t: &mut Ticket) {
    waiting(t, t.int(0) == ANY, t.int(2));
}

/// wait3(2).
pub fn wait3(t: &mut Ticket) {
    waiting(t, true, t.int(1));
}

/// waitid(2).
pub fn waitid(t: &mut Ticket) {
    waiting(t, t.int(0) as u32 == libc::P_ALL, t.int(3));
}

/// Any child.
const ANY: i32 = -1;

/// A wait for any child, also those without an exit signal: the log's writer is one, and must be gone meanwhile.
fn waiting(t: &mut Ticket, for_any: bool, options: i32) {
    t.wanted = false;
    if for_any && options & (libc::__WALL | libc::__WCLONE) != 0 && !process::is_sandboxed() {
        log::end_before_wait();
        t.note = Note::WithoutWriter;
    }
}

/// The wait is over.
pub fn waited(t: &mut Ticket) {
    if t.note == Note::WithoutWriter {
        log::go_on_after_wait();
    }
    t.finish();
}

/// unshare(2). The kernel does some of it only for a process that shares neither memory nor signals with anybody.
pub fn unshare(t: &mut Ticket) {
    plain(t);
    let flags = t.int(0);
    let memory = flags & (libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD) != 0;
    end_in_the_way(memory, flags & libc::CLONE_NEWUSER != 0);
}

/// setns(2), likewise: a time namespace is for a process with its memory to itself, others for one with one thread.
pub fn setns(t: &mut Ticket) {
    plain(t);
    let kind = t.int(1);
    let time = kind & sys::CLONE_NEWTIME != 0 || (kind == 0 && sys::is_time_namespace(t.int(0)));
    end_in_the_way(time, true);
}

/// Ends the writer before a call that it would be in the way of; it begins again with the next event.
fn end_in_the_way(of_shared_memory: bool, of_threads: bool) {
    if (of_shared_memory || (of_threads && writer::life::is_thread())) && !process::is_sandboxed() {
        log::end();
    }
}

/// unshare(2) is over: descriptors may be the calling thread's own.
pub fn unshared(t: &mut Ticket) {
    if t.event.ret == 0 && t.int(0) & libc::CLONE_FILES != 0 && sys::has_threads() {
        FDS.divide();
    }
    moved(t);
}

/// The process may be in other namespaces.
pub fn moved(t: &mut Ticket) {
    if t.event.ret == 0 {
        log::follow_namespaces();
    }
    t.finish();
}

/// syscall(2): a number that a hook has is that hook's call. Everything else passes untouched.
pub fn syscall(t: &mut Ticket) {
    let number = t.word(0);
    t.event.reason = Reason::Process;
    if LIMITING.contains(&number) || CREDENTIALS.contains(&number) {
        log::is_open();
    }
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
        libc::SYS_seccomp if is_filter(t.int(1)) => {
            entering_sandbox(t, t.int(1) as u32 == libc::SECCOMP_SET_MODE_STRICT, t.word(2) as u64);
        }
        libc::SYS_io_uring_setup => t.event.reason = Reason::IoUring,
        libc::SYS_exit_group => log::end_at_once(),
        libc::SYS_exit if is_last_thread() => log::end_of_process(),
        libc::SYS_exit => log::flush(),
        _ => t.wanted = false,
    }
}

/// Whether the process ends with the calling thread: it is the main one, and libc knows no other. Where that is wrong, the
/// next event begins another writer.
fn is_last_thread() -> bool {
    let pid = process::pid();
    !process::is_sandboxed() && sys::getpid() == pid && sys::gettid() == pid && !sys::has_threads()
}

/// Calls without a hook after which the log could no longer be opened.
const LIMITING: [i64; 8] = [
    libc::SYS_landlock_restrict_self,
    libc::SYS_mount,
    libc::SYS_move_mount,
    libc::SYS_pivot_root,
    libc::SYS_prlimit64,
    libc::SYS_seccomp,
    libc::SYS_setrlimit,
    libc::SYS_umount2,
];

/// Calls by which a thread changes its own credentials: libc has no functions for that.
const CREDENTIALS: [i64; 9] = [
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
];

/// clone(2) with the program's own flags. A child that shares only one of memory and descriptors with this process makes
/// the fd table wrong: it changes descriptors without the table, or the table without descriptors.
fn cloning(t: &mut Ticket, flags: i32) {
    t.wanted = false;
    if (flags & libc::CLONE_VM != 0) != (flags & libc::CLONE_FILES != 0) {
        FDS.divide();
    }
}

/// The operations of seccomp(2) that install something; others only ask.
fn is_filter(operation: i32) -> bool {
    operation as u32 == libc::SECCOMP_SET_MODE_STRICT || operation as u32 == libc::SECCOMP_SET_MODE_FILTER
}

/// Whether it is a data call that may bring descriptors.
fn matters(number: i64) -> bool {
    number == libc::SYS_recvmsg || number == libc::SYS_recvmmsg
}

/// Calls without a hook that make descriptors: what the number meant before is over.
pub fn syscall_done(t: &mut Ticket) {
    let makes_fd = [libc::SYS_pidfd_open, libc::SYS_io_uring_setup];
    if makes_fd.contains(&t.word(0)) && t.event.ret >= 0 {
        learn(t.event.ret as i32);
    }
    if t.event.ret < 0 {
        t.event.reason = Reason::Process;
    }
    if CREDENTIALS.contains(&t.word(0)) && t.event.ret == 0 {
        log::follow_own_credentials();
    }
    if t.word(0) == libc::SYS_landlock_restrict_self && t.event.ret == 0 {
        confined::enter_landlock();
    }
    if t.word(0) == libc::SYS_seccomp { seccomp_done(t) } else { t.finish() }
}
