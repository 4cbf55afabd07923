//! The constructor and the destructor.
//!
//! # Safety
//! The constructor runs once, before the program, with the arguments that glibc gives to `.init_array` functions.
//! Constructors of other libraries may already have called hooks; those calls went directly to the kernel.

use crate::capture::tap;
use crate::export::INTERESTS;
use crate::original::TARGETS;
use crate::rules::{self, HandedOn, Refused};
use crate::table::{HASHES, HOOKS};
use crate::{alloc, environment, fork, identity, kmod, log, mode, panic, real, sys, threads};
use core::ffi::{CStr, c_char, c_int};
use sockshim_core::config::{Config, LOG_FILE, PREFIX, Propagate, RULE_FILE, RULES, SHARED};
use sockshim_core::hook::Level;
use sockshim_core::rules::handed_on;

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char) = constructor;

#[used]
#[unsafe(link_section = ".fini_array")]
static DESTRUCTOR: extern "C" fn() = destructor;

#[unsafe(link_section = ".text.always")]
unsafe extern "C" fn constructor(_: c_int, _: *const *const c_char, envp: *const *const c_char) {
    let errno = sys::errno();
    panic::init();
    // A panic must not unwind into the dynamic linker.
    let set_up = panic::attempt(|| {
        mode::register(&INTERESTS);
        threads::init();
        real::resolve(&HOOKS, &HASHES, &TARGETS);
        // SAFETY: the environment is a vector of C strings that lives as long as the process, and nobody else looks at
        // it yet.
        unsafe {
            if lines(envp).any(|line| line.to_bytes().starts_with(PREFIX)) {
                obey(envp);
            }
        }
    });
    if set_up.is_err() {
        mode::set(Level::Off);
    }
    sys::set_errno(errno);
}

/// Does what the library's variables ask for.
///
/// # Safety
/// `envp` must be the environment that the program was started with, while nobody else looks at it.
#[inline(never)]
unsafe fn obey(envp: *const *const c_char) {
    // SAFETY: the caller's promise.
    let lines = || unsafe { lines(envp) };
    // SAFETY: the same.
    let replace = |old, new, value: &[u8]| unsafe { environment::replace(envp, old, new, value) };
    let mut config = Config::read(lines().map(CStr::to_bytes));
    if config.level != Level::Off
        && let Some(settled) = config.file.and_then(log::settled_path)
    {
        config.file = replace(LOG_FILE, LOG_FILE, &settled);
    }
    let always = config.propagate == Propagate::Always;
    if !config.disable && always {
        mode::propagate();
    }
    let mut modules = config.rules.map(Vec::from).unwrap_or_default();
    match start(&config) {
        Ok(HandedOn { rules, counts_alone }) => {
            if let Some(rules) = rules {
                replace(RULE_FILE, RULES, &rules);
                modules = rules;
            }
            if counts_alone {
                replace(SHARED, SHARED, b"");
            }
        }
        Err(refused) => {
            refuse(&refused);
            replace(RULE_FILE, RULE_FILE, b"");
        }
    }
    let modules = handed_on::split(&modules).1;
    if (config.modules || !modules.is_empty()) && !config.disable {
        kmod::arm(lines(), modules);
    }
    if !config.disable && (always || config.level != Level::Off) {
        environment::remember(lines());
    }
}

/// The lines `NAME=value` of an environment.
///
/// # Safety
/// `envp` must be null or a null-terminated vector of C strings that is not freed.
unsafe fn lines(envp: *const *const c_char) -> impl Iterator<Item = &'static CStr> {
    let mut index = 0;
    core::iter::from_fn(move || {
        if envp.is_null() {
            return None;
        }
        // SAFETY: `index` is not beyond the terminating null.
        let line = unsafe { *envp.add(index) };
        if line.is_null() {
            return None;
        }
        index += 1;
        // SAFETY: the caller's promise.
        Some(unsafe { CStr::from_ptr(line) })
    })
}

/// Starts what was asked for, or says why the rules cannot be used.
fn start(config: &Config) -> Result<HandedOn, Refused> {
    let off = config.level == Level::Off;
    let has_rules = config.rules.is_some() || config.rule_file.is_some() || config.shared.is_some();
    if config.disable || (off && config.complaint.is_none() && !has_rules) {
        return Ok(HandedOn::default());
    }
    sys::valgrind::init();
    sys::time::init();
    let known = (!off || has_rules) && alloc::has_memory() && identity::init();
    if known {
        identity::set_name_of_file(sys::file_of_program());
    }
    log_calls(config, known);
    if known && has_rules { rules::start(config) } else { Ok(HandedOn::default()) }
}

/// Starts the log, or says what is wrong with it.
fn log_calls(config: &Config, known: bool) {
    if config.level == Level::Off {
        if config.complaint.is_some() {
            complain(config, known);
        }
        return;
    }
    if real::is_sanitized() {
        // ThreadSanitizer replaces clone(2) and much else of libc, and its functions require that they know the
        // calling thread. They do not know the writer.
        log::say(b"sockshim: a program with ThreadSanitizer cannot be logged\n");
    } else if known {
        mode::capture(config.bytes);
        let taps = config.tap.is_none_or(tap::start);
        log::start(config);
        if !taps {
            log::note(tap::UNREACHABLE.as_bytes());
        }
    } else {
        log::say_none();
    }
}

/// Reports a value that cannot be used: in the log if there is one, else on stderr.
fn complain(config: &Config, known: bool) {
    if config.file.is_some() && (known || (alloc::has_memory() && identity::init())) {
        log::start(config);
        log::end();
    } else if let Some(complaint) = &config.complaint {
        log::complain(complaint);
    }
}

/// Says that there are no rules, in the log if there is one. It is said once: what the program starts has no such rules.
fn refuse(refused: &Refused) {
    if mode::has_log() && log::is_open() {
        return log::note(refused.0.as_bytes());
    }
    log::say([b"sockshim: ", refused.0.as_bytes(), b"; there are no rules\n"].concat().as_slice());
}

/// exit(3) has run the program's exit handlers. Destructors of other libraries may still make calls, so from here on
/// each event is written before its call returns.
#[unsafe(link_section = ".text.always")]
extern "C" fn destructor() {
    if mode::has_log() && !identity::is_vfork_child() && fork::is_ready() && !identity::is_guest() {
        log::set_synchronous();
        log::end_of_process();
    }
}
