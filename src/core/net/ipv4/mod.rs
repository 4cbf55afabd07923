//! AF_INET (`net/ipv4`).

pub mod af_inet;
pub mod ping;
pub mod raw;
pub mod tcp;
pub mod udp;
