//! fork, exit, wait; syscall(2); and the calls that change what the library itself may do.

use crate::call::{Note, Ticket};
use crate::capture::tap;
use crate::log::{self, clock, writer};
use crate::mode::{self, OBSERVED};
use crate::table::{HOOKS, Numbers};
use crate::track::learn;
use crate::{confined, identity, memory, rules, sys, threads, tls};
use sockshim_core::fdtable::FDS;
use sockshim_core::hook::{Does, Level};
use sockshim_core::verdict::Reason;

/// A call about the process that needs no other work.
pub fn noted(t: &mut Ticket) {
    t.event.reason = Reason::Process;
}

/// The same, where the call may change the process's credentials, directory or rights,
/// so the log must be open before it.
pub fn plain(t: &mut Ticket) {
    log::is_open();
    noted(t);
}

/// A call that changes the process's credentials.
pub fn credentials(t: &mut Ticket) {
    log::before_credentials();
    noted(t);
}

/// A call that is hooked only because the log must be open before it.
pub fn unlogged(t: &mut Ticket) {
    log::is_open();
    t.wanted = false;
}

/// prlimit(2), likewise where it sets a limit: of processes, of a file's length, of addresses.
pub fn prlimit(t: &mut Ticket) {
    if t.word(2) != 0 {
        log::is_open();
    }
    t.wanted = false;
}

/// After fork(2), in both processes. The child has its own log by now.
pub fn forked(t: &mut Ticket) {
    match t.event.ret {
        0 => t.event.tid = identity::tid(),
        _ => tap::shared(),
    }
    t.finish();
}

/// daemon(3): the parent exits inside libc, where no hook sees it.
pub fn daemon(t: &mut Ticket) {
    noted(t);
    log::end();
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

/// Runs after the event of a call that does not return: what must not be lost is written now.
pub fn leaving(does: Does) {
    let end = match does {
        Does::ExitsQuickly => end_before_handlers,
        Does::Exits => log::end_at_once,
        _ => return,
    };
    if !identity::is_vfork_child() && !identity::is_guest() {
        end();
    }
}

/// Before quick_exit(3): the program's handlers still run, but no destructor runs after them.
fn end_before_handlers() {
    log::set_synchronous();
    log::end_of_process();
}

/// prctl(2): only the installation of a filter and a new thread name matter.
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

/// The process counts as sandboxed before the filter is there: it may be for other threads as well, which go on meanwhile.
fn entering_sandbox(t: &mut Ticket, strict: bool, flags: u64) {
    rules::before_sandbox();
    log::flush();
    clock::enter_sandbox(strict);
    let already = identity::is_sandboxed();
    log::queue::provide();
    identity::set_sandboxed(true);
    let for_all = flags & libc::SECCOMP_FILTER_FLAG_TSYNC != 0;
    t.note = Note::Filter { first: !already, without_writer: for_all && log::end_before_filter() };
}

/// The most bytes of a thread's name, with its end: `TASK_COMM_LEN`.
const NAME: usize = 16;

/// The program may have another name: its main thread's.
pub fn prctl_done(t: &mut Ticket) {
    if t.int(0) == libc::PR_SET_NAME && t.event.ret == 0 && identity::tid() == identity::pid() {
        identity::set_name(memory::text(t.word(1)).bytes());
        log::renamed(identity::name(&mut [0; NAME]));
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
        identity::set_sandboxed(false);
        clock::leave_sandbox();
    }
    // Under an earlier filter a writer cannot be started: its system calls could kill the process.
    if without_writer && !identity::is_sandboxed() {
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
    if for_any && options & (libc::__WALL | libc::__WCLONE) != 0 && !identity::is_sandboxed() {
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
    if (of_shared_memory || (of_threads && writer::life::is_thread())) && !identity::is_sandboxed() {
        log::end();
    }
}

/// unshare(2) is over: descriptors may be the calling thread's own.
pub fn unshared(t: &mut Ticket) {
    if t.event.ret == 0 && t.int(0) & libc::CLONE_FILES != 0 && threads::has_others() {
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

/// Calls without a hook that are of interest for another reason than their effect on what the library may do.
const OTHERS: [i64; 8] = [
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fork,
    libc::SYS_io_uring_setup,
    libc::SYS_pidfd_open,
    libc::SYS_vfork,
];

static OF_INTEREST: Numbers = {
    let mut others = [0; OTHERS.len() + LIMITING.len() + CREDENTIALS.len()];
    let (first, rest) = others.split_at_mut(OTHERS.len());
    let (second, third) = rest.split_at_mut(LIMITING.len());
    first.copy_from_slice(&OTHERS);
    second.copy_from_slice(&LIMITING);
    third.copy_from_slice(&CREDENTIALS);
    Numbers::of_hooks_and(&others)
};

/// Whether the library has to do with a system call of this number.
#[inline(always)]
pub fn is_of_interest(number: i64) -> bool {
    OF_INTEREST.has(number)
}

/// syscall(2): a number that belongs to a hook is handled as that hook's call. Everything else passes unchanged.
pub fn syscall(t: &mut Ticket) {
    let number = t.word(0);
    t.event.reason = Reason::Process;
    if !mode::has_log() {
        // Nothing of what the log needs to know of the process.
    } else if CREDENTIALS.contains(&number) {
        log::before_credentials();
    } else if LIMITING.contains(&number) {
        log::is_open();
    }
    if let Some(index) = HOOKS.iter().position(|hook| hook.nr() == Some(number)) {
        // recvmsg(2) has an open gate at every level.
        let open = mode::bits_of_row(index);
        if open == 0
            || (open == OBSERVED && HOOKS[index].level > Level::Call && !mode::data() && !matters(number))
        {
            t.wanted = false;
            return;
        }
        t.become_hook(index, 1);
        return;
    }
    match number {
        libc::SYS_clone => cloning(t, t.int(1)),
        libc::SYS_clone3 => cloning(t, memory::value::<i32>(t.page(), t.word(1)).unwrap_or(0)),
        libc::SYS_seccomp if is_filter(t.int(1)) => {
            entering_sandbox(t, t.int(1) as u32 == libc::SECCOMP_SET_MODE_STRICT, t.word(2) as u64);
        }
        libc::SYS_io_uring_setup => io_uring(t),
        libc::SYS_exit_group if identity::is_guest() => log::flush(),
        libc::SYS_exit_group => log::end_at_once(),
        libc::SYS_exit if is_last_thread() => log::end_of_process(),
        libc::SYS_exit => log::flush(),
        _ => t.wanted = false,
    }
}

/// io_uring_setup(2), about which rules may decide: no hook sees what is submitted to a ring.
fn io_uring(t: &mut Ticket) {
    t.event.reason = Reason::IoUring;
    if let Some((verdict, delay)) = rules::io_uring() {
        t.settle(verdict);
        t.instead.delay = delay;
    }
}

/// Whether the process ends with the calling thread: it is the main one, and libc knows no other. Where that is wrong, the
/// next event begins another writer.
fn is_last_thread() -> bool {
    let pid = identity::pid();
    !identity::is_sandboxed() && sys::getpid() == pid && sys::gettid() == pid && !threads::has_others()
}

/// Calls without a hook after which the log could no longer be opened.
const LIMITING: [i64; 6] = [
    libc::SYS_landlock_restrict_self,
    libc::SYS_mount,
    libc::SYS_move_mount,
    libc::SYS_pivot_root,
    libc::SYS_seccomp,
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
    let lent = flags & libc::CLONE_VM != 0 && flags & libc::CLONE_SETTLS == 0;
    if lent && flags & libc::CLONE_VFORK != 0 {
        log::queue::put_aside();
        tls::get().vfork.set(1);
    } else if lent {
        log::queue::share();
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
    if t.word(0) == libc::SYS_io_uring_setup && t.event.ret >= 0 {
        rules::made_io_uring();
    }
    if makes_fd.contains(&t.word(0)) && t.event.ret >= 0 {
        learn(t.event.ret as i32, Some(&t.event));
    }
    if t.event.ret < 0 && t.rule() == 0 {
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
