//! AF_INET6 (`net/ipv6`).

pub mod af_inet6;
pub mod ipv6_sockglue;
pub mod ping;
pub mod raw;
pub mod tcp;
pub mod udp;
