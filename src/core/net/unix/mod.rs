//! AF_UNIX (`net/unix`).

pub mod af_unix;
