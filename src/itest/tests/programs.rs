//! Real programs, unmodified, as Debian packages them. Each runs natively, under the shim without a log, and under
//! the shim with the fullest log, and does the same each time. Both ends of every connection run under the shim.
//!
//! A scenario is a function that drives the programs through a [`Session`] and records what they did: statuses, exit
//! codes, checksums of bodies. [`Session::scenario`] runs it once for each level and compares.
//!
//! [`Session`]: session::Session
//! [`Session::scenario`]: session::Session::scenario

#![allow(clippy::disallowed_methods, reason = "no hook is linked into a test")]

#[path = "programs/curl.rs"]
mod curl;
#[path = "programs/log.rs"]
mod log;
#[path = "programs/nginx.rs"]
mod nginx;
#[path = "programs/port.rs"]
mod port;
#[path = "programs/process.rs"]
mod process;
#[path = "programs/python.rs"]
mod python;
#[path = "programs/redis.rs"]
mod redis;
#[path = "programs/session.rs"]
mod session;
#[path = "programs/socat.rs"]
mod socat;
#[path = "programs/ssh.rs"]
mod ssh;
