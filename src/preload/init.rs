//! The constructor and the destructor.
//!
//! # Safety
//! The constructor runs once, before the program, with the arguments that glibc gives to `.init_array` functions.
//! Constructors of other libraries may already have called hooks; those calls went directly to the kernel.

use crate::export::ROWS;
use crate::original::TARGETS;
use crate::table::{HASHES, HOOKS};
use crate::{alloc, call, environment, fork, identity, log, mode, panic, real, sys};
use core::ffi::{CStr, c_char, c_int};
use sockshim_core::config::{Config, LOG_FILE, Propagate};
use sockshim_core::hook::Level;

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
        call::register(&ROWS);
        real::resolve(&HOOKS, &HASHES, &TARGETS);
        // SAFETY: the environment is a vector of C strings that lives as long as the process.
        let lines = || unsafe { lines(envp) };
        let mut config = Config::read(lines().map(CStr::to_bytes));
        if config.level != Level::Off
            && let Some(settled) = config.file.and_then(log::settled_path)
        {
            // SAFETY: nobody else looks at the environment yet.
            config.file = unsafe { environment::replace(envp, LOG_FILE, &settled) };
        }
        let always = config.propagate == Propagate::Always;
        if !config.disable && (always || config.level != Level::Off) {
            environment::remember(lines());
        }
        if !config.disable && always {
            mode::propagate();
        }
        start(&config);
    });
    if set_up.is_err() {
        mode::set(Level::Off);
    }
    sys::set_errno(errno);
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

fn start(config: &Config) {
    let off = config.level == Level::Off;
    if config.disable || (off && config.complaint.is_none()) {
        return;
    }
    sys::valgrind::init();
    sys::time::init();
    if off {
        return complain(config);
    }
    if real::is_sanitized() {
        // ThreadSanitizer replaces clone(2) and much else of libc, and its functions require that they know the
        // calling thread. They do not know the writer.
        log::say(b"sockshim: a program with ThreadSanitizer cannot be logged\n");
    } else if alloc::has_memory() && identity::init() {
        identity::set_name_of_file(sys::file_of_program());
        log::start(config);
    } else {
        log::say_none();
    }
}

/// Reports a value that cannot be used: in the log if there is one, else on stderr.
fn complain(config: &Config) {
    if config.file.is_some() && alloc::has_memory() && identity::init() {
        log::start(config);
        log::end();
    } else if let Some(complaint) = &config.complaint {
        log::complain(complaint);
    }
}

/// exit(3) has run the program's exit handlers. Destructors of other libraries may still make calls, so from here on
/// each event is written before its call returns.
#[unsafe(link_section = ".text.always")]
extern "C" fn destructor() {
    if mode::control() && !identity::is_vfork_child() && fork::is_ready() && !identity::is_guest() {
        log::set_synchronous();
        log::end_of_process();
    }
}
