//! The subcommands, a file each: its `Args` are its part of the command line, its `run` is what it does.

pub mod check;
pub mod explain;
pub mod hooks;
pub mod tables;
