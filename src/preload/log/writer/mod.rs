//! The writer: it fetches, formats and writes, beside the program's threads.
//!
//! It is a process of its own that shares the program's memory: no thread of the program, so nothing that a program can
//! count, signal or be told by the kernel has changed, and what kills the program does not kill it.
//!
//! | file | what |
//! |---|---|
//! | [`control`] | what others ask of it, and how they wait for it |
//! | `drain` | its work |
//! | `launch` | how it is made |
//! | [`life`] | when it begins and ends |
//! | [`program`] | what it sees of the program from outside |

pub mod apart;
pub mod control;
mod drain;
mod launch;
pub mod life;
pub mod program;

pub use control::release;
