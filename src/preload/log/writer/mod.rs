//! The writer: the thread that fetches, formats and writes.
//!
//! | file | what |
//! |---|---|
//! | [`control`] | what other threads ask of it, and how they wait for it |
//! | `drain` | what it does all day |
//! | `launch` | how it is started |

pub mod control;
mod drain;
mod launch;

pub use control::{pause, pause_for_ever, renamed, resume, stop};
pub use launch::start;
