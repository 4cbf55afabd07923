//! The subcommands, one file each: a type with its part of the command line, and `run`, which executes it.

pub mod can;
pub mod check;
pub mod explain;
pub mod generate;
pub mod hooks;
pub mod run;
pub mod self_test;
pub mod tables;
pub mod trace;
