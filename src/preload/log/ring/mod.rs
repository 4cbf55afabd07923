//! The fast path for data calls at level io: one ring of small records per thread.
//!
//! A data call on a known socket needs no decision, so nothing is walked and nothing is built: the call's words, its
//! result and two readings of the time stamp counter go into the thread's own ring, and the writer makes an event of
//! them. No lock, no locked instruction, and no system call but to wake a writer that is late. Whatever is unusual (an
//! unknown descriptor, a thread without a ring, an address to send to, a child) takes the slow path instead.
//!
//! | file | what |
//! |---|---|
//! | [`record`] | what a record holds |
//! | [`buffer`] | the ring itself: its memory, and whose is what |
//! | [`registry`] | all rings: making, finding and giving up |
//! | [`producer`] | the thread's side, which the gates use |
//! | [`consumer`] | the writer's side |

mod buffer;
mod consumer;
mod producer;
pub mod record;
mod registry;

pub use buffer::Ring;
pub use producer::{
    Begin, bytes, end, end_long, end_poll, end_wait, has_rest, is_no_socket, message, rights, start,
};
pub use record::{SLOTS, Shape, Taken, WORDS};
pub use registry::{all, free_all, make, put_aside, retire_all};
