//! `SOCKSHIM_PROPAGATE=always`: new programs get the library's variables, whatever environment the program passes on.
//!
//! Every call that starts a program goes through a function here instead of directly to libc, also in a vfork child,
//! and also when logging is off. The program's own memory is not changed. The new environment is a vector on the
//! stack; its lines are the program's own, a new `LD_PRELOAD` line, and lines that were stored at the start.
//!
//! # Safety
//! The functions have the contracts of the libc functions that they replace. An environment is read directly only
//! after [`environment::survey`] has had the kernel copy it.

use crate::environment::{self, Own, Strings, Survey};
use crate::word::Word;
use crate::{identity, mode, original, rules, scratch};
use core::ffi::c_char;
use libc::{c_int, c_long, c_ulong, pid_t, posix_spawn_file_actions_t, posix_spawnattr_t};

/// What must be added to an environment.
pub struct Plan {
    own: &'static Own,
    survey: Survey,
    environment: Strings,
}

impl Plan {
    /// `None` when nothing must be added, or when what must be added is not known.
    pub fn of(environment: Strings) -> Option<Plan> {
        // In a sandbox the survey's system calls could kill the process, and a new program could not log.
        if !mode::propagates() || identity::is_sandboxed() {
            return None;
        }
        let own = environment::own()?;
        let survey = environment::survey(environment)?;
        let plan = Plan { own, survey, environment };
        (plan.adds_preload() || plan.survey.missing(own).next().is_some()).then_some(plan)
    }

    fn adds_preload(&self) -> bool {
        !self.survey.names_us && !self.own.entry.is_empty()
    }

    /// How many words the vector and the line take.
    pub fn words(&self) -> usize {
        let line = environment::preload_size(self.own, &self.survey).div_ceil(size_of::<usize>());
        self.pointers() + line
    }

    /// How many pointers the vector has, including the null.
    fn pointers(&self) -> usize {
        self.survey.count + self.survey.missing(self.own).count() + 2
    }

    /// Writes the environment into `scratch`. `None` when it is too small.
    pub fn fill(&self, scratch: &mut [usize]) -> Option<Strings> {
        let (vector, line) = scratch.split_at_mut_checked(self.pointers())?;
        let mut end = self.survey.count;
        for (index, slot) in vector.get_mut(..end)?.iter_mut().enumerate() {
            // SAFETY: the survey has read this many pointers.
            *slot = unsafe { *self.environment.add(index) } as usize;
        }
        if self.adds_preload() {
            environment::preload_line(self.own, &self.survey, crate::memory::bytes_of(line))?;
            let at = self.survey.preload.map_or(end, |(index, ..)| index);
            *vector.get_mut(at)? = line.as_ptr() as usize;
            end += usize::from(self.survey.preload.is_none());
        }
        for missing in self.survey.missing(self.own) {
            *vector.get_mut(end)? = missing.as_ptr() as usize;
            end += 1;
        }
        *vector.get_mut(end)? = 0;
        Some(vector.as_ptr().cast())
    }
}

/// Makes the call with the new environment, or with `None` if the program's own is complete.
fn with<R: Word>(environment: Strings, call: impl Fn(Option<Strings>) -> R) -> R {
    R::from_word(with_words(environment, &|new| call(new).word()))
}

/// [`with`] in words, so that all calls share it.
#[inline(never)]
fn with_words(environment: Strings, call: &dyn Fn(Option<Strings>) -> i64) -> i64 {
    match Plan::of(environment) {
        None => call(None),
        Some(plan) => {
            scratch::with(plan.words(), &|memory| call(memory.and_then(|memory| plan.fill(memory))))
        }
    }
}

/// execve(2)
pub unsafe extern "C-unwind" fn execve(path: *const c_char, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the program's own call.
    with(envp, |new| unsafe { original::execve(path, argv, new.unwrap_or(envp)) })
}

/// execv(3)
pub unsafe extern "C-unwind" fn execv(path: *const c_char, argv: Strings) -> c_int {
    with(environment::of_program(), |new| match new {
        // SAFETY: the program's own call.
        None => unsafe { original::execv(path, argv) },
        // SAFETY: the same call, with an environment that stands for the program's.
        Some(new) => unsafe { original::execve(path, argv, new) },
    })
}

/// execvp(3)
pub unsafe extern "C-unwind" fn execvp(file: *const c_char, argv: Strings) -> c_int {
    with(environment::of_program(), |new| match new {
        // SAFETY: the program's own call.
        None => unsafe { original::execvp(file, argv) },
        // SAFETY: the same call, with an environment that stands for the program's.
        Some(new) => unsafe { original::execvpe(file, argv, new) },
    })
}

/// execvpe(3)
pub unsafe extern "C-unwind" fn execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the program's own call.
    with(envp, |new| unsafe { original::execvpe(file, argv, new.unwrap_or(envp)) })
}

/// execl(3), whose arguments have been collected in a vector. The environment is the program's.
pub unsafe extern "C-unwind" fn execl(path: *const c_char, argv: Strings, _: Strings) -> c_int {
    // SAFETY: libc's execl makes the same vector, and then the same call.
    unsafe { execv(path, argv) }
}

/// execlp(3), likewise.
pub unsafe extern "C-unwind" fn execlp(file: *const c_char, argv: Strings, _: Strings) -> c_int {
    // SAFETY: libc's execlp makes the same vector, and then the same call.
    unsafe { execvp(file, argv) }
}

/// execle(3), likewise, with the environment that followed the arguments.
pub unsafe extern "C-unwind" fn execle(path: *const c_char, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: libc's execle makes the same vector, and then the same call.
    unsafe { execve(path, argv, envp) }
}

/// execveat(2)
pub unsafe extern "C-unwind" fn execveat(
    dirfd: c_int,
    path: *const c_char,
    argv: Strings,
    envp: Strings,
    flags: c_int,
) -> c_int {
    // SAFETY: the program's own call.
    with(envp, |new| unsafe { original::execveat(dirfd, path, argv, new.unwrap_or(envp), flags) })
}

/// fexecve(3)
pub unsafe extern "C-unwind" fn fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int {
    if envp.is_null() {
        // Unlike the others, this function fails without an environment (EINVAL).
        // SAFETY: the program's own call.
        return unsafe { original::fexecve(fd, argv, envp) };
    }
    // SAFETY: the program's own call.
    with(envp, |new| unsafe { original::fexecve(fd, argv, new.unwrap_or(envp)) })
}

type Argv = *const *mut c_char;

/// [`with`], for calls that take the environment in another type.
fn spawn(environment: Argv, call: impl Fn(Argv) -> c_int) -> c_int {
    with(environment.cast(), |new| call(new.map_or(environment, <*const *const c_char>::cast)))
}

/// posix_spawn(3)
pub unsafe extern "C-unwind" fn posix_spawn(
    pid: *mut pid_t,
    path: *const c_char,
    actions: *const posix_spawn_file_actions_t,
    attributes: *const posix_spawnattr_t,
    argv: Argv,
    envp: Argv,
) -> c_int {
    // SAFETY: the program's own call.
    spawn(envp, |envp| unsafe { original::posix_spawn(pid, path, actions, attributes, argv, envp) })
}

/// posix_spawnp(3)
pub unsafe extern "C-unwind" fn posix_spawnp(
    pid: *mut pid_t,
    file: *const c_char,
    actions: *const posix_spawn_file_actions_t,
    attributes: *const posix_spawnattr_t,
    argv: Argv,
    envp: Argv,
) -> c_int {
    // SAFETY: the program's own call.
    spawn(envp, |envp| unsafe { original::posix_spawnp(pid, file, actions, attributes, argv, envp) })
}

/// syscall(2): execve and execveat by number.
pub unsafe extern "C-unwind" fn syscall(
    number: c_long,
    a1: c_long,
    a2: c_long,
    a3: c_long,
    a4: c_long,
    a5: c_long,
    a6: c_long,
) -> c_long {
    // SAFETY: the program's own call.
    let call = |a3, a4| unsafe { original::syscall(number, a1, a2, a3, a4, a5, a6) };
    match number {
        libc::SYS_execve => with(a3 as Strings, |new| call(new.map_or(a3, |new| new as c_long), a4)),
        libc::SYS_execveat => with(a4 as Strings, |new| call(a3, new.map_or(a4, |new| new as c_long))),
        libc::SYS_seccomp => {
            rules::before_sandbox();
            let answer = call(a3, a4);
            let installs = matches!(a1 as u32, libc::SECCOMP_SET_MODE_STRICT | libc::SECCOMP_SET_MODE_FILTER);
            sandboxed(installs && answer >= 0);
            answer
        }
        _ => call(a3, a4),
    }
}

/// prctl(2): after it has installed a filter, the library makes no system calls of its own. With a log the hook notes
/// that before the call; this function does it for a program without a log.
pub unsafe extern "C-unwind" fn prctl(
    option: c_int,
    arg2: c_ulong,
    arg3: c_ulong,
    arg4: c_ulong,
    arg5: c_ulong,
) -> c_int {
    if option == libc::PR_SET_SECCOMP {
        rules::before_sandbox();
    }
    // SAFETY: the program's own call.
    let answer = unsafe { original::prctl(option, arg2, arg3, arg4, arg5) };
    sandboxed(option == libc::PR_SET_SECCOMP && answer == 0);
    answer
}

fn sandboxed(installed: bool) {
    if installed {
        identity::set_sandboxed(true);
    }
}

const _: () = assert!(size_of::<usize>() == size_of::<Strings>());
