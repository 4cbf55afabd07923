//! Which number is which socket: the protocol that keeps the fd table ([`sockshim_core::fdtable`]) true.
//!
//! Nothing else stores entries. The layer stands above `log`, `identity` and `sys`, and below `call` and `dispatch`: it
//! knows no ticket.
//!
//! # What an entry can be
//! - **unknown**: whoever needs it asks the kernel and stores the answer ([`adopt`]).
//! - **not a socket**, as of the last question.
//! - **a socket**: a handle on what is remembered of it, with the kernel's name for it ([`owner`]).
//! - **doubtful**: unknown, and something was known. What another thread is about to store here may be older than that.
//!
//! # Who may store what, and when
//! | when | what |
//! |---|---|
//! | libc has made a socket | the socket ([`remember`]) |
//! | a number has come by another way (a message, dup of something unknown) | nothing: it is asked when it is used, beside other threads at once ([`learn`]) |
//! | libc has copied a known socket | the same socket ([`copy`]) |
//! | a descriptor is about to be closed or replaced | unknown, *before* libc closes it ([`end`]): afterwards the number may be another thread's |
//! | a call needs an unknown descriptor | what the kernel says ([`adopt`]) |
//! | what the kernel says contradicts the entry | doubtful |
//!
//! # Why everybody checks again
//! No lock is held over libc's call. So a thread may store a socket that it has made when another has already closed
//! it and a third has been given the number. Therefore a thread that has stored or removed an entry in a process with
//! threads asks the kernel again afterwards ([`remember`], [`settle`]), and removes only the entry that it has seen.
//! Whatever happens in between, the last thread to check notices it, and what is uncertain becomes doubtful.
//!
//! # How a stale entry is noticed
//! A close that no hook sees (by machine code, or through a symbol that dlvsym found) leaves a socket in the table. It is
//! noticed
//! - by a control call about the number, which asks for the kernel's name first ([`confirmed`]),
//! - when the number is closed or replaced, likewise ([`end`], [`verify_range`]), if the log wants to know,
//! - when the kernel gives the number out: that alone says that the old socket is gone. Beside other threads the kernel is
//!   asked all the same, because one of them may have used the new number already.
//!
//! Data calls trust the entry: on their fast path there is no room for a system call. So what they have logged since the
//! entry became stale may be about something else, and the log says so as soon as it is noticed ([`stale`]).
//!
//! # When a prediction is wrong
//! Another call, thread or process may have changed the socket meanwhile, or nobody here has seen how it changed. Before
//! the tables are blamed, the slot and the kernel are looked at once more ([`contradicted`]). Equal states before and after
//! prove nothing beside other threads, so there each call with a prediction counts itself in the slot ([`overlap`]).

mod behind;
mod contradict;
mod correct;
mod kernel;
mod lookup;
mod overlap;
mod owner;
mod stale;
mod store;

pub use behind::{is_interposed, set_interposed};
pub use contradict::contradicted;
pub use correct::{correct, follow, made_behind};
pub use lookup::{Known, certain, confirmed, is_current, is_other, known, verify_range};
pub use overlap::{Begun, blame_no_other, overlap};
pub use store::{adopt, copy, end, learn, learn_again, made, remember, settle};
