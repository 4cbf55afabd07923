//! Multipath TCP (`net/mptcp`).

pub mod protocol;
