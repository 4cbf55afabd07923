//! The Linux socket layer in userspace: which function the kernel would run for a socket call, and why.
//!
//! Module paths mirror the kernel's: a reader who knows `net/ipv4/af_inet.c` finds [`net::ipv4::af_inet`]. The crate
//! decides and describes; it never performs a call, holds no lock, and contains no `unsafe`.
//!
//! A call passes through here twice, before and after libc performs it:
//! 1. *decide*: a `sys_*` function of [`net::socket`] walks the tables and returns a [`verdict::Verdict`];
//! 2. *commit*: after libc has answered, the verdict's [`verdict::Change`] is applied to the socket's state in the
//!    [`fdtable`], and the finished [`trace::event::Event`] goes to the log.
#![deny(unsafe_code)]

pub mod boxed;
mod c_types;
mod cells;
pub mod config;
pub mod decimal;
pub mod errno;
pub mod fdtable;
pub mod hook;
pub mod instead;
pub mod meaning;
pub mod net;
pub mod published;
pub mod resolve;
pub mod rules;
pub mod spelling;
pub mod tap;
pub mod trace;
pub mod uapi;
pub mod verdict;
