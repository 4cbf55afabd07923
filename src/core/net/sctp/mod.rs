//! SCTP (`net/sctp`), a kernel module on most systems.

pub mod protocol;
