//! exec and spawn: whether the new program will be seen, and what must be written before this one is gone.

use crate::call::Ticket;
use crate::capture::tap;
use crate::dispatch::process::noted;
use crate::log::{self, clock, writer};
use crate::program::{self, ProgramName};
use crate::table::{HOOKS, HookIndex};
use crate::{environment, identity, memory, mode, rules};
use sockshim_core::hook::{Does, MAX_ARGS};
use sockshim_core::net::address::SockAddr;
use sockshim_core::trace::event::Extra;
use sockshim_core::verdict::Reason;

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

/// Tells the report of a program that is about to be started without the library. It may run in a vfork child, which must not
/// change its parent's memory: the report's counters are everybody's.
#[cold]
#[inline(never)]
pub fn report(index: HookIndex, words: &[i64; MAX_ARGS]) {
    let hook = &HOOKS[index as usize];
    let (named, path) = match (hook.name(), hook.does) {
        ("fexecve", _) => (ProgramName::Open(words[0] as i32), SockAddr::EMPTY),
        ("execveat", _) => {
            (ProgramName::At(words[0] as i32, words[1], words[4] as i32), memory::text(words[1]))
        }
        ("execvp" | "execvpe" | "execlp", _) => (ProgramName::Searched(words[0]), memory::text(words[0])),
        (_, Does::Spawns | Does::SpawnsSearched) => (spawned_name(hook.does, words), memory::text(words[1])),
        _ => (ProgramName::At(libc::AT_FDCWD, words[0], 0), memory::text(words[0])),
    };
    if let Some(reason) = program::reason(&named) {
        rules::uncovered(path.bytes(), reason.code());
    } else if !identity::is_sandboxed() && !environment::is_in_reach() && program::may_start(&named) {
        rules::uncovered(path.bytes(), OUT_OF_REACH);
    }
}

/// In the report: the new program cannot load the library, after chroot(2) or as another user.
const OUT_OF_REACH: &str = "out-of-reach";

/// [`report`] of syscall(2), if it starts a program.
#[cold]
#[inline(never)]
pub fn report_numbered(words: &[i64; MAX_ARGS]) {
    let mut own = *words;
    own.rotate_left(1);
    match words[0] {
        libc::SYS_execve => report(HookIndex::execve, &own),
        libc::SYS_execveat => report(HookIndex::execveat, &own),
        _ => {}
    }
}

/// The program that posix_spawn(3) names.
fn spawned_name(does: Does, words: &[i64; MAX_ARGS]) -> ProgramName {
    // File actions may change the directory first, and their format is internal to libc.
    match (words[2], does) {
        (0, Does::SpawnsSearched) => ProgramName::Searched(words[1]),
        (0, _) => ProgramName::At(libc::AT_FDCWD, words[1], 0),
        _ => ProgramName::Elsewhere(words[1]),
    }
}

/// After exec: it returns only when it has failed, so no program was started.
pub fn exec_failed(t: &mut Ticket) {
    writer::release();
    t.event.reason = Reason::Process;
    t.finish();
}

/// A successful exec does not return, so the event is written before the call; [`exec_failed`] writes a second one.
fn about_to_exec(t: &mut Ticket, path: SockAddr, named: &ProgramName, environment: i64) {
    noted(t);
    new_program(t, named, environment);
    if path.is_readable() {
        t.event.addr = path;
        t.event.extra = Extra::Text;
    }
    clock::start(&mut t.event);
    t.send();
    log::end_before_exec();
}

/// posix_spawn(3).
pub fn spawn(t: &mut Ticket) {
    tap::shared();
    noted(t);
    t.event.addr = memory::text(t.word(1));
    t.event.extra = Extra::Text;
    let named = spawned_name(t.event.hook.does, &t.event.args);
    new_program(t, &named, t.word(5));
}

/// After posix_spawn(3), whose result is the error.
pub fn spawned(t: &mut Ticket) {
    if t.event.ret != 0 {
        t.event.reason = Reason::Process;
    }
    t.finish();
}
