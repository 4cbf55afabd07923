//! The harness of the integration tests: programs run natively and under the shim, and the two are compared.
//!
//! One test's life:
//!
//! 1. [`cc`] compiles a program of `c-tests/`, [`shim`] builds the preload library. Both do nothing when there
//!    is nothing to do, and both may be called by any number of test processes at once.
//! 2. [`command`] prepares the program for a [`Level`]: natively, or under the shim with a log of that level.
//! 3. [`run`] runs it to its end, or [`Server::start`] leaves it running while the test talks to it. Either way
//!    the program gets a process group of its own, which does not outlive the test.
//! 4. [`events`] reads what the shim logged into the test's [`Scratch`] directory.
//!
//! The kernel is the oracle: what a program prints natively is what it has to print under the shim.

mod compile;
mod group;
mod log;
mod run;
mod scratch;
mod server;

pub use compile::{cc, directive, shim, target_dir, test_shim, workspace};
pub use log::{by_call, events, without_special};
pub use run::{ALL_SHIMMED, Level, Output, command, run};
pub use scratch::Scratch;
pub use server::Server;
