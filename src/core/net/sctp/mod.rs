//! SCTP (`net/sctp`), which most kernels have as a module.

pub mod protocol;
