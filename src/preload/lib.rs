//! `libsockshim.so`: what `LD_PRELOAD` puts between a program and libc.
//!
//! # One call's life
//! 1. The program calls `bind`; the dynamic linker has bound it to the function that [`export`] makes.
//! 2. Fast exit: one load and one test of [`mode`]. If the call is not observed, jump to libc's `bind`.
//! 3. [`call::enter`] tests whether calls can be observed here (not in a vfork child), makes a [`call::Ticket`] and
//!    runs the row's dispatch function, which turns raw pointers into values and asks `sockshim-core`.
//! 4. libc performs the call, from a frame that holds no lock, guard or destructor: the thread may be cancelled
//!    there, or a signal handler may jump out of it.
//! 5. [`call::leave`] commits the changes to the fd table and puts the event into the thread's queue.
//! 6. [`log::writer`], a process that shares the program's memory, formats and writes it.
//!
//! # Safety
//! This crate exports C functions, follows the program's pointers and makes system calls. Each file says at its top
//! what its unsafe code relies on.
#![allow(
    clippy::missing_safety_doc,
    reason = "the hooks have the contracts of the functions that they stand for"
)]
#![allow(clippy::duplicate_mod, reason = "three files read the table of hooks, each with a macro of its own")]

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!(
    "libsockshim.so has machine code of its own (vfork, exec*, thread-local storage) for Linux on x86-64 only"
);

use sockshim_sys as sys;

mod act;
mod alloc;
mod arguments;
mod brief;
mod call;
mod capture;
mod commit;
mod confined;
mod copy;
mod decide;
mod dispatch;
mod dl;
mod eight;
mod environment;
mod exec_list;
mod export;
mod fork;
mod gate;
mod identity;
mod init;
mod kmod;
mod late;
mod log;
mod look;
mod memory;
mod mode;
mod nsproxy;
mod original;
mod panic;
mod program;
mod propagate;
mod real;
#[cfg(wrapped)]
mod redirect;
mod rules;
mod scratch;
mod slow;
mod stack;
mod table;
mod target;
#[cfg(feature = "test-support")]
mod test_support;
mod threads;
mod tls;
mod track;
mod trampoline;
mod unwind;
mod vfork;
#[cfg(feature = "test-support")]
mod view;
mod word;
