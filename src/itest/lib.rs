//! The harness of the integration tests: programs run natively and under the shim, and the runs are compared.
//!
//! The steps of a test:
//!
//! 1. [`cc`] compiles a program of `c-tests/`, and [`shim`] builds the preload library. Both do nothing if the result
//!    is up to date, and any number of test processes may call them at once.
//! 2. [`command`] prepares the program for a [`RunLevel`]: natively, or under the shim with a log of that level.
//! 3. [`run`] runs it to its end, or [`Server::start`] leaves it running while the test talks to it. In both cases
//!    the program gets a process group of its own, which does not outlive the test.
//! 4. [`events`] reads what the shim logged into the test's [`Scratch`] directory.
//!
//! The kernel is the oracle: under the shim a program must print what it prints natively.

mod compile;
mod group;
mod log;
mod run;
mod scratch;
mod server;

pub use compile::{cc, directive, shim, target_dir, test_shim, workspace};
pub use log::{by_call, events, without_special};
pub use run::{ALL_SHIMMED, Output, RunLevel, command, run};
pub use scratch::Scratch;
pub use server::Server;
