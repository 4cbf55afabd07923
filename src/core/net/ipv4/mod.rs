//! AF_INET (`net/ipv4`).

pub mod af_inet;
pub mod bind;
pub mod common;
pub mod connection;
pub mod ip_sockglue;
pub mod ping;
pub mod raw;
pub mod tcp;
pub mod udp;
