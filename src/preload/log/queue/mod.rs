//! The way of everything that is logged, from the program's threads to the writer: one queue per thread.
//!
//! A queue is a chain of segments, as in an unbounded single-producer queue. Its thread takes slots by one instruction,
//! fills them, and says last that the record is whole. No lock, no locked instruction, and no system call but where a
//! segment ends, to wake a writer that is behind or to map memory. Nothing waits for the writer: when there is more to
//! be read than [`memory`] has room for, records are dropped and counted.
//!
//! The process may be killed at any instruction, and the writer reads on. So each step leaves what a reader understands,
//! and a record that is not whole hides none that is. `src/model` stops and interrupts the two halves of the protocol,
//! [`reserve`] and [`reader`], at every step.
//!
//! A data call on a known socket needs no decision, so nothing is walked and nothing is built: the call's words, its
//! result and two readings of the time stamp counter are its record ([`producer`]). Whatever is unusual (an unknown
//! descriptor, a thread without a queue, an address to send to, a child) takes the slow path, and leaves an [`event`].
//!
//! | file | what |
//! |---|---|
//! | [`segment`] | what a segment consists of, and what the first word of a slot says |
//! | [`reserve`] | how a thread takes slots |
//! | [`reader`] | how the writer finds what is whole |
//! | [`memory`] | where segments come from and go to |
//! | [`registry`] | all queues: whose they are, and how they change hands |
//! | [`record`] | what a data call leaves |
//! | [`producer`] | data calls: what the gates use |
//! | [`event`] | events: what the slow path uses |
//! | [`noted`] | events of brief calls |
//! | [`consumer`] | the writer's side |

mod consumer;
pub mod event;
mod memory;
pub mod noted;
mod producer;
mod reader;
pub mod record;
mod registry;
mod reserve;
mod segment;

pub use consumer::{Peeked, tidy};
pub use memory::capacity;
pub use producer::{
    Begin, Thread, bytes, control, copies, end, end_about, end_long, end_poll, end_wait, has_rest,
    is_no_socket, is_no_socket_at, message, rights, start, thread,
};
pub use record::{Shape, Taken, WORDS};
pub use registry::{
    Queue, add_dropped, all, forget_all, hold_back, let_go, make_fast, provide, put_aside, retire_all, share,
    take_dropped,
};

/// Where the model interrupts.
#[inline(always)]
fn step() {}
